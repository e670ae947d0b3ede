// The pixels that a fit explains.

/// A tile's given pixels, and where it lies in the image.
public struct FitProblem: Sendable {
    /// (height, width, bands), 0 to 1; NaN where a sample is missing.
    public var pixels: [Float]
    public var height: Int
    public var width: Int
    public var bands: Int
    /// Column and row of the tile's first pixel in the image: z is cut from one field over it.
    public var originX: Int
    public var originY: Int
    /// The tile's number, which its noise depends on.
    public var tile: Int

    public init(
        pixels: [Float], height: Int, width: Int, bands: Int, originX: Int, originY: Int, tile: Int
    ) {
        self.pixels = pixels
        self.height = height
        self.width = width
        self.bands = bands
        self.originX = originX
        self.originY = originY
        self.tile = tile
    }

    func validate() throws(FitError) {
        guard height > 0, width > 0, (1...16).contains(bands), height <= 1 << 16,
            width <= 1 << 16
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

    public var description: String {
        switch self {
        case .invalid(let sentence): return sentence
        case .outOfMemory(let byteCount):
            return "a fit needs \(byteCount / 1_000_000) MB of memory, which this machine did not "
                + "give; use smaller tiles or fewer workers"
        case .diverged(let iteration, let rollBackCount):
            return "the fit collapsed \(rollBackCount) times, last at iteration \(iteration); a "
                + "smaller learning rate may help"
        }
    }
}
