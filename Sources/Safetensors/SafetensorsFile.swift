// A whole safetensors file in memory, read (golden cases, tile files, checkpoints) or to be
// written.

import FoundationEssentials

#if _endian(big)
    #error("safetensors data is little-endian and is copied as it lies")
#endif

/// A safetensors file that has been read and checked.
public struct SafetensorsFile: Sendable {
    public let header: SafetensorsHeader
    private let fileBytes: [UInt8]

    /// Checks `bytes`, a whole file.
    ///
    /// - Throws: `SafetensorsError` when they are not a well-formed safetensors file.
    public init(parsing bytes: [UInt8]) throws(SafetensorsError) {
        header = try SafetensorsHeader(parsing: bytes, fileByteCount: bytes.count)
        fileBytes = bytes
    }

    /// The description of a tensor.
    ///
    /// - Throws: `SafetensorsError` when there is none of that name.
    public func entry(_ name: String) throws(SafetensorsError) -> TensorEntry {
        guard let entry = header.tensors[name] else {
            throw SafetensorsError(
                "there is no tensor '\(name)' among the \(header.tensors.count) of the file")
        }
        return entry
    }

    /// A tensor's bytes as they lie in the file, row-major and little-endian.
    ///
    /// - Throws: `SafetensorsError` when there is none of that name.
    public func bytes(_ name: String) throws(SafetensorsError) -> ArraySlice<UInt8> {
        let range = try entry(name).byteRange
        let offset = header.dataOffset
        return fileBytes[offset + range.lowerBound..<offset + range.upperBound]
    }

    /// A tensor's elements, row-major; half and double precision are converted.
    ///
    /// - Throws: `SafetensorsError` when there is none of that name, or it is of whole numbers.
    public func float32s(_ name: String) throws(SafetensorsError) -> [Float] {
        let entry = try entry(name)
        guard [.float16, .float32, .float64].contains(entry.type) else {
            throw SafetensorsError(
                "tensor '\(name)' is of type \(entry.type.rawValue); floating point was wanted")
        }
        let source = try bytes(name)
        return [Float](unsafeUninitializedCapacity: entry.elementCount) { output, count in
            let output = UnsafeMutableBufferPointer(rebasing: output[..<entry.elementCount])
            source.withUnsafeBytes { input in
                switch entry.type {
                case .float16:
                    HalfFloat.widen(input, into: output)
                case .float64:
                    for index in output.indices {
                        output[index] = Float(
                            input.loadUnaligned(fromByteOffset: 8 * index, as: Double.self))
                    }
                default:
                    UnsafeMutableRawBufferPointer(output).copyMemory(from: input)
                }
            }
            count = entry.elementCount
        }
    }
}

/// Collects tensors and writes them as one safetensors file: the same tensors and metadata give
/// the same bytes, in whatever order they were added.
public struct SafetensorsWriter: Sendable {
    /// What stands under `__metadata__`.
    public var metadata: [String: String]
    private var tensors: [String: Tensor] = [:]

    private struct Tensor {
        var type: TensorType
        var shape: [Int]
        var content: Content
        var byteCount: Int { shape.reduce(type.byteCount, *) }
    }

    /// Elements are not copied before the file is made.
    private enum Content {
        case bytes([UInt8])
        case float32s([Float])

        func append(to output: inout [UInt8]) {
            switch self {
            case .bytes(let bytes): output += bytes
            case .float32s(let values): values.withUnsafeBytes { output += $0 }
            }
        }
    }

    public init(metadata: [String: String] = [:]) {
        self.metadata = metadata
    }

    /// Adds a tensor, or replaces the one of that name.
    ///
    /// - Parameters:
    ///   - shape: Sizes, outermost first; their product is the number of elements.
    ///   - bytes: The elements, row-major and little-endian.
    public mutating func add(_ name: String, type: TensorType, shape: [Int], bytes: [UInt8]) {
        precondition(
            shape.allSatisfy { $0 >= 0 } && shape.reduce(type.byteCount, *) == bytes.count,
            "tensor '\(name)' of shape \(shape) was given \(bytes.count) bytes")
        precondition(name != RawHeader.Key.metadata.stringValue, "'\(name)' is not a tensor's name")
        tensors[name] = Tensor(type: type, shape: shape, content: .bytes(bytes))
    }

    /// Adds a tensor, or replaces the one of that name.
    ///
    /// - Parameters:
    ///   - type: `.float32`, or `.float16` for values rounded to the nearest half.
    ///   - shape: Sizes, outermost first; their product is the number of elements.
    ///   - values: The elements, row-major.
    public mutating func add(
        _ name: String, type: TensorType = .float32, shape: [Int], values: [Float]
    ) {
        guard type != .float32 else {
            precondition(shape.reduce(1, *) == values.count, "tensor '\(name)': \(shape)")
            tensors[name] = Tensor(type: type, shape: shape, content: .float32s(values))
            return
        }
        values.withUnsafeBufferPointer {
            add(name, type: type, shape: shape, bytes: Self.bytes(of: $0, as: type))
        }
    }

    /// The little-endian bytes of `values` as `type`: `.float32` or `.float16`.
    public static func bytes(
        of values: UnsafeBufferPointer<Float>, as type: TensorType
    ) -> [UInt8] {
        precondition(type == .float32 || type == .float16, "values are written as F32 or F16")
        let byteCount = values.count * type.byteCount
        return [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
            let output = UnsafeMutableRawBufferPointer(output)
            fill(
                UnsafeMutableRawBufferPointer(rebasing: output[..<byteCount]), with: values,
                as: type)
            count = byteCount
        }
    }

    /// Writes them to memory of as many bytes.
    public static func fill(
        _ output: UnsafeMutableRawBufferPointer, with values: UnsafeBufferPointer<Float>,
        as type: TensorType
    ) {
        precondition(type == .float32 || type == .float16, "values are written as F32 or F16")
        if type == .float16 {
            HalfFloat.narrow(values, into: output)
        } else {
            output.copyMemory(from: UnsafeRawBufferPointer(values))
        }
    }

    /// The tensors in the order of their data: larger elements first, so that each lies at a
    /// multiple of its size, then by name.
    private var ordered: [String] {
        tensors.sorted {
            ($1.value.type.byteCount, $0.key) < ($0.value.type.byteCount, $1.key)
        }.map(\.key)
    }

    /// The data section alone, for a checksum that goes into the metadata.
    public func dataSection() -> [UInt8] {
        var data: [UInt8] = []
        data.reserveCapacity(tensors.values.reduce(0) { $0 + $1.byteCount })
        appendData(to: &data)
        return data
    }

    private func appendData(to output: inout [UInt8]) {
        for name in ordered { tensors[name]?.content.append(to: &output) }
    }

    /// The file: length, header padded with spaces to a multiple of eight bytes, data.
    public func encoded() -> [UInt8] {
        var raw = RawHeader(metadata: metadata, tensors: [:])
        var offset = 0
        for name in ordered {
            guard let tensor = tensors[name] else { continue }
            let end = offset + tensor.byteCount
            raw.tensors[name] = RawTensor(
                dtype: tensor.type.rawValue, shape: tensor.shape, dataOffsets: [offset, end])
            offset = end
        }
        let json = Self.json(raw)
        let header = Self.header(json, jsonByteCount: (json.count + 7) / 8 * 8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(header.count + offset)
        bytes += header
        appendData(to: &bytes)
        return bytes
    }

    /// What stands before the data of a file of one tensor.
    ///
    /// - Parameter byteCount: of the whole; more than it needs, which is filled with spaces.
    public static func header(
        metadata: [String: String], name: String, type: TensorType, shape: [Int], byteCount: Int
    ) -> [UInt8] {
        let tensor = RawTensor(
            dtype: type.rawValue, shape: shape, dataOffsets: [0, shape.reduce(type.byteCount, *)])
        return header(
            json(RawHeader(metadata: metadata, tensors: [name: tensor])),
            jsonByteCount: byteCount - SafetensorsHeader.lengthByteCount)
    }

    private static func json(_ header: RawHeader) -> [UInt8] {
        Array(header.json.utf8)
    }

    private static func header(_ json: [UInt8], jsonByteCount: Int) -> [UInt8] {
        precondition(json.count <= jsonByteCount, "a header of \(json.count) bytes")
        precondition(jsonByteCount <= SafetensorsHeader.jsonByteCountMax, "the header is too long")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(SafetensorsHeader.lengthByteCount + jsonByteCount)
        withUnsafeBytes(of: UInt64(jsonByteCount).littleEndian) { bytes += $0 }
        bytes += json
        bytes += repeatElement(UInt8(ascii: " "), count: jsonByteCount - json.count)
        return bytes
    }
}
