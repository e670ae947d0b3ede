import Imaging
import Testing

/// The value of missing samples: what samples are compared with, and what becomes of it where
/// samples are changed while they are read.
@Suite struct NodataTests {
    private func header(_ type: SampleType, width: Int, nodata: Double) -> ImageHeader {
        var header = ImageHeader(
            width: width, height: 1, colorBands: 1, sampleType: type, format: .tiff)
        header.metadata.nodata = nodata
        return header
    }

    /// A row of gray samples as a source.
    private func row<Sample>(_ header: ImageHeader, _ samples: [Sample]) -> RawSource {
        RawSource(header: header, bytes: samples.withUnsafeBytes { Array($0) })
    }

    private func numbers(_ source: any ImageSource) throws -> [Float] {
        let header = source.header
        return try pixels(
            source, PixelRegion(x: 0, y: 0, width: header.width, height: header.height))
    }

    @Test(arguments: [-3.4e38, -9999.9, -3.40282346638528898e38, 0.1])
    func `floats are compared with the one that is nearest to the value`(nodata: Double) throws {
        let header = header(.float32, width: 3, nodata: nodata)
        let source = row(header, [Float(nodata), Float(nodata).nextUp, 0.5])
        #expect(try numbers(source).map(\.isNaN) == [true, false, false])
        // An integer tag and a half: -9999 is no half.
        let half = self.header(.float16, width: 2, nodata: -9999)
        #expect(try numbers(row(half, [Float16(-9999), 0.5])).map(\.isNaN) == [true, false])
        let enlarged = try EnlargedSource(source, factor: 2)
        #expect(
            try numbers(enlarged)[..<6].map(\.isNaN) == [true, true, false, false, false, false])
    }

    @Test func `few digits of the largest float are meant to be all`() throws {
        for nodata in [-3.402823e38, 3.4028e38, 3.4028236e38, -3.40282347e38] {
            let most = nodata < 0 ? -Float.greatestFiniteMagnitude : .greatestFiniteMagnitude
            let source = row(header(.float32, width: 2, nodata: nodata), [most, 0.5])
            // Four decimals are another number.
            #expect(try numbers(source).map(\.isNaN) == [nodata != 3.4028e38, false])
        }
    }

    @Test func `a restored float never equals the rounded value`() {
        var header = header(.float32, width: 1, nodata: 0.1)
        header.metadata.nodataText = "0.1"
        var sample: [Float] = [7]
        sample.withUnsafeMutableBytes { raw in
            [Float(0.1)].withUnsafeBufferPointer { header.encode($0, into: raw) }
        }
        #expect(sample[0] != Float(0.1) && abs(sample[0] - 0.1) < 1e-7)
    }

    @Test func `the file's spelling stays`() throws {
        let folder = try ScratchFolder()
        var header = header(.float32, width: 2, nodata: -3.40282346638528898e38)
        header.metadata.nodataText = "-3.40282346638528898e+38"
        let sink = try ImageFormats.createSink(folder.path + "/a.tif", like: header)
        try [Float(1), -.greatestFiniteMagnitude].withUnsafeBytes {
            try sink.append(rowCount: 1, samples: $0)
        }
        try sink.finish()
        let back = try ImageFormats.open(folder.path + "/a.tif")
        #expect(back.header.metadata.nodataText == "-3.40282346638528898e+38")
        #expect(try numbers(back).map(\.isNaN) == [false, true])
    }

    @Test func `a value whose samples are inverted or spread is so too`() throws {
        let folder = try ScratchFolder()
        let cases: [(bits: Int, photometric: Int, nodata: String, data: [UInt8], wanted: Double)] =
            [
                (8, 0, "0", [0, 9, 255], 255), (1, 1, "1", [0b1000_0000], 255),
                (1, 0, "1", [0b1000_0000], 0), (2, 1, "2", [0b1000_1100], 170),
                (4, 0, "5", [0x51, 0x20], 170), (12, 0, "0", [0x00, 0x07, 0xFF, 0x10, 0x00], 4095),
                (8, 1, "9", [9, 1, 2], 9), (8, 1, "-9999", [9, 1, 2], -9999),
            ]
        for (bits, photometric, nodata, data, wanted) in cases {
            var file = HandmadeTIFF(width: 3, height: 1, photometric: photometric, data: data)
            file.set(HandmadeTIFF.bitsPerSample, bits)
            file.texts = [(42113, nodata)]
            let source = try ImageFormats.open(folder.file("a", file.bytes))
            let name = "\(bits) bits, \(photometric), \(nodata)"
            #expect(source.header.metadata.nodata == wanted, "\(name)")
            #expect(source.warnings == [], "\(name)")
            #expect(
                try numbers(source).map(\.isNaN) == [wanted >= 0, false, false], "\(name)")
        }
    }

    @Test func `a value that no changed sample has, or a place in a palette, is left out`() throws {
        let folder = try ScratchFolder()
        var palette = HandmadeTIFF(width: 2, height: 1, photometric: 3, data: [0b1000_0000])
        palette.set(HandmadeTIFF.bitsPerSample, 1)
        palette.set(320, 1, 2, 3, 4, 5, 6)
        palette.texts = [(42113, "1")]
        var white = HandmadeTIFF(width: 2, height: 1, photometric: 0, data: [1, 2])
        white.texts = [(42113, "-9999")]
        var bit = HandmadeTIFF(width: 2, height: 1, data: [0b1000_0000])
        bit.set(HandmadeTIFF.bitsPerSample, 1)
        bit.texts = [(42113, "255")]
        for file in [palette, white, bit] {
            let source = try ImageFormats.open(folder.file("a", file.bytes))
            #expect(source.header.metadata.nodata == nil)
            let value = file.texts[0].text
            #expect(source.warnings.count == 1)
            #expect(source.warnings.first?.contains("the nodata value \(value)") == true)
        }
    }

    @Test func `the mean of an overview lies beside the nodata value`() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/a.tif"
        var header = header(.uint8, width: 512, nodata: 100)
        header.hasOverviews = true
        let sink = try ImageFormats.createSink(path, like: header)
        try (0..<512).map { $0 % 2 == 0 ? UInt8(99) : 101 }.withUnsafeBytes {
            try sink.append(rowCount: 1, samples: $0)
        }
        try sink.finish()
        var options = ReadingOptions()
        options.page = 1
        let source = try ImageFormats.open(path, options)
        #expect(source.header.width == 256)
        #expect(try numbers(source).allSatisfy { $0 == Float(101.0 / 255) })
    }

    // MARK: Sparse files

    /// Strips of which the last one alone is there.
    private func sparse(
        _ bits: Int = 8, photometric: Int = 1, nodata: String?
    ) -> HandmadeTIFF {
        let stripByteCount = 64 * (128 * bits / 8)
        let data = [UInt8](repeating: 0xFF, count: stripByteCount)
        var file = HandmadeTIFF(width: 128, height: 640, photometric: photometric, data: data)
        file.set(HandmadeTIFF.bitsPerSample, bits)
        file.set(278, 64)
        file.entries.removeAll { $0.tag == HandmadeTIFF.stripOffsets }
        file.entries.removeAll { $0.tag == HandmadeTIFF.stripByteCounts }
        let none = [Int](repeating: 0, count: 9)
        file.entries.append((HandmadeTIFF.stripOffsets, 4, none + [8]))
        file.entries.append((HandmadeTIFF.stripByteCounts, 4, none + [stripByteCount]))
        if let nodata { file.texts = [(42113, nodata)] }
        return file
    }

    @Test func `only strips that are there must have room in the file`() throws {
        let folder = try ScratchFolder()
        for (bits, photometric, nodata, fill) in [
            (8, 1, nil, 0), (8, 1, "7", 7), (8, 0, "7", 248), (4, 1, "5", 85), (1, 0, "1", 0),
            (1, 1, nil, 0),
        ] as [(Int, Int, String?, UInt8)] {
            let file = sparse(bits, photometric: photometric, nodata: nodata)
            let source = try ImageFormats.open(folder.file("a", file.bytes))
            #expect(source.warnings.count == 1)
            #expect(source.warnings.first?.contains("9 of its 10 strips") == true)
            let samples = try source.rawSamples()
            let missing = samples[..<(576 * 128)]
            #expect(missing.allSatisfy { $0 == fill }, "\(bits) bits, \(nodata ?? "none")")
            #expect(samples.last == (photometric == 0 ? 0 : 255))
            if nodata != nil { #expect(source.header.metadata.nodata == Double(fill)) }
        }
        // What is there must still have room.
        var short = sparse(nodata: nil)
        short.entries.removeAll { $0.tag == HandmadeTIFF.stripOffsets }
        short.entries.append((HandmadeTIFF.stripOffsets, 4, [Int](repeating: 8, count: 10)))
        let error = #expect(throws: ImageError.self) {
            try ImageFormats.open(folder.file("a", short.bytes))
        }
        #expect(error?.message.contains("cannot hold") == true)
    }
}
