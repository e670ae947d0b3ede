import Imaging
import Testing

@Suite struct EnlargedSourceTests {
    private func gray(_ samples: [UInt16], width: Int) -> PictureSource {
        PictureSource(
            Picture(
                header: ImageHeader(
                    width: width, height: samples.count / width, colorBands: 1,
                    sampleType: .uint8, format: .png), samples: samples))
    }

    @Test func `samples are interpolated between the centres of pixels`() throws {
        let source = try EnlargedSource(gray([0, 80, 240], width: 3), factor: 2)
        #expect(source.header.width == 6 && source.header.height == 2)
        let row: [UInt8] = [0, 20, 60, 120, 200, 240]
        #expect(try source.rawSamples() == row + row)
        let three = try EnlargedSource(gray([0, 90], width: 1), factor: 3)
        #expect(
            try three.rawSamples()
                == [0, 0, 0, 0, 0, 0, 30, 30, 30, 60, 60, 60, 90, 90, 90, 90, 90, 90])
    }

    @Test func `every region has the samples that the whole image has there`() throws {
        let header = ImageHeader(
            width: 7, height: 5, colorBands: 3, alpha: .unassociated, sampleType: .uint8,
            format: .png)
        for factor in [1, 2, 3, 4, 8] {
            let source = try EnlargedSource(
                PictureSource(Picture(header, seed: factor)), factor: factor)
            let whole = try source.rawSamples()
            var random = SeededGenerator(seed: factor)
            for _ in 0..<30 {
                let x = Int.random(in: 0..<7 * factor, using: &random)
                let y = Int.random(in: 0..<5 * factor, using: &random)
                let region = PixelRegion(
                    x: x, y: y, width: Int.random(in: 1...7 * factor - x, using: &random),
                    height: Int.random(in: 1...5 * factor - y, using: &random))
                let expected = (y..<y + region.height).flatMap { row in
                    let first = (row * 7 * factor + x) * 4
                    return whole[first..<first + region.width * 4]
                }
                #expect(try source.rawSamples(region) == expected, "\(factor) \(region)")
            }
        }
    }

    @Test func `a missing sample becomes a square of missing ones, and nothing mixes with it`()
        throws
    {
        let given = gray([10, 255, 90], width: 3)
        given.header.metadata.nodata = 255
        let source = try EnlargedSource(given, factor: 4)
        let row: [UInt8] = [10, 10, 10, 10, 255, 255, 255, 255, 90, 90, 90, 90]
        #expect(try source.rawSamples() == row + row + row + row)
        let numbers = try pixels(source, PixelRegion(x: 0, y: 0, width: 12, height: 1))
        #expect(numbers.map(\.isNaN) == row.map { $0 == 255 })
    }

    @Test func `a mixture never falls on the nodata value`() throws {
        let given = gray([10, 50], width: 2)
        given.header.metadata.nodata = 20
        let source = try EnlargedSource(given, factor: 2)
        #expect(Array(try source.rawSamples()[..<4]) == [10, 21, 40, 50])
    }

    // MARK: What the file says

    private func tag(_ number: UInt16, _ values: [Double]) -> MetadataTag {
        MetadataTag(
            number: number, kind: .double, bytes: values.withUnsafeBytes { Array($0) })
    }

    private func tag(_ number: UInt16, shorts: [UInt16]) -> MetadataTag {
        MetadataTag(number: number, kind: .short, bytes: shorts.withUnsafeBytes { Array($0) })
    }

    private func tag(_ number: UInt16, rational: [UInt32]) -> MetadataTag {
        MetadataTag(number: number, kind: .rational, bytes: rational.withUnsafeBytes { Array($0) })
    }

    private var header: ImageHeader {
        ImageHeader(
            width: 100, height: 80, colorBands: 1, sampleType: .uint16, format: .tiff,
            resolution: Resolution(x: 72, y: 36, unit: .inch))
    }

    @Test func `resolution grows, and the shape of a pixel stays`() throws {
        var header = header
        #expect(
            try header.enlarged(by: 4).metadata.resolution
                == Resolution(x: 288, y: 144, unit: .inch))
        header.metadata.resolution = Resolution(x: 2, y: 1, unit: .ratio)
        #expect(try header.enlarged(by: 4).metadata.resolution == header.metadata.resolution)
    }

    @Test(arguments: [false, true])
    func `what places an image on the ground names the same ground`(namesCentres: Bool) throws {
        // Ground = matrix times (column, row, depth, 1).
        let matrix: [Double] = [2, 1, 0, 500, 3, -4, 0, 900, 0, 0, 1, 7, 0, 0, 0, 1]
        let keys = tag(34735, shorts: [1, 1, 0, 1, 1025, 0, 1, namesCentres ? 2 : 1])
        var header = header
        header.metadata.tags = [
            keys, tag(33550, [2, 2, 0]), tag(33922, [10, 20, 0, 500, 900, 0]),
            tag(34264, matrix), tag(50844, [0, 0, 40, 50, 1, 2, 3, 8, 9, 6]),
        ]
        let enlarged = try header.enlarged(by: 4)
        #expect(enlarged.width == 400 && enlarged.height == 320)
        let shift = namesCentres ? 1.5 : 0
        var scaled = matrix
        for place in [0, 1, 4, 5] { scaled[place] /= 4 }
        scaled[3] -= (scaled[0] + scaled[1]) * shift
        scaled[7] -= (scaled[4] + scaled[5]) * shift
        #expect(
            enlarged.metadata.tags == [
                keys, tag(33550, [0.5, 0.5, 0]),
                tag(33922, [40 + shift, 80 + shift, 0, 500, 900, 0]), tag(34264, scaled),
                tag(50844, [0, 0, 161.5, 201.5, 1, 2, 3, 32, 36, 6]),
            ])
        // What was called (0, 0) lies where it did.
        #expect(abs(scaled[0] * shift + scaled[1] * shift + scaled[3] - 500) < 1e-9)
    }

    @Test func `places in pixels that EXIF names are enlarged, and left out where they cannot be`()
        throws
    {
        var header = header
        header.metadata.exifTags = [
            tag(37396, shorts: [10, 20, 30, 40]), tag(41492, shorts: [40000, 1]),
            tag(41486, rational: [5000, 3]), tag(41987, shorts: [1]),
        ]
        #expect(
            try header.enlarged(by: 2).metadata.exifTags == [
                tag(37396, shorts: [20, 40, 60, 80]), tag(41486, rational: [10000, 3]),
                tag(41987, shorts: [1]),
            ])
    }

    @Test func `sizes that OME-XML and XMP name are those of the enlarged image or of its part`()
        throws
    {
        func ome(_ x: Int, _ y: Int, _ length: Double) -> String {
            "<OME xmlns=\"u\"><Image ID=\"I:0\"><Pixels SizeX=\"\(x)\" SizeY='\(y)' SizeZ=\"9\" "
                + "PhysicalSizeX=\"\(length)\" PhysicalSizeXUnit=\"µm\" Note=\"SizeX\"/></Image>"
                + "</OME>\0"
        }
        func xmp(_ x: Int, _ y: Int, _ resolution: String) -> String {
            "<rdf:Description exif:PixelXDimension=\"\(x)\" exif:FNumber=\"28/10\">"
                + "<tiff:ImageLength>\(y)</tiff:ImageLength>"
                + "<tiff:XResolution>\(resolution)</tiff:XResolution></rdf:Description>"
        }
        func description(_ text: String) -> MetadataTag {
            MetadataTag(number: 270, kind: .ascii, bytes: Array(text.utf8))
        }
        var header = header
        header.metadata.tags = [description(ome(100, 80, 0.5))]
        header.metadata.xmp = Array(xmp(100, 80, "720000/10000").utf8)
        let metadata = try header.enlarged(by: 4).metadata
        #expect(metadata.tags == [description(ome(400, 320, 0.125))])
        #expect(metadata.xmp == Array(xmp(400, 320, "2880000/10000").utf8))
        let part = header.cropped(to: PixelRegion(x: 3, y: 4, width: 50, height: 20)).metadata
        #expect(part.tags == [description(ome(50, 20, 0.5))])
        #expect(part.xmp == Array(xmp(50, 20, "720000/10000").utf8))
        // What is no number, no UTF-8 or too large stays as it is.
        for odd in [
            Array("<Pixels SizeX=\"many\" SizeY=\"\(Int.max)\"/>".utf8), [0x20, 0xff, 0xfe],
            Array(" SizeX=\"12".utf8), [],
        ] {
            header.metadata.xmp = odd
            #expect(try header.enlarged(by: 4).metadata.xmp == odd)
        }
    }

    @Test func `what would be too large to be written is refused`() {
        for (width, height, factor) in [(1 << 30, 1, 4), (1, 1 << 30, 4), (1 << 20, 1 << 18, 8)] {
            var header = header
            (header.width, header.height) = (width, height)
            #expect(throws: ImageError.self) { try header.enlarged(by: factor) }
        }
    }

    @Test func `windows of an enlarged image are windows of the image`() throws {
        for seed in 0..<300 {
            var random = SeededGenerator(seed: seed)
            let factor = [2, 3, 4, 8].randomElement(using: &random) ?? 2
            let alignment = factor * Int.random(in: 1...3, using: &random)
            let tile = Int.random(in: alignment + factor...alignment + 90, using: &random)
            let largest = tile / alignment * alignment
            let overlap = Int.random(in: 0...largest - factor, using: &random)
            let plan = try TilePlan(
                width: factor * Int.random(in: 1...80, using: &random),
                height: factor * Int.random(in: 1...80, using: &random), tile: tile,
                overlap: overlap, alignment: alignment, minimum: alignment, unit: factor)
            for index in 0..<plan.tileCount {
                let (tile, given) = (plan.tile(index), plan.tile(index).reduced(by: factor))
                #expect(given.x * factor == tile.x && given.width * factor == tile.width)
            }
            for (starts, window, length) in [
                (plan.columns, plan.windowWidth, plan.imageWidth),
                (plan.rows, plan.windowHeight, plan.imageHeight),
            ] {
                let shared = zip(starts, starts.dropFirst()).map { $0 + window - $1 }
                #expect(shared.allSatisfy { $0 >= overlap }, "seed \(seed)")
                let end = (starts.last ?? 0) + window
                #expect(starts.count > 1 ? end == length : end >= length, "seed \(seed)")
            }
        }
    }
}
