import Imaging

/// One row of blocks of any samples, in memory.
final class RawSource: ImageSource {
    var header: ImageHeader
    let warnings: [String] = []
    let bytes: [UInt8]

    init(header: ImageHeader, bytes: [UInt8]) {
        self.header = header
        self.bytes = bytes
    }

    func readRaw(_ region: PixelRegion, into samples: UnsafeMutableRawBufferPointer)
        throws(ImageError)
    {
        let pixel = header.pixelByteCount
        var to = 0
        for y in region.y..<region.y + region.height {
            let from = (y * header.width + region.x) * pixel
            for byte in bytes[from..<from + region.width * pixel] {
                samples[to] = byte
                to += 1
            }
        }
    }
}
