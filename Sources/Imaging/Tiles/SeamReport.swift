import CSamples

/// How far neighbouring tiles disagree where they overlap, over all colour samples there, in [0,
/// 1].
///
/// Pairs with a tile that was not restored do not count.
public struct SeamReport: Codable, Equatable, Sendable {
    /// Root mean square of the differences; 0 without overlaps.
    public var rms: Double
    public var maximum: Double
    /// Pixels compared; one that lies in the overlaps of several pairs of neighbours counts for
    /// each.
    public var overlapPixelCount: Int

    public init(rms: Double, maximum: Double, overlapPixelCount: Int) {
        self.rms = rms
        self.maximum = maximum
        self.overlapPixelCount = overlapPixelCount
    }
}

struct SeamAccumulator {
    private var squares = 0.0
    private var maximum: Float = 0
    private var sampleCount = 0

    /// Compares one row of samples of two neighbours.
    mutating func add(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) {
        squares += csamples_compare(a, b, count, &maximum)
        sampleCount += count
    }

    func report(bands: Int) -> SeamReport {
        SeamReport(
            rms: sampleCount == 0 ? 0 : (squares / Double(sampleCount)).squareRoot(),
            maximum: Double(maximum), overlapPixelCount: sampleCount / bands)
    }
}
