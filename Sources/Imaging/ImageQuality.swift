import Glibc

/// How alike two images are, over their colour samples in [0, 1]; alpha does not count.
///
/// Every measure throws `unsupported` when the images differ in size or bands.
public enum ImageQuality {
    /// The mean of the squared differences.
    public static func meanSquaredError(_ a: any ImageSource, _ b: any ImageSource)
        throws(ImageError) -> Double
    {
        try checkComparable(a, b)
        var sum = 0.0
        try forEachBand(a, b, overlap: 0) { first, second, _ in
            for i in first.indices {
                let difference = Double(first[i]) - Double(second[i])
                sum += difference * difference
            }
        }
        return sum / Double(a.header.width * a.header.height * a.header.colorBands)
    }

    /// The peak signal-to-noise ratio in decibels, 10 log10(1 / MSE); infinite for equal images.
    public static func psnr(_ a: any ImageSource, _ b: any ImageSource) throws(ImageError) -> Double
    {
        psnr(meanSquaredError: try meanSquaredError(a, b))
    }

    /// The peak signal-to-noise ratio in decibels of a mean squared error of samples in [0, 1].
    public static func psnr(meanSquaredError error: Double) -> Double { -10 * log10(error) }

    /// The mean structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004): 11 x 11 Gaussian
    /// window of sigma 1.5, K1 = 0.01, K2 = 0.03, over the windows that lie inside the image,
    /// mean over bands. Throws `unsupported` for images with a side below 11 pixels.
    public static func ssim(_ a: any ImageSource, _ b: any ImageSource) throws(ImageError) -> Double
    {
        try checkComparable(a, b)
        let header = a.header
        let side = SSIMFilter.side
        guard header.width >= side && header.height >= side else {
            throw ImageError(
                .unsupported,
                "SSIM needs images of at least \(side) x \(side) pixels; these have "
                    + "\(header.width) x \(header.height)")
        }
        var filter = SSIMFilter(width: header.width, bands: header.colorBands)
        try forEachBand(a, b, overlap: side - 1) { first, second, rowCount in
            filter.add(first, second, rowCount: rowCount)
        }
        return filter.mean
    }

    private static func checkComparable(_ a: any ImageSource, _ b: any ImageSource)
        throws(ImageError)
    {
        let (one, other) = (a.header, b.header)
        guard one.width == other.width, one.height == other.height,
            one.colorBands == other.colorBands
        else {
            throw ImageError(
                .unsupported,
                "the images differ in kind: \(one.kind) and \(other.kind); "
                    + "only images of equal size and bands can be compared")
        }
    }

    /// Reads both images in bands of rows, each beginning with the last `overlap` rows of the one
    /// before.
    private static func forEachBand(
        _ a: any ImageSource, _ b: any ImageSource, overlap: Int,
        _ body: (
            _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>, _ rowCount: Int
        ) -> Void
    ) throws(ImageError) {
        let header = a.header
        let rowSampleCount = header.width * header.colorBands
        let bandRowCount = min(64 + overlap, header.height)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: 2 * bandRowCount * rowSampleCount)
        defer { memory.deallocate() }
        var top = 0
        while top + overlap < header.height {
            let rowCount = min(bandRowCount, header.height - top)
            let count = rowCount * rowSampleCount
            let region = PixelRegion(x: 0, y: top, width: header.width, height: rowCount)
            let first = UnsafeMutableBufferPointer(rebasing: memory[..<count])
            let second = UnsafeMutableBufferPointer(rebasing: memory[count..<2 * count])
            try a.readColor(region, into: first)
            try b.readColor(region, into: second)
            body(UnsafeBufferPointer(first), UnsafeBufferPointer(second), rowCount)
            top += rowCount - overlap
        }
    }
}
