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
    /// Pairs of neighbours that overlap.
    public var pairCount: Int
    /// The pairs that disagree most, the worst first; ``pairCountMaximum`` at most.
    public var pairs: [Pair]

    /// Two neighbours, by their tiles' numbers.
    public struct Pair: Codable, Equatable, Sendable {
        public var first, second: Int
        public var rms: Double
    }

    public static let pairCountMaximum = 4096

    /// Of tiles that do not overlap.
    public static let none = SeamReport(
        rms: 0, maximum: 0, overlapPixelCount: 0, pairCount: 0, pairs: [])
}

/// Adds up differences, by pair and, where a map is wanted, by pixel of the present band.
struct SeamAccumulator {
    /// The tile to the left or above, and in which of these directions the other one lies.
    struct PairID {
        let first: Int
        let isBelow: Bool
    }

    private let bands: Int
    private var maximum: Float = 0
    /// By tile: its pair with the one to the right, and the one below.
    private var squares: [(right: Double, below: Double)]
    private var sampleCounts: [(right: Int, below: Int)]
    private var map: [Float]

    init(tileCount: Int, bands: Int, mapPixelCount: Int) {
        self.bands = bands
        squares = Array(repeating: (0, 0), count: tileCount)
        sampleCounts = Array(repeating: (0, 0), count: tileCount)
        map = Array(repeating: 0, count: mapPixelCount)
    }

    /// Compares one row of pixels of two neighbours.
    ///
    /// - Parameter place: of the first pixel in the band.
    mutating func add(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, pixelCount: Int, pair: PairID,
        place: Int
    ) {
        let rowSquares = csamples_compare(a, b, pixelCount * bands, &maximum)
        if pair.isBelow {
            squares[pair.first].below += rowSquares
            sampleCounts[pair.first].below += pixelCount * bands
        } else {
            squares[pair.first].right += rowSquares
            sampleCounts[pair.first].right += pixelCount * bands
        }
        if !map.isEmpty { addToMap(a, b, pixelCount: pixelCount, place: place) }
    }

    private mutating func addToMap(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, pixelCount: Int, place: Int
    ) {
        for pixel in 0..<pixelCount {
            var sum: Float = 0
            for i in pixel * bands..<(pixel + 1) * bands { sum += (a[i] - b[i]) * (a[i] - b[i]) }
            map[place + pixel] = max(map[place + pixel], (sum / Float(bands)).squareRoot())
        }
    }

    /// Gives the map of the present band to the caller and begins that of the next one.
    mutating func takeMap<Result>(
        pixelCount: Int, _ body: (UnsafeBufferPointer<Float>) throws -> Result
    ) rethrows -> Result {
        let result = try map.withUnsafeBufferPointer {
            try body(UnsafeBufferPointer(rebasing: $0[..<pixelCount]))
        }
        map.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        return result
    }

    /// - Parameter columnCount: of tiles; the one below has a number larger by that.
    func report(columnCount: Int) -> SeamReport {
        var pairs: [SeamReport.Pair] = []
        for index in squares.indices {
            func add(_ second: Int, _ squares: Double, _ count: Int) {
                guard count > 0 else { return }
                let rms = (squares / Double(count)).squareRoot()
                pairs.append(.init(first: index, second: second, rms: rms))
            }
            add(index + 1, squares[index].right, sampleCounts[index].right)
            add(index + columnCount, squares[index].below, sampleCounts[index].below)
        }
        let sum = squares.reduce(0) { $0 + $1.right + $1.below }
        let count = sampleCounts.reduce(0) { $0 + $1.right + $1.below }
        pairs.sort { ($1.rms, $0.first, $0.second) < ($0.rms, $1.first, $1.second) }
        return SeamReport(
            rms: count == 0 ? 0 : (sum / Double(count)).squareRoot(), maximum: Double(maximum),
            overlapPixelCount: count / bands, pairCount: pairs.count,
            pairs: Array(pairs.prefix(SeamReport.pairCountMaximum)))
    }
}
