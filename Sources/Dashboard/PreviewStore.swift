// The latest pictures of tiles that are being fitted, as pages want them.

/// Pictures of 8 bits in red, green and blue, the latest one of each fit. Those that came first go
/// when there is no more room.
public struct PreviewStore: Sendable {
    /// A fit's average after an iteration.
    public struct Picture: Equatable, Sendable {
        /// Done of the fit.
        public var iteration: Int
        /// Pixels.
        public var width, height: Int
        /// (H, W, 3).
        public var samples: [UInt8]
    }

    /// Bytes of all pictures together, at most.
    public let byteCountMaximum: Int
    public private(set) var byteCount = 0
    private var pictures: [Int: Picture] = [:]
    /// When each came, in the order of all that has come.
    private var ranks: [Int: Int] = [:]
    private var rank = 0

    public init(byteCountMaximum: Int = 64 << 20) { self.byteCountMaximum = byteCountMaximum }

    public subscript(fit: Int) -> Picture? { pictures[fit] }

    public var count: Int { pictures.count }

    /// Puts a picture in the place of the fit's former one.
    ///
    /// - Parameters:
    ///   - pixels: (H, W, C) in [0, 1].
    ///   - isInk: whether bands are cyan, magenta, yellow and black.
    /// - Returns: whether it was kept: one whose pixels are not as many as it says is not, nor
    ///   one that is larger than all that there is room for.
    @discardableResult
    public mutating func put(
        fit: Int, iteration: Int, width: Int, height: Int, bands: Int, pixels: [Float],
        isInk: Bool = false
    ) -> Bool {
        let sides = 1...(1 << 16)
        guard sides.contains(width), sides.contains(height), (1...64).contains(bands),
            pixels.count == width * height * bands, width * height * 3 <= byteCountMaximum
        else { return false }
        remove(fit)
        let samples = PictureColor.samples(pixels, bands: bands, isInk: isInk)
        while byteCount + samples.count > byteCountMaximum,
            let oldest = ranks.min(by: { $0.value < $1.value })
        {
            remove(oldest.key)
        }
        rank += 1
        ranks[fit] = rank
        pictures[fit] = Picture(
            iteration: iteration, width: width, height: height, samples: samples)
        byteCount += samples.count
        return true
    }

    public mutating func remove(_ fit: Int) {
        ranks[fit] = nil
        guard let picture = pictures.removeValue(forKey: fit) else { return }
        byteCount -= picture.samples.count
    }

    public mutating func removeAll() { self = PreviewStore(byteCountMaximum: byteCountMaximum) }

    /// Fits in the order in which their pictures are to be replaced: those that have none, then
    /// those whose picture came first.
    public func inOrderOfNeed(_ fits: [Int]) -> [Int] {
        fits.sorted { (ranks[$0] ?? 0, $0) < (ranks[$1] ?? 0, $1) }
    }
}

/// How numbers in [0, 1] look on a screen.
public enum PictureColor {
    /// What stands for a missing pixel: nothing that a picture often has.
    public static let missing: (UInt8, UInt8, UInt8) = (214, 61, 143)

    /// Red, green and blue of 8 bits: of one or two bands the first one as gray, of more the first
    /// three, of ink what it leaves of white.
    ///
    /// - Parameters:
    ///   - pixels: (pixels, C) in [0, 1]; NaN where a pixel is missing.
    ///   - isInk: whether bands are cyan, magenta, yellow and black.
    /// - Returns: (pixels, 3).
    public static func samples(
        _ pixels: some Collection<Float>, bands: Int, isInk: Bool = false
    ) -> [UInt8] {
        let pixels = Array(pixels)
        let count = pixels.count / bands
        return [UInt8](unsafeUninitializedCapacity: count * 3) { samples, written in
            for pixel in 0..<count {
                let first = pixel * bands
                var color: (Float, Float, Float)
                if isInk, bands >= 3 {
                    // A preview comes without its black.
                    let light = bands > 3 ? 1 - pixels[first + 3] : 1
                    color = (
                        (1 - pixels[first]) * light, (1 - pixels[first + 1]) * light,
                        (1 - pixels[first + 2]) * light
                    )
                } else if bands >= 3 {
                    color = (pixels[first], pixels[first + 1], pixels[first + 2])
                } else {
                    color = (pixels[first], pixels[first], pixels[first])
                }
                let isKnown = !(color.0 + color.1 + color.2).isNaN
                samples[3 * pixel] = isKnown ? byte(color.0) : missing.0
                samples[3 * pixel + 1] = isKnown ? byte(color.1) : missing.1
                samples[3 * pixel + 2] = isKnown ? byte(color.2) : missing.2
            }
            written = count * 3
        }
    }

    private static func byte(_ value: Float) -> UInt8 {
        UInt8(min(max(value, 0), 1) * 255 + 0.5)
    }
}
