// How an image is cut into overlapping windows, all of one size.

/// Why an image cannot be cut as asked: one sentence.
public struct TilePlanError: Error, CustomStringConvertible, Equatable, Sendable {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// The windows of an image: columns x rows of one size, neighbours sharing at least `overlap`
/// pixels.
///
/// Along each axis there are the fewest windows of at most `tile` pixels that cover the image,
/// then the smallest such windows, spread evenly; the first and the last touch the image's edges.
/// Window sides are multiples of `alignment` and may differ between the axes; where windows start
/// is a multiple of `unit`. Only an image smaller than a window is exceeded by it, on the right and
/// below.
public struct TilePlan: Sendable, Equatable, Codable {
    /// A window, in pixels of the image.
    public struct Tile: Sendable, Hashable, Codable {
        /// Counts row by row from the upper left.
        public let index: Int
        public let column, row: Int
        public let x, y, width, height: Int
    }

    public let imageWidth, imageHeight: Int
    public let windowWidth, windowHeight: Int
    /// The least number of pixels that neighbours share.
    public let overlap: Int
    /// Where the windows of each column start (x), ascending.
    public let columns: [Int]
    /// Where the windows of each row start (y), ascending.
    public let rows: [Int]

    /// - Parameters:
    ///   - width: of the image, in pixels; likewise `height`.
    ///   - tile: the most pixels that a window's side may have.
    ///   - overlap: the fewest pixels that neighbouring windows share.
    ///   - alignment: what window sides are multiples of.
    ///   - minimum: the least side of a window.
    ///   - unit: pixels of the image that belong together, along both axes: the image's sides and
    ///     `alignment` are multiples of it.
    public init(
        width: Int, height: Int, tile: Int, overlap: Int, alignment: Int, minimum: Int,
        unit: Int = 1
    ) throws(TilePlanError) {
        let limit = Int(Int32.max)
        guard (1...limit).contains(width), (1...limit).contains(height) else {
            throw TilePlanError("an image of \(width) x \(height) pixels cannot be cut into tiles")
        }
        guard (1...limit).contains(alignment), (1...limit).contains(minimum) else {
            throw TilePlanError(
                "alignment \(alignment) and minimum \(minimum) of tiles must be at least 1")
        }
        guard (1...limit).contains(tile) else {
            throw TilePlanError("tile \(tile) is out of range; it may be 1 to \(limit)")
        }
        guard unit >= 1, [width, height, alignment].allSatisfy({ $0.isMultiple(of: unit) }) else {
            throw TilePlanError(
                "an image of \(width) x \(height) pixels in tiles that are multiples of "
                    + "\(alignment) cannot be cut into parts of \(unit)")
        }
        let largest = tile / alignment * alignment
        let smallest = roundedUp(minimum, to: alignment)
        guard largest >= smallest else {
            throw TilePlanError(
                "tile \(tile) is too small; this network needs at least \(smallest) pixels")
        }
        guard overlap >= 0 else {
            throw TilePlanError("overlap \(overlap) is negative; it must be at least 0")
        }
        guard overlap < largest, roundedUp(overlap, to: unit) < largest else {
            let rounded = largest == tile ? "" : " (\(largest) as a multiple of \(alignment))"
            throw TilePlanError(
                "overlap \(overlap) must be smaller than tile \(tile)\(rounded)")
        }
        let axis = { (length: Int) in
            Axis(
                length: length, largest: largest, smallest: smallest,
                overlap: roundedUp(overlap, to: unit), alignment: alignment, unit: unit)
        }
        let (across, down) = (axis(width), axis(height))
        imageWidth = width
        imageHeight = height
        windowWidth = across.window
        windowHeight = down.window
        self.overlap = overlap
        columns = across.starts
        rows = down.starts
    }

    /// Some columns and rows of another plan.
    init(_ plan: TilePlan, columns: [Int], rows: [Int]) {
        imageWidth = plan.imageWidth
        imageHeight = plan.imageHeight
        windowWidth = plan.windowWidth
        windowHeight = plan.windowHeight
        overlap = plan.overlap
        self.columns = columns
        self.rows = rows
    }

    public var tileCount: Int { columns.count * rows.count }

    /// The tile of an index in 0 ..< tileCount.
    public func tile(_ index: Int) -> Tile {
        tile(column: index % columns.count, row: index / columns.count)
    }

    public func tile(column: Int, row: Int) -> Tile {
        Tile(
            index: row * columns.count + column, column: column, row: row, x: columns[column],
            y: rows[row], width: windowWidth, height: windowHeight)
    }
}

/// The windows along one axis.
private struct Axis {
    let window: Int
    let starts: [Int]

    /// `largest` and `smallest` are multiples of `alignment`, `overlap` is below `largest`; all
    /// are multiples of `unit`.
    init(length: Int, largest: Int, smallest: Int, overlap: Int, alignment: Int, unit: Int) {
        guard length > largest else {
            window = max(roundedUp(length, to: alignment), smallest)
            starts = [0]
            return
        }
        // n windows of side w that share `overlap` cover n * w - (n - 1) * overlap pixels.
        let count = dividedUp(length - overlap, by: largest - overlap)
        let least = dividedUp(length + (count - 1) * overlap, by: count)
        let window = max(roundedUp(least, to: alignment), smallest)
        self.window = window
        let room = (length - window) / unit
        starts = (0..<count).map { $0 * room / (count - 1) * unit }
    }
}

private func dividedUp(_ value: Int, by divisor: Int) -> Int { (value + divisor - 1) / divisor }

private func roundedUp(_ value: Int, to multiple: Int) -> Int {
    dividedUp(value, by: multiple) * multiple
}
