import Glibc
import Imaging
import Testing

@Suite struct RoundTripTests {
    private static let resolution = Resolution(x: 300, y: 150, unit: .inch)

    /// Every kind that both formats write.
    static let headers: [ImageHeader] = [1, 3].flatMap { bands in
        [SampleType.uint8, .uint16].flatMap { type in
            [nil, AlphaKind.unassociated].map { alpha in
                ImageHeader(
                    width: 23, height: 37, colorBands: bands, alpha: alpha, sampleType: type,
                    format: .png, resolution: resolution)
            }
        }
    }

    @Test(arguments: headers)
    func `a PNG comes back as it was written`(header: ImageHeader) throws {
        let folder = try ScratchFolder()
        let picture = Picture(header, seed: 1)
        let warnings = try picture.write(folder.path + "/a.png")
        #expect(warnings == [])
        let back = try ImageFormats.open(folder.path + "/a.png")
        #expect(try Picture(back).samples == picture.samples)
        var expected = header
        // 300 and 150 per inch in the whole numbers per metre that a PNG holds.
        expected.metadata.resolution = Resolution(x: 11811, y: 5906, unit: .meter)
        #expect(back.header == expected)
    }

    @Test(arguments: headers)
    func `a TIFF comes back as it was written`(header: ImageHeader) throws {
        let folder = try ScratchFolder()
        for (index, compression) in [TIFFCompression.none, .lzw, .deflate, .packBits].enumerated() {
            var header = header
            header.format = .tiff
            header.tiffCompression = compression
            header.metadata.orientation = 1 + index * 2
            header.metadata.iccProfile = (0..<200).map { UInt8($0) }
            if header.hasAlpha && index == 2 { header.alpha = .associated }
            // Only behind 8 bits is a sample that means nothing taken as alpha.
            if header.hasAlpha && index == 3 && header.sampleType == .uint8 {
                header.alpha = .unspecified
            }
            var picture = Picture(header, seed: 2)
            if header.alpha == .associated {
                // Colours that are multiplied by alpha are not above it.
                let alpha = picture.alpha ?? []
                picture.samples = picture.samples.indices.map {
                    min(picture.samples[$0], alpha[$0 / header.samplesPerPixel])
                }
            }
            try picture.write(folder.path + "/a.tif", overwrite: true)
            let back = try ImageFormats.open(folder.path + "/a.tif")
            #expect(try Picture(back) == picture, "\(compression)")
        }
    }

    @Test func `samples survive the way through floats at every value`() throws {
        let folder = try ScratchFolder()
        for type in [SampleType.uint8, .uint16] {
            let header = ImageHeader(
                width: 256, height: type == .uint8 ? 1 : 256, colorBands: 1, sampleType: type,
                format: .png)
            let all = (0..<header.width * header.height).map { UInt16($0) }
            let picture = Picture(header: header, samples: all)
            try picture.write(folder.path + "/a.png", overwrite: true)
            #expect(try Picture(ImageFormats.open(folder.path + "/a.png")).samples == all)
        }
    }

    @Test func `samples are rounded to nearest and clamped`() throws {
        let folder = try ScratchFolder()
        let header = ImageHeader(
            width: 8, height: 1, colorBands: 1, sampleType: .uint8, format: .png)
        let sink = try ImageFormats.createSink(folder.path + "/a.png", like: header)
        let color: [Float] = [-1, .nan, 1.5, .infinity, 0.49 / 255, 0.51 / 255, 254.4 / 255, -0.0]
        try color.withUnsafeBufferPointer {
            try sink.append(rowCount: 1, $0, header)
        }
        try sink.finish()
        let back = try Picture(ImageFormats.open(folder.path + "/a.png"))
        #expect(back.samples == [0, 0, 255, 255, 0, 1, 254, 0])
    }

    @Test func `a region is the same as that part of the whole`() throws {
        let folder = try ScratchFolder()
        let picture = Picture(Self.headers[7], seed: 4)
        try picture.write(folder.path + "/a.tif")
        let source = try ImageFormats.open(folder.path + "/a.tif")
        let part = PixelRegion(x: 5, y: 9, width: 11, height: 20)
        let expected = PictureSource(picture)
        #expect(try pixels(source, part) == pixels(expected, part))
        var alpha = [UInt16](repeating: 0, count: 3 * 23)
        try alpha.withUnsafeMutableBufferPointer { try source.readAlpha(rows: 4..<7, into: $0) }
        #expect(alpha == picture.alpha.map { Array($0[4 * 23..<7 * 23]) })
    }

    @Test func `colours multiplied by alpha are divided by it for a PNG`() throws {
        let folder = try ScratchFolder()
        let header = ImageHeader(
            width: 3, height: 1, colorBands: 1, alpha: .associated, sampleType: .uint8,
            format: .tiff, orientation: 6)
        let picture = Picture(header: header, samples: [50, 100, 0, 0, 200, 100])
        let warnings = try picture.write(folder.path + "/a.png")
        #expect(warnings == [])
        let back = try Picture(ImageFormats.open(folder.path + "/a.png"))
        #expect(back.samples == [128, 100, 0, 0, 255, 100])
        #expect(back.header.alpha == .unassociated && back.header.metadata.orientation == 6)
    }

    @Test func `a profile that does not fit a PNG is left out with a warning`() throws {
        let folder = try ScratchFolder()
        var header = Self.headers[0]
        header.metadata.iccProfile = [1, 2, 3]
        let warnings = try Picture(header, seed: 1).write(folder.path + "/a.png")
        #expect(warnings.count == 1 && warnings[0].contains("profile"))
        #expect(try ImageFormats.open(folder.path + "/a.png").header.metadata.iccProfile == nil)
    }
}
