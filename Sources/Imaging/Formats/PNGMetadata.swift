// A PNG's chunks as metadata.

enum PNGKeyword {
    static let xmp = "XML:com.adobe.xmp"
    /// ImageMagick's way to put a profile into a text: its name, length and hexadecimal digits.
    static let rawProfile = "Raw profile type "
}

/// Reads chunks into the common form.
struct PNGMetadataReader {
    private(set) var metadata = Metadata()
    private var chunks: PNGChunks
    private var resolution: Resolution?
    private var date: [UInt8]?
    /// EXIF blocks, the file's own before those in texts.
    private var exif: [[UInt8]] = []
    private var profiles: [(name: String, text: [UInt8])] = []

    /// In words.
    var leftOut: [String] { chunks.leftOut }

    init(_ descriptor: Int32) {
        chunks = PNGChunks(descriptor)
        for chunk in chunks.chunks { take(chunk) }
        for profile in profiles { take(rawProfile: profile.text, profile.name) }
        for block in exif {
            for what in metadata.mergeExif(block) { chunks.leaveOut(what) }
        }
        metadata.take(wholeResolution: resolution)
        if let date, !metadata.tags.contains(where: { $0.number == 306 }) {
            metadata.tags.append(MetadataTag(number: 306, kind: .ascii, bytes: date))
        }
    }

    private mutating func take(_ chunk: PNGChunk) {
        let bytes = chunk.bytes
        switch chunk.type {
        case "iCCP":
            guard metadata.iccProfile == nil, let (_, rest) = split(bytes[...]), rest.first == 0
            else { return }
            metadata.iccProfile = chunks.inflated(rest.dropFirst(), of: "the colour profile")
        case "pHYs":
            guard bytes.count == 9, chunk.number(at: 0) > 0, chunk.number(at: 4) > 0 else { return }
            resolution = Resolution(
                x: Double(chunk.number(at: 0)), y: Double(chunk.number(at: 4)),
                unit: bytes[8] == 1 ? .meter : .ratio)
        case "eXIf": exif.insert(bytes, at: 0)
        case "tIME": date = dateTime(bytes)
        case "tEXt":
            guard let (keyword, text) = split(bytes[...]) else { return }
            addLatin1(keyword, text)
        case "zTXt":
            guard let (keyword, rest) = split(bytes[...]), rest.first == 0,
                let text = chunks.inflated(rest.dropFirst(), of: textName(keyword))
            else { return }
            addLatin1(keyword, text[...])
        case "iTXt": takeInternational(bytes)
        case "sBIT":
            // Restored samples have all of their bits; what says so says nothing.
            let all = chunks.hasPalette ? 8 : chunks.bits
            if bytes.contains(where: { $0 != all }) {
                chunks.leaveOut("the number of significant bits")
            }
        case "bKGD" where chunks.hasPalette || chunks.bits < 8:
            chunks.leaveOut("the background colour")
        default:
            let isKnown = metadata.pngColorChunks.contains { $0.type == chunk.type }
            if !isKnown { metadata.pngColorChunks.append(chunk) }
        }
    }

    /// Keyword, whether it is compressed, how, language, translated keyword, UTF-8.
    private mutating func takeInternational(_ bytes: [UInt8]) {
        guard let (keyword, rest) = split(bytes[...]), rest.count >= 2,
            let (language, second) = split(rest.dropFirst(2)),
            let (translated, stored) = split(second)
        else { return }
        var text = Array(stored)
        if rest.first == 1 {
            guard let larger = chunks.inflated(stored, of: textName(keyword)) else { return }
            text = larger
        }
        add(
            MetadataText(
                keyword: string(latin1: keyword),
                text: String(decoding: upToZero(text), as: UTF8.self),
                language: string(latin1: language),
                translatedKeyword: String(decoding: translated, as: UTF8.self)),
            text[...])
    }

    private mutating func addLatin1(_ keyword: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) {
        add(
            MetadataText(
                keyword: string(latin1: keyword), text: string(latin1: upToZero(text))), text)
    }

    private func textName(_ keyword: ArraySlice<UInt8>) -> String {
        MetadataText(keyword: string(latin1: keyword), text: "").name
    }

    private mutating func add(_ text: MetadataText, _ bytes: ArraySlice<UInt8>) {
        if text.keyword == PNGKeyword.xmp {
            if metadata.xmp == nil { metadata.xmp = Array(bytes) }
        } else if text.keyword.hasPrefix(PNGKeyword.rawProfile) {
            let name = String(text.keyword.dropFirst(PNGKeyword.rawProfile.count))
            profiles.append((name, Array(bytes)))
        } else {
            metadata.texts.append(text)
        }
    }

    private mutating func take(rawProfile text: [UInt8], _ name: String) {
        guard let bytes = RawProfile.bytes(of: text) else {
            return chunks.leaveOut("the profile \(inSentence(name)) in a text, which is damaged,")
        }
        switch name.lowercased() {
        case "exif", "app1":
            if bytes.starts(with: JPEGSignature.xmp) {
                metadata.xmp = metadata.xmp ?? Array(bytes.dropFirst(JPEGSignature.xmp.count))
            } else {
                exif.append(bytes)
            }
        case "xmp": metadata.xmp = metadata.xmp ?? bytes
        case "icc", "icm": metadata.iccProfile = metadata.iccProfile ?? bytes
        case "iptc", "8bim":
            if bytes.starts(with: Array("8BIM".utf8)) {
                let resources = PhotoshopResources(bytes)
                metadata.iptc = metadata.iptc ?? resources.iptc
                if metadata.photoshop == nil, !resources.others.isEmpty {
                    metadata.photoshop = resources.others
                }
                if resources.isDamaged {
                    chunks.leaveOut("a part of Photoshop's resources, which is damaged,")
                }
            } else {
                metadata.iptc = metadata.iptc ?? bytes
            }
        default: chunks.leaveOut("the profile \(inSentence(name)) in a text")
        }
    }
}

/// A text up to its zero and what follows that; nil where there is none.
private func split(_ bytes: ArraySlice<UInt8>)
    -> (text: ArraySlice<UInt8>, rest: ArraySlice<UInt8>)?
{
    guard let end = bytes.firstIndex(of: 0) else { return nil }
    return (bytes[..<end], bytes[(end + 1)...])
}

private func upToZero(_ bytes: some Collection<UInt8>) -> [UInt8] {
    Array(bytes.prefix { $0 != 0 })
}

/// tIME as TIFF says it, with its zero: "2026:03:01 12:00:00"; nil where it is no time.
private func dateTime(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count == 7, (1...12).contains(bytes[2]), (1...31).contains(bytes[3]),
        bytes[4] < 24, bytes[5] < 60, bytes[6] <= 60
    else { return nil }
    let digits = { (value: Int, count: Int) in
        let text = String(value)
        return String(repeating: "0", count: max(count - text.count, 0)) + text
    }
    let year = digits(Int(bytes[0]) << 8 | Int(bytes[1]), 4)
    guard year.count == 4 else { return nil }
    let rest = bytes[2...].map { digits(Int($0), 2) }
    return Array("\(year):\(rest[0]):\(rest[1]) \(rest[2]):\(rest[3]):\(rest[4])\0".utf8)
}

enum RawProfile {
    /// The bytes that the text's digits say; nil where they are not as many as it says.
    static func bytes(of text: [UInt8]) -> [UInt8]? {
        let space: Set<UInt8> = [0x20, 0x0A, 0x0D, 0x09]
        let words = text.split(maxSplits: 2, omittingEmptySubsequences: true) { space.contains($0) }
        guard words.count == 3, let count = Int(String(decoding: words[1], as: UTF8.self)),
            count > 0
        else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for byte in words[2] where !space.contains(byte) {
            guard let digit = value(ofDigit: byte) else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes.count == count && high == nil ? bytes : nil
    }

    private static func value(ofDigit byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    static func text(_ bytes: [UInt8], name: String) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        let count = String(bytes.count)
        let padding = String(repeating: " ", count: max(8 - count.count, 0))
        var text = Array("\n\(name)\n\(padding)\(count)".utf8)
        for (index, byte) in bytes.enumerated() {
            if index % 36 == 0 { text.append(0x0A) }
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return text + [0x0A]
    }
}
