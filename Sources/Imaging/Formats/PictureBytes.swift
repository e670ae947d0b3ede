// A small picture as the bytes of a JPEG, without a file.

import CImageCodecs
import Glibc

public enum PictureBytes {
    /// A JPEG of 8 bits in red, green and blue.
    ///
    /// - Parameters:
    ///   - samples: (height, width, 3).
    ///   - quality: 1 to 100.
    /// - Throws: `tooLarge` or `unsupported` for sides that a JPEG cannot have, `outOfSpace` where
    ///   the system gives no memory.
    public static func jpeg(
        width: Int, height: Int, samples: [UInt8], quality: Int
    ) throws(ImageError) -> [UInt8] {
        precondition(samples.count == width * height * 3, "(H, W, 3)")
        var header = ImageHeader(
            width: width, height: height, colorBands: 3, sampleType: .uint8, format: .jpeg)
        header.jpegQuality = quality
        if let obstacle = JPEGFormat.obstacle(to: header) {
            throw ImageError(.unsupported, "a JPEG \(obstacle)")
        }
        let descriptor = codec_memory_file()
        guard descriptor >= 0 else { throw writeError("a picture", "cannot be held", errno) }
        defer { close(descriptor) }
        let encoder = try JPEGFormat.makeEncoder(descriptor, name: "a picture", header: header)
        try samples.withUnsafeBufferPointer { samples throws(ImageError) in
            try encoder.write(rowCount: height, samples: UnsafeRawBufferPointer(samples))
        }
        try encoder.finish()
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw writeError("a picture", "cannot be measured", errno)
        }
        let count = Int(status.st_size)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            written = max(pread(descriptor, buffer.baseAddress, count, 0), 0)
        }
        guard bytes.count == count else {
            throw ImageError(.unreadable, "a picture: cannot be read back")
        }
        return bytes
    }
}
