// What a tile shows at a lower resolution: a part of z that every tile of an image has in the same
// sense, so that networks have less to learn by heart.

/// A picture of square blocks, which is enlarged to a restored tile's pixels.
struct CoarsePicture {
    private let bands: Int
    /// Blocks of the tile.
    private let rows, columns: Int
    /// (rows, columns, bands); no NaN.
    private let values: [Float]
    /// Side of a block in pixels of the restored tile, and how many of the first block lie in
    /// front of the tile.
    private let side, offsetX, offsetY: Int

    /// - Parameters:
    ///   - values: (rows, columns, bands) of blocks, the first of which begins where the tile does.
    ///   - side: of a block, in pixels of the restored tile.
    init(_ values: [Float], rows: Int, columns: Int, bands: Int, side: Int) {
        (self.values, self.rows, self.columns, self.bands) = (values, rows, columns, bands)
        (self.side, offsetX, offsetY) = (side, 0, 0)
    }

    /// The means of the given samples over blocks, which lie in one grid over the whole image.
    ///

    /// - Parameters:
    ///   - problem: NaN where samples are missing: they are no part of a mean. A block without any
    ///     sample has the mean of a block twice as large around it, and so on; 0.5 where nothing is
    ///     given.
    ///   - block: side of a block in given pixels, at least 1.
    init(_ problem: FitProblem, block: Int) {
        let shift = { (origin: Int) in
            (origin / problem.factor % block + block) % block
        }
        let (x0, y0) = (shift(problem.originX), shift(problem.originY))
        var grid = Grid(
            rows: (problem.height + y0 + block - 1) / block,
            columns: (problem.width + x0 + block - 1) / block, bands: problem.bands)
        for y in 0..<problem.height {
            for x in 0..<problem.width {
                for band in 0..<problem.bands {
                    let sample = problem.pixels[(y * problem.width + x) * problem.bands + band]
                    grid.add(
                        sample.isNaN ? (0, 0) : (sample, 1), (y + y0) / block, (x + x0) / block,
                        band)
                }
            }
        }
        (bands, rows, columns) = (problem.bands, grid.rows, grid.columns)
        values = grid.means()
        side = block * problem.factor
        (offsetX, offsetY) = (x0 * problem.factor, y0 * problem.factor)
    }

    /// Sums over blocks, and of how many samples.
    private struct Grid {
        let rows, columns, bands: Int
        var sums: [Float]
        var counts: [Float]

        init(rows: Int, columns: Int, bands: Int) {
            (self.rows, self.columns, self.bands) = (rows, columns, bands)
            sums = [Float](repeating: 0, count: rows * columns * bands)
            counts = sums
        }

        mutating func add(
            _ part: (sum: Float, count: Float), _ row: Int, _ column: Int, _ band: Int
        ) {
            let index = (row * columns + column) * bands + band
            sums[index] += part.sum
            counts[index] += part.count
        }

        /// Of every block; where it has no sample, of the block that it is a quarter of.
        func means() -> [Float] {
            var result = zip(sums, counts).map { $1 > 0 ? $0 / $1 : .nan }
            guard result.contains(where: \.isNaN) else { return result }
            guard rows > 1 || columns > 1 else { return result.map { $0.isNaN ? 0.5 : $0 } }
            var larger = Grid(rows: (rows + 1) / 2, columns: (columns + 1) / 2, bands: bands)
            for index in result.indices {
                let (row, column, band) = place(index)
                larger.add((sums[index], counts[index]), row / 2, column / 2, band)
            }
            let around = larger.means()
            for index in result.indices where result[index].isNaN {
                let (row, column, band) = place(index)
                result[index] = around[(row / 2 * larger.columns + column / 2) * bands + band]
            }
            return result
        }

        private func place(_ index: Int) -> (row: Int, column: Int, band: Int) {
            (index / bands / columns, index / bands % columns, index % bands)
        }
    }

    /// Writes it over the first channels of z, bilinear between the centres of blocks; beyond them
    /// the rim goes on.
    ///
    /// - Parameters:
    ///   - z: (height, width, channels), at least as many channels as bands.
    ///   - scale: what the values are multiplied by.
    func write(
        into z: UnsafeMutableBufferPointer<Float>, height: Int, width: Int, channels: Int,
        scale: Float
    ) {
        let place = { (pixel: Int, count: Int) -> (first: Int, second: Int, weight: Float) in
            let centre = (Float(pixel) + 0.5) / Float(side) - 0.5
            let inside = min(max(centre, 0), Float(count - 1))
            return (Int(inside), min(Int(inside) + 1, count - 1), inside - inside.rounded(.down))
        }
        let across = (0..<width).map { place($0 + offsetX, columns) }
        for y in 0..<height {
            let down = place(y + offsetY, rows)
            for x in 0..<width {
                let column = across[x]
                for band in 0..<bands {
                    let at = { values[($0 * columns + $1) * bands + band] }
                    let (a, b) = (at(down.first, column.first), at(down.first, column.second))
                    let (c, d) = (at(down.second, column.first), at(down.second, column.second))
                    let above = a + column.weight * (b - a)
                    let below = c + column.weight * (d - c)
                    z[(y * width + x) * channels + band] =
                        scale * (above + down.weight * (below - above))
                }
            }
        }
    }
}
