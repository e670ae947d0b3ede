// How strong the noise of an image is, and what shares it, from the image alone.

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
}

/// Differences across the diagonals of four pixels, which smooth structure has little of.
private struct DiagonalDetails {
    /// Magnitudes between neighbours, of each band, and of sums over the bands over the square root
    /// of their number.
    var near: [Float] = []
    var sums: [Float] = []
    /// Sums of squares in blocks of pixels, with each of the steps.
    var blocks: [[Double]] = []

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
                let sums = Self.steps.map { step in
                    (0..<side * side * bands).reduce(0.0) { sum, place in
                        let (pixel, band) = (place / bands, place % bands)
                        let at = ((y + pixel / side) * rowPixels + x + pixel % side) * bands + band
                        let detail = Double(
                            Self.detail(pixels, at, right: step * right, down: step * down))
                        return sum + detail * detail
                    }
                }
                if sums.allSatisfy(\.isFinite) { blocks.append(sums) }
            }
        }
    }

    /// Of so many bands' noise that has the correlation 0.2, over what it were without.
    private static func ratio(_ bands: Int) -> Double {
        (1 + 0.2 * Double(bands - 1)).squareRoot()
    }

    /// How far noise reaches, from what differences across 1, 2 and 4 pixels are worth. With the
    /// correlations r and s of the noise of pixels in a row so far apart, differences have
    /// the ratio ((1 - s) / (1 - r))^2.
    private static func reach(_ sums: [Double]) -> Int {
        guard sums[1] > 1.5 * sums[0] else { return 0 }
        guard sums[2] > 1.2 * sums[1] else { return 1 }
        return sums[2] > 3 * sums[1] ? 4 : 2
    }

    func estimate(bands: Int) -> NoiseEstimate? {
        guard !near.isEmpty, !sums.isEmpty else { return nil }
        let (detail, sum) = (median(near), median(sums))
        // Where there is the least structure.
        let quiet = blocks.map { sums in (sums, key: sums.reduce(0, +)) }
            .sorted { $0.key < $1.key }.prefix((blocks.count + 3) / 4)
        let sums = Self.steps.indices.map { step in
            quiet.reduce(0) { $0 + $1.0[step] }
        }
        return NoiseEstimate(
            // The median of magnitudes of a Gaussian is 0.6745 of its deviation.
            deviation: detail / 0.6745,
            isSharedByBands: bands > 1 && sum > Self.ratio(bands) * detail,
            reach: Self.reach(sums))
    }

    private func median(_ values: [Float]) -> Double { Double(values.sorted()[values.count / 2]) }
}

extension ImageSource {
    /// Measures the noise: medians of the magnitudes of differences across the diagonals of 2 x 2
    /// pixels (Donoho and Johnstone, 1994, on the finest Haar wavelets). Structure is rare at that
    /// scale and spoils few of them; so does noise that neighbouring pixels share, which is
    /// therefore underestimated.
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
            try readWindow(windows.tile(index), into: pixels)
            // A window may be larger than the image; what is mirrored there says nothing else.
            details.add(
                pixels, height: min(plan.windowHeight, plan.imageHeight),
                width: min(plan.windowWidth, plan.imageWidth), rowPixels: plan.windowWidth,
                bands: bands)
        }
        return details.estimate(bands: bands)
    }
}
