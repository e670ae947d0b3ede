import Imaging
import Testing

@Suite struct PixelMaskTests {
    /// The header of a 4 x 3 image that a mask is for.
    private static let image = ImageHeader(
        width: 4, height: 3, colorBands: 2, sampleType: .uint16, format: .tiff)

    private func mask(
        _ bytes: [UInt8], _ meaning: PixelMask.Meaning = .whiteIsMissing
    ) throws -> PixelMask {
        let folder = try ScratchFolder()
        return try PixelMask(
            folder.file("mask", bytes), meaning, of: Self.image, ReadingOptions())
    }

    private func marks(
        _ mask: PixelMask,
        _ region: PixelRegion = PixelRegion(x: 0, y: 0, width: 4, height: 3)
    ) throws -> [UInt8] {
        var marks = [UInt8](repeating: 9, count: region.width * region.height)
        try marks.withUnsafeMutableBufferPointer { try mask.read(region, into: $0) }
        return marks
    }

    private static let threshold: [UInt8] = [0, 1, 126, 127, 128, 129, 254, 255, 0, 255, 0, 255]
    private static let white: [UInt8] = [0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1]

    @Test func `white is what lies above half, and is missing or known`() throws {
        let file = HandmadeTIFF(width: 4, height: 3, data: Self.threshold)
        #expect(try marks(mask(file.bytes)) == Self.white)
        #expect(try marks(mask(file.bytes, .whiteIsKnown)) == Self.white.map { 1 - $0 })
        let part = PixelRegion(x: 1, y: 1, width: 2, height: 2)
        #expect(try marks(mask(file.bytes), part) == [1, 1, 1, 0])
    }

    @Test(arguments: [false, true])
    func `sixteen bits are split at half too`(isBigEndian: Bool) throws {
        let values = [0, 0x7FFF, 0x8000, 0xFFFF, 0x00FF, 0xFF00, 1, 2, 3, 4, 5, 0x80FF]
        var file = HandmadeTIFF(
            width: 4, height: 3,
            data: values.flatMap { value -> [UInt8] in
                let bytes = [UInt8(value >> 8), UInt8(value & 255)]
                return isBigEndian ? bytes : bytes.reversed()
            })
        file.isBigEndian = isBigEndian
        file.set(HandmadeTIFF.bitsPerSample, 16)
        #expect(try marks(mask(file.bytes)) == [0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1])
    }

    @Test func `one bit and three equal bands are masks too`() throws {
        var bits = HandmadeTIFF(width: 4, height: 3, data: [0b1010_0000, 0, 0b0001_0000])
        bits.set(HandmadeTIFF.bitsPerSample, 1)
        #expect(try marks(mask(bits.bytes)) == [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        let equal = Self.threshold.flatMap { [$0, $0, $0] }
        let file = HandmadeTIFF(width: 4, height: 3, samples: 3, photometric: 2, data: equal)
        #expect(try marks(mask(file.bytes)) == Self.white)
    }

    @Test func `a colour is refused where it is read`() throws {
        var colored = Self.threshold.flatMap { [$0, $0, $0] }
        colored[3 * 6 + 1] = 17
        let file = HandmadeTIFF(width: 4, height: 3, samples: 3, photometric: 2, data: colored)
        let mask = try mask(file.bytes)
        _ = try marks(mask, PixelRegion(x: 0, y: 0, width: 4, height: 1))
        let error = #expect(throws: ImageError.self) { try marks(mask) }
        #expect(error?.message.contains("column 2, row 1") == true, "\(error?.message ?? "")")
    }

    @Test func `another size, alpha or another kind of number is no mask`() throws {
        let alpha = HandmadeTIFF(
            width: 4, height: 3, samples: 2, data: [UInt8](repeating: 0, count: 24))
        var signed = HandmadeTIFF(width: 4, height: 3, data: Self.threshold)
        signed.set(HandmadeTIFF.sampleFormat, 2)
        for (file, words) in [
            (HandmadeTIFF(width: 3, height: 4, data: Self.threshold), "3 x 4 pixels"),
            (alpha, "with alpha"), (signed, "int8"),
        ] {
            let error = #expect(throws: ImageError.self) { try mask(file.bytes) }
            #expect(error?.kind == .unsupported)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }

    /// Random samples with alpha; transparent where the column is odd.
    private func transparent(_ type: SampleType) -> Picture {
        var picture = Picture(
            ImageHeader(
                width: 6, height: 5, colorBands: 2, alpha: .unassociated, sampleType: type,
                format: .tiff), seed: 3)
        for pixel in 0..<30 {
            picture.samples[3 * pixel + 2] = UInt16(pixel % 2 == 1 ? 0 : 256 / 2)
        }
        return picture
    }

    @Test(arguments: [SampleType.uint8, .uint16])
    func `alpha marks what is transparent`(type: SampleType) throws {
        let source = PictureSource(transparent(type))
        let mask = try #require(PixelMask(alphaOf: source, name: "a.tif"))
        #expect(mask.isAlpha && mask.name == "the alpha of a.tif")
        let region = PixelRegion(x: 1, y: 0, width: 3, height: 2)
        #expect(try marks(mask, region) == [1, 0, 1, 1, 0, 1])
        var header = source.header
        header.alpha = nil
        let opaque = PictureSource(Picture(header, seed: 1))
        #expect(PixelMask(alphaOf: opaque, name: "a.tif") == nil)
    }

    @Test func `marked pixels are missing in numbers and unchanged in samples`() throws {
        let image = PictureSource(transparent(.uint16))
        let mask = try #require(PixelMask(alphaOf: image, name: "a"))
        let source = MaskedSource(image, mask)
        let region = PixelRegion(x: 2, y: 1, width: 3, height: 3)
        let view = RegionView(source, region)
        let all = PixelRegion(x: 0, y: 0, width: 3, height: 3)
        let (plain, numbers) = (try pixels(image, region), try pixels(view, all))
        for index in plain.indices {
            let isMarked = (2 + index / 2 % 3) % 2 == 1
            #expect(numbers[index].isNaN == isMarked)
            #expect(isMarked || numbers[index] == plain[index])
        }
        var samples = [UInt8](repeating: 0, count: 54)
        try samples.withUnsafeMutableBytes { try view.readRaw(all, into: $0) }
        var same = samples
        try same.withUnsafeMutableBytes { try image.readRaw(region, into: $0) }
        #expect(samples == same)
        // What is hidden does not widen the range.
        var header = image.header
        header.values = ValueRange(low: 0, high: 1)
        image.header = header
        let measured = try #require(try source.measuredRange())
        let known = image.picture.samples.indices.filter {
            $0 % 3 != 2 && image.picture.samples[$0 / 3 * 3 + 2] != 0
        }.map { Double(image.picture.samples[$0]) }
        #expect(measured == ValueRange(measured: known))
    }

    @Test(arguments: [SampleType.uint8, .int16, .float16, .float32, .float64])
    func `restored transparent pixels become opaque and others stay`(type: SampleType) {
        let header = ImageHeader(
            width: 4, height: 1, colorBands: 1, alpha: .unassociated, sampleType: type,
            format: .tiff)
        let size = type.byteCount
        // Colour and alpha of four pixels; the second and fourth are transparent.
        var samples = (0..<8 * size).map { UInt8($0 / size == 3 || $0 / size == 7 ? 0 : 60) }
        let before = samples
        let marks: [UInt8] = [1, 1, 0, 1]
        let color: [Float] = [0, 0, 0, .nan]
        samples.withUnsafeMutableBytes { raw in
            color.withUnsafeBufferPointer { color in
                marks.withUnsafeBufferPointer {
                    header.makeOpaque(color, isRestored: $0, in: raw)
                }
            }
        }
        #expect(samples[..<(3 * size)] == before[..<(3 * size)])
        #expect(samples[(4 * size)...] == before[(4 * size)...])
        let one = ImageHeader(
            width: 1, height: 1, colorBands: 1, sampleType: type, format: .tiff)
        var number: Float = -1
        samples[3 * size..<4 * size].withUnsafeBytes { raw in
            withUnsafeMutableBytes(of: &number) {
                one.decode(raw, into: $0.bindMemory(to: Float.self))
            }
        }
        #expect(number == 1)
    }
}

extension ValueRange {
    /// As `measuredRange` makes it of unsigned samples of 16 bits.
    fileprivate init(measured values: [Double]) {
        let (low, high) = (values.min() ?? 0, values.max() ?? 0)
        let room = (high - low) / 20
        self.init(low: max(low - room, 0), high: min(high + room, 65535))
    }
}
