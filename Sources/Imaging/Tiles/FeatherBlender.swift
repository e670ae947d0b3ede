// The restored tiles become one image, in one pass from top to bottom.

import CSamples

/// Blends overlapping tiles with weights that sum to one (`FeatherWeights`), 32 rows at a time.
///
/// Memory follows the image's width times the band, never the height of a tile or the number of
/// tiles: within a band the tiles are visited column by column, and only the rows of the current
/// and the previous column are held.
public struct FeatherBlender {
    /// Fills rows of a tile's window, (rows, windowWidth, bands) in [0, 1]. The range counts from
    /// the window's top. Returns false when the tile was not restored.
    public typealias TileRows = (Int, Range<Int>, UnsafeMutableBufferPointer<Float>) throws -> Bool
    /// Fills full rows of the source image, (rows, imageWidth, bands) in [0, 1].
    public typealias OriginalRows = (Range<Int>, UnsafeMutableBufferPointer<Float>) throws -> Void
    /// Takes the next full rows of the result, (rows, imageWidth, bands), and for each pixel,
    /// (rows, imageWidth), whether a restored tile has part in it: 1, else 0.
    public typealias EmitRows = (
        Range<Int>, UnsafeBufferPointer<Float>, UnsafeBufferPointer<UInt8>
    ) throws -> Void
    /// Takes how far tiles disagree in the next full rows, (rows, imageWidth): the root mean square
    /// over the bands, of the pair that disagrees most; 0 where no two restored tiles meet.
    public typealias DisagreementRows = (Range<Int>, UnsafeBufferPointer<Float>) throws -> Void

    /// Fills, of the rows of a tile that `TileRows` has just filled, (rows, windowWidth) with the
    /// variance of the results whose mean they are, mean over the bands. Returns how many results
    /// there are.
    public typealias TileVariances = (UnsafeMutableBufferPointer<Float>) -> Int
    /// Takes the standard deviation of all results that have part in a pixel, by their tiles'
    /// weights, in the next full rows, (rows, imageWidth): root of the mean over the bands of the
    /// variance; NaN where fewer than two results have part.
    public typealias DeviationRows = (Range<Int>, [Float]) throws -> Void

    /// Rows of the image that are made at a time.
    public static let bandRowCount = 32

    private let plan: TilePlan
    private let imageWidth, imageHeight, bands: Int
    /// (window width, bands) of each column, the same for all bands of a pixel.
    private let columnWeights: [[Float]]
    private let rowWeights: [[Float]]

    /// - Parameters:
    ///   - plan: of an image of `imageWidth` x `imageHeight` pixels.
    ///   - bands: colour bands of a pixel.
    public init(plan: TilePlan, imageWidth: Int, imageHeight: Int, bands: Int) {
        precondition(plan.imageWidth == imageWidth && plan.imageHeight == imageHeight)
        precondition(bands > 0)
        self.plan = plan
        self.imageWidth = imageWidth
        self.imageHeight = imageHeight
        self.bands = bands
        columnWeights =
            FeatherWeights(
                starts: plan.columns, window: plan.windowWidth, length: imageWidth
            ).windows.map { weights in
                weights.flatMap { [Float](repeating: $0, count: bands) }
            }
        rowWeights =
            FeatherWeights(
                starts: plan.rows, window: plan.windowHeight, length: imageHeight
            ).windows
    }

    /// Blends the whole image. Each row of each tile is asked for once, each emitted row comes
    /// once.
    ///
    /// A tile that was not restored is replaced by the source's pixels, with the tile's own
    /// feather.
    ///
    /// - Returns: how far the neighbours disagree in their overlaps.
    /// - Throws: what the closures throw.
    public func blend(
        tileRows: TileRows, original: OriginalRows, emit: EmitRows,
        disagreement: DisagreementRows? = nil,
        spread: (of: TileVariances, emit: DeviationRows)? = nil
    ) throws -> SeamReport {
        var seams = SeamAccumulator(
            tileCount: plan.tileCount, bands: bands,
            mapPixelCount: disagreement == nil ? 0 : Self.bandRowCount * imageWidth)
        let spreadBand = spread.map {
            SpreadBand(
                variancesOfTile: $0.of, tilePixelCount: Self.bandRowCount * plan.windowWidth,
                pixelCount: Self.bandRowCount * imageWidth, bands: bands)
        }
        let sums = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: Self.bandRowCount * imageWidth * bands)
        let marks = UnsafeMutableBufferPointer<UInt8>.allocate(
            capacity: Self.bandRowCount * imageWidth)
        defer {
            sums.deallocate()
            marks.deallocate()
        }
        let pool = SamplePool(count: Self.bandRowCount * plan.windowWidth * bands)
        var top = 0
        while top < imageHeight {
            let band = top..<min(top + Self.bandRowCount, imageHeight)
            let result = UnsafeMutableBufferPointer(
                rebasing: sums[..<(band.count * imageWidth * bands)])
            let isRestored = UnsafeMutableBufferPointer(
                rebasing: marks[..<(band.count * imageWidth)])
            result.initialize(repeating: 0)
            isRestored.initialize(repeating: 0)
            try blend(
                band, into: result, isRestored, pool, tileRows: tileRows, original: original,
                seams: &seams, spreadBand)
            try emit(band, UnsafeBufferPointer(result), UnsafeBufferPointer(isRestored))
            if let disagreement {
                try seams.takeMap(pixelCount: band.count * imageWidth) {
                    try disagreement(band, $0)
                }
            }
            if let spread, let spreadBand {
                let pixelCount = band.count * imageWidth
                try spread.emit(
                    band, spreadBand.accumulator.takeDeviations(pixelCount: pixelCount))
            }
            top = band.upperBound
        }
        return seams.report(columnCount: plan.columns.count)
    }

    private func blend(
        _ band: Range<Int>, into sums: UnsafeMutableBufferPointer<Float>,
        _ isRestored: UnsafeMutableBufferPointer<UInt8>, _ pool: SamplePool, tileRows: TileRows,
        original: OriginalRows, seams: inout SeamAccumulator, _ spread: SpreadBand?
    ) throws {
        let rows = plan.rows.indices.filter { row in
            plan.rows[row] < band.upperBound
                && plan.rows[row] + plan.windowHeight > band.lowerBound
        }
        var source: Samples?
        var previous = [Strip]()
        for column in plan.columns.indices {
            var current = [Strip]()
            for row in rows {
                let tile = plan.tile(column: column, row: row)
                let inside = band.clamped(to: tile.y..<tile.y + tile.height)
                var strip = Strip(tile: tile, rows: inside, samples: pool.take())
                strip.isRestored = try tileRows(
                    tile.index, inside.lowerBound - tile.y..<inside.upperBound - tile.y,
                    UnsafeMutableBufferPointer(
                        start: strip.samples.start, count: inside.count * tile.width * bands))
                if !strip.isRestored {
                    if source == nil {
                        let rows = Samples(count: sums.count)
                        try original(band, rows.buffer)
                        source = rows
                    }
                    if let source { copy(source, band: band, into: strip) }
                }
                accumulate(strip, band: band, into: sums)
                if strip.isRestored {
                    mark(strip, band: band, isRestored)
                    if let spread { add(strip, band: band, to: spread) }
                }
                current.append(strip)
            }
            for (left, right) in zip(previous, current) { compare(left, right, band, &seams) }
            for (above, below) in zip(current, current.dropFirst()) {
                compare(above, below, band, &seams)
            }
            for strip in previous { pool.giveBack(strip.samples) }
            previous = current
        }
        for strip in previous { pool.giveBack(strip.samples) }
    }

    /// A window's pixels from left to right that lie inside the image.
    private func insideWidth(_ tile: TilePlan.Tile) -> Int { min(tile.width, imageWidth - tile.x) }

    private func copy(_ source: Samples, band: Range<Int>, into strip: Strip) {
        let tile = strip.tile
        let count = insideWidth(tile) * bands
        for y in strip.rows {
            let from = ((y - band.lowerBound) * imageWidth + tile.x) * bands
            let to = (y - strip.rows.lowerBound) * tile.width * bands
            (strip.samples.start + to).update(from: source.start + from, count: count)
        }
    }

    private func accumulate(
        _ strip: Strip, band: Range<Int>, into sums: UnsafeMutableBufferPointer<Float>
    ) {
        let tile = strip.tile
        let count = insideWidth(tile) * bands
        guard let first = sums.baseAddress else { return }
        columnWeights[tile.column].withUnsafeBufferPointer { across in
            for y in strip.rows {
                let from = (y - strip.rows.lowerBound) * tile.width * bands
                let to = ((y - band.lowerBound) * imageWidth + tile.x) * bands
                csamples_add_weighted(
                    first + to, rowWeights[tile.row][y - tile.y], across.baseAddress,
                    strip.samples.start + from, count)
            }
        }
    }

    private func add(_ strip: Strip, band: Range<Int>, to spread: SpreadBand) {
        let tile = strip.tile
        let variances = UnsafeMutableBufferPointer(
            rebasing: spread.variances[..<(strip.rows.count * tile.width)])
        let resultCount = spread.variancesOfTile(variances)
        guard let start = variances.baseAddress else { return }
        for y in strip.rows {
            let row = (y - strip.rows.lowerBound) * tile.width
            spread.accumulator.add(
                strip.samples.start + row * bands, start + row, pixelCount: insideWidth(tile),
                weight: rowWeights[tile.row][y - tile.y], across: columnWeights[tile.column],
                resultCount: resultCount, place: (y - band.lowerBound) * imageWidth + tile.x)
        }
    }

    private func mark(
        _ strip: Strip, band: Range<Int>, _ isRestored: UnsafeMutableBufferPointer<UInt8>
    ) {
        for y in strip.rows {
            let first = (y - band.lowerBound) * imageWidth + strip.tile.x
            isRestored[first..<first + insideWidth(strip.tile)].update(repeating: 1)
        }
    }

    /// Measures two neighbours where they overlap inside the band; `a` lies left of or above `b`.
    private func compare(
        _ a: Strip, _ b: Strip, _ band: Range<Int>, _ seams: inout SeamAccumulator
    ) {
        guard a.isRestored && b.isRestored else { return }
        let right = min(a.tile.x + a.tile.width, imageWidth)
        guard right > b.tile.x else { return }
        for y in a.rows.clamped(to: b.rows) {
            let inA = ((y - a.rows.lowerBound) * a.tile.width + b.tile.x - a.tile.x) * bands
            let inB = (y - b.rows.lowerBound) * b.tile.width * bands
            seams.add(
                a.samples.start + inA, b.samples.start + inB, pixelCount: right - b.tile.x,
                pair: .init(first: a.tile.index, isBelow: a.tile.row != b.tile.row),
                place: (y - band.lowerBound) * imageWidth + b.tile.x)
        }
    }
}

/// The rows of one tile inside one band.
private struct Strip {
    let tile: TilePlan.Tile
    /// Of the image.
    let rows: Range<Int>
    /// (rows.count, tile.width, bands); there may be room for more.
    let samples: Samples
    var isRestored = false
}

/// What is gathered about the differences of results in the present band.
private final class SpreadBand {
    let variancesOfTile: FeatherBlender.TileVariances
    /// Of one tile, (rows, window width).
    let variances: UnsafeMutableBufferPointer<Float>
    var accumulator: SpreadAccumulator

    init(
        variancesOfTile: @escaping FeatherBlender.TileVariances, tilePixelCount: Int,
        pixelCount: Int, bands: Int
    ) {
        self.variancesOfTile = variancesOfTile
        variances = .allocate(capacity: tilePixelCount)
        accumulator = SpreadAccumulator(pixelCount: pixelCount, bands: bands)
    }

    deinit { variances.deallocate() }
}

/// Float memory that is freed with its last owner, uninitialized at first.
private final class Samples {
    let buffer: UnsafeMutableBufferPointer<Float>
    let start: UnsafeMutablePointer<Float>

    init(count: Int) {
        start = .allocate(capacity: count)
        buffer = UnsafeMutableBufferPointer(start: start, count: count)
    }

    deinit { start.deallocate() }
}

/// Memory of strips, used again and again.
private final class SamplePool {
    private let count: Int
    private var free: [Samples] = []

    init(count: Int) { self.count = count }

    func take() -> Samples { free.popLast() ?? Samples(count: count) }

    func giveBack(_ samples: Samples) { free.append(samples) }
}
