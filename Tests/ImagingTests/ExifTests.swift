import Imaging
import Testing

/// EXIF's block, as JPEG and PNG hold it.
@Suite struct ExifTests {
    /// Two bytes to a value, native order.
    static func shorts(_ values: UInt16...) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
    }

    static func longs(_ values: UInt32...) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value) { Array($0) } }
    }

    /// One tag of each kind and place.
    static var full: Metadata {
        var metadata = Metadata()
        metadata.orientation = 6
        metadata.resolution = Resolution(x: 118.11, y: 72, unit: .centimeter)
        metadata.tags = [
            MetadataTag(number: 270, kind: .ascii, bytes: Array("A view\0".utf8)),
            MetadataTag(number: 271, kind: .ascii, bytes: Array("Me\0".utf8)),
            MetadataTag(number: 318, kind: .rational, bytes: longs(1, 3, 2, 7)),
        ]
        metadata.exifTags = [
            MetadataTag(number: 33434, kind: .rational, bytes: longs(1, 250)),
            MetadataTag(number: 37380, kind: .srational, bytes: longs(UInt32.max, 3)),
            MetadataTag(
                number: 37500, kind: .undefined, bytes: Array("OLYMPUS\0".utf8) + Array(0..<93)),
            MetadataTag(number: 40962, kind: .short, bytes: shorts(4000)),
        ]
        metadata.makerNoteOffset = 1000
        metadata.gpsTags = [
            MetadataTag(number: 0, kind: .byte, bytes: [2, 3, 0, 0]),
            MetadataTag(number: 2, kind: .rational, bytes: longs(47, 1, 30, 1, 1234, 100)),
        ]
        metadata.interoperabilityTags = [
            MetadataTag(number: 1, kind: .ascii, bytes: Array("R98\0".utf8))
        ]
        return metadata
    }

    @Test func `a block says what was put into it`() throws {
        let metadata = Self.full
        let block = try #require(metadata.exifBlock())
        #expect(block.starts(with: [0x49, 0x49, 42, 0, 8, 0, 0, 0]) && block.count % 2 == 0)
        for preamble in [[], Array("Exif\0\0".utf8)] {
            var back = Metadata()
            #expect(back.mergeExif(preamble + block) == [])
            #expect(back == metadata)
        }
    }

    /// Where `full`'s maker's notes lie in a block.
    private func place(of notes: [UInt8], in block: [UInt8]) throws -> Int {
        try #require(block.firstRange(of: notes)).lowerBound
    }

    @Test(arguments: [false, true], [50, 51, 2000])
    func `maker's notes stay at their place and in their byte order`(
        isBigEndian: Bool, offset: Int
    ) throws {
        var metadata = Self.full
        metadata.exifIsBigEndian = isBigEndian
        metadata.makerNoteOffset = offset
        let block = try #require(metadata.exifBlock())
        let mark: [UInt8] = isBigEndian ? [0x4D, 0x4D, 0, 42] : [0x49, 0x49, 42, 0]
        #expect(block.starts(with: mark) && block.count % 2 == 0)
        let notes = metadata.exifTags[2].bytes
        #expect(try place(of: notes, in: block) == offset)
        var back = Metadata()
        #expect(back.mergeExif(block) == [])
        #expect(back == metadata)
        // Other tags come and go.
        back.tags.append(
            MetadataTag(number: 305, kind: .ascii, bytes: [UInt8](repeating: 65, count: 3000)))
        #expect(try place(of: notes, in: #require(back.exifBlock())) == offset)
        back.exifTags.remove(at: 2)
        #expect(try #require(back.exifBlock()).count < 4000)
    }

    @Test(
        arguments: [
            ("a.tif", [1, 2, 3, 4, 5, 6], true), ("a.jpg", [1, 2, 3, 4, 5, 6], false),
            ("a.png", [1, 2, 3, 4, 5, 6], false), ("a.tif", Array("Nikon\0\u{2}abc".utf8), false),
            ("a.tif", [1, 2, 3, 4], false),
        ] as [(String, [UInt8], Bool)])
    func `notes that lose their place are named`(
        name: String, notes: [UInt8], isNamed: Bool
    ) throws {
        let folder = try ScratchFolder()
        var header = ImageHeader(
            width: 4, height: 4, colorBands: 1, sampleType: .uint8, format: .jpeg)
        header.metadata.exifTags = [MetadataTag(number: 37500, kind: .undefined, bytes: notes)]
        header.metadata.exifIsBigEndian = true
        header.metadata.makerNoteOffset = 400
        let warnings = try Picture(header, seed: 1).write("\(folder.path)/\(name)")
        #expect(warnings.contains { $0.contains("maker notes") } == isNamed, "\(warnings)")
        #expect(warnings.contains { $0.contains("in another byte order") } == isNamed)
    }

    @Test func `notes out of a TIFF have no place in a block`() throws {
        let folder = try ScratchFolder()
        var header = ImageHeader(
            width: 4, height: 4, colorBands: 1, sampleType: .uint8, format: .tiff)
        header.metadata.exifTags = Self.full.exifTags
        header.metadata.exifTags[2].bytes[0] = 0
        try Picture(header, seed: 1).write("\(folder.path)/a.tif")
        let source = try ImageFormats.open("\(folder.path)/a.tif")
        #expect(source.header.metadata.makerNoteOffset == nil)
        let warnings = try Picture(source).write("\(folder.path)/a.png")
        #expect(warnings.contains { $0.contains("maker notes") })
    }

    @Test func `nothing to say gives no block`() {
        var metadata = Metadata()
        #expect(metadata.exifBlock() == nil)
        metadata.resolution = Resolution(x: 300, y: 300, unit: .inch)
        metadata.xmp = [1]
        #expect(metadata.exifBlock() == nil)
        metadata.orientation = 3
        #expect(metadata.exifBlock() != nil)
    }

    @Test func `what is known already stays`() throws {
        var metadata = Metadata()
        metadata.resolution = Resolution(x: 1, y: 1, unit: .ratio)
        metadata.tags = [MetadataTag(number: 271, kind: .ascii, bytes: [65, 0])]
        metadata.mergeExif(try #require(Self.full.exifBlock()))
        #expect(metadata.resolution?.x == 1 && metadata.orientation == 6)
        #expect(metadata.tags.map(\.number) == [271, 270, 318])
        #expect(metadata.tags[0].bytes == [65, 0])
    }

    @Test func `a big-endian block is read in native order`() {
        var file = HandmadeTIFF(width: 1, height: 1, data: [])
        file.isBigEndian = true
        file.entries = [
            (274, 3, [8]), (271, 3, [258]), (297, 3, [2, 3]), (305, 4, [70000, 1, 2]),
        ]
        var metadata = Metadata()
        #expect(metadata.mergeExif(file.bytes) == [])
        #expect(metadata.orientation == 8)
        let values = metadata.tags.map(\.bytes)
        #expect(values == [Self.shorts(258), Self.shorts(2, 3), Self.longs(70000, 1, 2)])
    }

    @Test func `tags that EXIF has no place for are named`() {
        var metadata = Metadata()
        metadata.tags = [271, 33550, 34735, 50838, 50839, 42112, 65001].map {
            MetadataTag(number: $0, kind: .byte, bytes: [1])
        }
        metadata.iptc = [0x1C]
        metadata.nodata = -9999
        #expect(
            Metadata.inWords(metadata.tagsBeyondExif) == [
                "georeferencing (GeoTIFF tags)", "ImageJ's metadata", "GDAL's metadata",
                "private tag 65001",
            ])
        #expect(metadata.inWords.suffix(2) == ["IPTC records", "the nodata value -9999"])
        var back = Metadata()
        back.mergeExif(metadata.exifBlock() ?? [])
        #expect(back.tags.map(\.number) == [271])
    }

    @Test func `entries that make no sense are left out and named`() {
        var file = HandmadeTIFF(width: 1, height: 1, data: [])
        file.entries = [(271, 99, [1]), (272, 4, [5]), (34665, 4, [999_999]), (330, 4, [8])]
        var metadata = Metadata()
        let left = metadata.mergeExif(file.bytes)
        #expect(metadata.tags.map(\.number) == [272])
        #expect(left.count == 3 && left[0].contains("unknown type 99"), "\(left)")
        #expect(metadata.mergeExif([1, 2, 3]).count == 1)
        #expect(metadata.mergeExif([]).count == 1)
    }

    @Test func `flipped bits and every beginning of a block give something or nothing`() throws {
        let block = try #require(Self.full.exifBlock())
        for count in block.indices {
            var metadata = Metadata()
            metadata.mergeExif(Array(block[..<count]))
        }
        for seed in 0..<20000 {
            var random = SeededGenerator(seed: seed)
            var bytes = block
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            var metadata = Metadata()
            metadata.mergeExif(bytes)
            _ = metadata.exifBlock()
        }
    }

    @Test func `a block whose entries all show the same bytes stays within bounds`() {
        // 3000 entries of 1 MB each over one and the same megabyte.
        var file = HandmadeTIFF(width: 1, height: 1, data: Array(repeating: 0, count: 1 << 20))
        file.entries = []
        var bytes = file.bytes
        let directory = bytes.count
        let little = { (value: Int, count: Int) in
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        bytes += little(3000, 2)
        for number in 0..<3000 {
            bytes += little(40000 + number, 2) + little(7, 2) + little(1 << 20, 4) + little(8, 4)
        }
        bytes += little(0, 4)
        bytes.replaceSubrange(4..<8, with: little(directory, 4))
        var metadata = Metadata()
        let left = metadata.mergeExif(bytes)
        #expect(metadata.tags.count <= 64 && left.count == 20)
    }
}
