// What a JPEG says in the segments before its pixels.

/// Names at the beginning of segments.
enum JPEGSignature {
    static let jfif = Array("JFIF\0".utf8)
    static let jfxx = Array("JFXX\0".utf8)
    static let exif = Array("Exif\0\0".utf8)
    static let xmp = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
    static let extendedXMP = Array("http://ns.adobe.com/xmp/extension/\0".utf8)
    static let icc = Array("ICC_PROFILE\0".utf8)
    static let photoshop = Array("Photoshop 3.0\0".utf8)
    static let adobe = Array("Adobe".utf8)
}

struct JPEGSegment {
    /// The marker's second byte: 0xE0 APP0 to 0xEF APP15, 0xFE a comment.
    var marker: UInt8
    var bytes: [UInt8]

    func has(_ marker: UInt8, _ signature: [UInt8]) -> Bool {
        self.marker == marker && bytes.starts(with: signature)
    }

    /// As in a sentence: "MPF (APP2)".
    var name: String {
        let letters = bytes.prefix(40).prefix { (0x21..<0x7F).contains($0) }
        let place = "APP\(marker & 0x0F)"
        return letters.isEmpty
            ? "the segment \(place)" : "\(String(decoding: letters, as: UTF8.self)) (\(place))"
    }
}

/// The application segments and comments in front of the first scan.
struct JPEGSegments {
    /// What is not taken over, in words, each once.
    private(set) var leftOut: [String] = []
    private var segments: [JPEGSegment] = []

    private static let byteCountMaximum = 64 << 20
    private static let countMaximum = 20_000

    /// Reads up to the first scan, or to where the file makes no sense: that is the decoder's to
    /// say.
    init(_ descriptor: Int32) {
        var offset = 2
        var byteCount = 0
        while let head = fileBytes(descriptor, at: offset, count: 2), head[0] == 0xFF {
            let marker = head[1]
            // Fill bytes, and markers that stand alone.
            if marker == 0xFF { offset += 1 }
            if marker == 0xFF { continue }
            offset += 2
            if marker == 0x01 || (0xD0...0xD8).contains(marker) { continue }
            if marker == 0xDA || marker == 0xD9 { return }
            guard let lengthBytes = fileBytes(descriptor, at: offset, count: 2) else { return }
            let length = Int(lengthBytes[0]) << 8 | Int(lengthBytes[1])
            guard length >= 2 else { return }
            if (0xE0...0xEF).contains(marker) || marker == 0xFE {
                byteCount += length
                guard byteCount <= Self.byteCountMaximum, segments.count < Self.countMaximum else {
                    leaveOut("all of its segments after the first \(segments.count)")
                    return
                }
                guard let bytes = fileBytes(descriptor, at: offset + 2, count: length - 2) else {
                    return
                }
                segments.append(JPEGSegment(marker: marker, bytes: bytes))
            }
            offset += length
        }
    }

    private mutating func leaveOut(_ what: String) {
        if !leftOut.contains(what) { leftOut.append(what) }
    }

    /// All that the segments say, in the common form.
    mutating func metadata() -> Metadata {
        var metadata = Metadata()
        var density: Resolution?
        var exif: [UInt8]?
        var (photoshop, extended) = ([UInt8](), [[UInt8]]())
        var profile: [JPEGSegment] = []
        for segment in segments {
            if segment.has(0xE0, JPEGSignature.jfif) {
                density = density ?? Resolution(jfif: segment.bytes)
            } else if segment.has(0xE1, JPEGSignature.exif), exif == nil {
                exif = segment.bytes
            } else if segment.has(0xE1, JPEGSignature.xmp), metadata.xmp == nil {
                metadata.xmp = Array(segment.bytes.dropFirst(JPEGSignature.xmp.count))
            } else if segment.has(0xE1, JPEGSignature.extendedXMP) {
                extended.append(
                    Array(segment.bytes.dropFirst(JPEGSignature.extendedXMP.count)))
            } else if segment.has(0xE2, JPEGSignature.icc) {
                profile.append(segment)
            } else if segment.has(0xED, JPEGSignature.photoshop) {
                photoshop += segment.bytes.dropFirst(JPEGSignature.photoshop.count)
            } else if segment.marker == 0xFE {
                let text = string(utf8OrLatin1: segment.bytes.prefix { $0 != 0 })
                if !text.isEmpty { metadata.texts.append(.comment(text)) }
            } else if !segment.has(0xE0, JPEGSignature.jfxx),
                !segment.has(0xEE, JPEGSignature.adobe)
            {
                leaveOut(segment.name)
            }
        }
        if !profile.isEmpty { metadata.iccProfile = joined(profile) }
        if !extended.isEmpty {
            if let whole = ExtendedXMP.joined(metadata.xmp, extended) {
                metadata.xmp = whole
            } else {
                leaveOut("the extended part of its XMP, which is damaged,")
            }
        }
        if !photoshop.isEmpty { take(photoshop: photoshop, &metadata) }
        if let exif {
            for what in metadata.mergeExif(exif) { leaveOut(what) }
        }
        metadata.take(wholeResolution: density)
        return metadata
    }

    /// A profile's parts, numbered from 1, each of which says how many there are.
    private mutating func joined(_ parts: [JPEGSegment]) -> [UInt8]? {
        let start = JPEGSignature.icc.count
        var bytes: [Int: ArraySlice<UInt8>] = [:]
        for part in parts where part.bytes.count >= start + 2 {
            bytes[Int(part.bytes[start])] = part.bytes[(start + 2)...]
        }
        let numbers = 1...max(bytes.count, 1)
        let isWhole =
            parts.count == bytes.count
            && parts.allSatisfy { $0.bytes[start + 1] == bytes.count }
            && numbers.allSatisfy { bytes[$0] != nil }
        guard isWhole else {
            leaveOut("the colour profile, which is damaged,")
            return nil
        }
        return numbers.flatMap { bytes[$0] ?? [] }
    }

    private mutating func take(photoshop: [UInt8], _ metadata: inout Metadata) {
        let resources = PhotoshopResources(photoshop)
        metadata.iptc = resources.iptc
        metadata.photoshop = resources.others.isEmpty ? nil : resources.others
        if resources.isDamaged { leaveOut("a part of Photoshop's resources, which is damaged,") }
    }
}

extension Resolution {
    /// JFIF's density; nil where it says nothing.
    fileprivate init?(jfif bytes: [UInt8]) {
        guard bytes.count >= 12 else { return nil }
        let x = Int(bytes[8]) << 8 | Int(bytes[9])
        let y = Int(bytes[10]) << 8 | Int(bytes[11])
        guard x > 0, y > 0, bytes[7] <= 2, bytes[7] > 0 || x != y else { return nil }
        self.init(
            x: Double(x), y: Double(y),
            unit: bytes[7] == 1 ? .inch : bytes[7] == 2 ? .centimeter : .ratio)
    }
}

extension MetadataText {
    static func comment(_ text: String) -> MetadataText {
        MetadataText(keyword: "Comment", text: text)
    }
}
