// The given picture as a part of z, without those samples that an iteration asks for.

internal import NeuralNetwork

#if canImport(Glibc)
    import Glibc
#endif

/// Hides another part of the given samples in every iteration. What is shown stands in the first
/// channels of z, and the loss counts what is hidden: the network learns to tell a sample from
/// those around it. Noise cannot be told so, as far as it differs from sample to sample. Where
/// neighbours share it, those within a radius are hidden with the sample that is asked for.
///
/// Blind spots are those of Noise2Void (Krull et al., 2019) and Self2Self (Quan et al., 2020).
struct MaskedPicture {
    private let height, width, bands, factor: Int
    /// (height, width, bands), 0 where a sample is missing.
    private let given: [Float]
    /// 1 where a sample is given, else 0.
    private let isGiven: [Float]
    /// What is shown where nothing around a sample is.
    private let fallback: [Float]
    /// The chance of a sample to be asked for.
    private let askedShare: Float
    private let scale: Float
    private let radius: Int
    private let channels: Int
    private let hidesPixels: Bool
    /// What is shown, 0 where nothing is, and 1 where something is; in the shape of the given
    /// samples.
    private var shown, isShown: [Float]
    /// Places of samples that have no part in this iteration's loss, in order: missing ones, those
    /// that are shown, and those that are hidden with others. Where that would be all, the missing
    /// ones alone.
    private(set) var unasked: [Int] = []

    /// Numbers of four bytes that it holds and draws for each given sample.
    static let valuesPerSample = 10

    /// How far around a hidden sample shown ones are looked for, in pixels.
    private let reach: Int

    /// - Parameter problem: NaN where samples are missing.
    init(_ problem: FitProblem, _ configuration: FitConfiguration) {
        (height, width, bands) = (problem.height, problem.width, problem.bands)
        factor = problem.factor
        given = problem.pixels.map { $0.isNaN ? 0 : $0 }
        isGiven = problem.pixels.map { $0.isNaN ? 0 : 1 }
        (shown, isShown) = (given, isGiven)
        radius = configuration.maskedRadius
        reach = 4 + 2 * radius
        askedShare = Float(
            Self.centreShare(hiding: configuration.maskedShare, radius: configuration.maskedRadius))
        scale = Float(configuration.maskedScale)
        channels = configuration.inputChannels
        hidesPixels = configuration.masksPixels
        // Blocks so large that a hidden sample hardly shows in its own.
        var plain = problem
        plain.factor = 1
        let coarse = CoarsePicture(plain, block: 2 * reach)
        fallback = [Float](unsafeUninitializedCapacity: problem.pixels.count) { buffer, count in
            coarse.write(
                into: buffer, height: problem.height, width: problem.width,
                channels: problem.bands, scale: 1)
            count = problem.pixels.count
        }
    }

    /// How many of all samples must be centres of squares that hide a share of them.
    static func centreShare(hiding share: Double, radius: Int) -> Double {
        let side = 2 * Double(radius) + 1
        return 1 - pow(1 - share, 1 / (side * side))
    }

    /// Draws what is hidden, and writes what is shown over the first channels of z.
    ///
    /// - Parameters:
    ///   - stream: of this iteration.
    ///   - z: (height, width, channels) of the restored tile.
    mutating func draw(
        _ stream: RandomStream, kernels: Kernels, into z: UnsafeMutableBufferPointer<Float>
    ) {
        hide(kernels.uniform(count: hidesPixels ? height * width : given.count, stream))
        guard factor == 1 else {
            let picture = [Float](unsafeUninitializedCapacity: given.count) { buffer, count in
                write(into: buffer, channels: bands, scale: 1)
                count = given.count
            }
            CoarsePicture(picture, rows: height, columns: width, bands: bands, side: factor).write(
                into: z, height: height * factor, width: width * factor, channels: channels,
                scale: scale)
            return
        }
        write(into: z, channels: channels, scale: scale)
    }

    /// - Parameter drawn: uniform in [0, 1), for each sample or each pixel.
    private mutating func hide(_ drawn: [Float]) {
        let count = given.count
        let lowest = lowestAround(drawn)
        for place in 0..<count {
            let number = lowest[hidesPixels ? place / bands : place]
            isShown[place] = number >= askedShare ? isGiven[place] : 0
            shown[place] = isShown[place] * given[place]
        }
        unasked = [Int](unsafeUninitializedCapacity: count + 1) { buffer, found in
            // Without a branch, which nobody could predict.
            for place in 0..<count {
                let number = drawn[hidesPixels ? place / bands : place]
                buffer[found] = place
                found += number >= askedShare || isGiven[place] == 0 ? 1 : 0
            }
        }
        if unasked.count == count { unasked = unasked.filter { isGiven[$0] == 0 } }
    }

    /// The lowest number in the square of the radius around each one.
    private func lowestAround(_ drawn: [Float]) -> [Float] {
        guard radius > 0 else { return drawn }
        let bands = hidesPixels ? 1 : bands
        let rowCount = width * bands
        var across = drawn
        for shift in stride(from: bands, to: min(radius * bands + 1, rowCount), by: bands) {
            for start in stride(from: 0, to: drawn.count, by: rowCount) {
                for at in start..<start + rowCount - shift {
                    across[at] = min(across[at], drawn[at + shift])
                    across[at + shift] = min(across[at + shift], drawn[at])
                }
            }
        }
        var lowest = across
        for step in 1...radius where step < height {
            let shift = step * rowCount
            for at in 0..<drawn.count - shift {
                lowest[at] = min(lowest[at], across[at + shift])
                lowest[at + shift] = min(lowest[at + shift], across[at])
            }
        }
        return lowest
    }

    /// Writes what is shown, and in the place of all else what lies around it.
    private func write(
        into picture: UnsafeMutableBufferPointer<Float>, channels: Int, scale: Float
    ) {
        let rowCount = width * bands
        var line = [Float](repeating: 0, count: rowCount)
        var sums = [Float](repeating: 0, count: rowCount + 2 * bands)
        var counts = sums
        for row in 0..<height {
            addRows(of: shown, around: row, into: &sums)
            addRows(of: isShown, around: row, into: &counts)
            fill(&line, row, sums, counts)
            for column in 0..<width {
                for band in 0..<bands {
                    let sample = line[column * bands + band]
                    picture[(row * width + column) * channels + band] =
                        scale * (sample.isNaN ? mean(around: row, column, band) : sample)
                }
            }
        }
    }

    /// What is shown of a row, and means of 3 x 3 pixels in the place of all else; NaN where those
    /// show nothing.
    private func fill(_ line: inout [Float], _ row: Int, _ sums: [Float], _ counts: [Float]) {
        let start = row * width * bands
        for at in line.indices {
            let sum = sums[at] + sums[at + bands] + sums[at + 2 * bands]
            let count = counts[at] + counts[at + bands] + counts[at + 2 * bands]
            line[at] = isShown[start + at] > 0 ? shown[start + at] : sum / count
        }
    }

    /// Sums of three rows; a pixel of nothing lies on either side.
    private func addRows(of values: [Float], around row: Int, into sums: inout [Float]) {
        let rowCount = width * bands
        let (above, below) = (row > 0 ? Float(1) : 0, row < height - 1 ? Float(1) : 0)
        let (before, after) = (max(row - 1, 0) * rowCount, min(row + 1, height - 1) * rowCount)
        for at in 0..<rowCount {
            sums[at + bands] =
                above * values[before + at] + values[row * rowCount + at]
                + below * values[after + at]
        }
    }

    /// The mean of what is shown of a band in the smallest square around a pixel that has any.
    private func mean(around row: Int, _ column: Int, _ band: Int) -> Float {
        for radius in 2...reach {
            var (sum, count) = (Float(0), Float(0))
            for y in max(row - radius, 0)...min(row + radius, height - 1) {
                for x in max(column - radius, 0)...min(column + radius, width - 1) {
                    sum += shown[(y * width + x) * bands + band]
                    count += isShown[(y * width + x) * bands + band]
                }
            }
            if count > 0 { return sum / count }
        }
        return fallback[(row * width + column) * bands + band]
    }
}
