// A small image as the bytes of a file, for those who put it elsewhere than into a file.

import CImageCodecs
import Glibc

extension ImageFormats {
    /// The bytes of a file with this image, made in memory.
    ///
    /// - Parameters:
    ///   - format: PNG or JPEG.
    ///   - samples: (H, W, samplesPerPixel), of 8 bits.
    /// - Throws: `unsupported` where the format cannot hold such an image, `outOfSpace` where the
    ///   system gives no memory, else `unwritable`.
    public static func encoded(
        _ format: ImageFormat, _ header: ImageHeader, samples: [UInt8]
    ) throws(ImageError) -> [UInt8] {
        let name = "a picture"
        let codec: any FormatCodec.Type = format == .jpeg ? JPEGFormat.self : PNGFormat.self
        if let obstacle = codec.obstacle(to: header) {
            throw ImageError(.unsupported, "\(name): a \(codec.format) \(obstacle)")
        }
        let descriptor = codec_memory_file()
        guard descriptor >= 0 else { throw writeError(name, "cannot be held", errno) }
        defer { close(descriptor) }
        let encoder = try codec.makeEncoder(descriptor, name: name, header: header)
        try samples.withUnsafeBufferPointer { samples throws(ImageError) in
            try encoder.write(
                rowCount: header.height, samples: UnsafeRawBufferPointer(samples))
        }
        try encoder.finish()
        var bytes = [UInt8](repeating: 0, count: max(Int(lseek(descriptor, 0, SEEK_END)), 0))
        let code = bytes.withUnsafeMutableBytes { readBytes(descriptor, $0, at: 0) }
        if let code {
            throw ImageError(.unwritable, "\(name) cannot be read: \(systemMessage(code))")
        }
        return bytes
    }
}
