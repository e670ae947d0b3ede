import NeuralNetwork
import Testing

/// What a compiled network promises beyond its numbers.
struct NetworkTests {
    private func layerCase(_ prefix: String) throws -> LayerCase {
        try #require(LayerCases.all.first { $0.name.hasPrefix(prefix) })
    }

    @Test func `two networks of one description compute the same bytes`() throws {
        let layerCase = try layerCase("4 channels and 7 enlarged bilinear")
        let reference = NaiveNetwork(description: try layerCase.describe())
        let sample = LayerTests.draw(layerCase, reference, seed: 5)
        for kernels in KernelPaths.all {
            let results = try (0..<2).map { _ in
                LayerTests.run(sample, try Network(layerCase.describe(), kernels: kernels))
            }
            #expect(results[0].output == results[1].output)
            #expect(results[0].gradients == results[1].gradients)
        }
    }

    @Test func `paths agree within rounding`() throws {
        let layerCase = try layerCase("3x3 stride 1 zero 33x29")
        let reference = NaiveNetwork(description: try layerCase.describe())
        let sample = LayerTests.draw(layerCase, reference, seed: 6)
        let results = try KernelPaths.all.map {
            LayerTests.run(sample, try Network(layerCase.describe(), kernels: $0))
        }
        for other in results.dropFirst() {
            #expect(LayerTests.complaints(other, results[0], layerCase) == [])
        }
    }

    @Test func `a pass changes neither parameters nor where anything lies`() throws {
        let layerCase = try layerCase("4 channels and 7 enlarged nearest")
        let network = try Network(layerCase.describe(), kernels: Kernels.forThisMachine())
        network.initialize(RandomStream(seed: 9, words: (2, 0, 0)))
        func places() -> [UnsafeMutablePointer<Float>?] {
            [
                network.input, network.output, network.outputGradient, network.values,
                network.gradients, network.firstMoments, network.secondMoments,
            ].map(\.baseAddress)
        }
        let (before, values) = (places(), Array(network.values))
        for _ in 0..<3 {
            network.forward()
            _ = network.outputGradient.update(fromContentsOf: Array(network.output))
            network.backward()
            #expect(Array(network.values) == values)
            var adam = Adam()
            adam.step(network, learningRate: 0)
        }
        #expect(places() == before)
        #expect(Set(before).count == before.count)
        #expect(Array(network.values) == values)
    }

    @Test func `parameters survive the way to the engine's order and back`() throws {
        for prefix in ["3x3 stride 1 reflection 5x6 3 to 7", "5x5 stride 1 zero 8x5"] {
            let network = try Network(
                layerCase(prefix).describe(), kernels: Kernels.forThisMachine())
            var random = SeededGenerator(seed: 3)
            var written: [String: [Float]] = [:]
            for parameter in network.layout.parameters {
                let values = random.floats(parameter.count)
                network.set(parameter, to: values)
                written[parameter.name] = values
            }
            for parameter in network.layout.parameters {
                #expect(network.values(of: parameter) == written[parameter.name])
                #expect(network.layout[parameter.name]?.shape == parameter.shape)
            }
            let norm = network.gradients.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(network.gradientNorm() - norm) <= 1e-6 * norm)
        }
    }

    @Test func `initial parameters are bounded by the fan-in and depend on the seed`() throws {
        let layerCase = try layerCase("3x3 stride 1 reflection 5x6 33 to 33")
        let network = try Network(layerCase.describe(), kernels: Kernels.forThisMachine())
        func initial(_ seed: UInt64) -> [Float] {
            network.initialize(RandomStream(seed: seed, words: (2, 0, 0)))
            return Array(network.values)
        }
        #expect(initial(1) != initial(2))
        #expect(initial(1) == initial(1))
        for parameter in network.layout.parameters {
            let values = network.values(of: parameter)
            if parameter.name.contains(".norm.") {
                #expect(values.allSatisfy { $0 == (parameter.name.hasSuffix("weight") ? 1 : 0) })
                continue
            }
            let fanIn = Float(parameter.name.hasPrefix("before") ? 3 : 297)
            guard parameter.name.hasPrefix("tested") || parameter.name.hasPrefix("before") else {
                continue
            }
            let bound = 1 / fanIn.squareRoot()
            #expect(values.allSatisfy { abs($0) <= bound }, "\(parameter.name)")
            guard parameter.count > 1000 else { continue }
            let size = rootMeanSquare(values.map(Double.init))
            #expect(abs(size - Double(bound) / 3.0.squareRoot()) < 0.02 * Double(bound))
            #expect(abs(values.map(Double.init).reduce(0, +)) / Double(parameter.count) < 0.002)
        }
    }

    @Test func `memory is known before it is taken`() throws {
        for layerCase in LayerCases.all.prefix(20) {
            let description = try layerCase.describe()
            let network = try Network(description, kernels: Kernels.forThisMachine())
            #expect(try Network.memoryByteCount(of: description) == network.memoryByteCount)
            #expect(try Network.parameterCount(of: description) == network.values.count)
        }
    }

    @Test func `Adam moves all parameters by the written formula`() throws {
        let layerCase = try layerCase("3x3 stride 1 reflection 7x10")
        let network = try Network(layerCase.describe(), kernels: Kernels.forThisMachine())
        network.initialize(RandomStream(seed: 4, words: (2, 0, 0)))
        var random = SeededGenerator(seed: 8)
        let count = network.values.count
        var weights = network.values.map(Double.init)
        var first = [Double](repeating: 0, count: count)
        var second = [Double](repeating: 0, count: count)
        var adam = Adam()
        for step in 1...5 {
            let gradient = random.doubles(count, -2...2)
            _ = network.gradients.update(fromContentsOf: gradient.map(Float.init))
            adam.step(network, learningRate: 0.03, gradientScale: 0.5)
            for i in 0..<count {
                let g = 0.5 * gradient[i]
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g * g
                let (c1, c2) = (1 - powered(0.9, step), 1 - powered(0.999, step))
                weights[i] -= 0.03 * (first[i] / c1) / ((second[i] / c2).squareRoot() + 1e-8)
            }
            let tolerance = Tolerance(absolute: 1e-6, relative: 1e-5)
            #expect(tolerance.complaint(Array(network.values), weights) == nil, "step \(step)")
            #expect(tolerance.complaint(Array(network.firstMoments), first) == nil)
            #expect(tolerance.complaint(Array(network.secondMoments), second) == nil)
        }
        #expect(adam.stepCount == 5)
    }

    private func powered(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }
}
