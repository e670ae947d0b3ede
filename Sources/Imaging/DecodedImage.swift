// A source that holds the whole image, in the file's own samples.

/// Samples as (height, width, samplesPerPixel), native byte order, uninitialized until a format
/// fills them; in memory where they fit the cache, else in a scratch file.
final class DecodedImage: ImageSource {
    var header: ImageHeader
    let warnings: [String]
    private let memory: PixelMemory
    var samples: UnsafeMutableRawBufferPointer { memory.bytes }

    init(
        header: ImageHeader, warnings: [String], name: String, options: ReadingOptions
    ) throws(ImageError) {
        memory = try PixelMemory(
            byteCount: header.decodedByteCount, name: name, options: options)
        self.header = header
        self.warnings = warnings
    }

    func readRaw(_ region: PixelRegion, into samples: UnsafeMutableRawBufferPointer)
        throws(ImageError)
    {
        header.check(region, byteCount: samples.count)
        let rowByteCount = region.width * header.pixelByteCount
        for row in 0..<region.height {
            let from = ((region.y + row) * header.width + region.x) * header.pixelByteCount
            let to = row * rowByteCount
            UnsafeMutableRawBufferPointer(rebasing: samples[to..<to + rowByteCount]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: memory.bytes[from..<from + rowByteCount]))
        }
    }
}

extension ImageHeader {
    /// That a region lies inside the image and the memory for it is as large as it needs.
    func check(_ region: PixelRegion, byteCount: Int) {
        precondition(
            region.x >= 0 && region.y >= 0 && region.x + region.width <= width
                && region.y + region.height <= height,
            "region \(region) of an image of \(width) x \(height)")
        precondition(byteCount == region.width * region.height * pixelByteCount)
    }
}
