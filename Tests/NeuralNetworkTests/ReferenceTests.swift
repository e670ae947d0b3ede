import NeuralNetwork
import Testing

/// The reference that the engine is held to, and the checker that compares them.
@Suite(.serialized) struct ReferenceTests {
    /// Cases for which every parameter's finite difference is quick.
    private static let tinyCases = LayerCases.all.filter {
        $0.input.pixels <= 60 && !$0.name.contains("130") && !$0.name.contains("33")
    }

    @Test func `the reference's gradients are its finite differences`() throws {
        #expect(Self.tinyCases.count > 40)
        let tolerance = Tolerance(absolute: 2e-8, relative: 1e-5)
        for (number, layerCase) in Self.tinyCases.enumerated() {
            let reference = NaiveNetwork(description: try layerCase.describe())
            let (sample, expected, nearest) = LayerTests.sample(layerCase, reference)
            var random = SeededGenerator(seed: number)
            for (name, gradient) in expected.gradients.sorted(by: { $0.key < $1.key }) {
                let picked = [0, Int.random(in: 0..<gradient.count, using: &random)]
                for index in picked {
                    let slope = Self.centralDifference(
                        reference, sample, name, index, step: min(1e-5, nearest / 100))
                    #expect(
                        tolerance.accepts(gradient[index], slope),
                        "\(layerCase), \(name)[\(index)]: \(gradient[index]), not \(slope)")
                }
            }
        }
    }

    private static func centralDifference(
        _ reference: NaiveNetwork, _ sample: NetworkSample, _ name: String, _ index: Int,
        step: Double
    ) -> Double {
        let losses = [step, -step].map { change in
            var moved = sample
            moved.parameters[name]?[index] += change
            return reference.run(moved, wantsGradients: false).result.loss
        }
        return (losses[0] - losses[1]) / (2 * step)
    }

    @Test func `the table has no two cases of one name`() {
        #expect(Set(LayerCases.all.map(\.name)).count == LayerCases.all.count)
    }

    @Test func `a wrong number anywhere is noticed`() throws {
        let layerCase = LayerCases.all[0]
        let reference = NaiveNetwork(description: try layerCase.describe())
        let (_, right, _) = LayerTests.sample(layerCase, reference)
        #expect(LayerTests.complaints(right, right, layerCase).isEmpty)
        for name in right.gradients.keys.sorted() {
            for wrong in [1.01, .nan, .infinity, -1] {
                var changed = right
                changed.gradients[name]?[0] *= wrong
                changed.gradients[name]?[0] += 1e-4
                let found = LayerTests.complaints(changed, right, layerCase)
                #expect(found.count == 1 && found[0].contains(name), "\(name) times \(wrong)")
            }
            var missing = right
            missing.gradients[name] = nil
            #expect(LayerTests.complaints(missing, right, layerCase).count == 1)
        }
        var changed = right
        changed.output[3] *= 1.001
        changed.loss *= 1.001
        #expect(LayerTests.complaints(changed, right, layerCase).count == 2)
    }

    @Test func `an engine with another padding, slope or weight is noticed`() throws {
        let layerCase = LayerCases.all.first { $0.name.hasPrefix("3x3 stride 1 reflection 7x10") }
        let right = try #require(layerCase)
        let reference = NaiveNetwork(description: try right.describe())
        let (sample, expected, _) = LayerTests.sample(right, reference)
        let variants: [(String, Padding, Float)] = [
            ("nothing", .reflection, 0.2), ("padding", .zero, 0.2), ("slope", .reflection, 0.21),
        ]
        for (what, padding, slope) in variants {
            var network = NetworkDescription(input: right.input)
            let before = try LayerCases.block("before", of: network.input, 4, in: &network)
            let tested = try LayerCases.block(
                "tested", of: before, 6, kernel: 3, padding, slope: slope, in: &network)
            let end = try network.convolution(
                "output", of: tested, outputChannels: 3, kernel: 1, padding: padding)
            try network.finish(with: end, sigmoid: false)
            let actual = LayerTests.run(
                sample, try Network(network, kernels: Kernels(named: "portable")))
            let found = LayerTests.complaints(actual, expected, right)
            #expect(found.isEmpty == (what == "nothing"), "\(what): \(found)")
        }
        let engine = try Network(right.describe(), kernels: Kernels(named: "portable"))
        var moved = sample
        moved.parameters["tested.weight"]?[7] += 0.01
        let found = LayerTests.complaints(LayerTests.run(moved, engine), expected, right)
        #expect(found.contains { $0.hasPrefix("output") })
    }
}
