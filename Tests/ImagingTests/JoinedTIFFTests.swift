import Imaging
import Testing

@Suite struct JoinedTIFFTests {
    private func picture(_ width: Int, _ height: Int, _ type: SampleType, seed: Int) -> Picture {
        var header = ImageHeader(
            width: width, height: height, colorBands: seed % 2 == 0 ? 3 : 1, sampleType: type,
            format: .tiff, resolution: Resolution(x: 300, y: 200, unit: .inch),
            iccProfile: seed == 1 ? (0..<130).map { UInt8($0) } : nil,
            tiffCompression: seed == 2 ? TIFFCompression.none : .deflate)
        header.metadata.tags = [
            MetadataTag(number: 270, kind: .ascii, bytes: Array("page \(seed)\0".utf8))
        ]
        header.metadata.exifTags = [
            MetadataTag(number: 37510, kind: .undefined, bytes: (0..<99).map { UInt8($0 ^ seed) })
        ]
        header.metadata.gpsTags = [MetadataTag(number: 1, kind: .ascii, bytes: [0x4E, 0])]
        return Picture(header, seed: seed)
    }

    private func join(_ pictures: [Picture], _ folder: ScratchFolder) throws -> String {
        var paths: [String] = []
        for (index, picture) in pictures.enumerated() {
            paths.append(folder.path + "/\(index).tif")
            try picture.write(paths[index])
        }
        let path = folder.path + "/all.tif"
        try JoinedTIFF(path, pages: paths, overwrite: false).finish()
        return path
    }

    private func page(_ index: Int, of path: String) throws -> any ImageSource {
        var options = ReadingOptions()
        options.page = index
        return try ImageFormats.open(path, options)
    }

    @Test func `pages of any size and kind come back as they were written`() throws {
        let folder = try ScratchFolder()
        let pictures = [
            picture(40, 30, .uint8, seed: 0), picture(7, 200, .uint16, seed: 1),
            picture(65, 3, .uint8, seed: 2),
        ]
        let path = try join(pictures, folder)
        #expect(try ImageFormats.pages(path) == [0, 1, 2])
        for (index, picture) in pictures.enumerated() {
            let back = try Picture(page(index, of: path))
            #expect(back == picture, "page \(index)")
        }
    }

    @Test func `smaller copies stay with their page and are none`() throws {
        let folder = try ScratchFolder()
        var large = picture(600, 400, .uint8, seed: 0)
        large.header.hasOverviews = true
        let path = try join([large, picture(20, 10, .uint8, seed: 3), large], folder)
        // Two copies behind each of the large ones.
        #expect(try ImageFormats.pages(path) == [0, 3, 4])
        let back = try Picture(page(4, of: path))
        #expect(back.samples == large.samples)
        let copy = try page(2, of: path).header
        #expect(copy.width == 150 && copy.height == 100)
    }

    @Test func `a file that is no page leaves nothing`() throws {
        let folder = try ScratchFolder()
        let noise = try folder.file("noise.tif", [UInt8](repeating: 7, count: 100))
        let path = folder.path + "/all.tif"
        for wrong in [noise, folder.path + "/none.tif"] {
            let error = #expect(throws: ImageError.self) {
                try JoinedTIFF(path, pages: [wrong], overwrite: false)
            }
            #expect(error?.kind == .unreadable)
        }
        #expect(folder.names == ["noise.tif"])
    }
}
