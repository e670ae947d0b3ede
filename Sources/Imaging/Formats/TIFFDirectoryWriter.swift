// Directories as the bytes of a file.

/// What an entry of a directory to be written says.
enum TIFFField {
    /// Values in native byte order.
    case tag(MetadataTag)
    /// An entry of 12 or 20 bytes that is valid as it stands, in the file's byte order.
    case entry(TIFFEntry)
    /// Values that lie elsewhere in the file, and have no place in the directory.
    case placed(MetadataTag, at: Int)

    var number: UInt16 {
        switch self {
        case .tag(let tag), .placed(let tag, at: _): tag.number
        case .entry(let entry): entry.number
        }
    }
}

/// How directories are written: byte order and size of offsets.
struct TIFFDirectoryWriter {
    let isBigEndian: Bool
    /// BigTIFF.
    let isBig: Bool

    private var inlineByteCount: Int { isBig ? 8 : 4 }

    /// Bytes that `directory` will make of the fields; even.
    func byteCount(of fields: [TIFFField]) -> Int {
        let far = fields.reduce(0) { sum, field in
            guard case .tag(let tag) = field, tag.bytes.count > inlineByteCount else { return sum }
            return sum + even(tag.bytes.count)
        }
        return even(tableByteCount(fields.count)) + far
    }

    /// A directory and behind it the values that have no place in it.
    ///
    /// - Parameters:
    ///   - offset: where its first byte will lie; even.
    ///   - next: where the next directory lies; 0 for none.
    func directory(_ fields: [TIFFField], at offset: Int, next: Int) -> [UInt8] {
        let sorted = fields.sorted { $0.number < $1.number }
        var table = number(sorted.count, isBig ? 8 : 2)
        var far: [UInt8] = []
        let farOffset = offset + even(tableByteCount(sorted.count))
        for field in sorted {
            let tag: MetadataTag
            switch field {
            case .entry(let entry):
                table += entry.raw
                continue
            case .placed(let elsewhere, let place):
                table += head(of: elsewhere) + number(place, inlineByteCount)
                continue
            case .tag(let own): tag = own
            }
            var bytes = tag.bytes
            swapWords(&bytes, tag.kind, isBigEndian: isBigEndian)
            table += head(of: tag)
            if bytes.count > inlineByteCount {
                table += number(farOffset + far.count, inlineByteCount)
                far += bytes
                if far.count % 2 == 1 { far.append(0) }
            } else {
                table += bytes
                table += [UInt8](repeating: 0, count: inlineByteCount - bytes.count)
            }
        }
        table += number(next, inlineByteCount)
        if table.count % 2 == 1 { table.append(0) }
        return table + far
    }

    private func head(of tag: MetadataTag) -> [UInt8] {
        number(Int(tag.number), 2) + number(Int(tag.kind.rawValue), 2)
            + number(tag.count, inlineByteCount)
    }

    func number(_ value: Int, _ byteCount: Int) -> [UInt8] {
        let little = (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        return isBigEndian ? little.reversed() : little
    }

    /// The tag that says where a directory lies.
    func pointer(_ tagNumber: UInt16, to offset: Int) -> TIFFField {
        .tag(
            isBig
                ? MetadataTag(number: tagNumber, kind: .ifd8, nativeBytes(UInt64(offset)))
                : MetadataTag(number: tagNumber, kind: .long, nativeBytes(UInt32(offset))))
    }

    /// Places in the file, moved.
    func offsets(_ tagNumber: UInt16, _ places: [Int], _ base: Int) -> MetadataTag {
        isBig
            ? MetadataTag(
                number: tagNumber, kind: .long8,
                places.flatMap { nativeBytes(UInt64($0 + base)) })
            : MetadataTag(
                number: tagNumber, kind: .long,
                places.flatMap { nativeBytes(UInt32(clamping: $0 + base)) })
    }

    private func tableByteCount(_ count: Int) -> Int {
        isBig ? 8 + 20 * count + 8 : 2 + 12 * count + 4
    }

    private func even(_ count: Int) -> Int { count + count % 2 }
}

extension MetadataTag {
    init(number: UInt16, kind: Kind, _ bytes: [UInt8]) {
        self.init(number: number, kind: kind, bytes: bytes)
    }

    init(_ number: UInt16, short value: Int) {
        self.init(number: number, kind: .short, bytes: nativeBytes(UInt16(clamping: value)))
    }

    init(_ number: UInt16, rational value: Double) {
        let (numerator, denominator) = nearestFraction(value)
        self.init(
            number: number, kind: .rational,
            bytes: nativeBytes(numerator) + nativeBytes(denominator))
    }

    /// Text with the zero at its end.
    init(_ number: UInt16, text: String) {
        self.init(number: number, kind: .ascii, bytes: Array(text.utf8) + [0])
    }
}

private func nativeBytes<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
}

/// The simplest fraction that is the number again as a Double, or as near as 32 bits allow.
func nearestFraction(_ value: Double) -> (numerator: UInt32, denominator: UInt32) {
    guard value > 0, value < Double(UInt32.max) else { return (value > 0 ? .max : 0, 1) }
    // Continued fractions: (p, q) and the pair before it.
    var (p, q, formerP, formerQ) = (1.0, 0.0, 0.0, 1.0)
    var rest = value
    while true {
        let whole = rest.rounded(.down)
        let (nextP, nextQ) = (whole * p + formerP, whole * q + formerQ)
        guard nextP <= Double(UInt32.max), nextQ <= Double(UInt32.max) else { break }
        (formerP, formerQ, p, q) = (p, q, nextP, nextQ)
        if p / q == value || rest == whole { break }
        rest = 1 / (rest - whole)
    }
    return q > 0 ? (UInt32(p), UInt32(q)) : (UInt32(value), 1)
}
