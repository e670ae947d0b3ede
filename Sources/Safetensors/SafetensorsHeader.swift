// The header of a safetensors file: eight bytes of little-endian length, then a JSON object
// that names every tensor's type, shape and place in the data section behind it. The bytes may
// come from anywhere, so everything is checked here, once, before anyone allocates or reads by it.
//
// Format: https://github.com/huggingface/safetensors#format

import FoundationEssentials

/// Why bytes are not a usable safetensors file: one sentence with what was seen and wanted.
public struct SafetensorsError: Error, CustomStringConvertible, Sendable, Equatable {
    public let message: String
    public var description: String { message }

    /// - Parameter message: Cut to a length that a log can bear: it quotes the file's own words.
    public init(_ message: String) {
        self.message = message.utf8.count <= 400 ? message : "\(message.prefix(400))..."
    }
}

/// The element types that are understood, by their names in the format.
public enum TensorType: String, Sendable, CaseIterable {
    case float16 = "F16"
    case float32 = "F32"
    case float64 = "F64"
    case int64 = "I64"
    case uint8 = "U8"

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .uint8: 1
        case .float16: 2
        case .float32: 4
        case .float64, .int64: 8
        }
    }
}

/// One tensor as the header describes it.
public struct TensorEntry: Equatable, Sendable {
    public let type: TensorType
    /// Sizes, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Where the elements lie within the data section.
    public let byteRange: Range<Int>

    /// The number of elements: the product of `shape`.
    public var elementCount: Int { byteRange.count / type.byteCount }
}

/// What a safetensors file holds and where; every range in it is inside the file.
public struct SafetensorsHeader: Equatable, Sendable {
    /// The longest JSON header that is read.
    public static let jsonByteCountMax = 16 << 20
    /// The bytes in front of the JSON header.
    public static let lengthByteCount = 8

    public let metadata: [String: String]
    public let tensors: [String: TensorEntry]
    /// Where the data section begins in the file.
    public let dataOffset: Int
    /// The bytes of the data section: all that follows the header.
    public let dataByteCount: Int

    /// Where the data section begins, from a file's first eight bytes: as many bytes must be at
    /// hand for ``init(parsing:fileByteCount:)``.
    ///
    /// - Throws: `SafetensorsError` when the file is too short for its header, or the header
    ///   longer than ``jsonByteCountMax``.
    public static func dataOffset(
        parsing prefix: [UInt8], fileByteCount: Int
    ) throws(SafetensorsError) -> Int {
        guard prefix.count >= lengthByteCount, fileByteCount >= lengthByteCount else {
            throw SafetensorsError(
                "the file has \(min(prefix.count, fileByteCount)) bytes, but a safetensors file "
                    + "begins with \(lengthByteCount) bytes of header length")
        }
        let jsonByteCount = prefix.prefix(lengthByteCount).reversed().reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        guard jsonByteCount >= 2, jsonByteCount <= UInt64(jsonByteCountMax) else {
            throw SafetensorsError(
                "the header claims \(jsonByteCount) bytes; 2 to \(jsonByteCountMax) are read")
        }
        let offset = lengthByteCount + Int(jsonByteCount)
        guard offset <= fileByteCount else {
            throw SafetensorsError(
                "the header claims \(jsonByteCount) bytes, but the file ends after "
                    + "\(fileByteCount - lengthByteCount) of them")
        }
        return offset
    }

    /// Reads the header from the beginning of a file of `fileByteCount` bytes.
    ///
    /// Tensors must fill the data section without overlap or gap, as the format demands; so a
    /// file that was cut short, or in which a tensor is named twice, is refused.
    ///
    /// - Parameter prefix: At least the length and the JSON header; the data may be missing.
    /// - Throws: `SafetensorsError` for everything that is not so.
    public init(parsing prefix: [UInt8], fileByteCount: Int) throws(SafetensorsError) {
        let offset = try Self.dataOffset(parsing: prefix, fileByteCount: fileByteCount)
        guard offset <= prefix.count else {
            throw SafetensorsError(
                "\(prefix.count) bytes are at hand, but the header ends at \(offset)")
        }
        let dataByteCount = fileByteCount - offset

        let json: RawHeader
        do {
            json = try JSONDecoder().decode(
                RawHeader.self, from: Data(prefix[Self.lengthByteCount..<offset]))
        } catch {
            throw SafetensorsError("the header is not a safetensors JSON object: \(error.reason)")
        }
        var tensors: [String: TensorEntry] = [:]
        for (name, raw) in json.tensors {
            tensors[name] = try raw.checked(name: name, dataByteCount: dataByteCount)
        }
        try Self.checkTiling(tensors, dataByteCount: dataByteCount)

        self.metadata = json.metadata
        self.tensors = tensors
        self.dataOffset = offset
        self.dataByteCount = dataByteCount
    }

    private static func checkTiling(
        _ tensors: [String: TensorEntry], dataByteCount: Int
    ) throws(SafetensorsError) {
        let ordered = tensors.sorted {
            ($0.value.byteRange.lowerBound, $0.value.byteRange.upperBound)
                < ($1.value.byteRange.lowerBound, $1.value.byteRange.upperBound)
        }
        var end = 0
        for (name, entry) in ordered {
            guard entry.byteRange.lowerBound == end else {
                throw SafetensorsError(
                    "tensor '\(name)' begins at byte \(entry.byteRange.lowerBound) of the data, "
                        + "but the tensor before it ends at \(end)")
            }
            end = entry.byteRange.upperBound
        }
        guard end == dataByteCount else {
            throw SafetensorsError(
                "the tensors end at byte \(end) of the data, but there are \(dataByteCount) bytes")
        }
    }
}

/// The JSON object as it is written: one key a tensor, and `__metadata__`.
struct RawHeader: Decodable {
    var metadata: [String: String] = [:]
    var tensors: [String: RawTensor] = [:]

    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
        static let metadata = Key(stringValue: "__metadata__")
    }

    init(metadata: [String: String], tensors: [String: RawTensor]) {
        self.metadata = metadata
        self.tensors = tensors
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys {
            if key.stringValue == Key.metadata.stringValue {
                metadata = try container.decode([String: String].self, forKey: key)
            } else {
                tensors[key.stringValue] = try container.decode(RawTensor.self, forKey: key)
            }
        }
    }

    /// As one line, its keys in order. By hand: it is made for every tile.
    var json: String {
        let words = metadata.map { ($0, Self.quoted($1)) }
        let fields = tensors.map { name, tensor in
            (
                name,
                Self.object([
                    ("data_offsets", "\(tensor.dataOffsets)"),
                    ("dtype", Self.quoted(tensor.dtype)), ("shape", "\(tensor.shape)"),
                ])
            )
        }
        let named = metadata.isEmpty ? [] : [(Key.metadata.stringValue, Self.object(words))]
        return Self.object(named + fields)
    }

    private static func object(_ fields: [(String, String)]) -> String {
        let fields = fields.sorted { $0.0 < $1.0 }.map { "\(quoted($0)):\($1)" }
        return "{\(fields.joined(separator: ","))}"
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

struct RawTensor: Decodable {
    let dtype: String
    let shape: [Int]
    let dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
        case dtype, shape
        case dataOffsets = "data_offsets"
    }

    func checked(name: String, dataByteCount: Int) throws(SafetensorsError) -> TensorEntry {
        guard let type = TensorType(rawValue: dtype) else {
            let known = TensorType.allCases.map(\.rawValue).joined(separator: ", ")
            throw SafetensorsError("tensor '\(name)' is of type '\(dtype)'; \(known) are read")
        }
        guard dataOffsets.count == 2, dataOffsets[0] >= 0, dataOffsets[0] <= dataOffsets[1],
            dataOffsets[1] <= dataByteCount
        else {
            throw SafetensorsError(
                "tensor '\(name)' claims the bytes \(dataOffsets) of \(dataByteCount)")
        }
        var byteCount = type.byteCount
        for size in shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else {
                throw SafetensorsError("tensor '\(name)' has the impossible shape \(shape)")
            }
            byteCount = product
        }
        let range = dataOffsets[0]..<dataOffsets[1]
        guard byteCount == range.count else {
            throw SafetensorsError(
                "tensor '\(name)' of type \(dtype) and shape \(shape) has \(byteCount) bytes, "
                    + "but \(range.count) are claimed for it")
        }
        return TensorEntry(type: type, shape: shape, byteRange: range)
    }
}

extension Error {
    /// A decoding error in a few words; its own description is a paragraph.
    fileprivate var reason: String {
        switch self as? DecodingError {
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context), .dataCorrupted(let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return (path.isEmpty ? "" : "at '\(path)': ") + context.debugDescription
        default:
            return "\(self)"
        }
    }
}
