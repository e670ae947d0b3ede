// Texts and colour chunks of a PNG for formats that have tags instead.

extension Metadata {
    /// What keywords of PNG are called in TIFF and EXIF: DocumentName, Artist, ImageDescription,
    /// Copyright, Software.
    private static let tagsOfKeywords: [String: UInt16] = [
        "Title": 269, "Author": 315, "Description": 270, "Copyright": 33432, "Software": 305,
    ]
    /// EXIF's UserComment.
    private static let userComment: UInt16 = 37510

    /// With texts moved into the tags that say the same. A tag that is there already stays; a text
    /// that says something else then remains a text, as do those that no tag can say.
    ///
    /// - Parameter keeping: Keywords of texts that the format holds as texts.
    func withTextsAsTags(keeping: Set<String> = []) -> Metadata {
        var metadata = self
        metadata.texts = []
        for text in texts {
            let isMoved = !keeping.contains(text.keyword) && metadata.move(text)
            if !isMoved { metadata.texts.append(text) }
        }
        return metadata
    }

    private mutating func move(_ text: MetadataText) -> Bool {
        let bytes = Array(text.text.utf8)
        if bytes.isEmpty { return true }
        if text.keyword == "Comment" {
            // Eight bytes name the encoding; nothing but ASCII is sure to be read.
            let isASCII = bytes.allSatisfy { $0 < 0x80 }
            let comment = MetadataTag(
                number: Self.userComment, kind: .undefined,
                bytes: Array((isASCII ? "ASCII\0\0\0" : "\0\0\0\0\0\0\0\0").utf8) + bytes)
            return Self.add(comment, to: &exifTags)
        }
        guard let number = Self.tagsOfKeywords[text.keyword] else { return false }
        return Self.add(MetadataTag(number: number, kind: .ascii, bytes: bytes + [0]), to: &tags)
    }

    /// Whether the tag is there then, and says this.
    private static func add(_ tag: MetadataTag, to tags: inout [MetadataTag]) -> Bool {
        if let present = tags.first(where: { $0.number == tag.number }) { return present == tag }
        tags.append(tag)
        return true
    }

    /// With PNG's primary colours as the tags that TIFF and EXIF have for them, unless a profile or
    /// another chunk says more.
    func withPrimariesAsTags() -> Metadata {
        guard iccProfile == nil,
            !pngColorChunks.contains(where: { $0.type == "sRGB" || $0.type == "cICP" }),
            let place = pngColorChunks.firstIndex(where: {
                $0.type == "cHRM" && $0.bytes.count == 32
            }), !Self.isSRGB(pngColorChunks[place])
        else { return self }
        let chunk = pngColorChunks[place]
        // Hundred-thousandths.
        let rationals = (0..<8).map { index in
            [UInt32(clamping: chunk.number(at: 4 * index)), 100_000].withUnsafeBytes { Array($0) }
        }
        let present = { (number: UInt16) in tags.contains { $0.number == number } }
        guard !present(TIFFTag.whitePoint), !present(TIFFTag.primaryChromaticities) else {
            return self
        }
        var metadata = self
        metadata.pngColorChunks.remove(at: place)
        metadata.tags += [
            MetadataTag(
                number: TIFFTag.whitePoint, kind: .rational,
                bytes: rationals[..<2].flatMap(\.self)),
            MetadataTag(
                number: TIFFTag.primaryChromaticities, kind: .rational,
                bytes: rationals[2...].flatMap(\.self)),
        ]
        return metadata
    }

    /// PNG's colour chunks in words, for a format that has none. A profile says more than they do,
    /// but not of the background, and sRGB is what an image without a profile is taken for.
    var colorChunksInWords: [String] {
        pngColorChunks.compactMap { chunk in
            if chunk.type == "bKGD" { return "the background colour" }
            guard iccProfile == nil else { return nil }
            return switch chunk.type {
            case "sRGB": nil
            case "gAMA":
                Self.isSRGB(chunk) ? nil : "the gamma \(1 / (Double(chunk.number(at: 0)) / 1e5))"
            case "cHRM": Self.isSRGB(chunk) ? nil : "the primary colours"
            default: "the description of colours in chunk \(chunk.type)"
            }
        }
    }

    /// Whether a chunk about gamma or primary colours says what sRGB says.
    private static func isSRGB(_ chunk: PNGChunk) -> Bool {
        let known: [String: [Int]] = [
            "gAMA": [45455],
            "cHRM": [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000],
        ]
        guard let values = known[chunk.type], chunk.bytes.count == 4 * values.count else {
            return false
        }
        return values.indices.allSatisfy { abs(chunk.number(at: 4 * $0) - values[$0]) <= 100 }
    }
}

extension PNGChunk {
    /// Four bytes as a number; 0 beyond the end.
    func number(at offset: Int) -> Int {
        bytes.dropFirst(offset).prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
}
