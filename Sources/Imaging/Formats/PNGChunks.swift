// The chunks of a PNG beside its pixels. PNG Specification (Third Edition), 11.3.

import CImageCodecs
import Glibc

/// Chunks that say something of the picture, before and behind its pixels.
struct PNGChunks {
    private(set) var chunks: [PNGChunk] = []
    /// What is not taken over, in words, each once.
    private(set) var leftOut: [String] = []
    /// What all of it may still take, compressed and not.
    private var byteCountLeft = 64 << 20

    private static let countMaximum = 20_000
    private static let taken: Set<String> = [
        "gAMA", "cHRM", "sRGB", "cICP", "mDCV", "cLLI", "bKGD", "sBIT", "iCCP", "pHYs", "eXIf",
        "tIME", "tEXt", "zTXt", "iTXt",
    ]
    /// How the pixels are stored and shown, which is the reader's affair or no longer true.
    private static let silent: Set<String> = ["tRNS", "hIST", "sPLT", "fcTL", "fdAT"]
    /// Of a stored sample, and whether it is a place in the palette.
    let bits: Int
    let hasPalette: Bool

    /// Reads to the end, or to where the file makes no sense: that is the decoder's to say.
    init(_ descriptor: Int32) {
        let kind = fileBytes(descriptor, at: 24, count: 2) ?? [8, 0]
        (bits, hasPalette) = (Int(kind[0]), kind[1] == 3)
        var offset = 8
        while let head = fileBytes(descriptor, at: offset, count: 8) {
            let count = head[..<4].reduce(0) { $0 << 8 | Int($1) }
            let type = String(decoding: head[4...], as: UTF8.self)
            let isType = head[4...].allSatisfy { (0x41...0x5A).contains($0 & 0xDF) }
            guard count < 1 << 31, isType, type != "IEND" else { return }
            if Self.taken.contains(type) {
                take(descriptor, type, at: offset, count: count)
            } else if head[4] & 0x20 != 0, !Self.silent.contains(type) {
                leaveOut(type == "acTL" ? "the further frames" : "the chunk \(type)")
            }
            offset += 12 + count
        }
    }

    mutating func leaveOut(_ what: String) {
        if !leftOut.contains(what) { leftOut.append(what) }
    }

    private mutating func take(_ descriptor: Int32, _ type: String, at offset: Int, count: Int) {
        guard count <= byteCountLeft, chunks.count < Self.countMaximum else {
            return leaveOut("a chunk \(type) of \(count) bytes, which is above the limits,")
        }
        // The checksum covers the type.
        guard let all = fileBytes(descriptor, at: offset + 4, count: count + 8) else { return }
        byteCountLeft -= count
        let sum = codec_crc32(all, count + 4)
        guard Array(all[(count + 4)...]) == bigEndian(Int(sum), 4) else {
            return leaveOut("a chunk \(type), which is damaged,")
        }
        chunks.append(PNGChunk(type: type, bytes: Array(all[4..<count + 4])))
    }

    /// What a zlib stream holds; nil where it is damaged or above the limits.
    mutating func inflated(_ bytes: ArraySlice<UInt8>, of what: String) -> [UInt8]? {
        var memory: UnsafeMutablePointer<UInt8>?
        var count = 0
        let status = bytes.withUnsafeBufferPointer {
            codec_inflate($0.baseAddress, $0.count, byteCountLeft, &memory, &count)
        }
        guard status == CODEC_OK, let memory else {
            let isLarge = status == CODEC_TOO_LARGE
            leaveOut("\(what), which is \(isLarge ? "above the limits" : "damaged"),")
            return nil
        }
        defer { free(memory) }
        byteCountLeft -= count
        return Array(UnsafeBufferPointer(start: memory, count: count))
    }
}

/// A zlib stream of the bytes; nil where memory ran out.
func deflated(_ bytes: [UInt8]) -> [UInt8]? {
    var memory: UnsafeMutablePointer<UInt8>?
    var count = 0
    guard codec_deflate(bytes, bytes.count, &memory, &count) == CODEC_OK, let memory else {
        return nil
    }
    defer { free(memory) }
    return Array(UnsafeBufferPointer(start: memory, count: count))
}
