// A few padded rows of a source, in cache, sliding down the image.

/// Rows of a source with `rim` pixels of padding on every side, and zeros beyond where a path
/// reads blocks of more than that.
///
/// Row r of the padded source is row r - rim of the source; rows that two neighbouring strips share
/// are moved, not read again.
struct PaddedWindow {
    let source: Source
    let rim: Int
    /// Pixels of a padded row; at least the source's width and the rim on both sides.
    let width: Int
    let padding: Padding
    let memory: UnsafeMutablePointer<Float>  // (rows, width, channels)
    let rowScratch: UnsafeMutablePointer<Float>
    /// Padded rows that the window holds.
    private var held = 0..<0

    init(
        source: Source, rim: Int, width: Int, padding: Padding,
        memory: UnsafeMutablePointer<Float>, rowScratch: UnsafeMutablePointer<Float>
    ) {
        self.source = source
        self.rim = rim
        self.width = width
        self.padding = padding
        self.memory = memory
        self.rowScratch = rowScratch
    }

    private var rowLength: Int { width * source.shape.channels }

    /// Makes `memory` hold these rows of the padded source.
    mutating func slide(to rows: Range<Int>) {
        let kept = rows.clamped(to: held)
        if !kept.isEmpty, kept.lowerBound != held.lowerBound {
            memory.update(
                from: memory + (kept.lowerBound - held.lowerBound) * rowLength,
                count: kept.count * rowLength)
        }
        let first = kept.isEmpty ? rows.lowerBound : kept.upperBound
        precondition(kept.isEmpty || kept.lowerBound == rows.lowerBound, "windows slide down")
        for row in first..<max(first, rows.upperBound) {
            fill(row, at: memory + (row - rows.lowerBound) * rowLength)
        }
        held = rows
    }

    private func fill(_ paddedRow: Int, at destination: UnsafeMutablePointer<Float>) {
        guard let y = Self.sourceRow(paddedRow - rim, count: source.shape.height, padding) else {
            destination.update(repeating: 0, count: rowLength)
            return
        }
        source.load(
            row: y, into: destination + rim * source.shape.channels, scratch: rowScratch)
        pad(0..<rim, of: destination)
        pad(rim + source.shape.width..<width, of: destination)
    }

    /// Fills columns outside of the source from those inside that they mirror, or with zeros.
    private func pad(_ columns: Range<Int>, of row: UnsafeMutablePointer<Float>) {
        let channels = source.shape.channels
        for column in columns {
            let pixel = row + column * channels
            if let from = Self.sourceRow(column - rim, count: source.shape.width, padding) {
                pixel.update(from: row + (from + rim) * channels, count: channels)
            } else {
                pixel.update(repeating: 0, count: channels)
            }
        }
    }

    /// Which row (or column) stands for position `index`; nil where padding is zero. Rows beyond
    /// what a kernel reaches, which only blocked kernels touch, are zero as well.
    static func sourceRow(_ index: Int, count: Int, _ padding: Padding) -> Int? {
        if (0..<count).contains(index) { return index }
        guard padding == .reflection else { return nil }
        let mirrored = index < 0 ? -index : 2 * (count - 1) - index
        return (0..<count).contains(mirrored) ? mirrored : nil
    }
}
