// The hourglass network with skip connections of Ulyanov, Vedaldi and Lempitsky (2018).
//
// One level, outermost first (LReLU: LeakyReLU with slope 0.2; norm: batch normalization):
//     skip branch: conv 1x1 -> norm -> LReLU                                  (none for 0 channels)
//     deep branch: conv stride 2, or conv and means of 2x2 -> norm -> LReLU
//                  -> conv -> norm -> LReLU
//                  -> the next level -> enlarged by two
//     skip | deep -> norm -> conv -> norm -> LReLU -> [conv 1x1 -> norm -> LReLU]
// and behind the outermost level: conv 1x1 -> [sigmoid].

public import NeuralNetwork

/// The shape of a skip network; lists have one entry a level, outermost first.
public struct SkipNetworkConfiguration: Equatable, Sendable {
    public var inputChannels: Int
    public var outputChannels: Int
    /// Channels on the way down; the number of entries is the number of levels.
    public var down: [Int]
    public var up: [Int]
    /// Channels of the skip branches; 0 for a level without one.
    public var skip: [Int]
    public var filterDown: [Int]
    public var filterUp: [Int]
    public var upsampling: [Upsampling]
    public var downsampling: Downsampling
    public var padding: Padding
    public var hasSigmoid: Bool
    /// A 1x1 convolution after each level's decoding convolution.
    public var hasOneByOneUp: Bool

    public static let leakySlope: Float = 0.2

    public init(
        inputChannels: Int, outputChannels: Int, down: [Int], up: [Int], skip: [Int],
        filterDown: [Int], filterUp: [Int], upsampling: [Upsampling],
        downsampling: Downsampling = .stride, padding: Padding,
        hasSigmoid: Bool, hasOneByOneUp: Bool
    ) {
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.down = down
        self.up = up
        self.skip = skip
        self.filterDown = filterDown
        self.filterUp = filterUp
        self.upsampling = upsampling
        self.downsampling = downsampling
        self.padding = padding
        self.hasSigmoid = hasSigmoid
        self.hasOneByOneUp = hasOneByOneUp
    }

    public var levels: Int { down.count }

    /// Describes the network for an image of this size; parameter names are those of the reference
    /// files (`level0.skip.conv.weight`).
    ///
    /// - Throws: `NetworkError.invalid` where height or width is no multiple of 2^levels, or too
    ///   small for the padding at the deepest level.
    public func describe(height: Int, width: Int) throws(NetworkError) -> NetworkDescription {
        guard (1...16).contains(levels),
            [up.count, skip.count, filterDown.count, filterUp.count, upsampling.count]
                .allSatisfy({ $0 == levels })
        else {
            throw .invalid(
                "a skip network of \(levels) levels needs as many entries in every list, and has 1 "
                    + "to 16 levels")
        }
        let sides = 1...1 << 20
        guard sides.contains(height), sides.contains(width), height % (1 << levels) == 0,
            width % (1 << levels) == 0
        else {
            throw .invalid(
                "\(height)x\(width) pixels are not multiples of \(1 << levels), as \(levels) "
                    + "levels need")
        }
        var network = NetworkDescription(
            input: Shape(height: height, width: width, channels: inputChannels))
        let decoded = try level(0, of: network.input, in: &network)
        let output = try network.convolution(
            "output.conv", of: decoded, outputChannels: outputChannels, kernel: 1,
            padding: padding)
        try network.finish(with: output, sigmoid: hasSigmoid)
        return network
    }

    private typealias Feature = NetworkDescription.Feature

    private func level(
        _ index: Int, of input: Feature, in network: inout NetworkDescription
    ) throws(NetworkError) -> Feature {
        let name = "level\(index)"
        var skipped: Feature?
        if skip[index] > 0 {
            skipped = try block(
                "\(name).skip", of: input, channels: skip[index], kernel: 1, in: &network)
        }
        var deep = try block(
            "\(name).down", of: input, channels: down[index], kernel: filterDown[index], stride: 2,
            averages: downsampling == .average, in: &network)
        deep = try block(
            "\(name).encode", of: deep, channels: down[index], kernel: filterDown[index],
            in: &network)
        if index + 1 < levels { deep = try level(index + 1, of: deep, in: &network) }
        deep = try network.upsampled(deep, by: upsampling[index])
        let joined = try skipped.map { s throws(NetworkError) in try network.concatenated(s, deep) }
        var decoded = try network.normalization("\(name).concat.norm", of: joined ?? deep)
        decoded = try block(
            "\(name).decode", of: decoded, channels: up[index], kernel: filterUp[index],
            in: &network)
        guard hasOneByOneUp else { return decoded }
        return try block("\(name).mix", of: decoded, channels: up[index], kernel: 1, in: &network)
    }

    /// conv -> norm -> LReLU
    private func block(
        _ name: String, of input: Feature, channels: Int, kernel: Int, stride: Int = 1,
        averages: Bool = false, in network: inout NetworkDescription
    ) throws(NetworkError) -> Feature {
        let convolved = try network.convolution(
            "\(name).conv", of: input, outputChannels: channels, kernel: kernel, stride: stride,
            averages: averages, padding: padding)
        return try network.normalization("\(name).norm", of: convolved, slope: Self.leakySlope)
    }
}
