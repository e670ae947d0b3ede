// What the fits of one tile have come to: their average.

internal import JobStore

/// The stored results of one tile, open, at least one.
final class TileResults {
    private let results: [StoredTile]
    /// Rows of one of them, kept from call to call.
    private var rows: [Float] = []
    /// Sums of squared differences to the mean in the rows read last, where they are wanted.
    private var squares: [Float] = []
    private let hasVariance: Bool

    var count: Int { results.count }

    /// - Parameter hasVariance: Whether `takeVariances` is going to be asked for.
    init(_ results: [StoredTile], hasVariance: Bool) {
        precondition(!results.isEmpty, "a tile without results is not open")
        self.results = results
        self.hasVariance = hasVariance
    }

    /// Says that the files are not read again soon.
    func leaveCache() {
        for result in results { result.leaveCache() }
    }

    /// The mean of the results in rows of the window, in the order of the restarts, so that the
    /// same results make the same bytes.
    ///
    /// - Parameters:
    ///   - range: Rows of the window.
    ///   - mean: Filled with (rows, W, C).
    func readRows(
        _ range: Range<Int>, into mean: UnsafeMutableBufferPointer<Float>
    ) throws(JobStoreError) {
        try results[0].readRows(range, into: mean)
        if hasVariance { squares = [Float](repeating: 0, count: mean.count) }
        if rows.count < mean.count, count > 1 { rows = [Float](repeating: 0, count: mean.count) }
        for (number, result) in results.enumerated().dropFirst() {
            let share = 1 / Float(number + 1)
            try rows.withUnsafeMutableBufferPointer { rows throws(JobStoreError) in
                let rows = UnsafeMutableBufferPointer(rebasing: rows[..<mean.count])
                try result.readRows(range, into: rows)
                add(rows, share: share, to: mean)
            }
        }
    }

    /// One more result, by Welford's recurrence.
    private func add(
        _ rows: UnsafeMutableBufferPointer<Float>, share: Float,
        to mean: UnsafeMutableBufferPointer<Float>
    ) {
        guard hasVariance else {
            for index in mean.indices { mean[index] += (rows[index] - mean[index]) * share }
            return
        }
        squares.withUnsafeMutableBufferPointer { squares in
            for index in mean.indices {
                let difference = rows[index] - mean[index]
                mean[index] += difference * share
                squares[index] += difference * (rows[index] - mean[index])
            }
        }
    }

    /// The variance of the results in the rows that were read last, mean over the bands.
    ///
    /// - Parameter variances: Filled with (rows, W).
    func takeVariances(into variances: UnsafeMutableBufferPointer<Float>) {
        let bands = results[0].bands
        precondition(squares.count == variances.count * bands, "as many pixels as were read")
        for pixel in variances.indices {
            var sum: Float = 0
            for sample in pixel * bands..<(pixel + 1) * bands { sum += squares[sample] }
            variances[pixel] = sum / Float(count * bands)
        }
    }
}
