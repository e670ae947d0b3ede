import Testing

@testable import Imaging

/// What PNGs say beside their pixels.
@Suite struct PNGMetadataTests {
    private func header(_ metadata: Metadata) -> ImageHeader {
        var header = ImageHeader(
            width: 8, height: 4, colorBands: 1, sampleType: .uint8, format: .png)
        header.metadata = metadata
        return header
    }

    /// Writes an image with metadata; reads them back.
    private func roundTrip(_ metadata: Metadata) throws -> (Metadata, warnings: [String]) {
        let folder = try ScratchFolder()
        let warnings = try Picture(header(metadata), seed: 1).write(folder.path + "/a.png")
        let source = try ImageFormats.open(folder.path + "/a.png")
        #expect(source.warnings == [])
        return (source.header.metadata, warnings)
    }

    private func open(before: [UInt8] = [], after: [UInt8] = []) throws -> any ImageSource {
        let folder = try ScratchFolder()
        let bytes = HandmadePNG.image(before: before, after: after)
        let source = try ImageFormats.open(folder.file("image", bytes))
        #expect(try Picture(source).samples == [7, 9])
        return source
    }

    private func text(_ keyword: String, _ text: String) -> MetadataText {
        MetadataText(keyword: keyword, text: text)
    }

    @Test func `all that a PNG can hold comes back`() throws {
        var metadata = JPEGMetadataTests.full
        metadata.iccProfile = nil
        metadata.pngColorChunks = [
            PNGChunk(type: "gAMA", bytes: [0, 0, 0xB1, 0x8F]),
            PNGChunk(type: "cHRM", bytes: (1...32).map { UInt8($0) }),
            PNGChunk(type: "sRGB", bytes: [1]), PNGChunk(type: "cICP", bytes: [9, 16, 0, 1]),
        ]
        metadata.texts = [
            text("Title", "Grüße"), text("Comment", "日本"),
            text("Long", String(repeating: "ä", count: 3000)),
            text("Long too", String(repeating: "→", count: 3000)),
            MetadataText(
                keyword: "Author", text: "Me", language: "de-CH", translatedKeyword: "Verfasser"),
            text("Empty", ""),
        ]
        let (back, warnings) = try roundTrip(metadata)
        #expect(warnings == [])
        #expect(back == metadata)
    }

    @Test func `what a PNG cannot hold is named`() throws {
        var metadata = Metadata()
        metadata.nodata = -9999
        metadata.tags = [MetadataTag(number: 33550, kind: .double, bytes: Array(1...24))]
        metadata.texts = [text(" Rabbit", "R"), text("Fox", "a\0b"), text("日", "J")]
        let (back, warnings) = try roundTrip(metadata)
        #expect(warnings.count == 1)
        for words in ["-9999", "georeferencing", "Rabbit", "Fox", "日"] {
            #expect(warnings.first?.contains(words) == true, "\(words): \(warnings)")
        }
        #expect(back == Metadata())
    }

    @Test func `a profile takes the place of sRGB's chunk`() throws {
        var metadata = Metadata()
        metadata.iccProfile = [1, 2, 3]
        metadata.pngColorChunks = [PNGChunk(type: "sRGB", bytes: [0])]
        // libpng leaves this profile out: then sRGB stays.
        #expect(try roundTrip(metadata).0.pngColorChunks == metadata.pngColorChunks)
        let chunks = { PNGMetadataWriter(self.header(metadata), hasProfile: $0).chunks }
        #expect(chunks(true) == [] && chunks(false) == metadata.pngColorChunks)
    }

    @Test func `texts are read in front of and behind the pixels`() throws {
        let latin = HandmadePNG.chunk("tEXt", Array("Title\0".utf8) + [0xE4])
        let packed = HandmadePNG.chunk(
            "zTXt", Array("Author\0\0".utf8) + HandmadePNG.stored([0xF6, 65]))
        let wide = HandmadePNG.chunk(
            "iTXt", Array("Comment\0\0\0de\0Kommentar\0".utf8) + Array("日".utf8))
        let packedWide = HandmadePNG.chunk(
            "iTXt", Array("Comment\0".utf8) + [1, 0, 0, 0] + HandmadePNG.stored(Array("日".utf8)))
        let source = try open(before: latin + packed, after: wide + packedWide)
        #expect(source.warnings == [])
        #expect(
            source.header.metadata.texts == [
                text("Title", "ä"), text("Author", "öA"),
                MetadataText(
                    keyword: "Comment", text: "日", language: "de", translatedKeyword: "Kommentar"),
                text("Comment", "日"),
            ])
    }

    @Test func `the time of the last change becomes a date unless EXIF has one`() throws {
        let time = HandmadePNG.chunk("tIME", [7, 0xEA, 3, 1, 12, 5, 59])
        let date = MetadataTag(
            number: 306, kind: .ascii, bytes: Array("2026:03:01 12:05:59\0".utf8))
        #expect(try open(after: time).header.metadata.tags == [date])
        var metadata = Metadata()
        metadata.tags = [MetadataTag(number: 306, kind: .ascii, bytes: [65, 0])]
        let exif = HandmadePNG.chunk("eXIf", try #require(metadata.exifBlock()))
        #expect(try open(before: exif, after: time).header.metadata.tags == metadata.tags)
        let wrong = HandmadePNG.chunk("tIME", [7, 0xEA, 13, 1, 12, 5, 59])
        #expect(try open(after: wrong).header.metadata == Metadata())
    }

    @Test func `profiles in texts are what they say`() throws {
        let full = JPEGMetadataTests.full
        let exif = try #require(full.exifBlock())
        let raw = { (name: String, bytes: [UInt8]) in
            HandmadePNG.chunk(
                "tEXt",
                Array("Raw profile type \(name)\0".utf8) + RawProfile.text(bytes, name: name))
        }
        let xmp = try #require(full.xmp)
        let iptc = try #require(full.iptc)
        for name in ["exif", "APP1"] {
            let back = try open(before: raw(name, JPEGSignature.exif + exif)).header.metadata
            #expect(back.exifTags == full.exifTags && back.orientation == 6)
        }
        #expect(try open(before: raw("xmp", xmp)).header.metadata.xmp == xmp)
        let marked = raw("APP1", JPEGSignature.xmp + xmp)
        #expect(try open(before: marked).header.metadata.xmp == xmp)
        #expect(try open(before: raw("icc", [1, 2])).header.metadata.iccProfile == [1, 2])
        #expect(try open(before: raw("iptc", iptc)).header.metadata.iptc == iptc)
        let both = PhotoshopResources.joined(iptc: iptc, others: full.photoshop)
        let back = try open(before: raw("iptc", both)).header.metadata
        #expect(back.iptc == iptc && back.photoshop == full.photoshop)
        // The file's own block counts for more.
        var other = Metadata()
        other.orientation = 3
        let own = HandmadePNG.chunk("eXIf", try #require(other.exifBlock()))
        #expect(try open(before: raw("exif", exif) + own).header.metadata.orientation == 3)
    }

    @Test func `damaged and foreign chunks are left out and named`() throws {
        var torn = HandmadePNG.chunk("tEXt", Array("Title\0T".utf8))
        torn[torn.count - 1] ^= 1
        let packed = HandmadePNG.stored([65, 66])
        let cases: [([UInt8], String)] = [
            (torn, "tEXt"),
            (HandmadePNG.chunk("zTXt", Array("Fox\0\0".utf8) + packed.dropLast(5)), "text \"Fox\""),
            (HandmadePNG.chunk("iCCP", Array("a\0\0".utf8) + [1, 2, 3]), "colour profile"),
            (HandmadePNG.chunk("eXIf", [1, 2, 3]), "EXIF"),
            (HandmadePNG.chunk("vpAg", [1, 2, 3]), "chunk vpAg"),
            (HandmadePNG.chunk("acTL", [0, 0, 0, 1, 0, 0, 0, 0]), "further frames"),
            (
                HandmadePNG.chunk("tEXt", Array("Raw profile type exif\0\nexif\n 4\nff".utf8)),
                "profile exif"
            ),
            (
                HandmadePNG.chunk("tEXt", Array("Raw profile type fox\0\nfox\n 1\nff".utf8)),
                "profile fox"
            ),
        ]
        for (bytes, words) in cases {
            let source = try open(before: bytes)
            #expect(source.header.metadata == Metadata())
            #expect(source.warnings.count == 1)
            #expect(source.warnings.first?.contains(words) == true, "\(source.warnings)")
        }
        // Nothing to say and nothing wrong.
        for (type, bytes) in [("sBIT", [8]), ("tEXt", [65])]
            as [(String, [UInt8])]
        {
            let source = try open(before: HandmadePNG.chunk(type, bytes))
            #expect(source.warnings == [] && source.header.metadata == Metadata())
        }
    }

    @Test func `a text that unpacks to more than the limit is left out`() throws {
        let bomb = try #require(deflated([UInt8](repeating: 65, count: 65 << 20)))
        let keyword = Array("Bomb\0\0".utf8)
        let source = try open(before: HandmadePNG.chunk("zTXt", keyword + bomb))
        #expect(source.header.metadata == Metadata())
        #expect(source.warnings.count == 1 && source.warnings[0].contains("above the limits"))
    }

    @Test func `texts become tags where a format has tags`() throws {
        var metadata = Metadata()
        metadata.tags = [MetadataTag(number: 315, kind: .ascii, bytes: Array("A\0".utf8))]
        metadata.texts = [
            text("Title", "T"), text("Description", "Grüße"), text("Copyright", "C"),
            text("Software", "S"), text("Comment", "K"), text("Author", "A"),
            text("Author", "B"), text("Rabbit", "R"),
        ]
        let tags = metadata.withTextsAsTags()
        #expect(tags.texts == [text("Author", "B"), text("Rabbit", "R")])
        #expect(tags.tags.map(\.number) == [315, 269, 270, 33432, 305])
        #expect(tags.tags[2].bytes == Array("Grüße\0".utf8))
        #expect(
            tags.exifTags == [
                MetadataTag(number: 37510, kind: .undefined, bytes: Array("ASCII\0\0\0K".utf8))
            ])
        #expect(metadata.withTextsAsTags(keeping: ["Comment"]).exifTags == [])
    }

    @Test func `colours other than those of sRGB are named`() {
        var metadata = Metadata()
        metadata.pngColorChunks = [
            PNGChunk(type: "sRGB", bytes: [0]), PNGChunk(type: "gAMA", bytes: [0, 0, 0xB1, 0x8F]),
        ]
        #expect(metadata.colorChunksInWords == [])
        metadata.pngColorChunks[1].bytes = [0, 0, 0xD6, 0xD8]
        #expect(metadata.colorChunksInWords.count == 1)
        metadata.iccProfile = [1]
        #expect(metadata.colorChunksInWords == [])
    }

    @Test func `the background and what other bits mean are kept or named`() throws {
        let background = PNGChunk(type: "bKGD", bytes: [0, 7])
        let chunk = HandmadePNG.chunk("bKGD", background.bytes)
        let source = try open(before: chunk + HandmadePNG.chunk("sBIT", [8]))
        #expect(source.header.metadata.pngColorChunks == [background] && source.warnings == [])
        #expect(try roundTrip(source.header.metadata).0.pngColorChunks == [background])
        let few = try open(before: HandmadePNG.chunk("sBIT", [5]))
        #expect(few.warnings.first?.contains("the number of significant bits") == true)
        // Other formats have no place for it, whatever profile they have.
        var metadata = source.header.metadata
        metadata.iccProfile = [1]
        let folder = try ScratchFolder()
        for name in ["a.tif", "a.jpg"] {
            let path = "\(folder.path)/\(name)"
            let warnings = try Picture(header(metadata), seed: 1).write(path)
            #expect(warnings.contains { $0.contains("the background colour") }, "\(name)")
        }
    }

    @Test func `primary colours become the tags of a TIFF`() throws {
        let values: [UInt32] = [31000, 33000, 70000, 29000, 20000, 70000, 15000, 5000]
        var metadata = Metadata()
        metadata.pngColorChunks = [
            PNGChunk(
                type: "cHRM",
                bytes: values.flatMap { $0.bigEndian.nativeBytes })
        ]
        let folder = try ScratchFolder()
        let path = folder.path + "/a.tif"
        #expect(try Picture(header(metadata), seed: 1).write(path) == [])
        let tags = try ImageFormats.open(path).header.metadata.tags
        #expect(tags.map(\.number) == [318, 319])
        #expect(tags.flatMap(\.reals) == values.map { Double($0) / 1e5 })
        // sRGB's chunk says more.
        metadata.pngColorChunks.append(PNGChunk(type: "sRGB", bytes: [0]))
        try Picture(header(metadata), seed: 1).write(path, overwrite: true)
        #expect(try ImageFormats.open(path).header.metadata.tags == [])
    }
}

extension UInt32 {
    fileprivate var nativeBytes: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }
}
