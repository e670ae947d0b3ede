import Imaging
import Testing

/// The value of missing samples: what samples are compared with, and that no sample becomes it.
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
}
