// What is to be filled, found out before any work.

import Dashboard
import Imaging
import JobStore

/// The pixels of the restored part that a mask marks as missing.
struct MissingPixels {
    let count: Int
    let pixelCount: Int
    /// Of the mask's marks: the same for a mask in another format.
    private let checksum: Checksum

    private let maskName: String

    /// A mask of the wrong polarity leaves little that is known.
    var warnings: [String] {
        guard 4 * count > 3 * pixelCount else { return [] }
        return [
            "\(count) of \(pixelCount) pixels (\(100 * count / pixelCount) %) are missing by "
                + "\(maskName); if that is the wrong way round, --missing and --known change places"
        ]
    }

    /// As in the job's settings.
    var words: String { "\(count) missing pixels with checksum \(checksum.hexadecimal)" }

    /// Reads the mask once; nil where there is none, and the samples themselves tell.
    ///
    /// - Parameters:
    ///   - region: what is restored; nil for all.
    ///   - keepsNodata: whether samples that are missing by their value are to stay.
    /// - Throws: `ProgramError` where nothing is missing or known, or nothing in a whole tile.
    init?(
        in source: any ImageSource, _ region: PixelRegion?, _ plan: TilePlan, file: String,
        keepsNodata: Bool
    ) throws {
        let part =
            region
            ?? PixelRegion(x: 0, y: 0, width: source.header.width, height: source.header.height)
        guard let mask = (source as? MaskedSource)?.mask else {
            try Self.checkNodata(source, part, file: file, isKept: keepsNodata)
            return nil
        }
        var (count, checksum) = (0, Checksum())
        var marked = Set(0..<plan.tileCount)
        var squares = MissingSquares(width: part.width)
        let marks = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: part.width)
        defer { marks.deallocate() }
        for y in 0..<part.height {
            try mask.read(
                PixelRegion(x: part.x, y: part.y + y, width: part.width, height: 1), into: marks)
            checksum.add(UnsafeRawBufferPointer(marks))
            count += marks.reduce(0) { $0 + Int($1) }
            squares.add(marks)
            for row in plan.rows.indices
            where (plan.rows[row]..<plan.rows[row] + plan.windowHeight).contains(y) {
                for column in plan.columns.indices {
                    let tile = plan.tile(column: column, row: row)
                    guard marked.contains(tile.index) else { continue }
                    let width = min(tile.width, part.width - tile.x)
                    if marks[tile.x..<tile.x + width].contains(0) { marked.remove(tile.index) }
                }
            }
        }
        let place = region.map { " in the region \($0.words)" } ?? ""
        guard count > 0 else {
            throw ProgramError(
                .badInput, "\(mask.name) marks no pixel as missing\(place); nothing is to be filled"
            )
        }
        guard count < part.width * part.height else {
            throw ProgramError(
                .badInput, "\(mask.name) marks every pixel as missing\(place); nothing is known")
        }
        if let first = marked.min() {
            let tile = plan.tile(first)
            throw ProgramError(
                .badInput,
                "\(Text.count(marked.count, "tile")) of \(plan.tileCount) would have no known "
                    + "pixel, the first at \(part.x + tile.x), \(part.y + tile.y); use "
                    + "a larger --tile: windows of \(tile.width) x \(tile.height) pixels must "
                    + "reach beyond the hole, in which there is room for \(squares.largest) x "
                    + "\(squares.largest)")
        }
        self.count = count
        pixelCount = part.width * part.height
        self.checksum = checksum
        maskName = mask.name
    }

    /// The side of the largest square of missing pixels, row by row.
    private struct MissingSquares {
        /// Sides of the largest squares that end at each pixel of the latest row.
        private var sides: [Int]
        private(set) var largest = 0

        init(width: Int) { sides = [Int](repeating: 0, count: width) }

        mutating func add(_ marks: UnsafeMutableBufferPointer<UInt8>) {
            var (left, aboveLeft) = (0, 0)
            for x in sides.indices {
                let above = sides[x]
                left = marks[x] == 0 ? 0 : 1 + min(left, above, aboveLeft)
                (sides[x], aboveLeft) = (left, above)
                largest = max(largest, left)
            }
        }
    }

    /// Without a mask, some sample must be missing by its value.
    private static func checkNodata(
        _ source: any ImageSource, _ part: PixelRegion, file: String, isKept: Bool
    ) throws {
        let header = source.header
        let nothing = ProgramError(
            .usage,
            "nothing is missing in \(file) by itself; --missing or --known gives a mask that says "
                + "what is")
        guard header.metadata.nodata != nil || header.sampleType.isFloatingPoint else {
            throw nothing
        }
        guard !isKept else {
            throw ProgramError(
                .usage,
                "--nodata keep leaves nothing to be filled; --missing or --known gives a mask")
        }
        let rowCount = max(1, (1 << 18) / (part.width * header.colorBands))
        let pixels = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: min(rowCount, part.height) * part.width * header.colorBands)
        defer { pixels.deallocate() }
        var (isMissing, isKnown) = (false, false)
        for top in stride(from: 0, to: part.height, by: rowCount) {
            let rows = PixelRegion(
                x: part.x, y: part.y + top, width: part.width,
                height: min(rowCount, part.height - top))
            let band = UnsafeMutableBufferPointer(
                rebasing: pixels[..<(rows.width * rows.height * header.colorBands)])
            try source.readColor(rows, into: band)
            isMissing = isMissing || band.contains(where: \.isNaN)
            isKnown = isKnown || band.contains { !$0.isNaN }
            if isMissing, isKnown { return }
        }
        throw isMissing
            ? ProgramError(.badInput, "every sample of \(file) is missing; nothing is known")
            : nothing
    }
}
