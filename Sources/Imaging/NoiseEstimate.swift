// How strong the noise of an image is, from the image alone.

extension ImageSource {
    /// The standard deviation of the noise, 1 being the range of values: the median of the
    /// magnitudes of differences across the diagonals of 2 x 2 pixels, over 0.6745 (Donoho and
    /// Johnstone, 1994, on the finest Haar wavelets). Structure is rare at that scale and spoils
    /// few of them; so does noise that neighbouring pixels share, as a JPEG's, which is therefore
    /// underestimated.
    ///
    /// - Parameter plan: of the image; some of its windows are looked at.
    /// - Returns: nil where nothing is known, or nothing larger than a pixel.
    public func noiseDeviation(_ plan: TilePlan) throws(ImageError) -> Double? {
        let windows = plan.spread(atMost: 16)
        let bands = header.colorBands
        let (height, width) = (plan.windowHeight, plan.windowWidth)
        let pixels = UnsafeMutableBufferPointer<Float>.allocate(capacity: height * width * bands)
        defer { pixels.deallocate() }
        var details: [Float] = []
        for index in 0..<windows.tileCount {
            try readWindow(windows.tile(index), into: pixels)
            // A window may be larger than the image; what is mirrored there says nothing else.
            for y in stride(from: 0, to: min(height, plan.imageHeight) - 1, by: 2) {
                for x in stride(from: 0, to: min(width, plan.imageWidth) - 1, by: 2) {
                    for band in 0..<bands {
                        let place = (y * width + x) * bands + band
                        let detail =
                            pixels[place] - pixels[place + bands]
                            - pixels[place + width * bands] + pixels[place + (width + 1) * bands]
                        if !detail.isNaN { details.append(abs(detail) / 2) }
                    }
                }
            }
        }
        guard !details.isEmpty else { return nil }
        details.sort()
        return Double(details[details.count / 2]) / 0.6745
    }
}
