// The pixels that a fit explains.

/// A tile's given pixels, and where it lies in the image.
public struct FitProblem: Sendable {
    /// The most bands that are restored together: one network makes all of them.
    public static let bandCountMaximum = 256

    /// (height, width, bands), 0 to 1; NaN where a sample is missing.
    public var pixels: [Float]
    public var height: Int
    public var width: Int
    public var bands: Int
    /// Pixels of the restored tile for each given one, along both axes.
    public var factor: Int
    /// Column and row of the restored tile's first pixel in the restored image: z is cut from one
    /// field over it.
    public var originX: Int
    public var originY: Int
    /// The tile's number, which its noise depends on.
    public var tile: Int
    /// Size of the whole restored image, which `NetworkInput.meshgrid` counts by; nil where nobody
    /// asks.
    public var imageWidth: Int?
    public var imageHeight: Int?
    /// `NetworkInput.guide`, (outputHeight, outputWidth, guideBands), normally 0 to 1; NaN where a
    /// sample is missing.
    public var guide: [Float] = []
    public var guideBands = 0

    public init(
        pixels: [Float], height: Int, width: Int, bands: Int, factor: Int = 1, originX: Int,
        originY: Int, tile: Int
    ) {
        self.pixels = pixels
        self.height = height
        self.width = width
        self.bands = bands
        self.factor = factor
        self.originX = originX
        self.originY = originY
        self.tile = tile
    }

    /// Of the restored tile.
    public var outputHeight: Int { height * factor }
    public var outputWidth: Int { width * factor }

    /// (height, width, bands) of the restored tile.
    var outputShape: [Int] { [outputHeight, outputWidth, bands] }
    var outputCount: Int { outputHeight * outputWidth * bands }

    func validate(for configuration: FitConfiguration) throws(FitError) {
        guard factor == configuration.factor else {
            throw .invalid(
                "a tile that is to be enlarged \(factor) times came to a fit that enlarges "
                    + "\(configuration.factor) times")
        }
        try validate()
        try validateInput(for: configuration)
    }

    private func validate() throws(FitError) {
        let sides = 1...1 << 16
        guard sides.contains(height), sides.contains(width),
            (1...Self.bandCountMaximum).contains(bands),
            FitConfiguration.factorRange.contains(factor), sides.contains(outputHeight),
            sides.contains(outputWidth)
        else { throw .invalid("a tile of \(height)x\(width)x\(bands) cannot be fitted") }
        guard pixels.count == height * width * bands else {
            throw .invalid(
                "a tile of \(height)x\(width)x\(bands) came with \(pixels.count) values")
        }
        guard !pixels.contains(where: \.isInfinite) else {
            throw .invalid("the tile holds infinite values")
        }
    }
}

/// Why a fit cannot start or go on.
public enum FitError: Error, Equatable, CustomStringConvertible {
    /// A configuration or tile that makes no sense; the sentence says which.
    case invalid(String)
    /// The machine did not give the memory that the fit needs, in bytes.
    case outOfMemory(byteCount: Int)
    /// The fit collapsed again and again, last at this iteration.
    case diverged(iteration: Int, rollBackCount: Int)
    /// The result at this iteration has values that are no numbers.
    case notFinite(iteration: Int)

    /// Whether another seed may do better.
    public var isArithmetic: Bool {
        switch self {
        case .diverged, .notFinite: true
        case .invalid, .outOfMemory: false
        }
    }

    public var description: String {
        switch self {
        case .invalid(let sentence): return sentence
        case .outOfMemory(let byteCount):
            return "a fit needs \(byteCount / 1_000_000) MB of memory, which this machine did not "
                + "give; use smaller tiles or fewer workers"
        case .diverged(let iteration, let rollBackCount):
            return "the fit collapsed \(rollBackCount) times, last at iteration \(iteration); a "
                + "smaller learning rate may help"
        case .notFinite(let iteration):
            return "the fit's result after \(iteration) iterations has values that are no numbers"
        }
    }
}
