// A network as its author writes it down: layers and how they are connected.
//
// Nothing is computed here. A `Feature` is *lazy*: it names stored convolution outputs and how a
// consumer is to see them (normalized, activated, enlarged, side by side). `Network` compiles the
// description; the consumer applies what is pending while it loads.

/// Height, width and channels of a tensor, stored channels-last.
public struct Shape: Equatable, Sendable, CustomStringConvertible {
    public let height: Int
    public let width: Int
    public let channels: Int

    public init(height: Int, width: Int, channels: Int) {
        self.height = height
        self.width = width
        self.channels = channels
    }

    public var pixels: Int { height * width }
    public var count: Int { height * width * channels }
    public var description: String { "\(height)x\(width)x\(channels)" }
}

/// What a convolution sees beyond the rim of its input.
public enum Padding: String, Codable, Sendable, CaseIterable {
    /// Mirror image without repeating the rim pixel, as PyTorch's `ReflectionPad2d`.
    case reflection
    case zero
}

/// How a feature is enlarged by two.
public enum Upsampling: String, Codable, Sendable, CaseIterable {
    /// Half-pixel centres, as PyTorch's `align_corners=False`.
    case bilinear
    case nearest
}

/// How a convolution halves its input.
public enum Downsampling: String, Codable, Sendable, CaseIterable {
    /// It moves on by two pixels.
    case stride
    /// It moves on by one pixel; then the mean of each 2x2 pixels is taken.
    case average = "avg"
}

/// Layers, in the order in which they run.
public struct NetworkDescription {
    /// A value on the way through the network, as its consumers see it.
    public struct Feature {
        public let shape: Shape
        var parts: [Part]
        var joinNormalization: Int?
    }

    struct Part {
        /// Which stored tensor: the input or a convolution's raw output.
        var slot: Int
        var shape: Shape
        var normalization: Int?
        var slope: Float = 1
        var upsampling: Upsampling?
    }

    /// A convolution with what is pending on its source.
    public struct Convolution {
        public let name: String
        public let source: Feature
        let slot: Int
        public let outputShape: Shape
        public let kernel: Int
        public let stride: Int
        /// Whether each output is the mean of 2x2 neighbouring outputs of stride 1.
        public let averages: Bool
        let padding: Padding

        /// Pixels along a side that an output depends on.
        var taps: Int { averages ? kernel + 1 : kernel }

        /// Multiplications of one pass over the image.
        public var productCount: Int { taps * taps * source.shape.channels * outputShape.count }

        /// Passes of so many products on the way back: to the weights and, unless the source is
        /// the network's input alone, to the source.
        public var backwardPassCount: Int {
            source.parts.contains { $0.slot != NetworkDescription.inputSlot } ? 2 : 1
        }

        /// Whether a network with this choice of paths computes the convolution on the fast one.
        public func takesFastPath(_ choice: PathChoice) -> Bool {
            WinogradPath.suits(geometry, choice)
        }
    }

    struct Normalization {
        let name: String
        let channels: Int
    }

    static let inputSlot = 0

    let inputShape: Shape
    private(set) var slotShapes: [Shape]
    /// In the order in which they run.
    public private(set) var convolutions: [Convolution] = []
    private(set) var normalizations: [Normalization] = []
    /// The slot of the last convolution, and whether a sigmoid follows it.
    private(set) var output: (slot: Int, sigmoid: Bool)?

    public init(input: Shape) {
        inputShape = input
        slotShapes = [input]
    }

    /// The network's input z.
    public var input: Feature {
        Feature(shape: inputShape, parts: [Part(slot: Self.inputSlot, shape: inputShape)])
    }

    /// A square convolution with bias, padded so that stride 1 keeps the size and stride 2 gives
    /// ceil(size / 2). Parameters: `NAME.weight` (output, input, kernel, kernel), `NAME.bias`.
    ///
    /// - Parameter averages: With stride 2 and an input of even size: the convolution has stride 1
    ///   and the mean of each 2x2 outputs is taken, as PyTorch's `AvgPool2d(2)`.
    /// - Throws: `NetworkError.invalid` for an even kernel or a reflection wider than the input.
    public mutating func convolution(
        _ name: String, of source: Feature, outputChannels: Int, kernel: Int, stride: Int = 1,
        averages: Bool = false, padding: Padding
    ) throws(NetworkError) -> Feature {
        guard kernel % 2 == 1, kernel >= 1, stride >= 1, outputChannels >= 1 else {
            throw .invalid(
                "\(name): kernel \(kernel), stride \(stride), \(outputChannels) channels; the "
                    + "kernel must be odd and all of them at least 1")
        }
        let rim = kernel / 2
        if padding == .reflection, min(source.shape.height, source.shape.width) <= rim {
            throw .invalid(
                "\(name): \(source.shape) is too small to be reflected by \(rim) pixels; use a "
                    + "larger tile or fewer levels")
        }
        guard !averages || stride == 2 && (source.shape.height | source.shape.width) % 2 == 0 else {
            throw .invalid(
                "\(name): \(source.shape) and stride \(stride); means of 2x2 pixels need stride 2 "
                    + "and even sizes")
        }
        let shape = Shape(
            height: (source.shape.height + stride - 1) / stride,
            width: (source.shape.width + stride - 1) / stride, channels: outputChannels)
        let slot = slotShapes.count
        slotShapes.append(shape)
        convolutions.append(
            Convolution(
                name: name, source: source, slot: slot, outputShape: shape, kernel: kernel,
                stride: stride, averages: averages, padding: padding))
        return Feature(shape: shape, parts: [Part(slot: slot, shape: shape)])
    }

    /// Batch normalization over the pixels of the current image (epsilon 1e-5, biased variance),
    /// then LeakyReLU with the given slope for negative values (1: none). Parameters:
    /// `NAME.weight`, `NAME.bias`.
    ///
    /// - Throws: `NetworkError.invalid` for an activation on anything but a convolution's output.
    public mutating func normalization(
        _ name: String, of source: Feature, slope: Float = 1
    ) throws(NetworkError) -> Feature {
        let index = normalizations.count
        normalizations.append(Normalization(name: name, channels: source.shape.channels))
        var result = source
        if source.parts.count == 1, source.joinNormalization == nil,
            source.parts[0].normalization == nil, source.parts[0].upsampling == nil,
            source.parts[0].slot != Self.inputSlot
        {
            result.parts[0].normalization = index
            result.parts[0].slope = slope
        } else {
            guard slope == 1, source.joinNormalization == nil else {
                throw .invalid(
                    "\(name): an activation or a second normalization needs a convolution before it"
                )
            }
            result.joinNormalization = index
        }
        return result
    }

    /// The feature enlarged by two in both directions.
    ///
    /// - Throws: `NetworkError.invalid` unless it is a convolution's output, normalized or not.
    public func upsampled(_ source: Feature, by mode: Upsampling) throws(NetworkError) -> Feature {
        guard source.parts.count == 1, source.joinNormalization == nil,
            source.parts[0].upsampling == nil
        else { throw .invalid("only a convolution's output can be enlarged") }
        var part = source.parts[0]
        part.upsampling = mode
        let shape = Shape(
            height: source.shape.height * 2, width: source.shape.width * 2,
            channels: source.shape.channels)
        return Feature(shape: shape, parts: [part])
    }

    /// Two features of equal size side by side along the channels.
    ///
    /// - Throws: `NetworkError.invalid` where their sizes differ or either is a join itself.
    public func concatenated(_ first: Feature, _ second: Feature) throws(NetworkError) -> Feature {
        guard first.shape.height == second.shape.height, first.shape.width == second.shape.width
        else { throw .invalid("\(first.shape) and \(second.shape) cannot stand side by side") }
        guard first.joinNormalization == nil, second.joinNormalization == nil,
            first.parts.count == 1, second.parts.count == 1
        else { throw .invalid("only two stored tensors can stand side by side") }
        let shape = Shape(
            height: first.shape.height, width: first.shape.width,
            channels: first.shape.channels + second.shape.channels)
        return Feature(shape: shape, parts: first.parts + second.parts)
    }

    /// Ends the network with a convolution's output plus its bias, through a sigmoid where asked.
    ///
    /// - Throws: `NetworkError.invalid` unless the feature is the last convolution's bare output.
    public mutating func finish(with feature: Feature, sigmoid: Bool) throws(NetworkError) {
        guard feature.parts.count == 1, feature.parts[0].normalization == nil,
            feature.joinNormalization == nil, feature.parts[0].upsampling == nil,
            feature.parts[0].slot == convolutions.last?.slot
        else { throw .invalid("a network ends with a convolution's bare output") }
        output = (feature.parts[0].slot, sigmoid)
    }

    /// Arithmetic of one training iteration in floating-point operations: each convolution counted
    /// three times (forward, to the input, to the weights), two operations a product.
    public var operationsPerIteration: Double {
        convolutions.reduce(0) { total, layer in total + 6 * Double(layer.productCount) }
    }
}
