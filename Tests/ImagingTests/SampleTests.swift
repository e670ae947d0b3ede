import Glibc
import Imaging
import Testing

/// Kinds of samples, the way of raw samples, blocks on demand, measured ranges.
@Suite struct SampleTests {
    private func write(_ path: String, _ header: ImageHeader, _ bytes: [UInt8]) throws {
        let sink = try ImageFormats.createSink(path, like: header, overwrite: true)
        try bytes.withUnsafeBytes { try sink.append(rowCount: header.height, samples: $0) }
        try sink.finish()
    }

    private func random(_ count: Int, seed: Int) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in .random(in: 0...255, using: &random) }
    }

    @Test(arguments: SampleType.allCases)
    func `every sample type of a TIFF comes back bit for bit`(type: SampleType) throws {
        let folder = try ScratchFolder()
        let models: [(ColorModel, Int, AlphaKind?)] = [
            (.gray, 1, nil), (.rgb, 3, .associated), (.cmyk, 4, .unassociated), (.gray, 7, nil),
        ]
        for (model, bands, alpha) in models {
            for compression in [TIFFCompression.none, .lzw, .deflate, .zstd, .packBits] {
                var header = ImageHeader(
                    width: 21, height: 13, colorBands: bands, colorModel: model, alpha: alpha,
                    sampleType: type, format: .tiff, tiffCompression: compression)
                header.metadata.nodata = -9999
                let bytes = random(header.decodedByteCount, seed: bands)
                try write(folder.path + "/a.tif", header, bytes)
                let back = try ImageFormats.open(folder.path + "/a.tif")
                #expect(back.header == header, "\(type) \(model) \(compression)")
                #expect(try back.rawSamples() == bytes, "\(type) \(model) \(compression)")
            }
        }
    }

    @Test func `blocks that are read on demand are those of the whole image`() throws {
        let folder = try ScratchFolder()
        let header = ImageHeader(
            width: 700, height: 900, colorBands: 3, sampleType: .uint16, format: .tiff,
            tiffCompression: .lzw)
        try write(folder.path + "/a.tif", header, random(header.decodedByteCount, seed: 5))
        let whole = try ImageFormats.open(folder.path + "/a.tif")
        var options = ReadingOptions()
        options.cacheByteCount = 600 << 10
        let parts = try ImageFormats.open(folder.path + "/a.tif", options)
        var random = SeededGenerator(seed: 6)
        for _ in 0..<60 {
            let (x, y) = (
                Int.random(in: 0..<700, using: &random), Int.random(in: 0..<900, using: &random)
            )
            let region = PixelRegion(
                x: x, y: y, width: .random(in: 1...700 - x, using: &random),
                height: .random(in: 1...900 - y, using: &random))
            #expect(try parts.rawSamples(region) == whole.rawSamples(region), "\(region)")
        }
        options.cacheByteCount = 1 << 10
        options.scratchFolder = folder.path
        let scratch = try ImageFormats.open(folder.path + "/a.tif", options)
        #expect(try scratch.rawSamples() == whole.rawSamples())
        #expect(folder.names == ["a.tif"], "a scratch file has no name")
        options.scratchFolder = folder.path + "/none"
        let error = #expect(throws: ImageError.self) {
            try ImageFormats.open(folder.path + "/a.tif", options)
        }
        #expect(error?.message.contains("scratch file") == true)
    }

    @Test func `bits and palettes are expanded`() throws {
        let folder = try ScratchFolder()
        for (bits, data, expected) in [
            (1, [0b1010_0000], [255, 0, 255]), (2, [0b0001_1000], [0, 85, 170]),
            (4, [0x0F, 0x10], [0, 255, 17]),
        ] as [(Int, [UInt8], [UInt8])] {
            var file = HandmadeTIFF(width: 3, height: 1, data: data)
            file.set(HandmadeTIFF.bitsPerSample, bits)
            let source = try ImageFormats.open(folder.file("a", file.bytes))
            #expect(try source.rawSamples() == expected, "\(bits) bits")
        }
        var palette = HandmadeTIFF(width: 2, height: 1, photometric: 3, data: [0b1000_0000])
        palette.set(HandmadeTIFF.bitsPerSample, 1)
        palette.set(320, 1, 2, 3, 4, 5, 6)
        let source = try ImageFormats.open(folder.file("a", palette.bytes))
        #expect(source.header.sampleType == .uint8 && source.header.colorBands == 3)
        #expect(try source.rawSamples() == [2, 4, 6, 1, 3, 5])
    }

    @Test func `what is missing never spreads and stays as it is`() throws {
        var header = ImageHeader(
            width: 6, height: 2, colorBands: 1, sampleType: .float32, format: .tiff)
        header.metadata.nodata = -1
        header.values = ValueRange(low: 0, high: 10)
        let samples: [Float] = [-1, 2, .nan, .infinity, 4, -1, -1, -1, -1, -1, -1, -1]
        let source = RawSource(header: header, bytes: samples.withUnsafeBytes { Array($0) })
        let plan = try TilePlan(width: 6, height: 2, tile: 8, overlap: 0, alignment: 1, minimum: 1)
        var window = [Float](repeating: 0, count: 12)
        try window.withUnsafeMutableBufferPointer { try source.readWindow(plan.tile(0), into: $0) }
        #expect(window[1] == 0.2 && window[4] == 0.4)
        #expect(window.indices.allSatisfy { window[$0].isNaN == ($0 != 1 && $0 != 4) })

        var bytes = source.bytes
        let ones = [Float](repeating: 1, count: 12)
        bytes.withUnsafeMutableBytes { raw in
            ones.withUnsafeBufferPointer { header.encode($0, into: raw) }
        }
        let stored = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        #expect(
            stored.map(\.bitPattern)
                == samples.map {
                    $0 == 2 || $0 == 4 ? Float(10).bitPattern : $0.bitPattern
                })
    }

    @Test func `what is missing is filled where that is asked for and something is known`() {
        var header = ImageHeader(
            width: 4, height: 1, colorBands: 1, sampleType: .uint8, format: .tiff)
        header.metadata.nodata = 0
        var samples: [UInt8] = [0, 9, 0, 0]
        let color: [Float] = [0.2, 0.4, .nan, 0.001]
        samples.withUnsafeMutableBytes { raw in
            color.withUnsafeBufferPointer { header.encode($0, fillsMissing: true, into: raw) }
        }
        // The last one would become nodata and so be missing again.
        #expect(samples == [51, 102, 0, 1])
    }

    @Test func `no restored sample has the nodata value`() {
        for (type, nodata, value, wanted) in [
            (SampleType.uint8, 0, 0, 1), (.uint8, 255, 1, 254), (.uint16, 32768, 0.5, 32767),
        ] as [(SampleType, Double, Float, UInt16)] {
            var header = ImageHeader(
                width: 1, height: 1, colorBands: 1, sampleType: type, format: .tiff)
            header.metadata.nodata = nodata
            var bytes: [UInt8] = type == .uint8 ? [7] : [7, 7]
            bytes.withUnsafeMutableBytes { raw in
                [value].withUnsafeBufferPointer { header.encode($0, into: raw) }
            }
            let sample = bytes.reversed().reduce(0) { $0 << 8 | UInt16($1) }
            #expect(sample == wanted, "\(type), nodata \(nodata)")
        }
    }

    @Test func `pixels that are not restored keep every bit`() {
        for type in SampleType.allCases {
            let header = ImageHeader(
                width: 4, height: 1, colorBands: 1, sampleType: type, format: .tiff)
            let former = random(header.decodedByteCount, seed: 9)
            var bytes = former
            let (color, marks) = (
                [Float](repeating: 0.5, count: 4), [UInt8](repeating: 0, count: 4)
            )
            bytes.withUnsafeMutableBytes { raw in
                color.withUnsafeBufferPointer { color in
                    marks.withUnsafeBufferPointer {
                        header.encode(color, isRestored: $0, into: raw)
                    }
                }
            }
            #expect(bytes == former, "\(type)")
        }
    }

    @Test func `a range is measured with room and without what is missing`() throws {
        var header = ImageHeader(
            width: 4, height: 1, colorBands: 1, sampleType: .int16, format: .tiff)
        header.metadata.nodata = -9999
        let samples: [Int16] = [100, -9999, 300, 200]
        let source = RawSource(header: header, bytes: samples.withUnsafeBytes { Array($0) })
        #expect(try source.measuredRange() == ValueRange(low: 90, high: 310))
        let flat: [Int16] = [7, 7, -9999, 7]
        let other = RawSource(header: header, bytes: flat.withUnsafeBytes { Array($0) })
        #expect(try other.measuredRange() == ValueRange(low: 3.5, high: 10.5))
        let none = RawSource(
            header: header, bytes: [Int16](repeating: -9999, count: 4).withUnsafeBytes { Array($0) }
        )
        #expect(try none.measuredRange() == nil)
    }

    private func gray<Sample>(_ type: SampleType, _ samples: [Sample]) -> RawSource {
        RawSource(
            header: ImageHeader(
                width: samples.count, height: 1, colorBands: 1, sampleType: type, format: .tiff),
            bytes: samples.withUnsafeBytes { Array($0) })
    }

    /// Measures a range, decodes with it and encodes again.
    private func encodedAgain(_ source: RawSource) throws -> (ValueRange, [Float], [UInt8]) {
        let range = try #require(try source.measuredRange())
        source.header.values = range
        let numbers = try pixels(
            source, PixelRegion(x: 0, y: 0, width: source.header.width, height: 1))
        var bytes = source.bytes
        bytes.withUnsafeMutableBytes { raw in
            numbers.withUnsafeBufferPointer { source.header.encode($0, into: raw) }
        }
        return (range, numbers, bytes)
    }

    @Test func `a range is measured in the samples' own precision`() throws {
        let integers: [UInt32] = [1_700_000_001, 1_700_000_003, 1_700_000_011]
        let (range, numbers, bytes) = try encodedAgain(gray(.uint32, integers))
        #expect(range == ValueRange(low: 1_700_000_000.5, high: 1_700_000_011.5))
        #expect(numbers[0] > 0 && numbers[0] < numbers[1] && numbers[2] < 1)
        #expect(bytes == integers.withUnsafeBytes { Array($0) })
        for values in [
            [1e300, 2e300, 1.5e300], [1.7e9, 1.7e9 + 10, 1.7e9 + 3], [1e-50, 3e-50, 2e-50],
            [1e17, 1e17 + 16, 1e17], [-1e307, 1e307, 5], [1.7e308, 1.7e308, 1.7e308],
        ] as [[Double]] {
            let (range, numbers, bytes) = try encodedAgain(gray(.float64, values))
            #expect(range.low <= values.min() ?? 0 && range.high >= values.max() ?? 0)
            #expect(numbers.allSatisfy { (0...1).contains($0) }, "\(values): \(numbers)")
            let back = bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
            let span = range.high - range.low
            #expect(zip(back, values).allSatisfy { abs($0 - $1) <= span * 1e-7 }, "\(back)")
        }
    }

    @Test func `a range ends where finite samples do`() throws {
        let most = Float.greatestFiniteMagnitude
        let (range, _, _) = try encodedAgain(gray(.float32, [-most, most, 0]))
        #expect(range == ValueRange(low: -Double(most), high: Double(most)))
        let half = Float16.greatestFiniteMagnitude
        let (halves, numbers, _) = try encodedAgain(gray(.float16, [half, half, half / 2]))
        #expect(halves.high == 65504 && numbers.allSatisfy { (0...1).contains($0) })
        // A number at the end of a given range that reaches beyond them is no infinite sample.
        var header = gray(.float32, [Float(0)]).header
        header.values = ValueRange(low: 0, high: 1e300)
        var sample: [Float] = [0]
        sample.withUnsafeMutableBytes { raw in
            [Float(1)].withUnsafeBufferPointer { header.encode($0, into: raw) }
        }
        #expect(sample == [most])
    }

    @Test func `samples whose distance overflows are refused`() {
        let error = #expect(throws: ImageError.self) {
            try gray(.float64, [-1.7e308, 1.7e308]).measuredRange()
        }
        #expect(error?.kind == .unsupported && error?.message.contains("--range") == true)
    }

    @Test func `no restored colour is above the alpha that it is multiplied by`() {
        var header = ImageHeader(
            width: 4, height: 1, colorBands: 3, alpha: .associated, sampleType: .uint16,
            format: .tiff)
        let former: [UInt16] = [1, 2, 3, 1000, 5, 6, 7, 0, 8, 9, 10, 65535, 11, 12, 13, 5]
        let color: [Float] = [0.001, 0.5, 1, 0.5, 0, 0.1, 0.2, 0.9, 1, .nan, 1, 1]
        func encoded() -> [UInt16] {
            var samples = former
            samples.withUnsafeMutableBytes { raw in
                color.withUnsafeBufferPointer { color in
                    [1, 1, 1, 0].withUnsafeBufferPointer {
                        header.encode(color, isRestored: $0, into: raw)
                    }
                }
            }
            return samples
        }
        #expect(
            encoded() == [66, 1000, 1000, 1000, 0, 0, 0, 0, 13107, 58981, 65535, 65535]
                + former[12...])
        header.metadata.nodata = 1000
        #expect(Array(encoded()[..<4]) == [66, 999, 999, 1000])
        header.alpha = .unassociated
        #expect(Array(encoded()[..<4]) == [66, 32768, 65535, 1000])
    }
}
