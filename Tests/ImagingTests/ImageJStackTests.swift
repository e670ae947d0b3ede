import Imaging
import Testing

/// ImageJ's stacks: one directory, and the images one behind the other.
@Suite struct ImageJStackTests {
    /// A stack of 8-bit images; sample i of image k is 10 k + i.
    private static func stack(
        _ count: Int, claimed: Int? = nil, isBigEndian: Bool = false, rows: Int = 3
    ) -> HandmadeTIFF {
        var file = HandmadeTIFF(
            width: 2, height: 3,
            data: (0..<count).flatMap { k in (0..<6).map { UInt8(10 * k + $0) } })
        file.isBigEndian = isBigEndian
        file.set(HandmadeTIFF.stripByteCounts, 6)
        if rows < 3 {
            file.set(278, rows)
            file.entries.removeAll { [273, 279].contains($0.tag) }
            let starts = Array(stride(from: 0, to: 3, by: rows))
            file.entries.append((273, 4, starts.map { 8 + 2 * $0 }))
            file.entries.append((279, 4, starts.map { 2 * min(rows, 3 - $0) }))
        }
        file.texts.append((270, "ImageJ=1.54f\nimages=\(claimed ?? count)\nunit=um\n"))
        return file
    }

    private static func options(_ page: Int, ofAll: Bool = false) -> ReadingOptions {
        var options = ReadingOptions()
        options.page = page
        options.isOneOfAllPages = ofAll
        return options
    }

    @Test(arguments: [false, true], [1, 2, 3])
    func `each image of a stack is a page`(isBigEndian: Bool, rows: Int) throws {
        let folder = try ScratchFolder()
        let file = Self.stack(4, isBigEndian: isBigEndian, rows: rows)
        let path = try folder.file("a.tif", file.bytes)
        #expect(try ImageFormats.pages(path) == [0, 1, 2, 3])
        for page in 0..<4 {
            let source = try ImageFormats.open(path, Self.options(page))
            let wanted = (0..<6).map { UInt16(10 * page + $0) }
            #expect(try Picture(source).samples == wanted, "page \(page)")
            #expect(source.warnings.contains { $0.contains("a stack of 4 images") })
        }
        let error = #expect(throws: ImageError.self) {
            try ImageFormats.open(path, Self.options(4))
        }
        #expect(error?.message == "\(path) has no page 5; it has 4")
    }

    @Test func `the first page of all speaks for the stack`() throws {
        let folder = try ScratchFolder()
        let path = try folder.file("a.tif", Self.stack(3).bytes)
        for page in 0..<3 {
            let source = try ImageFormats.open(path, Self.options(page, ofAll: true))
            #expect(source.warnings == [])
            #expect(source.header.metadata.tags.map(\.number) == (page == 0 ? [270] : []))
        }
    }

    @Test func `a stack that is cut short has the images that are whole`() throws {
        let folder = try ScratchFolder()
        var file = Self.stack(3, claimed: 9)
        file.data += [1, 2, 3]
        let path = try folder.file("a.tif", file.bytes)
        let error = #expect(throws: ImageError.self) { try ImageFormats.pages(path) }
        #expect(error?.message.contains("what follows page 3 is damaged") == true)
        #expect(try ImageFormats.open(path, Self.options(2)).header.width == 2)
        #expect(throws: ImageError.self) { try ImageFormats.open(path, Self.options(3)) }
    }

    @Test func `what does not lie as a stack has one page`() throws {
        let folder = try ScratchFolder()
        var compressed = Self.stack(3)
        compressed.set(HandmadeTIFF.compression, 32773)
        var apart = Self.stack(3, rows: 1)
        apart.entries.removeAll { $0.tag == 273 }
        apart.entries.append((273, 4, [8, 12, 14]))
        var absurd = Self.stack(3)
        absurd.set(HandmadeTIFF.width, Int(UInt32.max))
        absurd.set(HandmadeTIFF.height, Int(UInt32.max))
        var foreign = Self.stack(3)
        foreign.texts = [(270, "images=3\n")]
        for (index, file) in [compressed, apart, absurd, foreign, Self.stack(1, claimed: 3)]
            .enumerated()
        {
            let path = try folder.file("a.tif", file.bytes)
            #expect(try ImageFormats.pages(path) == [0], "\(index)")
        }
    }

    @Test func `joined pages lie as ImageJ looks for them`() throws {
        let folder = try ScratchFolder()
        let path = try folder.file("a.tif", Self.stack(3).bytes)
        var pages: [String] = []
        var pixels: [UInt16] = []
        for page in 0..<3 {
            let picture = try Picture(ImageFormats.open(path, Self.options(page, ofAll: true)))
            pages.append("\(folder.path)/\(page).tif")
            try picture.write(pages[page])
            pixels += picture.samples
        }
        let all = "\(folder.path)/all.tif"
        let joined = try JoinedTIFF(all, pages: pages, overwrite: false)
        try joined.finish()
        #expect(joined.warnings == [])
        let bytes = try folder.bytes("all.tif")
        #expect(
            bytes.firstRange(of: pixels.map { UInt8($0) }) != nil,
            "the images do not follow one another")
        #expect(try ImageFormats.pages(all) == [0, 1, 2])
        for page in 0..<3 {
            let source = try ImageFormats.open(all, Self.options(page, ofAll: true))
            let wanted = Array(pixels[6 * page..<6 * page + 6])
            #expect(try Picture(source).samples == wanted)
        }
    }

    @Test func `pages that cannot lie so are not counted as a stack`() throws {
        let folder = try ScratchFolder()
        let path = try folder.file("a.tif", Self.stack(2).bytes)
        var pages: [String] = []
        for page in 0..<2 {
            var picture = try Picture(ImageFormats.open(path, Self.options(page, ofAll: true)))
            picture.header.tiffCompression = .deflate
            pages.append("\(folder.path)/\(page).tif")
            try picture.write(pages[page])
        }
        let all = "\(folder.path)/all.tif"
        let joined = try JoinedTIFF(all, pages: pages, overwrite: false)
        try joined.finish()
        #expect(joined.warnings.count == 1 && joined.warnings[0].contains("the 2 images"))
        let source = try ImageFormats.open(all, Self.options(0, ofAll: true))
        #expect(source.header.metadata.tags[0].bytes == Array("ImageJ=1.54f\nunit=um\n\0".utf8))
    }
}
