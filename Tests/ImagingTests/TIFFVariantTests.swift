import Imaging
import Testing

/// TIFFs of other programs: faxes, thumbnails in front of images, descriptions of several samples
/// or planes.
@Suite struct TIFFVariantTests {
    private func open(
        _ bytes: [UInt8], _ options: ReadingOptions = ReadingOptions()
    ) throws -> any ImageSource {
        let folder = try ScratchFolder()
        return try ImageFormats.open(folder.file("image", bytes), options)
    }

    // MARK: Fax

    private func fax(_ data: [UInt8], height: Int = 8) -> HandmadeTIFF {
        var file = HandmadeTIFF(width: 16, height: height, photometric: 0, data: data)
        file.set(HandmadeTIFF.bitsPerSample, 1)
        file.set(HandmadeTIFF.compression, 4)
        return file
    }

    @Test func `a fax is read and written with another compression`() throws {
        // Eight rows as the white one above them, then the end of the block.
        let white = try open(fax([0xFF, 0x00, 0x10, 0x01]).bytes)
        #expect(try white.rawSamples() == [UInt8](repeating: 255, count: 128))
        #expect(white.header.tiffCompression == .deflate)
        // Horizontal, 4 white (1011) and 12 black (0000111); then the same row again.
        let striped = try open(fax([0x36, 0x1F, 0x00, 0x10, 0x01], height: 2).bytes)
        let row = [UInt8](repeating: 255, count: 4) + [UInt8](repeating: 0, count: 12)
        #expect(try striped.rawSamples() == row + row)
    }

    @Test func `a fax that does not decode or is too wide is damaged`() throws {
        for data in [[0x00, 0x00, 0x00, 0x00], [0xFF]] as [[UInt8]] {
            let error = #expect(throws: ImageError.self) {
                try open(fax(data, height: 16).bytes).rawSamples()
            }
            #expect(error?.kind == .unreadable, "\(data)")
        }
        var wide = fax([0xFF, 0x00, 0x10, 0x01], height: 1 << 16)
        wide.set(HandmadeTIFF.width, 1 << 30)
        #expect(throws: ImageError.self) { try open(wide.bytes) }
    }

    // MARK: Thumbnails

    /// A thumbnail of 2 x 1, and an image of 4 x 1 whose directory a tag of it or the chain names.
    private func thumbnail(isInSubIFD: Bool) -> [UInt8] {
        var small = HandmadeTIFF(width: 2, height: 1, data: [1, 2])
        small.set(254, 1)
        small.texts = [(305, "abc")]
        if isInSubIFD { small.entries.append((330, 4, [0])) }
        let base = small.bytes.count
        var large = HandmadeTIFF(width: 4, height: 1, data: [5, 6, 7, 8])
        large.set(HandmadeTIFF.stripOffsets, base + 8)
        let place = base + 8 + 4
        if isInSubIFD {
            small.entries.removeAll { $0.tag == 330 }
            small.entries.append((330, 4, [place]))
        } else {
            small.nextDirectory = place
        }
        return small.bytes + large.bytes
    }

    @Test func `the image in full size in a SubIFD is taken before its thumbnail`() throws {
        let bytes = thumbnail(isInSubIFD: true)
        let source = try open(bytes)
        #expect(try source.rawSamples() == [5, 6, 7, 8])
        // What the first directory says belongs to both.
        #expect(
            source.header.metadata.tags == [
                MetadataTag(number: 305, kind: .ascii, bytes: Array("abc\0".utf8))
            ])
        #expect(source.warnings.count == 1 && source.warnings[0].contains("SubIFD"))
        let folder = try ScratchFolder()
        #expect(try ImageFormats.pages(folder.file("a.tif", bytes)) == [1])
    }

    @Test func `a page that is asked for is taken, be it a thumbnail`() throws {
        for isInSubIFD in [false, true] {
            let bytes = thumbnail(isInSubIFD: isInSubIFD)
            #expect(try open(bytes).rawSamples() == [5, 6, 7, 8])
            var options = ReadingOptions()
            options.page = 0
            #expect(try open(bytes, options).rawSamples() == [1, 2])
            options.page = 1
            #expect(try open(bytes, options).rawSamples() == [5, 6, 7, 8])
            options.page = 2
            #expect(throws: ImageError.self) { try open(bytes, options) }
        }
    }

    // MARK: Descriptions

    @Test func `GDAL's items follow their samples when alpha moves`() throws {
        var file = HandmadeTIFF(
            width: 1, height: 1, samples: 5, photometric: 2, data: [1, 2, 3, 4, 5])
        file.set(HandmadeTIFF.extraSamples, 2, 0)
        let item = { (sample: Int, name: String) in
            "<Item name=\"DESCRIPTION\" sample=\"\(sample)\" role=\"description\">\(name)</Item>"
        }
        file.texts = [(42112, item(2, "blue") + item(3, "alpha") + item(4, "NIR") + "<Item/>")]
        let source = try open(file.bytes)
        #expect(try source.rawSamples() == [1, 2, 3, 5, 4])
        let wanted = item(2, "blue") + item(4, "alpha") + item(3, "NIR") + "<Item/>\0"
        #expect(source.header.metadata.tags.map(\.bytes) == [Array(wanted.utf8)])
    }

    @Test func `a plane of several in OME-XML is told of`() throws {
        var first = HandmadeTIFF(width: 2, height: 1, data: [1, 2])
        first.texts = [
            (270, "<OME><Pixels SizeX=\"2\" SizeC=\"2\" SizeZ=\"3\" SizeT=\"1\"/></OME>")
        ]
        let base = first.bytes.count
        first.nextDirectory = base + 8 + 2
        var second = HandmadeTIFF(width: 2, height: 1, data: [3, 4])
        second.set(HandmadeTIFF.stripOffsets, base + 8)
        let bytes = first.bytes + second.bytes
        #expect(
            try open(bytes).warnings.filter { $0.contains("OME-XML tells of 6 planes") }.count == 1)
        var options = ReadingOptions()
        options.page = 0
        options.isOneOfAllPages = true
        #expect(try open(bytes, options).warnings == [])
        first.nextDirectory = 0
        #expect(try open(first.bytes).warnings == [])
    }

    @Test func `what counts the samples is named, and curves stay where they fit them`() throws {
        var file = HandmadeTIFF(width: 2, height: 1, data: [1, 2])
        file.set(280, 1)
        file.set(281, 2)
        file.set(290, 3)
        file.entries.append((291, 3, Array(0..<256)))
        file.entries.append((301, 3, Array(0..<16)))
        let source = try open(file.bytes)
        #expect(source.header.metadata.tags.map(\.number) == [290, 291])
        #expect(
            source.warnings == [
                "\(name(source)): left out: the least and the largest sample, the transfer function"
            ])
        // The curve of a sample that is inverted is another one.
        file.set(HandmadeTIFF.photometric, 0)
        let white = try open(file.bytes)
        #expect(white.header.metadata.tags == [])
        #expect(white.warnings.first?.contains("the gray response curve") == true)
        // A JPEG has no room for it.
        let folder = try ScratchFolder()
        let path = folder.path + "/a.jpg"
        let sink = try ImageFormats.createSink(path, like: source.header)
        sink.abandon()
        #expect(sink.warnings.contains { $0.contains("the gray response curve") })
    }

    private func name(_ source: any ImageSource) -> Substring {
        source.warnings.first?.prefix { $0 != ":" } ?? ""
    }

    @Test func `a reference black and white that says something is named`() throws {
        for (values, isNamed) in [([0, 1, 255, 1], false), ([16, 1, 235, 1], true)] {
            var file = HandmadeTIFF(width: 2, height: 1, data: [1, 2])
            file.entries.append((532, 5, values))
            // A rational is two words.
            var bytes = file.bytes
            let entry = try #require(
                bytes.indices.last { bytes[$0...].starts(with: [0x14, 2, 5]) })
            bytes[entry + 4] = 2
            let warnings = try open(bytes).warnings
            #expect(warnings.contains { $0.contains("the reference black") } == isNamed)
        }
    }
}
