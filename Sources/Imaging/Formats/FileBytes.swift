// Bytes out of files, and the texts that they are.

import Glibc

/// Bytes of a file; nil where it does not have so many there, or the medium failed.
func fileBytes(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8]? {
    guard offset >= 0, count >= 0 else { return nil }
    var code: Int32?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
        let raw = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count)
        code = readBytes(descriptor, raw, at: offset)
        done = code == nil ? count : 0
    }
    return code == nil ? bytes : nil
}

/// The bytes of a number, the highest first.
func bigEndian(_ value: Int, _ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * (byteCount - 1 - $0))) }
}

/// Text whose encoding nobody says.
func string(utf8OrLatin1 bytes: some Collection<UInt8>) -> String {
    String(validating: bytes, as: UTF8.self) ?? string(latin1: bytes)
}

func string(latin1 bytes: some Collection<UInt8>) -> String {
    String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
}
