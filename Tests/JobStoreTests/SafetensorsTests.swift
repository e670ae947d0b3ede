// Safetensors: what is written is read again, and whatever is not well-formed is an error.

import CSamples
import Safetensors
import Testing

@Suite struct SafetensorsTests {
    static let floats: [Float] = [0.1, -.leastNonzeroMagnitude, 3e38]

    static func sample() -> [UInt8] {
        var writer = SafetensorsWriter(metadata: ["tile": "7", "case": "{\"a\": \"ü/\"}"])
        writer.add(
            "b/half", type: .float16, shape: [2, 3], values: [0, 1, -2.5, 65504, 6e-8, 0.1])
        writer.add("a", shape: [3], values: Self.floats)
        writer.add("empty", shape: [0, 4], values: [])
        writer.add("scalar", type: .uint8, shape: [], bytes: [9])
        writer.add("wide", type: .float64, shape: [1], bytes: [0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
        return writer.encoded()
    }

    /// A file of this header text and so many bytes of data.
    static func file(_ json: String, dataByteCount: Int = 0) -> [UInt8] {
        let length = UInt64(json.utf8.count)
        return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(json.utf8)
            + [UInt8](repeating: 0, count: dataByteCount)
    }

    @Test func `what is written is read again`() throws {
        let file = try SafetensorsFile(parsing: Self.sample())
        #expect(file.header.metadata == ["tile": "7", "case": "{\"a\": \"ü/\"}"])
        #expect(file.header.tensors.count == 5)
        #expect(file.header.dataOffset % 8 == 0)
        #expect(try file.float32s("a") == Self.floats)
        #expect(
            try file.float32s("b/half")
                == [0, 1, -2.5, 65504, Float(Float16(6e-8)), Float(Float16(0.1))])
        #expect(try file.float32s("wide") == [1.5])
        #expect(try file.float32s("empty").isEmpty)
        #expect(try file.entry("empty").shape == [0, 4])
        #expect(try Array(file.bytes("scalar")) == [9])
    }

    @Test func `every tensor lies at a multiple of its element size`() throws {
        let header = try SafetensorsFile(parsing: Self.sample()).header
        for (name, entry) in header.tensors {
            #expect(entry.byteRange.lowerBound % entry.type.byteCount == 0, "\(name)")
        }
    }

    @Test func `the order of adding does not change the bytes`() {
        var first = SafetensorsWriter(metadata: ["a": "1", "b": "2"])
        var second = SafetensorsWriter(metadata: ["b": "2", "a": "1"])
        let names = (0..<20).map { "tensor\($0)" }
        for name in names { first.add(name, shape: [1], values: [Float(name.count)]) }
        for name in names.reversed() { second.add(name, shape: [1], values: [Float(name.count)]) }
        #expect(first.encoded() == second.encoded())
        #expect(first.dataSection() == Array(first.encoded().suffix(80)))
    }

    @Test func `a missing tensor and whole numbers are errors`() throws {
        let file = try SafetensorsFile(parsing: Self.sample())
        #expect(throws: SafetensorsError.self) { try file.float32s("nothing") }
        #expect(throws: SafetensorsError.self) { try file.float32s("scalar") }
    }

    @Test func `a header may be read before its data`() throws {
        let bytes = Self.sample()
        let offset = try SafetensorsHeader.dataOffset(
            parsing: Array(bytes[..<8]), fileByteCount: bytes.count)
        let header = try SafetensorsHeader(
            parsing: Array(bytes[..<offset]), fileByteCount: bytes.count)
        #expect(try header == SafetensorsFile(parsing: bytes).header)
    }

    static let misfits = [
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"#
            + #""data_offsets":[0,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"#
            + #""data_offsets":[4,8]}}"#,
        #"{"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        #"{}"#, #"[]"#, #"""#, "{\"\u{0}", "null",
        String(repeating: "[", count: 20_000),
        #"{"a":"# + String(repeating: #"{"a":"#, count: 20_000),
    ]

    @Test func `a header that does not fit its data is refused`() {
        for json in Self.misfits {
            #expect(throws: SafetensorsError.self, "\(json.prefix(80))") {
                try SafetensorsFile(parsing: Self.file(json, dataByteCount: 8))
            }
        }
    }

    @Test func `absurd header lengths are refused without being allocated`() {
        for length: UInt64 in [0, 1, 17 << 20, 1 << 40, 1 << 63, .max] {
            let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
            #expect(throws: SafetensorsError.self, "\(length)") {
                try SafetensorsHeader(parsing: prefix + [123, 125], fileByteCount: .max)
            }
        }
    }

    @Test func `every prefix of a file is refused`() {
        let bytes = Self.sample()
        for count in 0..<bytes.count {
            #expect(throws: SafetensorsError.self, "\(count) bytes") {
                try SafetensorsFile(parsing: Array(bytes[..<count]))
            }
        }
    }

    @Test func `bit flips give an error or a file and never a trap`() {
        let bytes = Self.sample()
        var generator = SplitMix(state: 5)
        for bit in 0..<(8 * bytes.count) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            // A second flip in half of the cases.
            if generator.next() % 2 == 0 {
                let other = Int(generator.next() % UInt64(8 * bytes.count))
                flipped[other / 8] ^= 1 << UInt8(other % 8)
            }
            guard let file = try? SafetensorsFile(parsing: flipped) else { continue }
            for name in file.header.tensors.keys {
                _ = try? file.float32s(name)
                _ = try? file.bytes(name)
            }
        }
    }
}

@Suite struct HalfFloatTests {
    @Test(arguments: [false, true])
    func `every half is widened exactly`(isPortable: Bool) {
        let halves = Array(UInt16.min...UInt16.max)
        var values = [Float](repeating: 0, count: halves.count)
        halves.withUnsafeBytes { halves in
            values.withUnsafeMutableBufferPointer {
                if isPortable {
                    csamples_widen_portably(halves.baseAddress, $0.baseAddress, $0.count)
                } else {
                    HalfFloat.widen(halves, into: $0)
                }
            }
        }
        for (bits, value) in zip(halves, values) {
            let expected = Float(Float16(bitPattern: bits))
            if expected.isNaN {
                #expect(value.isNaN)
            } else if value.bitPattern != expected.bitPattern {
                Issue.record("\(bits): \(value), not \(expected)")
            }
        }
    }

    @Test(arguments: [false, true])
    func `floats are narrowed to the nearest half`(isPortable: Bool) {
        var generator = SplitMix(state: 1)
        var patterns = (0..<60_000).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
        // Each half, the middle between it and the next, and the neighbours of the middle.
        for bits in stride(from: UInt16(0), to: 0x7C00, by: 3) {
            let value = Float(Float16(bitPattern: bits))
            let middle = (value + Float(Float16(bitPattern: bits + 1))) / 2
            patterns += [value, middle, middle.nextUp, -middle, -middle.nextDown].map(\.bitPattern)
        }
        patterns += [Float.infinity, -.infinity, 65519.996, 65520, .leastNonzeroMagnitude, -0.0]
            .map(\.bitPattern)
        let values = patterns.map { Float(bitPattern: $0) }
        var halves = [UInt16](repeating: 0, count: values.count)
        values.withUnsafeBufferPointer { values in
            halves.withUnsafeMutableBytes {
                if isPortable {
                    csamples_narrow_portably(values.baseAddress, $0.baseAddress, values.count)
                } else {
                    HalfFloat.narrow(values, into: $0)
                }
            }
        }
        for (value, half) in zip(values, halves) {
            let expected = Float16(value)
            if value.isNaN {
                #expect(Float16(bitPattern: half).isNaN)
            } else if half != expected.bitPattern {
                Issue.record("\(value): \(Float16(bitPattern: half)), not \(expected)")
            }
        }
    }
}

/// A small seeded generator for the tests' random cases.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
