internal import CDeflate

/// CRC-32 (as in zlib and PNG) of bytes that come in parts.
public struct Checksum {
    public private(set) var value: UInt32 = 0

    public init(of bytes: [UInt8] = []) {
        bytes.withUnsafeBytes { add($0) }
    }

    public mutating func add(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        value = libdeflate_crc32(value, start, bytes.count)
    }

    /// Eight digits.
    public var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
