// Pictures for a screen, and how large ones become small.

import Dashboard

/// A picture of 8 bits in red, green and blue.
struct Picture: Equatable, Sendable {
    /// Pixels.
    let width, height: Int
    /// (H, W, 3).
    var samples: [UInt8]

    init(width: Int, height: Int, samples: [UInt8]) {
        precondition(samples.count == width * height * 3, "(H, W, 3)")
        (self.width, self.height, self.samples) = (width, height, samples)
    }

    /// In one colour.
    init(width: Int, height: Int, gray: UInt8) {
        self.init(
            width: width, height: height,
            samples: [UInt8](repeating: gray, count: width * height * 3))
    }

    /// Puts rows of another picture of the same width in the place of its own.
    mutating func replace(fromRow row: Int, _ rows: [UInt8]) {
        let first = row * width * 3
        samples.replaceSubrange(first..<first + rows.count, with: rows)
    }

    /// Puts a picture at a place, as far as it lies inside.
    mutating func paste(_ picture: Picture, x: Int, y: Int) {
        let columns = max(0, -x)..<max(0, -x, min(picture.width, width - x))
        guard !columns.isEmpty else { return }
        for row in max(0, -y)..<max(0, -y, min(picture.height, height - y)) {
            let from = (row * picture.width + columns.lowerBound) * 3
            let to = ((y + row) * width + x + columns.lowerBound) * 3
            let count = columns.count * 3
            samples.replaceSubrange(to..<to + count, with: picture.samples[from..<from + count])
        }
    }

    /// A part that lies inside.
    func cropped(x: Int, y: Int, width: Int, height: Int) -> Picture {
        var part: [UInt8] = []
        part.reserveCapacity(width * height * 3)
        for row in y..<y + height {
            let first = (row * self.width + x) * 3
            part += samples[first..<first + width * 3]
        }
        return Picture(width: width, height: height, samples: part)
    }
}

/// Blocks of pixels that become one pixel each.
enum Reduction {
    /// The means of square blocks; those at the edges may be smaller. A pixel of which any sample
    /// is missing does not count; a block of such pixels is missing.
    ///
    /// - Parameters:
    ///   - pixels: (height, width, bands).
    ///   - factor: the sides of a block.
    ///   - left: pixels of the first block that lie outside, on the left; likewise `top`.
    /// - Returns: the means (rows, columns, bands), and how many rows and columns there are.
    static func means(
        _ pixels: [Float], width: Int, height: Int, bands: Int, factor: Int, left: Int = 0,
        top: Int = 0
    ) -> (pixels: [Float], width: Int, height: Int) {
        guard factor > 1 else { return (pixels, width, height) }
        let columns = (left + width + factor - 1) / factor
        let rows = (top + height + factor - 1) / factor
        var sums = [Float](repeating: 0, count: rows * columns * bands)
        var counts = [Float](repeating: 0, count: rows * columns)
        pixels.withUnsafeBufferPointer { pixels in
            sums.withUnsafeMutableBufferPointer { sums in
                for y in 0..<height {
                    let row = (top + y) / factor * columns
                    for x in 0..<width {
                        let block = row + (left + x) / factor
                        let first = (y * width + x) * bands
                        var sum: Float = 0
                        for band in 0..<bands { sum += pixels[first + band] }
                        if sum.isNaN { continue }
                        counts[block] += 1
                        for band in 0..<bands { sums[block * bands + band] += pixels[first + band] }
                    }
                }
            }
        }
        for index in sums.indices { sums[index] /= counts[index / bands] }
        return (sums, columns, rows)
    }
}

/// The small picture of a large image, and where tiles lie in it.
struct MosaicGrid: Equatable, Sendable {
    /// Pixels of a mosaic, at most: of an image much wider than high some of its height is seen.
    static let pixelsMaximum = 2048 * 2048
    /// The longer side of a mosaic, at most: canvases end there in some browsers.
    static let sideMaximum = 8192

    /// Pixels of the image for one of the mosaic, along both axes.
    let factor: Int
    /// Pixels of the mosaic.
    let width, height: Int
    /// By tile: the part of its window that is nearer to it than to its neighbours, in pixels of
    /// the image. Together they cover it once where the windows do.
    let cells: [JobDescription.Window]

    init(width: Int, height: Int, windows: [JobDescription.Window]) {
        let reduced = { (length: Int, factor: Int) in max((length + factor - 1) / factor, 1) }
        var least = reduced(max(width, height), Self.sideMaximum)
        while reduced(width, least) * reduced(height, least) > Self.pixelsMaximum { least += 1 }
        factor = least
        self.width = reduced(width, factor)
        self.height = reduced(height, factor)
        let across = Self.cells(windows.map { ($0.x, $0.width) }, length: width)
        let down = Self.cells(windows.map { ($0.y, $0.height) }, length: height)
        cells = windows.map { window in
            let columns = across[window.x] ?? 0..<0
            let rows = down[window.y] ?? 0..<0
            return JobDescription.Window(
                x: columns.lowerBound, y: rows.lowerBound, width: columns.count,
                height: rows.count)
        }
    }

    /// Along one axis, by where a window begins: it ends in the middle of what it shares with the
    /// next one.
    private static func cells(
        _ spans: [(start: Int, length: Int)], length: Int
    ) -> [Int: Range<Int>] {
        let sorted = Dictionary(spans, uniquingKeysWith: { a, _ in a }).sorted { $0.key < $1.key }
        var cells: [Int: Range<Int>] = [:]
        for (place, span) in sorted.enumerated() {
            var low = span.key
            var high = min(span.key + span.value, length)
            if place > 0 {
                let former = sorted[place - 1]
                low = max(low, (former.key + former.value + span.key) / 2)
                if former.key + former.value < span.key { low = span.key }
            }
            if place + 1 < sorted.count {
                let next = sorted[place + 1]
                if next.key < high { high = (high + next.key) / 2 }
            }
            cells[span.key] = min(low, high)..<high
        }
        return cells
    }

    /// The mosaic's pixels that a cell has part in.
    func place(of tile: Int) -> (x: Range<Int>, y: Range<Int>) {
        let cell = cells[tile]
        func range(_ start: Int, _ length: Int) -> Range<Int> {
            start / factor..<(start + max(length, 1) + factor - 1) / factor
        }
        return (range(cell.x, cell.width), range(cell.y, cell.height))
    }
}
