// What a fit has come to, for somebody who looks on: small, and of a few bands.

/// A picture (height, width, bands), 0 to 1, of 1 or 3 bands.
public struct FitPreview: Equatable, Sendable {
    public let pixels: [Float]
    public let height, width, bands: Int

    /// Means over square blocks, the smallest with which neither side exceeds `sidePixels`; blocks
    /// at the right and lower edges may be smaller. The first three bands are shown, of fewer than
    /// three the first one.
    ///
    /// - Parameters:
    ///   - pixels: (height, width, bands).
    ///   - sidePixels: at least 1.
    public init(reducing pixels: [Float], height: Int, width: Int, bands: Int, sidePixels: Int) {
        precondition(sidePixels >= 1 && pixels.count == height * width * bands)
        let block = (max(height, width) + sidePixels - 1) / sidePixels
        let (rows, columns) = ((height + block - 1) / block, (width + block - 1) / block)
        let shown = bands < 3 ? 1 : 3
        var sums = [Float](repeating: 0, count: rows * columns * shown)
        for y in 0..<height {
            for x in 0..<width {
                let (from, to) = (
                    (y * width + x) * bands, (y / block * columns + x / block) * shown
                )
                for band in 0..<shown { sums[to + band] += pixels[from + band] }
            }
        }
        for row in 0..<rows {
            for column in 0..<columns {
                let count =
                    min(block, height - row * block) * min(block, width - column * block)
                for band in 0..<shown {
                    sums[(row * columns + column) * shown + band] /= Float(count)
                }
            }
        }
        (self.pixels, self.height, self.width, self.bands) = (sums, rows, columns, shown)
    }
}

extension Fit {
    /// The averaged output so far, reduced; nil before the first iteration, and of a pilot, whose
    /// result is no picture.
    public func preview(sidePixels: Int) -> FitPreview? {
        guard iteration > 0, !configuration.measuresStop else { return nil }
        return FitPreview(
            reducing: result(), height: problem.outputHeight, width: problem.outputWidth,
            bands: problem.bands, sidePixels: sidePixels)
    }
}
