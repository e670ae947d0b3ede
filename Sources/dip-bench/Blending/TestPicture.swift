// An image of any size that is cheap to make and not trivial to compress.

import Imaging

/// Smooth waves and grain of seven levels: deflate makes it half as large. Deterministic.
struct TestPicture {
    let width, height, bands: Int
    private let wave: [Int]
    private let grain: [UInt8]

    init(width: Int, height: Int, bands: Int) {
        (self.width, self.height, self.bands) = (width, height, bands)
        // Up and down once in 1024 steps, within 16 ... 239.
        wave = (0..<1024).map { 16 + 223 * min($0, 1023 - $0) / 511 }
        var state: UInt64 = 1
        grain = (0..<1 << 16).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8((state >> 33) % 7)
        }
    }

    func header(_ compression: TIFFCompression) -> ImageHeader {
        ImageHeader(
            width: width, height: height, colorBands: bands, sampleType: .uint8, format: .tiff,
            tiffCompression: compression)
    }

    /// Writes it as a TIFF, some rows at a time.
    func write(_ path: String, compression: TIFFCompression) throws {
        let sink = try ImageFormats.createSink(path, like: header(compression))
        defer { sink.abandon() }
        let rowByteCount = width * bands
        var rows = [UInt8](repeating: 0, count: min(height, 16) * rowByteCount)
        for top in stride(from: 0, to: height, by: 16) {
            let count = min(16, height - top)
            try rows.withUnsafeMutableBytes { rows in
                for y in 0..<count {
                    let part = rows[y * rowByteCount..<(y + 1) * rowByteCount]
                    fill(UnsafeMutableRawBufferPointer(rebasing: part), y: top + y)
                }
                let part = UnsafeRawBufferPointer(rebasing: rows[..<(count * rowByteCount)])
                try sink.append(rowCount: count, samples: part)
            }
        }
        try sink.finish()
    }

    private func fill(_ row: UnsafeMutableRawBufferPointer, y: Int) {
        // Another part of the grain for each row; a part comes again after 65,536 samples.
        let first = (y &* 40_503) & 0xFFFF
        wave.withUnsafeBufferPointer { wave in
            grain.withUnsafeBufferPointer { grain in
                var place = 0
                for x in 0..<width {
                    for band in 0..<bands {
                        let smooth = wave[(x / 4 + y / 3 * (band + 1)) & 1023]
                        row[place] = UInt8(smooth + Int(grain[(first + place) & 0xFFFF]))
                        place += 1
                    }
                }
            }
        }
    }
}

/// Compares two images of one kind, some rows at a time.
///
/// - Returns: the first row in which a sample differs; nil where none does.
func firstDifferentRow(_ a: String, _ b: String) throws -> Int? {
    var options = ReadingOptions()
    options.cacheByteCount = 16 << 20
    let (one, other) = (try ImageFormats.open(a, options), try ImageFormats.open(b, options))
    let header = one.header
    guard header.width == other.header.width, header.height == other.header.height,
        header.pixelByteCount == other.header.pixelByteCount
    else { return 0 }
    let rowByteCount = header.width * header.pixelByteCount
    var samples = [UInt8](repeating: 0, count: rowByteCount)
    var others = samples
    for y in 0..<header.height {
        let region = PixelRegion(x: 0, y: y, width: header.width, height: 1)
        try samples.withUnsafeMutableBytes { try one.readRaw(region, into: $0) }
        try others.withUnsafeMutableBytes { try other.readRaw(region, into: $0) }
        if samples != others { return y }
    }
    return nil
}
