// How strong the noise of an image is, and whether its bands share it, from the image alone.

/// What is measured of an image's noise.
public struct NoiseEstimate: Equatable, Sendable {
    /// Its standard deviation, 1 being the range of values.
    public let deviation: Double
    /// Whether a sample's noise says much about that of the pixel's other bands: their correlation
    /// is above 0.2.
    public let isShared: Bool

    /// Of a sum of so many bands, over its deviation if they had nothing in common.
    private static func sharedRatio(_ bands: Int) -> Double {
        (1 + 0.2 * Double(bands - 1)).squareRoot()
    }

    /// - Parameters:
    ///   - details: magnitudes of what differs from pixel to pixel, each of one band.
    ///   - sums: the same, of sums over the bands, over the square root of their number.
    init?(details: [Float], sums: [Float], bands: Int) {
        guard !details.isEmpty, !sums.isEmpty else { return nil }
        let (detail, sum) = (Self.median(details), Self.median(sums))
        // The median of magnitudes of a Gaussian, 0.6745 of its deviation.
        deviation = detail / 0.6745
        isShared = bands > 1 && sum > Self.sharedRatio(bands) * detail
    }

    private static func median(_ values: [Float]) -> Double {
        Double(values.sorted()[values.count / 2])
    }
}

extension ImageSource {
    /// Measures the noise: medians of the magnitudes of differences across the diagonals of 2 x 2
    /// pixels (Donoho and Johnstone, 1994, on the finest Haar wavelets). Structure is rare at that
    /// scale and spoils few of them; so does noise that neighbouring pixels share, as a JPEG's,
    /// which is therefore underestimated.
    ///
    /// - Parameter plan: of the image; some of its windows are looked at.
    /// - Returns: nil where nothing is known, or nothing larger than a pixel.
    public func noiseEstimate(_ plan: TilePlan) throws(ImageError) -> NoiseEstimate? {
        let windows = plan.spread(atMost: 16)
        let bands = header.colorBands
        let (height, width) = (plan.windowHeight, plan.windowWidth)
        let pixels = UnsafeMutableBufferPointer<Float>.allocate(capacity: height * width * bands)
        defer { pixels.deallocate() }
        let normal = 1 / Float(bands).squareRoot()
        var (details, sums): ([Float], [Float]) = ([], [])
        for index in 0..<windows.tileCount {
            try readWindow(windows.tile(index), into: pixels)
            // A window may be larger than the image; what is mirrored there says nothing else.
            for y in stride(from: 0, to: min(height, plan.imageHeight) - 1, by: 2) {
                for x in stride(from: 0, to: min(width, plan.imageWidth) - 1, by: 2) {
                    var sum = Float(0)
                    for band in 0..<bands {
                        let place = (y * width + x) * bands + band
                        let detail =
                            pixels[place] - pixels[place + bands]
                            - pixels[place + width * bands] + pixels[place + (width + 1) * bands]
                        sum += detail
                        if !detail.isNaN { details.append(abs(detail) / 2) }
                    }
                    if !sum.isNaN { sums.append(abs(sum) / 2 * normal) }
                }
            }
        }
        return NoiseEstimate(details: details, sums: sums, bands: bands)
    }
}
