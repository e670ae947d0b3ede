// A small picture as the bytes of a JPEG, without a file.

public enum PictureBytes {
    /// A JPEG of 8 bits in red, green and blue.
    ///
    /// - Parameters:
    ///   - samples: (height, width, 3).
    ///   - quality: 1 to 100.
    /// - Throws: as ``ImageFormats/encoded(_:_:samples:)``.
    public static func jpeg(
        width: Int, height: Int, samples: [UInt8], quality: Int
    ) throws(ImageError) -> [UInt8] {
        precondition(samples.count == width * height * 3, "(H, W, 3)")
        var header = ImageHeader(
            width: width, height: height, colorBands: 3, sampleType: .uint8, format: .jpeg)
        header.jpegQuality = quality
        return try ImageFormats.encoded(.jpeg, header, samples: samples)
    }
}
