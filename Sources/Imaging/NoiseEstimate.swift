// How strong the noise of an image is, and what shares it, from the image alone.

/// What is measured of an image's noise.
public struct NoiseEstimate: Equatable, Sendable {
    /// Its standard deviation, 1 being the range of values.
    public let deviation: Double
    /// Whether a sample's noise says much about that of the pixel's other bands: their correlation
    /// is above 0.2.
    public let isSharedByBands: Bool
    /// Whether it says much about that of the pixels beside it: their correlation is above about
    /// 0.2, as in what was demosaiced, enlarged, or compressed as a JPEG.
    public let isSharedByNeighbours: Bool
}

/// Differences across the diagonals of four pixels, which smooth structure has little of.
private struct DiagonalDetails {
    /// Magnitudes between neighbours, of each band, and of sums over the bands over the square root
    /// of their number.
    var near: [Float] = []
    var sums: [Float] = []
    /// Mean squares in blocks of pixels: between neighbours, and between pixels two apart.
    var blocks: [(near: Double, far: Double)] = []

    static let blockSide = 8

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
        for y in stride(from: 0, through: height - side - 2, by: side) {
            for x in stride(from: 0, through: width - side - 2, by: side) {
                var (near, far) = (0.0, 0.0)
                for place in 0..<side * side * bands {
                    let (pixel, band) = (place / bands, place % bands)
                    let at = ((y + pixel / side) * rowPixels + x + pixel % side) * bands + band
                    let one = Double(Self.detail(pixels, at, right: right, down: down))
                    let two = Double(Self.detail(pixels, at, right: 2 * right, down: 2 * down))
                    (near, far) = (near + one * one, far + two * two)
                }
                if near.isFinite, far.isFinite { blocks.append((near, far)) }
            }
        }
    }

    /// Of so many bands' noise that has the correlation 0.2, over what it were without.
    private static func ratio(_ bands: Int) -> Double {
        (1 + 0.2 * Double(bands - 1)).squareRoot()
    }

    /// With the correlation r of neighbours, those two apart having little, it is (1 - r)^-2.
    private static let neighboursRatio = 1.5

    func estimate(bands: Int) -> NoiseEstimate? {
        guard !near.isEmpty, !sums.isEmpty else { return nil }
        let (detail, sum) = (median(near), median(sums))
        // Where there is the least structure.
        let quiet = blocks.sorted { $0.far < $1.far }.prefix((blocks.count + 3) / 4)
        let (one, two) = quiet.reduce((0.0, 0.0)) { ($0.0 + $1.near, $0.1 + $1.far) }
        return NoiseEstimate(
            // The median of magnitudes of a Gaussian is 0.6745 of its deviation.
            deviation: detail / 0.6745,
            isSharedByBands: bands > 1 && sum > Self.ratio(bands) * detail,
            isSharedByNeighbours: two > Self.neighboursRatio * one)
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
