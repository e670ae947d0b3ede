// Metadata as chunks of a PNG.

struct PNGMetadataWriter {
    /// All but the profile's and the resolution's; they may stand in front of the pixels in this
    /// order.
    private(set) var chunks: [PNGChunk] = []
    /// In words.
    private(set) var leftOut: [String] = []

    /// Texts from this size on are compressed.
    private static let compressedByteCount = 1024

    /// - Parameter hasProfile: whether the file has a colour profile, which sRGB's chunk would
    ///   contradict.
    init(_ header: ImageHeader, hasProfile: Bool) {
        let metadata = header.metadata
        chunks = metadata.pngColorChunks.filter { $0.type != "sRGB" || !hasProfile }
        if let block = metadata.withPixelDimensions(of: header).exifBlock() {
            chunks.append(PNGChunk(type: "eXIf", bytes: block))
        }
        if let packet = metadata.xmp {
            addInternational(MetadataText(keyword: PNGKeyword.xmp, text: ""), packet)
        }
        let resources = PhotoshopResources.joined(iptc: metadata.iptc, others: metadata.photoshop)
        if !resources.isEmpty {
            addLatin1(PNGKeyword.rawProfile + "iptc", RawProfile.text(resources, name: "iptc"))
        }
        for text in metadata.texts { add(text) }
        for words in Metadata.inWords(metadata.tagsBeyondExif) { leaveOut(words) }
        if let nodata = metadata.nodata { leaveOut("the nodata value \(nodata)") }
    }

    private mutating func leaveOut(_ what: String) {
        if !leftOut.contains(what) { leftOut.append(what) }
    }

    private mutating func add(_ text: MetadataText) {
        guard Self.isKeyword(text.keyword), !text.text.utf8.contains(0),
            text.language.utf8.allSatisfy({ (0x21..<0x7F).contains($0) }),
            !text.translatedKeyword.utf8.contains(0)
        else { return leaveOut(text.name) }
        if text.language.isEmpty, text.translatedKeyword.isEmpty, let bytes = latin1(text.text) {
            addLatin1(text.keyword, bytes)
        } else {
            addInternational(text, Array(text.text.utf8))
        }
    }

    private mutating func addLatin1(_ keyword: String, _ text: [UInt8]) {
        let head = (latin1(keyword) ?? []) + [0]
        if text.count >= Self.compressedByteCount, let smaller = deflated(text) {
            chunks.append(PNGChunk(type: "zTXt", bytes: head + [0] + smaller))
        } else {
            chunks.append(PNGChunk(type: "tEXt", bytes: head + text))
        }
    }

    private mutating func addInternational(_ text: MetadataText, _ bytes: [UInt8]) {
        // Many look for an XMP packet without unpacking anything.
        let isLong = text.keyword != PNGKeyword.xmp && bytes.count >= Self.compressedByteCount
        let smaller = isLong ? deflated(bytes) : nil
        let head = (latin1(text.keyword) ?? []) + [0, smaller == nil ? 0 : 1, 0]
        let names = Array(text.language.utf8) + [0] + Array(text.translatedKeyword.utf8) + [0]
        chunks.append(PNGChunk(type: "iTXt", bytes: head + names + (smaller ?? bytes)))
    }

    /// 1 to 79 printable characters of Latin-1, with single spaces inside.
    private static func isKeyword(_ keyword: String) -> Bool {
        guard let bytes = latin1(keyword), (1...79).contains(bytes.count) else { return false }
        return bytes.allSatisfy { (0x20..<0x7F).contains($0) || $0 >= 0xA1 }
            && !keyword.hasPrefix(" ") && !keyword.hasSuffix(" ") && !keyword.contains("  ")
    }
}

/// Nil where the text has characters that Latin-1 has not.
private func latin1(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
        guard let byte = UInt8(exactly: scalar.value) else { return nil }
        bytes.append(byte)
    }
    return bytes
}
