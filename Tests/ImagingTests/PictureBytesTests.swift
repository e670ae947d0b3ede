// Pictures for a screen.

import Foundation
import Testing

@testable import Imaging

struct PictureBytesTests {
    @Test func `a picture becomes a JPEG that is near it`() throws {
        let (width, height) = (40, 24)
        let samples = (0..<width * height).flatMap { pixel -> [UInt8] in
            let (x, y) = (pixel % width, pixel / width)
            return [UInt8(x * 6), UInt8(y * 10), 90]
        }
        let bytes = try PictureBytes.jpeg(
            width: width, height: height, samples: samples, quality: 95)
        let path = FileManager.default.temporaryDirectory.path + "/picture-\(UUID()).jpg"
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let image = try ImageFormats.open(path)
        #expect(image.header.width == width && image.header.height == height)
        var read = [UInt8](repeating: 0, count: samples.count)
        try read.withUnsafeMutableBytes {
            try image.readRaw(PixelRegion(x: 0, y: 0, width: width, height: height), into: $0)
        }
        let worst = zip(read, samples).map { abs(Int($0) - Int($1)) }.max() ?? 255
        #expect(worst <= 12)
    }

    @Test func `a picture that no JPEG can hold is refused`() {
        #expect(throws: ImageError.self) {
            try PictureBytes.jpeg(
                width: 70000, height: 1, samples: [UInt8](repeating: 0, count: 210_000), quality: 90
            )
        }
    }
}
