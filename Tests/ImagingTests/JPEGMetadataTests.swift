import Testing

@testable import Imaging

/// What JPEGs say beside their pixels.
@Suite struct JPEGMetadataTests {
    private func header(_ metadata: Metadata) -> ImageHeader {
        var header = ImageHeader(
            width: 8, height: 4, colorBands: 1, sampleType: .uint8, format: .jpeg)
        header.metadata = metadata
        return header
    }

    /// Writes an image with metadata; reads them back.
    private func roundTrip(_ metadata: Metadata) throws -> (Metadata, warnings: [String]) {
        let folder = try ScratchFolder()
        let warnings = try Picture(header(metadata), seed: 1).write(folder.path + "/a.jpg")
        let source = try ImageFormats.open(folder.path + "/a.jpg")
        #expect(source.warnings == [])
        return (source.header.metadata, warnings)
    }

    /// A sound file with one more segment.
    private func open(_ segments: (marker: UInt8, bytes: [UInt8])...) throws -> any ImageSource {
        var file = try HandmadeJPEG(ForeignJPEGs.rgb)
        for segment in segments.reversed() { file.insert(segment.marker, segment.bytes) }
        let folder = try ScratchFolder()
        return try ImageFormats.open(folder.file("image", file.bytes))
    }

    static var full: Metadata {
        var metadata = ExifTests.full
        // The size of the test's image.
        metadata.exifTags.removeAll { $0.number == 40962 }
        for (number, value) in [(40962, 8), (40963, 4)] as [(UInt16, UInt32)] {
            metadata.exifTags.append(
                MetadataTag(number: number, kind: .long, bytes: ExifTests.longs(value)))
        }
        metadata.xmp = Array("<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>".utf8)
        metadata.iptc = [0x1C, 2, 5, 0, 3, 65, 66, 67, 0x1C, 2, 25, 0, 0]
        metadata.photoshop = Array("8BIM".utf8) + [3, 0xED, 0, 0, 0, 0, 0, 1, 9, 0]
        metadata.iccProfile = (0..<150_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        metadata.texts = [.comment("Grüße"), .comment("second")]
        return metadata
    }

    @Test func `all that a JPEG can hold comes back`() throws {
        let (back, warnings) = try roundTrip(Self.full)
        #expect(warnings == [])
        #expect(back == Self.full)
    }

    @Test func `resolution comes back in whole numbers where there is no EXIF`() throws {
        let cases: [(Resolution, Resolution)] = [
            (Resolution(x: 300, y: 150, unit: .inch), Resolution(x: 300, y: 150, unit: .inch)),
            (
                Resolution(x: 118.11, y: 118.11, unit: .centimeter),
                Resolution(x: 118, y: 118, unit: .centimeter)
            ),
            (Resolution(x: 11811, y: 11811, unit: .meter), Resolution(x: 300, y: 300, unit: .inch)),
            (Resolution(x: 4, y: 3, unit: .ratio), Resolution(x: 4, y: 3, unit: .ratio)),
            (
                Resolution(x: 1, y: 0.75, unit: .ratio),
                Resolution(x: 10000, y: 7500, unit: .ratio)
            ),
        ]
        for (resolution, expected) in cases {
            var metadata = Metadata()
            metadata.resolution = resolution
            #expect(try roundTrip(metadata).0.resolution == expected)
        }
    }

    @Test func `where JFIF and EXIF differ about the resolution JFIF counts`() throws {
        var metadata = Metadata()
        metadata.orientation = 3
        metadata.resolution = Resolution(x: 72, y: 72, unit: .inch)
        let exif = try #require(metadata.exifBlock())
        let jfif: [UInt8] = Array("JFIF\0".utf8) + [1, 1, 1, 1, 44, 1, 44, 0, 0]
        let both = try open((0xE0, jfif), (0xE1, JPEGSignature.exif + exif)).header.metadata
        #expect(both.resolution == Resolution(x: 300, y: 300, unit: .inch))
        #expect(both.orientation == 3)
        let one = try open((0xE1, JPEGSignature.exif + exif)).header.metadata
        #expect(one.resolution == Resolution(x: 72, y: 72, unit: .inch))
    }

    @Test func `what a JPEG cannot hold is named`() throws {
        var metadata = Metadata()
        metadata.nodata = -9999
        metadata.tags = [MetadataTag(number: 33550, kind: .double, bytes: Array(1...24))]
        metadata.texts = [
            MetadataText(keyword: "Title", text: "T"), MetadataText(keyword: "Rabbit", text: "R"),
        ]
        metadata.pngColorChunks = [PNGChunk(type: "gAMA", bytes: [0, 1, 0x86, 0xA0])]
        let (back, warnings) = try roundTrip(metadata)
        #expect(warnings.count == 1)
        for words in ["-9999", "georeferencing", "Rabbit", "the gamma 1.0"] {
            #expect(warnings.first?.contains(words) == true, "\(words): \(warnings)")
        }
        #expect(back.tags == [MetadataTag(number: 269, kind: .ascii, bytes: Array("T\0".utf8))])
    }

    @Test func `an EXIF block larger than a segment loses its largest tags`() throws {
        var metadata = Self.full
        let note = MetadataTag(
            number: 37500, kind: .undefined, bytes: [UInt8](repeating: 5, count: 70_000))
        metadata.exifTags.removeAll { $0.number == note.number }
        metadata.makerNoteOffset = nil
        let rest = metadata
        metadata.exifTags.append(note)
        let (back, warnings) = try roundTrip(metadata)
        #expect(back == rest)
        #expect(warnings.count == 1 && warnings[0].contains("37500"), "\(warnings)")
    }

    @Test func `a long XMP packet is split and joined`() throws {
        var metadata = Metadata()
        for count in [65504, 65505, 200_000] {
            metadata.xmp = (0..<count).map { UInt8(truncatingIfNeeded: 32 + $0 % 90) }
            #expect(try roundTrip(metadata).0 == metadata)
        }
    }

    @Test func `extended XMP of other programs becomes part of the packet`() throws {
        let rdf = "<rdf:RDF xmlns:rdf=\"r\">"
        let rest = "<x:xmpmeta>\(rdf)<rdf:Description a:b=\"c\"/></rdf:RDF></x:xmpmeta>"
        let guid = MD5.hexadecimal(Array(rest.utf8)).uppercased()
        let main =
            "<x:xmpmeta>\(rdf)<rdf:Description d:e=\"f\" "
            + "xmpNote:HasExtendedXMP=\"\(guid)\"/></rdf:RDF></x:xmpmeta>"
        let part = { (range: Range<Int>) in
            JPEGSignature.extendedXMP + Array(guid.utf8) + bigEndian(rest.utf8.count, 4)
                + bigEndian(range.lowerBound, 4) + Array(Array(rest.utf8)[range])
        }
        let packet = JPEGSignature.xmp + Array(main.utf8)
        // The parts in the wrong order.
        let source = try open(
            (0xE1, packet), (0xE1, part(40..<rest.utf8.count)), (0xE1, part(0..<40)))
        let expected =
            "<x:xmpmeta>\(rdf)<rdf:Description d:e=\"f\"/>"
            + "<rdf:Description a:b=\"c\"/></rdf:RDF></x:xmpmeta>"
        #expect(source.header.metadata.xmp == Array(expected.utf8) && source.warnings == [])

        let torn = try open((0xE1, packet), (0xE1, part(0..<40)))
        #expect(torn.header.metadata.xmp == Array(main.utf8))
        #expect(torn.warnings.count == 1 && torn.warnings[0].contains("XMP"))
    }

    @Test func `digests are those of the standard`() {
        #expect(MD5.hexadecimal([]) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(MD5.hexadecimal(Array("abc".utf8)) == "900150983cd24fb0d6963f7d28e17f72")
        let digits = Array(String(repeating: "1234567890", count: 8).utf8)
        #expect(MD5.hexadecimal(digits) == "57edf4a22be3c955ac49da2e2107b67a")
    }

    @Test func `damaged segments are left out and named`() throws {
        let icc = JPEGSignature.icc
        let cases: [([(UInt8, [UInt8])], String)] = [
            ([(0xE2, icc + [1, 2, 7])], "colour profile"),
            ([(0xE2, icc + [1, 1, 7]), (0xE2, icc + [1, 1, 8])], "colour profile"),
            ([(0xE2, icc)], "colour profile"),
            ([(0xE1, JPEGSignature.exif + [0x49, 0x49, 42])], "EXIF"),
            ([(0xED, JPEGSignature.photoshop + Array("8BIM".utf8) + [4, 4, 0, 0])], "Photoshop"),
            ([(0xE2, Array("MPF\0....".utf8))], "MPF (APP2)"),
            ([(0xEB, [0, 1])], "the segment APP11"),
        ]
        for (segments, words) in cases {
            var file = try HandmadeJPEG(ForeignJPEGs.rgb)
            for (marker, bytes) in segments.reversed() { file.insert(marker, bytes) }
            let folder = try ScratchFolder()
            let source = try ImageFormats.open(folder.file("image", file.bytes))
            #expect(source.header.metadata == Metadata())
            #expect(source.warnings.count == 1)
            #expect(source.warnings.first?.contains(words) == true, "\(source.warnings)")
        }
    }

    @Test func `thumbnails within XMP are not carried over`() throws {
        let thumbnail = "<xmp:Thumbnails><rdf:Alt>AAAA</rdf:Alt></xmp:Thumbnails>"
        let packet = { (text: String) in Array("<a>\(text)<b/>\(text)</a>".utf8) }
        let source = try open((0xE1, JPEGSignature.xmp + packet(thumbnail)))
        #expect(source.header.metadata.xmp == packet(""))
        let open = try open((0xE1, JPEGSignature.xmp + packet("<xmp:Thumbnails>")))
        #expect(open.header.metadata.xmp == packet("<xmp:Thumbnails>"))
    }

    @Test func `resources of a TIFF are taken apart where they are sound`() {
        var metadata = Metadata()
        let other = Array("8BIM".utf8) + [3, 0xED, 0, 0, 0, 0, 0, 2, 9, 0]
        metadata.photoshop = PhotoshopResources.joined(iptc: [0x1C, 2], others: other)
        metadata.leavePreviews()
        #expect(metadata.photoshop == other && metadata.iptc == [0x1C, 2])
        metadata.photoshop = [1, 2, 3]
        metadata.leavePreviews()
        #expect(metadata.photoshop == [1, 2, 3])
    }

    @Test func `previews are not carried over`() throws {
        let block = { (number: UInt8, data: [UInt8]) in
            Array("8BIM".utf8) + [4, number, 1, 65] + bigEndian(data.count, 4) + data
                + (data.count % 2 == 1 ? [0] : [])
        }
        let all = block(9, [1, 2, 3]) + block(4, [0x1C]) + block(12, [4]) + block(37, [5, 6])
        let source = try open((0xED, JPEGSignature.photoshop + all))
        #expect(source.header.metadata.photoshop == block(37, [5, 6]))
        #expect(source.header.metadata.iptc == [0x1C] && source.warnings == [])
    }
}
