import Imaging
import Testing

/// Samples and numbers against the formulas, one value at a time in double precision.
@Suite struct SampleConversionTests {
    private struct Case {
        let header: ImageHeader
        let samples: [UInt8]
        var random: SeededGenerator

        init(_ type: SampleType, seed: Int) {
            random = SeededGenerator(seed: seed)
            let bands = Int.random(in: 1...4, using: &random)
            let range = type.range
            let low = Double.random(in: range.low...range.high, using: &random)
            var header = ImageHeader(
                width: 97, height: 3, colorBands: bands,
                alpha: seed % 2 == 0 ? nil : .unassociated, sampleType: type, format: .tiff)
            if seed % 3 > 0 {
                header.values = ValueRange(
                    low: low, high: low + max((range.high - low) * 0.7, 1e-3))
            }
            if seed % 4 == 1 { header.metadata.nodata = type.isFloatingPoint ? -9999 : 7 }
            samples = Self.bytes(header, &random)
            self.header = header
        }

        /// Anything but numbers too large to be told from infinity, with some missing ones.
        private static func bytes(
            _ header: ImageHeader, _ random: inout SeededGenerator
        ) -> [UInt8] {
            let count = header.width * header.height * header.samplesPerPixel
            func element(_ value: Double) -> [UInt8] {
                switch header.sampleType {
                case .float16: withUnsafeBytes(of: Float16(value)) { Array($0) }
                case .float32: withUnsafeBytes(of: Float(value)) { Array($0) }
                default: withUnsafeBytes(of: value) { Array($0) }
                }
            }
            guard header.sampleType.isFloatingPoint else {
                return (0..<count * header.sampleType.byteCount).map { _ in
                    .random(in: 0...255, using: &random)
                }
            }
            return (0..<count).flatMap { _ in
                let special = [Double.nan, .infinity, -.infinity, -9999, 0, -0.0]
                return element(
                    Int.random(in: 0..<5, using: &random) == 0
                        ? special.randomElement(using: &random) ?? 0
                        : .random(in: -0.5...1.5, using: &random))
            }
        }

        func sample(_ bytes: [UInt8], _ index: Int) -> Double {
            bytes.withUnsafeBytes { raw in
                func load<Value>(_: Value.Type) -> Value {
                    raw.loadUnaligned(
                        fromByteOffset: index * header.sampleType.byteCount, as: Value.self)
                }
                return switch header.sampleType {
                case .uint8: Double(load(UInt8.self))
                case .uint16: Double(load(UInt16.self))
                case .uint32: Double(load(UInt32.self))
                case .int8: Double(load(Int8.self))
                case .int16: Double(load(Int16.self))
                case .int32: Double(load(Int32.self))
                case .float16: Double(load(Float16.self))
                case .float32: Double(load(Float.self))
                case .float64: load(Double.self)
                }
            }
        }

        func isMissing(_ value: Double) -> Bool {
            guard value.isFinite, let nodata = header.metadata.nodata else {
                return !value.isFinite
            }
            return value == (header.sampleType == .float16 ? Double(Float16(nodata)) : nodata)
        }

        /// What a number becomes.
        func nearest(_ number: Float) -> Double {
            let bounded = number > 0 ? min(Double(number), 1) : 0
            let value = header.values.low + bounded * (header.values.high - header.values.low)
            switch header.sampleType {
            case .float16: return Double(Float16(value))
            case .float32: return Double(Float(value))
            case .float64: return value
            default:
                let range = header.sampleType.range
                let sample = min(max(value, range.low), range.high).rounded()
                guard sample == header.metadata.nodata else { return sample }
                return sample == range.high || (value < sample && sample > range.low)
                    ? sample - 1 : sample + 1
            }
        }
    }

    @Test(arguments: SampleType.allCases)
    func `samples become numbers by one mapping and missing ones become NaN`(
        type: SampleType
    ) throws {
        for seed in 0..<12 {
            let test = Case(type, seed: seed)
            let header = test.header
            var numbers = [Float](
                repeating: 9, count: header.width * header.height * header.colorBands)
            test.samples.withUnsafeBytes { samples in
                numbers.withUnsafeMutableBufferPointer { header.decode(samples, into: $0) }
            }
            let span = header.values.high - header.values.low
            for (index, number) in numbers.enumerated() {
                let place =
                    index / header.colorBands * header.samplesPerPixel + index % header.colorBands
                let value = test.sample(test.samples, place)
                let expected =
                    test.isMissing(value) ? .nan : Float((value - header.values.low) / span)
                if number.bitPattern != expected.bitPattern {
                    Issue.record("seed \(seed), \(index): \(number), not \(expected)")
                }
            }
        }
    }

    @Test(arguments: SampleType.allCases)
    func `numbers become the nearest samples and what is to stay stays`(type: SampleType) throws {
        for seed in 0..<12 {
            var test = Case(type, seed: seed)
            let header = test.header
            let pixelCount = header.width * header.height
            // Also halfway between two samples, and beyond what samples hold.
            let steps = Float(min(type.range.high - type.range.low, 65535))
            let numbers = (0..<pixelCount * header.colorBands).map { index -> Float in
                switch index % 5 {
                case 0: .random(in: -0.2...1.2, using: &test.random)
                case 1: (Float(Int.random(in: 0..<65536, using: &test.random)) + 0.5) / steps
                case 2: index % 2 == 0 ? .nan : .infinity
                default: .random(in: 0...1, using: &test.random)
                }
            }
            let fills = seed % 3 == 0
            let marks: [UInt8]? =
                seed % 2 == 0
                ? nil : (0..<pixelCount).map { _ in .random(in: 0...1, using: &test.random) }
            var samples = test.samples
            samples.withUnsafeMutableBytes { samples in
                numbers.withUnsafeBufferPointer { numbers in
                    if let marks {
                        marks.withUnsafeBufferPointer {
                            header.encode(
                                numbers, isRestored: $0, fillsMissing: fills, into: samples)
                        }
                    } else {
                        header.encode(numbers, fillsMissing: fills, into: samples)
                    }
                }
            }
            for place in 0..<pixelCount * header.samplesPerPixel {
                let (pixel, band) = (
                    place / header.samplesPerPixel, place % header.samplesPerPixel
                )
                let former = test.sample(test.samples, place)
                let isColor = band < header.colorBands
                let number = isColor ? numbers[pixel * header.colorBands + band] : .nan
                let stays =
                    number.isNaN || marks?[pixel] == 0 || (test.isMissing(former) && !fills)
                let expected = stays ? former : test.nearest(number)
                let value = test.sample(samples, place)
                if value != expected && !(value.isNaN && expected.isNaN) {
                    Issue.record("seed \(seed), \(place): \(value), not \(expected)")
                }
            }
        }
    }
}
