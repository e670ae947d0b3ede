import Imaging
import Testing

/// Files of other programs, and files that are not read.
@Suite struct ReadingTests {
    private func open(_ bytes: [UInt8], _ options: ReadingOptions = ReadingOptions()) throws
        -> any ImageSource
    {
        let folder = try ScratchFolder()
        return try ImageFormats.open(folder.file("image", bytes), options)
    }

    private func error(_ bytes: [UInt8], _ options: ReadingOptions = ReadingOptions())
        -> ImageError?
    {
        #expect(throws: ImageError.self) { try open(bytes, options) }
    }

    /// The samples of a foreign file, 19 x 7 pixels.
    private func foreign(bands: Int = 1, _ sample: (_ x: Int, _ y: Int, _ band: Int) -> Int)
        -> [UInt16]
    {
        var samples = [UInt16]()
        for y in 0..<7 {
            for x in 0..<19 {
                for band in 0..<bands { samples.append(UInt16(sample(x, y, band))) }
            }
        }
        return samples
    }

    @Test func `a tiled big-endian LZW TIFF is read`() throws {
        let source = try open(ForeignFiles.tiledTIFF)
        let picture = try Picture(source)
        #expect(source.header.sampleType == .uint16 && source.header.tiffCompression == .lzw)
        #expect(picture.samples == foreign { x, y, _ in 1111 * x + 2222 * y })
    }

    @Test func `a BigTIFF with separate planes is read`() throws {
        let source = try open(ForeignFiles.planarTIFF)
        #expect(source.header.colorBands == 3 && source.header.tiffCompression == .deflate)
        let expected = foreign(bands: 3) { x, y, band in (11 * x + 22 * y + 33 * band) % 256 }
        #expect(try Picture(source).samples == expected)
    }

    @Test func `a min-is-white TIFF is inverted`() throws {
        let source = try open(ForeignFiles.whiteTIFF)
        #expect(source.header.tiffCompression == .packBits)
        let expected = foreign { x, y, _ in
            let stored = (255 - (11 * x + 22 * y) % 256) / 4 * 4
            return 255 - stored
        }
        #expect(try Picture(source).samples == expected)
    }

    @Test func `a palette with transparency is expanded`() throws {
        let source = try open(ForeignFiles.palettePNG)
        #expect(source.header.colorBands == 3 && source.header.alpha == .unassociated)
        let colors: [[Int]] = [
            [10, 20, 30, 0], [40, 50, 60, 128], [70, 80, 90, 255], [200, 210, 220, 255],
        ]
        let expected = foreign(bands: 4) { x, y, band in colors[(x + y) % 4][band] }
        #expect(try Picture(source).samples == expected)
    }

    @Test func `alpha keeps the meaning that the file gives it`() throws {
        for (tag, kind) in [(1, AlphaKind.associated), (2, .unassociated)] {
            for bigEndian in [false, true] {
                var file = HandmadeTIFF(width: 2, height: 1, samples: 2, data: [1, 2, 3, 4])
                file.isBigEndian = bigEndian
                file.set(HandmadeTIFF.extraSamples, tag)
                let picture = try Picture(open(file.bytes))
                #expect(picture.header.alpha == kind && picture.samples == [1, 2, 3, 4])
            }
        }
        // The tag may be missing; the sample is there all the same.
        var bare = HandmadeTIFF(width: 2, height: 1, samples: 2, data: [1, 2, 3, 4])
        #expect(try open(bare.bytes).header.alpha == .unspecified)
        // What is said to be no alpha is a band, such as near infrared.
        bare.set(HandmadeTIFF.extraSamples, 0)
        let picture = try Picture(open(bare.bytes))
        #expect(picture.header.alpha == nil && picture.header.colorBands == 2)
        #expect(picture.samples == [1, 2, 3, 4])
    }

    @Test func `alpha moves behind all other samples`() throws {
        // Gray, then nothing, alpha, nothing; in one plane and in four.
        for planar in [1, 2] {
            let data: [UInt8] = planar == 1 ? [1, 2, 3, 4, 5, 6, 7, 8] : [1, 5, 2, 6, 3, 7, 4, 8]
            var file = HandmadeTIFF(width: 2, height: 1, samples: 4, data: data)
            file.set(HandmadeTIFF.extraSamples, 0, 2, 0)
            file.set(284, planar)
            if planar == 2 {
                file.set(HandmadeTIFF.stripOffsets, 8, 10, 12, 14)
                file.set(HandmadeTIFF.stripByteCounts, 2, 2, 2, 2)
            }
            let picture = try Picture(open(file.bytes))
            #expect(picture.header.alpha == .unassociated && picture.header.colorBands == 3)
            #expect(picture.samples == [1, 2, 4, 3, 5, 6, 8, 7])
        }
    }

    @Test func `few bits are spread and nine to fifteen are kept`() throws {
        let cases: [(bits: Int, data: [UInt8], type: SampleType, samples: [UInt16])] = [
            (1, [0b1011_0000], .uint8, [255, 0, 255, 255]),
            (2, [0b0001_1011], .uint8, [0, 85, 170, 255]),
            (4, [0x01, 0x8F], .uint8, [0, 17, 136, 255]),
            (12, [0x12, 0x34, 0x56, 0xFF, 0xF0, 0x01], .uint16, [0x123, 0x456, 0xFFF, 0x001]),
            (10, [0xFF, 0xC0, 0x08, 0x03, 0x00], .uint16, [1023, 0, 512, 768]),
        ]
        for (bits, data, type, samples) in cases {
            var file = HandmadeTIFF(width: 4, height: 1, data: data)
            file.set(HandmadeTIFF.bitsPerSample, bits)
            let picture = try Picture(open(file.bytes))
            #expect(picture.header.sampleType == type && picture.samples == samples, "\(bits)")
        }
        // Three planes of one bit, each row beginning a byte.
        var planes = HandmadeTIFF(
            width: 3, height: 2, samples: 3, photometric: 2, data: [0xA0, 0x40, 0, 0xE0, 0xFF, 0])
        planes.set(HandmadeTIFF.bitsPerSample, 1, 1, 1)
        planes.set(284, 2)
        planes.set(HandmadeTIFF.stripOffsets, 8, 10, 12)
        planes.set(HandmadeTIFF.stripByteCounts, 2, 2, 2)
        let expected: [UInt16] = [
            255, 0, 255, 0, 0, 255, 255, 0, 255, 0, 255, 0, 255, 255, 0, 0, 255, 0,
        ]
        #expect(try Picture(open(planes.bytes)).samples == expected)
    }

    @Test func `a palette has the bits of its colours`() throws {
        let cases: [([Int], SampleType, UInt16)] = [
            ([1, 200, 255], .uint8, 200), ([256, 200 * 256, 0xFF00], .uint8, 200),
            ([257, 200 * 257, 0xFFFF], .uint8, 200), ([257, 51201, 0xFFFF], .uint16, 51201),
        ]
        for (colors, type, middle) in cases {
            var file = HandmadeTIFF(width: 4, height: 1, photometric: 3, data: [0b0001_1000])
            file.set(HandmadeTIFF.bitsPerSample, 2)
            let map = [0] + colors
            file.entries.append((320, 3, map + map.reversed() + [0, 0, 0, 0]))
            let picture = try Picture(open(file.bytes))
            #expect(picture.header.sampleType == type && picture.header.colorModel == .rgb)
            // The third pixel has the third color, in which red and green change places.
            #expect(picture.samples[6] == middle, "\(colors)")
        }
    }

    @Test func `strips that were never written are missing samples`() throws {
        for nodata in [nil, 7] {
            var file = HandmadeTIFF(width: 2, height: 2, data: [1, 2, 7])
            file.set(278, 1)
            file.set(HandmadeTIFF.stripOffsets, 8, 0)
            file.set(HandmadeTIFF.stripByteCounts, 2, 0)
            // "7" and its end.
            if let nodata { file.entries.append((42113, 3, [0x30 + nodata])) }
            var bytes = file.bytes
            if nodata != nil {
                // As text of two bytes.
                let entry = bytes.indices.last { bytes[$0...].starts(with: [0x81, 0xA4, 3, 0]) }
                let place = try #require(entry)
                bytes[place + 2] = 2
                bytes[place + 4] = 2
            }
            let source = try open(bytes)
            #expect(source.warnings.count == 1 && source.warnings[0].contains("1 of its 2 strips"))
            let fill = UInt8(nodata ?? 0)
            #expect(try source.rawSamples() == [1, 2, fill, fill])
        }
    }

    @Test func `further pages are mentioned`() throws {
        var file = HandmadeTIFF(width: 2, height: 2, data: [1, 2, 3, 4])
        #expect(try open(file.bytes).warnings == [])
        file.nextDirectory = 8
        let warnings = try open(file.bytes).warnings
        #expect(warnings.count == 1 && warnings[0].contains("more than one page"))
    }

    @Test func `kinds of TIFF that are not read are named`() throws {
        let plain = HandmadeTIFF(width: 2, height: 2, data: [1, 2, 3, 4])
        let cases: [(tag: Int, values: [Int], word: String)] = [
            (HandmadeTIFF.compression, [34712], "JPEG 2000"),
            (HandmadeTIFF.compression, [777], "unknown (777)"),
            (HandmadeTIFF.compression, [6], "JPEG of the old style"),
            (HandmadeTIFF.compression, [50001], "WebP"),
            (HandmadeTIFF.compression, [34925], "LZMA"),
            (HandmadeTIFF.photometric, [32803], "camera raw"),
            (HandmadeTIFF.photometric, [8], "L*a*b*"),
            (HandmadeTIFF.sampleFormat, [3], "floating-point"),
            (HandmadeTIFF.sampleFormat, [5], "complex"),
            (HandmadeTIFF.bitsPerSample, [24], "24 bit"),
            (HandmadeTIFF.bitsPerSample, [64], "64 bit"),
        ]
        for (tag, values, word) in cases {
            var file = plain
            file.entries.removeAll { $0.tag == tag }
            file.entries.append((tag, 3, values))
            let error = error(file.bytes)
            #expect(error?.kind == .unsupported, "\(word): \(String(describing: error))")
            #expect(error?.message.contains(word) == true, "\(word): \(String(describing: error))")
        }
        let two = HandmadeTIFF(width: 1, height: 1, samples: 2, photometric: 2, data: [1, 2])
        #expect(error(two.bytes)?.message.contains("2 samples") == true)
    }

    @Test func `a file of another format is named`() throws {
        let cases: [([UInt8], ImageError.Kind, String)] = [
            (Array("....jP  ".utf8), .unsupported, "JPEG 2000"),
            (Array("RIFF....WEBPVP8 ".utf8), .unsupported, "WebP"),
            (Array("P6\n1 1\n255\nabc".utf8), .unsupported, "PNM"),
            (Array("GIF89a".utf8), .unsupported, "GIF"),
            (Array("hello".utf8), .unreadable, "not an image"), ([], .unreadable, "empty"),
        ]
        for (bytes, kind, word) in cases {
            let error = error(bytes)
            #expect(error?.kind == kind && error?.message.contains(word) == true, "\(word)")
        }
        #expect(throws: ImageError.self) { try ImageFormats.open("/") }
        let missing = #expect(throws: ImageError.self) { try ImageFormats.open("/none/a.png") }
        #expect(missing?.kind == .noSuchFile)
    }

    @Test func `absurd sizes are refused before memory is taken`() throws {
        let most = 0x7FFF_FFFF
        for side in [1_000_000, most] {
            let png = HandmadePNG.header(width: side, height: side, depth: 16, colorType: 6)
            #expect(error(png)?.kind == .unreadable)
            #expect(error(png)?.message.contains("\(side) x \(side)") == true)
        }
        for side in [100_000, most, 0xFFFF_FFFF] {
            for compression in [1, 5, 8, 32773] {
                var file = HandmadeTIFF(width: side, height: side, data: [1, 2, 3, 4])
                file.set(HandmadeTIFF.compression, compression)
                #expect(error(file.bytes)?.kind == .unreadable, "\(side), \(compression)")
            }
        }
        // What the file could hold and the limit does not allow.
        var small = ReadingOptions()
        small.decodedByteCountMaximum = 132
        #expect(error(ForeignFiles.whiteTIFF, small)?.kind == .tooLarge)
        #expect(error(ForeignFiles.palettePNG, small)?.kind == .tooLarge)
    }

    @Test func `a TIFF whose strip lies beyond its end is an error`() throws {
        for compression in [1, 5, 8, 32773] {
            for offset in [7, 4000, 0x7FFF_FFFF, 0xFFFF_FFFF] {
                var file = HandmadeTIFF(
                    width: 20, height: 20, data: Array(repeating: 7, count: 400))
                file.set(HandmadeTIFF.compression, compression)
                file.set(HandmadeTIFF.stripOffsets, offset)
                if compression == 1 && offset == 7 { continue }
                #expect(error(file.bytes)?.kind == .unreadable, "\(compression), \(offset)")
            }
        }
    }
}
