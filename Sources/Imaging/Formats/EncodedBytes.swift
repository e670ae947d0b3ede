// A small image as the bytes of a file, for those who put it elsewhere than into a file.

import Glibc

extension ImageFormats {
    /// The bytes of a file with this image.
    ///
    /// - Parameters:
    ///   - format: PNG or JPEG.
    ///   - samples: (H, W, samplesPerPixel) in the header's samples.
    /// - Throws: `unsupported` where the format cannot hold such an image, else `unwritable`.
    public static func encoded(
        _ format: ImageFormat, _ header: ImageHeader, samples: UnsafeRawBufferPointer
    ) throws(ImageError) -> [UInt8] {
        let name = "a picture of the report"
        let codec: any FormatCodec.Type = format == .jpeg ? JPEGFormat.self : PNGFormat.self
        if let obstacle = codec.obstacle(to: header) {
            throw ImageError(.unsupported, "\(name): a \(codec.format) \(obstacle)")
        }
        let file = try ScratchFile(
            byteCount: 0, folder: ReadingOptions().scratchFolder, wantedBy: "\(name) needs",
            advice: "; set TMPDIR to a folder with room")
        let encoder = try codec.makeEncoder(file.descriptor, name: name, header: header)
        try encoder.write(rowCount: header.height, samples: samples)
        try encoder.finish()
        let byteCount = Int(lseek(file.descriptor, 0, SEEK_END))
        var bytes = [UInt8](repeating: 0, count: max(byteCount, 0))
        let code = bytes.withUnsafeMutableBytes { readBytes(file.descriptor, $0, at: 0) }
        if let code {
            throw ImageError(.unwritable, "\(name) cannot be read: \(systemMessage(code))")
        }
        return bytes
    }
}
