import NeuralNetwork
import Testing

/// The engine against the naive reference, over the table of cases.
@Suite(.serialized) struct LayerTests {
    /// Input, parameters and target; drawn again where a LeakyReLU's input comes near its kink.
    static func sample(
        _ layerCase: LayerCase, _ reference: NaiveNetwork
    ) -> (NetworkSample, NetworkResult, smallestActivation: Double) {
        for seed in 1...40 {
            let sample = draw(layerCase, reference, seed: seed)
            let (result, nearest) = reference.run(sample)
            if nearest > 2e-5 || seed == 40 { return (sample, result, nearest) }
        }
        preconditionFailure("the loop returns")
    }

    static func draw(
        _ layerCase: LayerCase, _ reference: NaiveNetwork, seed: Int
    ) -> NetworkSample {
        var random = SeededGenerator(seed: seed)
        var parameters: [String: [Double]] = [:]
        for (name, shape) in reference.parameterShapes {
            let count = shape.reduce(1, *)
            let fanIn = Double(max(shape.dropFirst().reduce(1, *), 1))
            if shape.count == 4 {
                let bound = (3 / fanIn).squareRoot()
                parameters[name] = random.doubles(count, -bound...bound)
            } else if name.hasSuffix(".norm.weight") {
                parameters[name] = random.doubles(count, 0.5...1)
            } else if name.hasSuffix(".norm.bias"), layerCase.avoidsKinks {
                parameters[name] = (0..<count).map { $0 % 2 == 0 ? 7 : -7 }
            } else {
                parameters[name] = random.doubles(count, -0.5...0.5)
            }
        }
        let bands = reference.outputShape
        return NetworkSample(
            input: random.doubles(layerCase.input.count),
            target: random.doubles(bands.count, 0...1),
            parameters: parameters)
    }

    /// Forward and backward through the engine.
    static func run(
        _ sample: NetworkSample, _ network: Network
    ) -> NetworkResult {
        for parameter in network.layout.parameters {
            network.set(parameter, to: (sample.parameters[parameter.name] ?? []).map(Float.init))
        }
        _ = network.input.update(fromContentsOf: sample.input.map(Float.init))
        network.forward()
        let output = Array(network.output)
        let count = Double(output.count)
        let sum = network.kernels.residual(
            of: network.output, from: sample.target.map(Float.init), into: network.outputGradient)
        network.kernels.scale(network.outputGradient, by: Float(2 / count))
        network.backward()
        var result = NetworkResult(output: output.map(Double.init), loss: sum / count)
        for parameter in network.layout.parameters {
            result.gradients[parameter.name] = network.gradient(of: parameter).map(Double.init)
        }
        return result
    }

    /// Everything that is out of the case's tolerance.
    static func complaints(
        _ actual: NetworkResult, _ expected: NetworkResult, _ layerCase: LayerCase
    ) -> [String] {
        func compare(_ what: String, _ a: [Double], _ b: [Double], floor: Double) -> String? {
            let tolerance = Tolerance(
                absolute: floor + layerCase.share * rootMeanSquare(b),
                relative: layerCase.relative)
            return tolerance.complaint(a, b).map { "\(what): \($0)" }
        }
        var found = [
            compare("output", actual.output, expected.output, floor: 1e-6),
            compare("loss", [actual.loss], [expected.loss], floor: 1e-7),
        ]
        for (name, gradient) in expected.gradients.sorted(by: { $0.key < $1.key }) {
            found.append(
                compare(
                    "gradient of \(name)", actual.gradients[name] ?? [], gradient,
                    floor: layerCase.zero))
        }
        return found.compactMap(\.self)
    }

    @Test(arguments: LayerCases.all)
    func `the engine computes what the reference computes`(layerCase: LayerCase) throws {
        let description = try layerCase.describe()
        let reference = NaiveNetwork(description: description)
        let (sample, expected, nearest) = Self.sample(layerCase, reference)
        #expect(nearest > 2e-5, "too near to a kink for a comparison")
        for kernels in KernelPaths.all {
            let network = try Network(description, kernels: kernels)
            for pass in 1...2 {
                let actual = Self.run(sample, network)
                for complaint in Self.complaints(actual, expected, layerCase) {
                    Issue.record("\(kernels.name), pass \(pass), \(complaint)")
                }
            }
        }
    }
}
