/// How far the results differ that have part in a pixel of the present band: those of each tile,
/// and those of the tiles that overlap there, by their weights.
///
/// The variance of all is the mean of the tiles' variances and the variance of their means. The
/// latter is taken of differences to the first tile's mean, so that nothing cancels out.
struct SpreadAccumulator {
    private let bands: Int
    /// By pixel: results, sum of weights, and weighted sum of the tiles' variances.
    private var counts: [Int]
    private var weights, variances: [Float]
    /// By sample: the first tile's mean, and weighted sums of what the means differ from it, and of
    /// its square.
    private var references, differences, squares: [Float]

    init(pixelCount: Int, bands: Int) {
        self.bands = bands
        counts = Array(repeating: 0, count: pixelCount)
        weights = Array(repeating: 0, count: pixelCount)
        variances = weights
        references = Array(repeating: 0, count: pixelCount * bands)
        differences = references
        squares = references
    }

    /// Adds one row of pixels of a tile.
    ///
    /// - Parameters:
    ///   - means: (pixels, bands), of its results.
    ///   - tileVariances: (pixels), of its results, mean over the bands.
    ///   - across: (pixels, bands), the same for all bands; times `weight` the tile's weight.
    ///   - resultCount: that the tile has.
    ///   - place: of the first pixel in the band.
    mutating func add(
        _ means: UnsafePointer<Float>, _ tileVariances: UnsafePointer<Float>, pixelCount: Int,
        weight: Float, across: [Float], resultCount: Int, place: Int
    ) {
        for pixel in 0..<pixelCount {
            let share = weight * across[pixel * bands]
            guard share > 0 else { continue }
            let target = place + pixel
            let isFirst = counts[target] == 0
            counts[target] += resultCount
            weights[target] += share
            variances[target] += share * tileVariances[pixel]
            for band in 0..<bands {
                let (mean, sample) = (means[pixel * bands + band], target * bands + band)
                if isFirst { references[sample] = mean }
                let difference = mean - references[sample]
                differences[sample] += share * difference
                squares[sample] += share * difference * difference
            }
        }
    }

    /// The standard deviation in each pixel, root of the mean over the bands of the variance; NaN
    /// where fewer than two results have part. The next band begins with nothing.
    mutating func takeDeviations(pixelCount: Int) -> [Float] {
        var deviations = [Float](repeating: .nan, count: pixelCount)
        for pixel in 0..<pixelCount where counts[pixel] > 1 {
            let weight = weights[pixel]
            var between: Float = 0
            for sample in pixel * bands..<(pixel + 1) * bands {
                let mean = differences[sample] / weight
                between += squares[sample] / weight - mean * mean
            }
            let variance = variances[pixel] / weight + between / Float(bands)
            deviations[pixel] = max(variance, 0).squareRoot()
        }
        self = SpreadAccumulator(pixelCount: counts.count, bands: bands)
        return deviations
    }
}
