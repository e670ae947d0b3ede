import Imaging
import Testing

@Suite struct JPEGTests {
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

    /// What a JPEG takes: gray, RGB, CMYK.
    static let headers = [(1, ColorModel.gray), (3, .rgb), (4, .cmyk)].map { bands, model in
        ImageHeader(
            width: 37, height: 29, colorBands: bands, colorModel: model, sampleType: .uint8,
            format: .jpeg)
    }

    /// A smooth picture, which a JPEG changes little.
    private func smooth(_ header: ImageHeader) -> Picture {
        var samples: [UInt16] = []
        for y in 0..<header.height {
            for x in 0..<header.width {
                for band in 0..<header.colorBands {
                    samples.append(UInt16(20 + 4 * x + 2 * y + 11 * band))
                }
            }
        }
        return Picture(header: header, samples: samples)
    }

    private func largestDifference(_ a: Picture, _ b: Picture) -> Int {
        zip(a.samples, b.samples).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }

    @Test(arguments: headers)
    func `a JPEG comes back nearly as it was written`(header: ImageHeader) throws {
        let folder = try ScratchFolder()
        let picture = smooth(header)
        #expect(try picture.write(folder.path + "/a.jpg") == [])
        let back = try ImageFormats.open(folder.path + "/a.jpg")
        #expect(back.header == header && back.warnings == [])
        #expect(try largestDifference(Picture(back), picture) <= 3)
    }

    @Test func `files of other programs are read`() throws {
        for (name, bytes, bands, tolerance) in ForeignJPEGs.all {
            let source = try open(bytes)
            let picture = try Picture(source)
            #expect(source.header.colorModel == (bands == 4 ? .cmyk : .rgb), "\(name)")
            var (difference, place) = (0, 0)
            for y in 0..<15 {
                for x in 0..<20 {
                    for band in 0..<bands {
                        let expected = ForeignJPEGs.sample(x, y, band)
                        difference = max(
                            difference, abs(Int(picture.samples[place]) - expected))
                        place += 1
                    }
                }
            }
            #expect(place == picture.samples.count && difference <= tolerance, "\(name)")
        }
    }

    @Test func `CMYK without the marker of Adobe counts ink`() throws {
        let marked = try Picture(open(ForeignJPEGs.cmyk))
        let bare = try HandmadeJPEG(ForeignJPEGs.cmyk).without(0xEE)
        #expect(try Picture(open(bare.bytes)).samples == marked.samples.map { 255 - $0 })
    }

    @Test func `an image above the cache is decoded into a scratch file`() throws {
        var options = ReadingOptions()
        options.cacheByteCount = 100
        #expect(try Picture(open(ForeignJPEGs.rgb, options)).samples[3 * 8] == 100)
    }

    @Test func `a finer quality is larger and nearer, and keeps colours whole from 90 on`() throws {
        let folder = try ScratchFolder()
        let header = Self.headers[1]
        let picture = Picture(header, seed: 5)
        var errors: [Double] = []
        for quality in [1, 50, 89, 90, 100] {
            var wanted = header
            wanted.jpegQuality = quality
            try picture.write(folder.path + "/a.jpg", like: wanted, overwrite: true)
            let file = try HandmadeJPEG(folder.bytes("a.jpg"))
            let sampling = try #require(file.segments.first { $0.marker == 0xC0 }).bytes[7]
            #expect(sampling == (quality < 90 ? 0x22 : 0x11), "\(quality)")
            errors.append(
                try ImageQuality.meanSquaredError(
                    ImageFormats.open(folder.path + "/a.jpg"), PictureSource(picture)))
        }
        #expect(errors == errors.sorted(by: >), "\(errors)")
    }

    @Test func `images that a JPEG cannot hold are refused with formats that can`() throws {
        let kinds: [(ImageHeader, [String])] = [
            (header(bands: 3, alpha: .unassociated), ["with alpha", ".png or .tif"]),
            (header(bands: 3, type: .uint16), ["uint16", ".png or .tif"]),
            (header(bands: 5), ["5 bands", "in .tif"]),
            (header(bands: 1, type: .float32), ["float32", "in .tif"]),
            (header(bands: 1, width: 65501), ["65500", ".png or .tif"]),
        ]
        for (header, words) in kinds {
            let error = #expect(throws: ImageError.self) {
                try ImageFormats.checkKind("a.jpg", like: header)
            }
            #expect(error?.kind == .unsupported)
            for word in words {
                #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
            }
        }
        try ImageFormats.checkKind("a.JPEG", like: header(bands: 4, model: .cmyk, width: 65500))
    }

    private func header(
        bands: Int, model: ColorModel? = nil, alpha: AlphaKind? = nil, type: SampleType = .uint8,
        width: Int = 4
    ) -> ImageHeader {
        ImageHeader(
            width: width, height: 4, colorBands: bands, colorModel: model, alpha: alpha,
            sampleType: type, format: .tiff)
    }

    @Test func `kinds of JPEG that are not read are named`() throws {
        let file = try HandmadeJPEG(ForeignJPEGs.rgb)
        for (marker, precision, word) in [
            (0xC3, 8, "lossless"), (0xC5, 8, "hierarchical"),
            (0xC1, 12, "precision 12"),
        ] as [(UInt8, UInt8, String)] {
            var changed = file
            let frame = try #require(changed.segments.firstIndex { $0.marker == 0xC0 })
            changed.segments[frame].marker = marker
            changed.segments[frame].bytes[0] = precision
            let error = error(changed.bytes)
            #expect(error?.kind == .unsupported, "\(String(describing: error))")
            #expect(error?.message.contains(word) == true, "\(String(describing: error))")
        }
    }

    @Test func `every beginning of a JPEG is an error`() throws {
        for (name, bytes, _, _) in ForeignJPEGs.all {
            for count in 3..<bytes.count {
                let error = error(Array(bytes[..<count]))
                #expect(error?.kind == .unreadable, "\(name), \(count) bytes")
            }
        }
    }

    @Test func `what follows a picture does not count`() throws {
        let source = try open(ForeignJPEGs.rgb + [0, 0xFF, 0xD8, 7, 7])
        #expect(try Picture(source).samples[0] == 40)
    }

    @Test func `absurd sizes are refused before memory is taken`() throws {
        for (name, bytes, _, _) in ForeignJPEGs.all {
            let file = try HandmadeJPEG(bytes)
            #expect(error(file.resized(65500, 65500).bytes)?.kind == .unreadable, "\(name)")
            #expect(error(file.resized(65535, 8).bytes)?.kind == .unsupported, "\(name)")
            #expect(error(file.resized(8, 0).bytes)?.kind == .unreadable, "\(name)")
        }
        var options = ReadingOptions()
        options.decodedByteCountMaximum = 899
        #expect(error(ForeignJPEGs.rgb, options)?.kind == .tooLarge)
        // A progressive file is kept as coefficients while it is decoded.
        options = ReadingOptions()
        options.cacheByteCount = 100
        let error = error(ForeignJPEGs.progressive, options)
        #expect(error?.kind == .tooLarge && error?.message.contains("progressive") == true)
    }

    @Test func `a file of very many scans is refused`() throws {
        let file = try HandmadeJPEG(ForeignJPEGs.scans)
        for (copies, isRefused) in [(100, false), (600, true)] {
            var long = file
            let first = try #require(long.segments.firstIndex { $0.marker == 0xDA })
            long.segments.insert(
                contentsOf: Array(repeating: long.segments[first], count: copies), at: first)
            if isRefused {
                #expect(error(long.bytes)?.message.contains("scans") == true)
            } else {
                #expect(try Picture(open(long.bytes)).samples.count == 900)
            }
        }
    }
}
