// The table of small networks that every layer is tested with.

@testable import NeuralNetwork

/// A small network, and how near the engine must come to the reference.
struct LayerCase: CustomStringConvertible, Sendable {
    typealias Builder = @Sendable (inout NetworkDescription) throws -> NetworkDescription.Feature

    let name: String
    let input: Shape
    var sigmoid = false
    /// Moves every LeakyReLU's inputs away from 0, half of the channels to each side. Where there
    /// are many values, some come so near to 0 that single precision sees another sign.
    var avoidsKinks = false
    /// Absolute tolerance as a share of a tensor's root mean square, and relative tolerance.
    var share = 2e-5
    var relative = 2e-5
    /// Absolute tolerance of a gradient that vanishes.
    var zero = 2e-7
    /// Adds the layers; returns what the network ends with.
    let build: Builder

    var description: String { name }

    func describe() throws -> NetworkDescription {
        var network = NetworkDescription(input: input)
        let end = try build(&network)
        try network.finish(with: end, sigmoid: sigmoid)
        return network
    }
}

enum LayerCases {
    static let all: [LayerCase] =
        kernels + averaged + channels + sizes + lazyFeatures + sharedFeatures + largeLayers
        + largeJoins

    private static let slope: Float = 0.2

    /// One convolution in the middle: a 1x1 convolution before it makes its channels and wants its
    /// input's gradient, a 1x1 convolution after it makes three bands.
    private static func middle(
        kernel: Int, stride: Int = 1, averages: Bool = false, _ padding: Padding, _ height: Int,
        _ width: Int, channels: Int, outputs: Int
    ) -> LayerCase {
        LayerCase(
            name: "\(kernel)x\(kernel) \(averages ? "averaged" : "stride \(stride)") \(padding) "
                + "\(height)x\(width) "
                + "\(channels) to \(outputs) channels",
            input: Shape(height: height, width: width, channels: 3)
        ) { network in
            let before = try block("before", of: network.input, channels, in: &network)
            let tested = try block(
                "tested", of: before, outputs, kernel: kernel, stride: stride, averages: averages,
                padding, in: &network)
            return try network.convolution(
                "output", of: tested, outputChannels: 3, kernel: 1, padding: padding)
        }
    }

    /// Convolution, normalization, LeakyReLU.
    static func block(
        _ name: String, of source: NetworkDescription.Feature, _ channels: Int, kernel: Int = 1,
        stride: Int = 1, averages: Bool = false, _ padding: Padding = .zero, slope: Float = slope,
        in network: inout NetworkDescription
    ) throws -> NetworkDescription.Feature {
        let raw = try network.convolution(
            name, of: source, outputChannels: channels, kernel: kernel, stride: stride,
            averages: averages, padding: padding)
        return try network.normalization("\(name).norm", of: raw, slope: slope)
    }

    /// Every kernel size, stride and padding, on odd and even sizes.
    private static let kernels: [LayerCase] = [1, 3, 5].flatMap { kernel in
        [1, 2].flatMap { stride in
            Padding.allCases.flatMap { padding in
                [(7, 10), (8, 5)].map { height, width in
                    middle(
                        kernel: kernel, stride: stride, padding, height, width, channels: 4,
                        outputs: 6)
                }
            }
        }
    }

    /// Means of 2x2 outputs, in one part and in several.
    private static let averaged: [LayerCase] = Padding.allCases.flatMap { padding in
        [(1, 6, 10, 4, 6), (3, 6, 10, 4, 6), (3, 4, 4, 17, 16), (5, 8, 6, 3, 7)].map {
            kernel, height, width, channels, outputs in
            middle(
                kernel: kernel, stride: 2, averages: true, padding, height, width,
                channels: channels, outputs: outputs)
        } + [
            large(
                middle(
                    kernel: 3, stride: 2, averages: true, padding, 96, 80, channels: 32,
                    outputs: 33))
        ]
    }

    /// Channel counts below, at and beyond the vectors' and blocks' lengths.
    private static let channels: [LayerCase] = [
        (1, 1), (1, 16), (3, 7), (7, 3), (16, 17), (17, 16), (33, 1), (33, 33), (130, 16),
        (16, 130),
    ].flatMap { channels, outputs in
        [
            middle(kernel: 3, .reflection, 5, 6, channels: channels, outputs: outputs),
            middle(kernel: 1, .zero, 6, 5, channels: channels, outputs: outputs),
            middle(kernel: 3, stride: 2, .zero, 6, 7, channels: channels, outputs: outputs),
        ]
    }

    /// The smallest images, and flat ones.
    private static let sizes: [LayerCase] =
        [1, 3, 5].map { single(middle(kernel: $0, .zero, 1, 1, channels: 3, outputs: 2)) } + [
            single(middle(kernel: 3, stride: 2, .reflection, 2, 2, channels: 3, outputs: 4)),
            middle(kernel: 3, .reflection, 2, 2, channels: 3, outputs: 4),
            middle(kernel: 5, .zero, 2, 2, channels: 3, outputs: 4),
            middle(kernel: 5, .reflection, 3, 3, channels: 3, outputs: 4),
            middle(kernel: 3, .zero, 1, 9, channels: 3, outputs: 4),
            middle(kernel: 3, .zero, 9, 1, channels: 3, outputs: 4),
            middle(kernel: 3, .reflection, 2, 150, channels: 2, outputs: 3),
            middle(kernel: 5, stride: 2, .reflection, 3, 131, channels: 2, outputs: 3),
            middle(kernel: 3, .reflection, 41, 3, channels: 2, outputs: 3),
        ]

    /// A case that normalizes a single pixel: it becomes its beta, and gradients before it vanish.
    /// What remains is the rounding of two equal terms, 1 / sqrt(1e-5) times as large.
    static func single(_ other: LayerCase) -> LayerCase {
        var result = other
        result.share = 1e-3
        result.zero = 1e-4
        return result
    }

    private static let largeKinds: [(Int, Int, Int, Int)] = [
        (33, 29, 16, 24), (24, 40, 33, 17), (20, 36, 64, 32), (64, 64, 16, 16),
    ]

    /// 3x3 layers of many strips.
    private static let largeLayers: [LayerCase] = largeKinds.flatMap {
        height, width, channels, outputs in
        Padding.allCases.map { padding in
            large(middle(kernel: 3, padding, height, width, channels: channels, outputs: outputs))
        }
    }

    private static func large(_ smaller: LayerCase) -> LayerCase {
        var result = smaller
        result.avoidsKinks = true
        result.share = 3e-4
        result.relative = 3e-4
        result.zero = 1e-6
        return result
    }

    /// 3x3 layers over a normalized join of a skip branch and an enlarged one, with enough products
    /// for Winograd's path.
    private static let largeJoins: [LayerCase] = zip(
        Padding.allCases, Upsampling.allCases
    ).map { padding, upsampling in
        large(
            LayerCase(
                name: "3x3 \(padding) 54x74 over 4 and \(upsampling) 48 channels, joined",
                input: Shape(height: 54, width: 74, channels: 3), sigmoid: true
            ) { network in
                let skip = try block("skip", of: network.input, 4, in: &network)
                let deep = try block(
                    "down", of: network.input, 48, kernel: 3, stride: 2, padding, in: &network)
                let join = try network.normalization(
                    "join.norm",
                    of: network.concatenated(skip, network.upsampled(deep, by: upsampling)))
                let decoded = try block("decode", of: join, 36, kernel: 3, padding, in: &network)
                return try network.convolution(
                    "output", of: decoded, outputChannels: 3, kernel: 1, padding: padding)
            })
    }
}
