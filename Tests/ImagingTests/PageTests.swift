import Imaging
import Testing

/// Files of one page each become the pages of one.
@Suite struct PageTests {
    private func pictures() -> [Picture] {
        var headers = [
            ImageHeader(
                width: 23, height: 37, colorBands: 3, alpha: .unassociated, sampleType: .uint8,
                format: .tiff, tiffCompression: .lzw),
            ImageHeader(
                width: 300, height: 5, colorBands: 1, sampleType: .uint16, format: .tiff,
                tiffCompression: TIFFCompression.none),
            ImageHeader(
                width: 17, height: 64, colorBands: 1, sampleType: .uint8, format: .tiff,
                tiffCompression: .deflate),
        ]
        headers[0].metadata = TIFFMetadataTests.full
        headers[1].hasOverviews = true
        headers[1].tiffLayout = .tiles(width: 64, height: 16)
        headers[2].metadata.gpsTags = TIFFMetadataTests.full.gpsTags
        return headers.map { Picture($0, seed: $0.width) }
    }

    @Test(arguments: [false, true])
    func `pages that are joined are read as they were`(isBig: Bool) throws {
        let folder = try ScratchFolder()
        var pictures = pictures()
        if isBig {
            pictures[2].header.metadata.tags = [
                MetadataTag(number: 65000, kind: .long8, bytes: Array(1...8))
            ]
        }
        let paths = pictures.indices.map { "\(folder.path)/\($0).tif" }
        for (picture, path) in zip(pictures, paths) { try picture.write(path) }
        let all = "\(folder.path)/all.tif"
        try JoinedTIFF(all, pages: paths, overwrite: false).finish()
        #expect(try folder.bytes("all.tif")[2] == (isBig ? 43 : 42))
        // The overview is no page.
        #expect(try ImageFormats.pages(all) == [0, 1, 3])
        for (picture, page) in zip(pictures, [0, 1, 3]) {
            var options = ReadingOptions()
            options.page = page
            options.isOneOfAllPages = true
            let source = try ImageFormats.open(all, options)
            #expect(try Picture(source).samples == picture.samples)
            var (back, own) = (source.header.metadata, picture.header.metadata)
            back.tags.sort { $0.number < $1.number }
            own.tags.sort { $0.number < $1.number }
            #expect(back == own, "page \(page)")
            #expect(source.warnings.allSatisfy { $0.contains("overviews") })
        }
        #expect(folder.names.filter { $0.hasPrefix(".") } == [])
    }

    @Test func `what is there is not replaced unasked and what is foreign is refused`() throws {
        let folder = try ScratchFolder()
        let picture = pictures()[2]
        try picture.write("\(folder.path)/a.tif")
        let all = "\(folder.path)/all.tif"
        let paths = ["\(folder.path)/a.tif", "\(folder.path)/a.tif"]
        try JoinedTIFF(all, pages: paths, overwrite: false).finish()
        let exists = #expect(throws: ImageError.self) {
            try JoinedTIFF(all, pages: paths, overwrite: false).finish()
        }
        #expect(exists?.kind == .outputExists)
        try JoinedTIFF(all, pages: paths, overwrite: true).finish()
        for bytes in [[], [1, 2, 3], Array("II*\0aaaa".utf8)] as [[UInt8]] {
            let bad = try folder.file("bad.tif", bytes)
            #expect(throws: ImageError.self) {
                try JoinedTIFF(all, pages: [bad], overwrite: true).finish()
            }
        }
        #expect(try ImageFormats.pages(all) == [0, 1])
        #expect(folder.names == ["a.tif", "all.tif", "bad.tif"])
    }

    @Test func `the counts of an ImageJ stack stay where all its pages do`() throws {
        let folder = try ScratchFolder()
        var picture = pictures()[2]
        picture.header.tiffCompression = TIFFCompression.none
        let text = Array("ImageJ=1.54\nimages=2\nslices=2\n\0".utf8)
        picture.header.metadata.tags = [MetadataTag(number: 270, kind: .ascii, bytes: text)]
        let page = "\(folder.path)/a.tif"
        try picture.write(page)
        try JoinedTIFF("\(folder.path)/all.tif", pages: [page, page], overwrite: false).finish()
        var options = ReadingOptions()
        options.isOneOfAllPages = true
        let source = try ImageFormats.open("\(folder.path)/all.tif", options)
        #expect(source.header.metadata.tags[0].bytes == text && source.warnings == [])
    }
}
