// The convolutions that the ladder climbs: those of a network, and awkward ones.

import DeepImagePrior
import NeuralNetwork

/// One convolution by itself.
struct LadderShape: Encodable, Hashable, CustomStringConvertible {
    let height, width: Int
    let inputs, outputs: Int
    let kernel, stride: Int
    let padding: Padding

    /// Sizes that are no multiples of anything, channels that leave tails, flat and tiny pictures.
    static let awkward: [LadderShape] = [
        LadderShape(
            height: 29, width: 35, inputs: 33, outputs: 47, kernel: 3, stride: 1,
            padding: .reflection),
        LadderShape(
            height: 38, width: 41, inputs: 16, outputs: 20, kernel: 3, stride: 1, padding: .zero),
        LadderShape(
            height: 3, width: 150, inputs: 17, outputs: 3, kernel: 3, stride: 1,
            padding: .reflection),
        LadderShape(
            height: 5, width: 3, inputs: 3, outputs: 7, kernel: 3, stride: 1, padding: .zero),
        LadderShape(
            height: 29, width: 26, inputs: 20, outputs: 12, kernel: 5, stride: 1,
            padding: .reflection),
        LadderShape(
            height: 43, width: 33, inputs: 24, outputs: 40, kernel: 3, stride: 2,
            padding: .reflection),
        LadderShape(
            height: 50, width: 71, inputs: 130, outputs: 1, kernel: 1, stride: 1, padding: .zero),
    ]

    /// The distinct convolutions of a network, in the order in which they run, but for those whose
    /// outputs are averaged.
    ///
    /// - Throws: `FitError.invalid` for a name or a size that makes no network.
    static func ofNetwork(_ preset: String, tile: Int) throws(FitError) -> [LadderShape] {
        let configuration = try Preset(nameOrFile: preset).configuration
        _ = try requireMemory(configuration, tile: tile, bands: 3)
        let layers = try Fit.layers(configuration, height: tile, width: tile, bands: 3)
        var shapes: [LadderShape] = []
        for layer in layers where !layer.averages {
            let shape = LadderShape(
                height: layer.source.shape.height, width: layer.source.shape.width,
                inputs: layer.source.shape.channels, outputs: layer.outputShape.channels,
                kernel: layer.kernel, stride: layer.stride,
                // A 1x1 kernel does not reach beyond the rim.
                padding: layer.kernel == 1 ? .zero : configuration.padding)
            if !shapes.contains(shape) { shapes.append(shape) }
        }
        return shapes
    }

    var outputHeight: Int { (height + stride - 1) / stride }
    var outputWidth: Int { (width + stride - 1) / stride }
    var inputCount: Int { height * width * inputs }
    var outputCount: Int { outputHeight * outputWidth * outputs }
    var weightCount: Int { outputs * inputs * kernel * kernel }
    /// Multiplications of one pass.
    var productCount: Int { kernel * kernel * inputs * outputCount }

    var description: String {
        "\(height)x\(width), \(inputs) to \(outputs) channels, \(kernel)x\(kernel)"
            + (stride > 1 ? "/\(stride)" : "") + (kernel > 1 ? ", \(padding)" : "")
    }

    /// A network of this convolution and nothing else.
    func describe() throws(NetworkError) -> NetworkDescription {
        var network = NetworkDescription(
            input: Shape(height: height, width: width, channels: inputs))
        let end = try network.convolution(
            Self.layerName, of: network.input, outputChannels: outputs, kernel: kernel,
            stride: stride, padding: padding)
        try network.finish(with: end, sigmoid: false)
        return network
    }

    static let layerName = "convolution"
}

/// Numbers to run a convolution with, uniform in [-1, 1).
struct LadderNumbers {
    let input: [Float]  // (height, width, inputs)
    let weights: [Float]  // (outputs, inputs, kernel, kernel), as PyTorch's
    let outputGradient: [Float]  // (output height, output width, outputs)

    init(_ shape: LadderShape, kernels: Kernels) {
        func draw(_ count: Int, _ word: UInt32) -> [Float] {
            kernels.uniform(count: count, RandomStream(seed: 0, words: (word, 0, 0)))
                .map { 2 * $0 - 1 }
        }
        input = draw(shape.inputCount, 0)
        weights = draw(shape.weightCount, 1)
        outputGradient = draw(shape.outputCount, 2)
    }
}
