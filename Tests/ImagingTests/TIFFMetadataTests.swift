import Imaging
import Testing

/// What a TIFF says beside its pixels, through reading and writing.
@Suite struct TIFFMetadataTests {
    /// Everything that a TIFF can hold.
    static var full: Metadata {
        var metadata = ExifTests.full
        metadata.makerNoteOffset = nil
        metadata.nodata = -9999
        metadata.nodataText = "-9999.00"
        metadata.iccProfile = (0..<201).map { UInt8($0) }
        metadata.xmp = Array("<x:xmpmeta/>".utf8)
        metadata.iptc = [0x1C, 2, 5, 0, 1, 65]
        metadata.photoshop = Array("8BIM".utf8) + [1, 2, 3]
        metadata.tags += [
            MetadataTag(number: 33550, kind: .double, bytes: Array(repeating: 7, count: 24)),
            MetadataTag(number: 34735, kind: .short, bytes: ExifTests.shorts(1, 1, 0, 0)),
            MetadataTag(number: 50838, kind: .long, bytes: ExifTests.longs(12, 30)),
            MetadataTag(number: 65000, kind: .sshort, bytes: ExifTests.shorts(65535)),
            MetadataTag(number: 65001, kind: .float, bytes: ExifTests.longs(0x3FC0_0000)),
        ]
        return metadata
    }

    private static func header(_ metadata: Metadata) -> ImageHeader {
        var header = ImageHeader(
            width: 40, height: 33, colorBands: 1, sampleType: .uint16, format: .tiff,
            tiffCompression: .deflate)
        header.metadata = metadata
        return header
    }

    private func sorted(_ metadata: Metadata) -> Metadata {
        var metadata = metadata
        metadata.tags.sort { $0.number < $1.number }
        return metadata
    }

    @Test func `all that a TIFF can hold comes back`() throws {
        let folder = try ScratchFolder()
        for layout in [TIFFLayout.strips, .tiles(width: 16, height: 32)] {
            var header = Self.header(Self.full)
            header.tiffLayout = layout
            let picture = Picture(header, seed: 1)
            #expect(try picture.write("\(folder.path)/a.tif", overwrite: true) == [])
            let back = try ImageFormats.open("\(folder.path)/a.tif")
            #expect(back.warnings == [])
            #expect(sorted(back.header.metadata) == sorted(Self.full))
            #expect(
                try Picture(back).samples == picture.samples && back.header.tiffLayout == layout)
        }
    }

    @Test func `tags that only BigTIFF has make one`() throws {
        let folder = try ScratchFolder()
        var metadata = Metadata()
        metadata.tags = [
            MetadataTag(
                number: 65000, kind: .long8, bytes: ExifTests.longs(1, 2, 3, 4)),
            MetadataTag(number: 65001, kind: .slong8, bytes: ExifTests.longs(1, 2)),
        ]
        try Picture(Self.header(metadata), seed: 1).write("\(folder.path)/a.tif")
        #expect(try folder.bytes("a.tif")[2] == 43)
        let back = try ImageFormats.open("\(folder.path)/a.tif")
        #expect(back.header.metadata == metadata)
    }

    @Test func `a changed nodata value is not spelled as it was`() throws {
        let folder = try ScratchFolder()
        var metadata = Metadata()
        for (value, text, wanted) in [
            (-9999.0, "-9999.00" as String?, "-9999.00"), (5, "-9999.00", "5"), (5, nil, "5"),
            (.nan, "NaN", "NaN"), (.nan, nil, "nan"), (0.1, "0,1", "0.1"), (1e30, nil, "1e+30"),
        ] {
            metadata.nodata = value
            metadata.nodataText = text
            try Picture(Self.header(metadata), seed: 1).write(
                "\(folder.path)/a.tif", overwrite: true)
            let bytes = try folder.bytes("a.tif")
            let wantedBytes = Array(wanted.utf8) + [0]
            #expect(
                bytes.indices.contains { bytes[$0...].starts(with: wantedBytes) }, "\(wanted)")
            let back = try ImageFormats.open("\(folder.path)/a.tif").header.metadata.nodata
            #expect(back == value || (back?.isNaN == true && value.isNaN))
        }
    }

    @Test func `what is bound to the file is left out and named`() throws {
        let folder = try ScratchFolder()
        var file = HandmadeTIFF(width: 2, height: 2, data: [1, 2, 3, 4])
        file.entries += [
            (330, 4, [8]), (37724, 3, [1, 2, 3]), (34412, 4, [8]), (34665, 4, [100_000]),
            (305, 3, [1, 2, 3, 4]),
        ]
        let source = try ImageFormats.open(folder.file("a.tif", file.bytes))
        #expect(source.header.metadata.tags.map(\.number) == [305])
        #expect(source.warnings.count == 1)
        for word in ["SubIFDs", "Photoshop's layers", "Zeiss", "EXIF's directory"] {
            #expect(source.warnings[0].contains(word), "\(source.warnings)")
        }
    }

    @Test func `IPTC of swapped words is put right`() throws {
        let folder = try ScratchFolder()
        for isBigEndian in [false, true] {
            var file = HandmadeTIFF(width: 2, height: 2, data: [1, 2, 3, 4])
            file.isBigEndian = isBigEndian
            file.entries.append((33723, 4, [0x1C02_0500, 0x0141_0000]))
            let source = try ImageFormats.open(folder.file("a.tif", file.bytes))
            #expect(source.header.metadata.iptc == [0x1C, 2, 5, 0, 1, 0x41, 0, 0])
        }
    }

    @Test func `texts of a PNG become tags or are named`() throws {
        let folder = try ScratchFolder()
        var metadata = Metadata()
        metadata.texts = [("Author", "Ana"), ("Description", "a view"), ("Mood", "blue")].map {
            MetadataText(keyword: $0.0, text: $0.1)
        }
        let warnings = try Picture(Self.header(metadata), seed: 1).write("\(folder.path)/a.tif")
        #expect(warnings.count == 1 && warnings[0].contains("\"Mood\""))
        let tags = try ImageFormats.open("\(folder.path)/a.tif").header.metadata.tags
        #expect(tags.map(\.number) == [270, 315])
        #expect(tags[0].bytes == Array("a view\0".utf8))
    }

    @Test func `one image of an ImageJ stack does not claim to be all`() throws {
        let folder = try ScratchFolder()
        var metadata = Metadata()
        let text = "ImageJ=1.54\nimages=5\nslices=5\nunit=um\nmin=0.0\n"
        metadata.tags = [MetadataTag(number: 270, kind: .ascii, bytes: Array(text.utf8) + [0])]
        try Picture(Self.header(metadata), seed: 1).write("\(folder.path)/a.tif")
        let source = try ImageFormats.open("\(folder.path)/a.tif")
        #expect(source.warnings.count == 1 && source.warnings[0].contains("5 images"))
        #expect(source.warnings[0].contains("the others are not in the output"))
        var options = ReadingOptions()
        options.isOneOfAllPages = true
        #expect(
            try ImageFormats.open("\(folder.path)/a.tif", options).warnings == source.warnings)
        let left = String(decoding: source.header.metadata.tags[0].bytes, as: UTF8.self)
        #expect(left == "ImageJ=1.54\nunit=um\nmin=0.0\n\0")
    }

    @Test func `files beside a TIFF that are not carried are named`() throws {
        let folder = try ScratchFolder()
        try Picture(Self.header(Metadata()), seed: 1).write("\(folder.path)/a.b.tif")
        #expect(try ImageFormats.open("\(folder.path)/a.b.tif").warnings == [])
        for name in ["a.b.tif.ovr", "a.b.tfw", "a.tfw"] { _ = try folder.file(name, [1]) }
        let warnings = try ImageFormats.open("\(folder.path)/a.b.tif").warnings
        #expect(warnings.count == 1 && warnings[0].contains("a.b.tif.ovr, a.b.tfw beside it are"))
    }

    @Test func `statistics of the unrestored pixels are left out`() throws {
        let folder = try ScratchFolder()
        let mean = "  <Item name=\"STATISTICS_MEAN\" sample=\"0\">7</Item>\n"
        let other = "  <Item name=\"sensor\">lidar</Item>\n"
        let cases: [(String, String?)] = [
            (mean + other + mean, other), (other, other), (mean, nil),
            ("<Item name=\"STATISTICS_", "<Item name=\"STATISTICS_"),
        ]
        for (items, wanted) in cases {
            var metadata = Metadata()
            let text = "<GDALMetadata>\n\(items)</GDALMetadata>\n\0"
            metadata.tags = [MetadataTag(number: 42112, kind: .ascii, bytes: Array(text.utf8))]
            try Picture(Self.header(metadata), seed: 1).write(
                "\(folder.path)/a.tif", overwrite: true)
            let back = try ImageFormats.open("\(folder.path)/a.tif").header.metadata
            let left = back.tags.first.map { String(decoding: $0.bytes, as: UTF8.self) }
            #expect(left == wanted.map { "<GDALMetadata>\n\($0)</GDALMetadata>\n\0" })
        }
    }

    @Test func `a resolution of any size is the same after any number of copies`() throws {
        let folder = try ScratchFolder()
        for value in [72, 72.009, 118.11, 1 / 3.0, 3.14159265358979, 1e-6, 4_000_000_000.5 / 14] {
            var metadata = Metadata()
            metadata.resolution = Resolution(x: value, y: 2 * value, unit: .centimeter)
            for _ in 0..<3 {
                try Picture(Self.header(metadata), seed: 1).write(
                    "\(folder.path)/a.tif", overwrite: true)
                let back = try ImageFormats.open("\(folder.path)/a.tif").header.metadata.resolution
                let x = try #require(back?.x)
                #expect(abs(x - value) <= 1e-9 * value, "\(value)")
                if metadata.resolution?.x != value { #expect(back == metadata.resolution) }
                metadata.resolution = back
            }
        }
    }
}
