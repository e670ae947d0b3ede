// Files made byte by byte, so that they can be wrong on purpose.

/// A classic TIFF: header, pixel data, then one directory.
struct HandmadeTIFF {
    var isBigEndian = false
    /// Tag, type (2 ASCII, 3 SHORT, 4 LONG), values. Sorted by tag when encoded.
    var entries: [(tag: Int, type: Int, values: [Int])]
    var data: [UInt8]
    /// Tags of text, which gets its zero.
    var texts: [(tag: Int, text: String)] = []
    var nextDirectory = 0

    static let width = 256
    static let height = 257
    static let bitsPerSample = 258
    static let compression = 259
    static let photometric = 262
    static let stripOffsets = 273
    static let samplesPerPixel = 277
    static let stripByteCounts = 279
    static let extraSamples = 338
    static let sampleFormat = 339

    /// One uncompressed strip of 8-bit samples.
    init(width: Int, height: Int, samples: Int = 1, photometric: Int = 1, data: [UInt8]) {
        self.data = data
        entries = [
            (Self.width, 4, [width]), (Self.height, 4, [height]),
            (Self.bitsPerSample, 3, Array(repeating: 8, count: samples)),
            (Self.compression, 3, [1]), (Self.photometric, 3, [photometric]),
            (Self.stripOffsets, 4, [8]), (Self.samplesPerPixel, 3, [samples]),
            (Self.stripByteCounts, 4, [data.count]),
        ]
    }

    mutating func set(_ tag: Int, _ values: Int...) {
        entries.removeAll { $0.tag == tag }
        entries.append((tag, values.contains { $0 > 65535 } ? 4 : 3, values))
    }

    private func number(_ value: Int, _ byteCount: Int) -> [UInt8] {
        let little = (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return isBigEndian ? little.reversed() : little
    }

    var bytes: [UInt8] {
        let directory = 8 + data.count + data.count % 2
        var bytes = isBigEndian ? [0x4D, 0x4D, 0, 42] : [0x49, 0x49, 42, 0] as [UInt8]
        bytes += number(directory, 4) + data
        if data.count % 2 == 1 { bytes.append(0) }
        let texts = texts.map { ($0.tag, 2, ($0.text.utf8 + [0]).map { Int($0) }) }
        let sorted = (entries + texts).sorted { $0.tag < $1.tag }
        var far = [UInt8]()
        let farOffset = directory + 2 + sorted.count * 12 + 4
        bytes += number(sorted.count, 2)
        for entry in sorted {
            let size = [2: 1, 3: 2][entry.type] ?? 4
            var values = entry.values.flatMap { number($0, size) }
            bytes += number(entry.tag, 2) + number(entry.type, 2) + number(entry.values.count, 4)
            if values.count > 4 {
                bytes += number(farOffset + far.count, 4)
                far += values
            } else {
                values += Array(repeating: 0, count: 4 - values.count)
                bytes += values
            }
        }
        return bytes + number(nextDirectory, 4) + far
    }
}

enum HandmadePNG {
    /// The chunks' checksums made right again, where the chunks can be told apart.
    static func withChecksums(_ png: [UInt8]) -> [UInt8] {
        var bytes = png
        var start = 8
        while start + 12 <= bytes.count {
            let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            let end = start + 8 + length
            guard end + 4 <= bytes.count else { break }
            let sum = crc32(bytes[start + 4..<end])
            for i in 0..<4 { bytes[end + i] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * i)) }
            start = end + 4
        }
        return bytes
    }

    /// A chunk with its length and checksum.
    static func chunk(_ type: String, _ bytes: [UInt8]) -> [UInt8] {
        let count = (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> (24 - 8 * $0)) }
        let sum = crc32((Array(type.utf8) + bytes)[...])
        return count + Array(type.utf8) + bytes
            + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * $0)) }
    }

    /// A gray image of 2 x 1 pixels, 7 and 9, with chunks in front of and behind its pixels.
    static func image(before: [UInt8] = [], after: [UInt8] = []) -> [UInt8] {
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
            + chunk("IHDR", [0, 0, 0, 2, 0, 0, 0, 1, 8, 0, 0, 0, 0]) + before
            + chunk("IDAT", stored([0, 7, 9])) + after + chunk("IEND", [])
    }

    /// A zlib stream that holds the bytes as they are.
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var (a, b) = (1, 0)
        for byte in bytes {
            a = (a + Int(byte)) % 65521
            b = (b + a) % 65521
        }
        let low = UInt8(bytes.count & 0xFF)
        let high = UInt8(bytes.count >> 8)
        return [0x78, 1, 1, low, high, ~low, ~high] + bytes
            + [b >> 8, b & 0xFF, a >> 8, a & 0xFF].map { UInt8($0) }
    }

    /// Signature and header of an image whose pixels are missing.
    static func header(width: Int, height: Int, depth: UInt8, colorType: UInt8) -> [UInt8] {
        let big = { (value: Int) in
            (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
        }
        let bytes: [UInt8] =
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + big(13) + Array("IHDR".utf8)
            + big(width) + big(height) + [depth, colorType, 0, 0, 0] + big(0)
            + big(1) + Array("IDAT".utf8) + [0x78] + big(0)
        return withChecksums(bytes)
    }

    private static let crcTable: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(byte) { value, _ in
            value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
        }
    }

    private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        let table = crcTable
        var sum: UInt32 = .max
        for byte in bytes { sum = sum >> 8 ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] }
        return ~sum
    }
}
