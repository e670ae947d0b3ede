import NeuralNetwork
import Testing

/// Networks whose paths are chosen by hand, and the gradient of the input.
@Suite struct PathChoiceTests {
    private struct Kind: CustomStringConvertible {
        let height, width, inputs, outputs, kernel, stride: Int
        let padding: Padding

        var description: String {
            "\(kernel)x\(kernel) stride \(stride) \(padding) \(height)x\(width) \(inputs) to "
                + "\(outputs)"
        }

        func describe() throws -> NetworkDescription {
            var network = NetworkDescription(
                input: Shape(height: height, width: width, channels: inputs))
            let end = try network.convolution(
                "only", of: network.input, outputChannels: outputs, kernel: kernel,
                stride: stride, padding: padding)
            try network.finish(with: end, sigmoid: false)
            return network
        }
    }

    private static let kinds = [
        Kind(height: 9, width: 14, inputs: 5, outputs: 7, kernel: 3, stride: 1, padding: .zero),
        Kind(
            height: 21, width: 6, inputs: 16, outputs: 3, kernel: 3, stride: 1,
            padding: .reflection),
        Kind(
            height: 8, width: 11, inputs: 4, outputs: 9, kernel: 3, stride: 2,
            padding: .reflection),
        Kind(height: 7, width: 5, inputs: 6, outputs: 2, kernel: 5, stride: 1, padding: .zero),
        Kind(height: 6, width: 6, inputs: 17, outputs: 33, kernel: 1, stride: 1, padding: .zero),
        Kind(
            height: 65, width: 66, inputs: 48, outputs: 48, kernel: 3, stride: 1,
            padding: .reflection),
    ]

    private struct Numbers {
        var input, output, outputGradient, inputGradient, weights, weightGradient: [Float]
    }

    private func run(_ kind: Kind, _ paths: PathChoice, _ kernels: Kernels) throws -> Numbers {
        let network = try Network(
            kind.describe(), kernels: kernels,
            options: NetworkOptions(paths: paths, wantsInputGradient: true))
        var random = SeededGenerator(seed: 1)
        let input = random.floats(network.input.count)
        let weight = try #require(network.layout["only.weight"])
        let weights = random.floats(weight.count)
        let gradient = random.floats(network.output.count)
        _ = network.input.update(fromContentsOf: input)
        network.set(weight, to: weights)
        network.forward()
        let output = Array(network.output)
        _ = network.outputGradient.update(fromContentsOf: gradient)
        network.backward()
        return Numbers(
            input: input, output: output, outputGradient: gradient,
            inputGradient: Array(try #require(network.inputGradient)), weights: weights,
            weightGradient: network.gradient(of: weight))
    }

    @Test func `every choice computes the same layer`() throws {
        for kind in Self.kinds {
            for kernels in KernelPaths.all {
                let general = try run(kind, .general, kernels)
                for paths in [PathChoice.automatic, .fast] {
                    let other = try run(kind, paths, kernels)
                    for (what, a, b) in [
                        ("output", other.output, general.output),
                        ("input gradient", other.inputGradient, general.inputGradient),
                        ("weight gradient", other.weightGradient, general.weightGradient),
                    ] {
                        let wanted = b.map(Double.init)
                        let tolerance = Tolerance(
                            absolute: 3e-5 * rootMeanSquare(wanted), relative: 3e-5)
                        let complaint = tolerance.complaint(a, wanted)
                        #expect(
                            complaint == nil,
                            "\(kernels.name) \(paths) \(kind), \(what): \(complaint ?? "")")
                    }
                }
            }
        }
    }

    /// A bare convolution is linear in its input and in its weights, so the products of output and
    /// its gradient, input and its gradient, weights and theirs are one number.
    @Test func `gradients are the transposes of the way forward`() throws {
        for kind in Self.kinds {
            for paths in PathChoice.allCases {
                let numbers = try run(kind, paths, .forThisMachine())
                let expected = dotProduct(numbers.output, numbers.outputGradient)
                let size = rootMeanSquare(numbers.output.map(Double.init))
                let allowed = 1e-5 * size * Double(numbers.output.count).squareRoot()
                for (what, found) in [
                    ("input", dotProduct(numbers.input, numbers.inputGradient)),
                    ("weights", dotProduct(numbers.weights, numbers.weightGradient)),
                ] {
                    #expect(
                        abs(found - expected) <= allowed,
                        "\(paths) \(kind), \(what): \(found) instead of \(expected)")
                }
            }
        }
    }

    @Test func `the fast path is taken where it is possible or pays, as asked`() throws {
        let taken = try Self.kinds.map { kind in
            let layer = try #require(try kind.describe().convolutions.first)
            return PathChoice.allCases.map(layer.takesFastPath)
        }
        // automatic, general, fast
        #expect(
            taken == [
                [false, false, true], [false, false, true], [false, false, false],
                [false, false, false], [false, false, false], [true, false, true],
            ])
    }

    @Test func `only who asks gets the gradient of the input`() throws {
        let network = try Network(Self.kinds[0].describe(), kernels: .forThisMachine())
        #expect(network.inputGradient == nil)
        let layers = try LayerCases.all[0].describe().convolutions
        #expect(layers.map(\.backwardPassCount) == [1, 2, 2])
    }
}
