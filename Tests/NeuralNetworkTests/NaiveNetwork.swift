// A network computed from its description, layer by layer and without any of the engine's ideas:
// every value is stored, every bias is added, every sum is taken in double precision.

import Glibc

@testable import NeuralNetwork

/// What a network does with one input and target.
struct NetworkResult {
    /// (height, width, channels)
    var output: [Double]
    /// Mean of (output - target)^2.
    var loss: Double
    /// dLoss/d(parameter) by name, in PyTorch's order.
    var gradients: [String: [Double]] = [:]
}

/// Numbers to run a network with.
struct NetworkSample {
    var input: [Double]
    var target: [Double]
    /// By name, in PyTorch's order.
    var parameters: [String: [Double]]
}

/// The reference for one description.
struct NaiveNetwork {
    let description: NetworkDescription

    var outputShape: Shape { description.slotShapes[description.slotShapes.count - 1] }

    /// Names and shapes of all parameters, in the order of the layers.
    var parameterShapes: [(name: String, shape: [Int])] {
        description.convolutions.flatMap { layer in
            [
                (
                    "\(layer.name).weight",
                    [
                        layer.outputShape.channels, layer.source.shape.channels, layer.kernel,
                        layer.kernel,
                    ]
                ),
                ("\(layer.name).bias", [layer.outputShape.channels]),
            ]
        }
            + description.normalizations.flatMap { norm in
                [
                    ("\(norm.name).weight", [norm.channels]),
                    ("\(norm.name).bias", [norm.channels]),
                ]
            }
    }

    /// Output, loss and, where wanted, gradients; and how near a LeakyReLU's input came to 0.
    func run(
        _ sample: NetworkSample, wantsGradients: Bool = true
    ) -> (result: NetworkResult, smallestActivation: Double) {
        let tape = NaiveTape()
        let parameters = sample.parameters.mapValues(NaiveTensor.init)
        let bare = computeSlots(sample, tape, parameters)
        let output = bare.array.map {
            description.output?.sigmoid == true ? 1 / (1 + exp(-$0)) : $0
        }
        let differences = zip(output, sample.target).map { $0 - $1 }
        let count = Double(output.count)
        var result = NetworkResult(
            output: output, loss: differences.reduce(0) { $0 + $1 * $1 } / count)
        guard wantsGradients else { return (result, tape.smallestActivation) }
        for (index, value) in output.enumerated() {
            let slope = description.output?.sigmoid == true ? value * (1 - value) : 1
            bare.gradient[index] = 2 * differences[index] / count * slope
        }
        tape.runBackward()
        result.gradients = parameters.mapValues(\.gradientArray)
        return (result, tape.smallestActivation)
    }

    /// Runs all convolutions; returns the last one's output.
    private func computeSlots(
        _ sample: NetworkSample, _ tape: NaiveTape, _ parameters: [String: NaiveTensor]
    ) -> NaiveTensor {
        func parameter(_ name: String) -> NaiveTensor { parameters[name] ?? NaiveTensor([]) }
        func normalized(_ tensor: NaiveTensor, _ index: Int?) -> NaiveTensor {
            guard let index else { return tensor }
            let name = description.normalizations[index].name
            return tape.normalization(
                tensor, gamma: parameter("\(name).weight"), beta: parameter("\(name).bias"))
        }
        let input = NaiveTensor(description.inputShape)
        for index in sample.input.indices { input.values[index] = sample.input[index] }
        var slots = [input]
        for layer in description.convolutions {
            let parts = layer.source.parts.map { part in
                let activated = tape.leaky(
                    normalized(slots[part.slot], part.normalization), slope: Double(part.slope))
                return part.upsampling.map { tape.upsampled(activated, by: $0) } ?? activated
            }
            let source = normalized(tape.joined(parts), layer.source.joinNormalization)
            let convolved = tape.convolution(
                source, parameter("\(layer.name).weight"), parameter("\(layer.name).bias"),
                output: layer.averages
                    ? Shape(
                        height: source.shape.height, width: source.shape.width,
                        channels: layer.outputShape.channels) : layer.outputShape,
                kernel: layer.kernel, stride: layer.averages ? 1 : layer.stride,
                padding: layer.padding)
            slots.append(layer.averages ? tape.halved(convolved) : convolved)
        }
        return slots[slots.count - 1]
    }
}
