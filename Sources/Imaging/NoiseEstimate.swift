// How strong the noise of an image is, and what shares it, from the image alone.

import Glibc

/// What is measured of an image's noise.
public struct NoiseEstimate: Equatable, Sendable {
    /// Its standard deviation, 1 being the range of values.
    public let deviation: Double
    /// Whether a sample's noise says much about that of the pixel's other bands: their correlation
    /// is above 0.2.
    public let isSharedByBands: Bool
    /// How many pixels on each side of one share much of its noise, as in what was demosaiced,
    /// enlarged, or compressed as a JPEG; 0 where those beside it have a correlation below 0.2.
    public let reach: Int
    /// Its standard deviations at brightnesses evenly over 0 to 1, where the image has least
    /// structure: the middles of `levelCount` equal parts. Noise is often stronger where an image
    /// is brighter.
    public let levels: [Double]

    public static let levelCount = 8
}

/// Differences across the diagonals of four pixels, which smooth structure has little of.
private struct DiagonalDetails {
    /// Magnitudes between neighbours, of each band, and of sums over the bands over the square root
    /// of their number.
    var near: [Float] = []
    var sums: [Float] = []
    var blocks: [Block] = []

    struct Block {
        /// Of its samples.
        let mean: Double
        let least, most: Float
        /// Mean squares, with each of the steps.
        let squares: [Double]

        var energy: Double { squares.reduce(0, +) }
    }

    static let blockSide = 8
    /// Between the pixels that are compared.
    static let steps = [1, 2, 4, 8]

    /// The four samples at (0, 0), (0, step), (step, 0), (step, step) from a place.
    private static func detail(
        _ pixels: UnsafeMutableBufferPointer<Float>, _ place: Int, right: Int, down: Int
    ) -> Float {
        (pixels[place] - pixels[place + right] - pixels[place + down]
            + pixels[place + down + right]) / 2
    }

    mutating func add(
        _ pixels: UnsafeMutableBufferPointer<Float>, height: Int, width: Int, rowPixels: Int,
        bands: Int
    ) {
        let normal = 1 / Float(bands).squareRoot()
        let (right, down) = (bands, rowPixels * bands)
        for y in stride(from: 0, to: height - 1, by: 2) {
            for x in stride(from: 0, to: width - 1, by: 2) {
                var sum = Float(0)
                for band in 0..<bands {
                    let place = (y * rowPixels + x) * bands + band
                    let near = Self.detail(pixels, place, right: right, down: down)
                    sum += near
                    if !near.isNaN { self.near.append(abs(near)) }
                }
                if !sum.isNaN { sums.append(abs(sum) * normal) }
            }
        }
        let side = Self.blockSide
        let room = side + (Self.steps.last ?? 0)
        for y in stride(from: 0, through: height - room, by: side) {
            for x in stride(from: 0, through: width - room, by: side) {
                let places = (0..<side * side * bands).map { place in
                    let (pixel, band) = (place / bands, place % bands)
                    return ((y + pixel / side) * rowPixels + x + pixel % side) * bands + band
                }
                let mean = { (value: (Int) -> Float) in
                    places.reduce(0.0) { $0 + Double(value($1)) } / Double(places.count)
                }
                let squares = Self.steps.map { step in
                    mean { place in
                        let detail = Self.detail(
                            pixels, place, right: step * right, down: step * down)
                        return detail * detail
                    }
                }
                guard squares.allSatisfy(\.isFinite) else { continue }
                let ends = places.reduce((Float.infinity, -Float.infinity)) {
                    (min($0.0, pixels[$1]), max($0.1, pixels[$1]))
                }
                blocks.append(
                    Block(
                        mean: mean { pixels[$0] }, least: ends.0, most: ends.1, squares: squares))
            }
        }
    }

    /// Mean squares of those of the blocks that have the least structure: one in so many.
    private static func quiet(_ blocks: [Block], oneIn share: Int) -> [Double] {
        let chosen = blocks.sorted { $0.energy < $1.energy }
            .prefix((blocks.count + share - 1) / share)
        return steps.indices.map { step in
            chosen.reduce(0) { $0 + $1.squares[step] } / Double(chosen.count)
        }
    }

    /// Of the noise at each level of brightness; none where no level has enough blocks.
    ///
    /// - Parameter reach: of the noise: samples further apart differ by all of it.
    private func levels(reach: Int) -> [Double] {
        let count = NoiseEstimate.levelCount
        // Where samples are cut off, noise is too.
        let least = blocks.map(\.least).min() ?? 0
        let most = blocks.map(\.most).max() ?? 0
        var uncut = blocks.filter { $0.least > least && $0.most < most }
        if uncut.isEmpty { uncut = blocks }
        var found: [(level: Int, deviation: Double)] = (0..<count).compactMap { level in
            let blocks = uncut.filter {
                Int(min(max($0.mean * Double(count), 0), Double(count - 1))) == level
            }
            guard blocks.count >= Self.levelBlockMinimum else { return nil }
            return (level, Self.deviation(blocks, reach: reach))
        }
        if found.isEmpty, !uncut.isEmpty { found = [(0, Self.deviation(uncut, reach: reach))] }
        guard !found.isEmpty else { return [] }
        return (0..<count).map { level in
            let nearest = found.min { abs($0.level - level) < abs($1.level - level) }
            return Self.rounded(nearest?.deviation ?? 0)
        }
    }

    private static let levelBlockMinimum = 32

    /// Of the noise in the blocks that have the least structure.
    private static func deviation(_ blocks: [Block], reach: Int) -> Double {
        let squares = quiet(blocks, oneIn: 10)
        let step = step(beyond: reach)
        // Beyond its reach noise is the same with each step. What grows is texture, which is in
        // these squares too: about half as much as it grows with the next step.
        let growth = squares[min(step + 1, squares.count - 1)] - squares[step]
        return max(squares[step] - max(growth, 0) / 2, squares[step] / 4).squareRoot()
    }

    /// To three digits, so that the number can be told.
    private static func rounded(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        let scale = pow(10, 2 - floor(log10(value)))
        return (value * scale).rounded() / scale
    }

    /// The first of the steps that is larger than noise reaches.
    private static func step(beyond reach: Int) -> Int {
        steps.firstIndex { $0 > reach } ?? steps.count - 1
    }

    /// Of so many bands' noise that has the correlation 0.2, over what it were without.
    private static func ratio(_ bands: Int) -> Double {
        (1 + 0.2 * Double(bands - 1)).squareRoot()
    }

    /// How far noise reaches, from what differences across 1, 2 and 4 pixels are worth. With the
    /// correlations r and s of the noise of pixels in a row so far apart, differences have
    /// the ratio ((1 - s) / (1 - r))^2.
    private static func reach(_ squares: [Double]) -> Int {
        guard squares[1] > 1.5 * squares[0] else { return 0 }
        guard squares[2] > 1.2 * squares[1] else { return 1 }
        return squares[2] > 3 * squares[1] ? 3 : 2
    }

    func estimate(bands: Int) -> NoiseEstimate? {
        guard !near.isEmpty, !sums.isEmpty else { return nil }
        let (detail, sum) = (median(near), median(sums))
        // Where there is the least structure.
        let quiet = blocks.isEmpty ? [] : Self.quiet(blocks, oneIn: 4)
        let reach = quiet.isEmpty ? 0 : Self.reach(quiet)
        return NoiseEstimate(
            // The median of magnitudes of a Gaussian is 0.6745 of its deviation.
            deviation: reach == 0 ? detail / 0.6745 : quiet[Self.step(beyond: reach)].squareRoot(),
            isSharedByBands: bands > 1 && sum > Self.ratio(bands) * detail,
            reach: reach, levels: levels(reach: reach))
    }

    private func median(_ values: [Float]) -> Double { Double(values.sorted()[values.count / 2]) }
}

extension ImageSource {
    /// Measures the noise: medians of the magnitudes of differences across the diagonals of 2 x 2
    /// pixels (Donoho and Johnstone, 1994, on the finest Haar wavelets). Structure is rare at that
    /// scale and spoils few of them. Noise that neighbouring pixels share hides there: of that it
    /// is the differences of pixels further apart, where there is least structure.
    ///
    /// - Parameter plan: of the image; some of its windows are looked at.
    /// - Returns: nil where nothing is known, or nothing larger than a pixel.
    public func noiseEstimate(_ plan: TilePlan) throws(ImageError) -> NoiseEstimate? {
        let windows = plan.spread(atMost: 16)
        let bands = header.colorBands
        let pixels = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: plan.windowHeight * plan.windowWidth * bands)
        defer { pixels.deallocate() }
        var details = DiagonalDetails()
        for index in 0..<windows.tileCount {
            try readClampedWindow(windows.tile(index), into: pixels)
            // A window may be larger than the image; what is mirrored there says nothing else.
            details.add(
                pixels, height: min(plan.windowHeight, plan.imageHeight),
                width: min(plan.windowWidth, plan.imageWidth), rowPixels: plan.windowWidth,
                bands: bands)
        }
        return details.estimate(bands: bands)
    }
}
