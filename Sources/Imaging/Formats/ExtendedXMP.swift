// XMP packets that are larger than a JPEG's segment. XMP Specification Part 3, 1.1.3.1: the packet
// names a digest, under which further segments hold the rest.

import Glibc

enum ExtendedXMP {
    /// The most that a segment holds of a packet.
    static let packetByteCountMaximum = 65533 - JPEGSignature.xmp.count
    private static let partByteCountMaximum = 65000
    private static let guidCount = 32

    /// A packet and its further parts (digest, length of all parts, offset of this one, bytes) as
    /// one packet; nil where parts are missing or the packet does not name them.
    static func joined(_ packet: [UInt8]?, _ parts: [[UInt8]]) -> [UInt8]? {
        guard let packet, let main = String(validating: packet, as: UTF8.self),
            let guid = digest(namedIn: main), let extended = assembled(parts, Array(guid.utf8))
        else { return nil }
        if packet == stub(guid) { return extended }
        guard let text = String(validating: extended, as: UTF8.self),
            let inner = descriptions(in: text), let end = main.ranges(of: "</rdf:RDF>").last
        else { return nil }
        var joined = main
        joined.insert(contentsOf: inner, at: end.lowerBound)
        let pointer = #/\s*xmpNote:HasExtendedXMP\s*=\s*(?:"[^"]*"|'[^']*')/#
        joined.replace(pointer, with: "", maxReplacements: 1)
        return Array(joined.utf8)
    }

    /// A packet as segments of an APP1.
    static func segments(_ packet: [UInt8]) -> [[UInt8]] {
        guard packet.count > packetByteCountMaximum else { return [JPEGSignature.xmp + packet] }
        let guid = MD5.hexadecimal(packet).uppercased()
        var segments = [JPEGSignature.xmp + stub(guid)]
        for start in stride(from: 0, to: packet.count, by: partByteCountMaximum) {
            let part = packet[start..<min(start + partByteCountMaximum, packet.count)]
            segments.append(
                JPEGSignature.extendedXMP + Array(guid.utf8) + bigEndian(packet.count, 4)
                    + bigEndian(start, 4) + part)
        }
        return segments
    }

    /// A packet that says nothing but where the rest is.
    private static func stub(_ guid: String) -> [UInt8] {
        let rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        return Array(
            """
            <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>
            <x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="\(rdf)">
            <rdf:Description rdf:about="" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" \
            xmpNote:HasExtendedXMP="\(guid)"/>
            </rdf:RDF></x:xmpmeta>
            <?xpacket end="w"?>
            """.utf8)
    }

    private static func digest(namedIn packet: String) -> String? {
        let pattern = #/HasExtendedXMP(?:\s*=\s*["']|\s*>\s*)([0-9A-Fa-f]{32})/#
        return packet.firstMatch(of: pattern).map { String($0.1) }
    }

    private static func assembled(_ parts: [[UInt8]], _ guid: [UInt8]) -> [UInt8]? {
        let head = guidCount + 8
        var pieces: [(offset: Int, bytes: ArraySlice<UInt8>)] = []
        var whole = 0
        for part in parts where part.count > head && part.starts(with: guid) {
            let number = { (at: Int) in part[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
            whole = number(guidCount)
            pieces.append((number(guidCount + 4), part[head...]))
        }
        pieces.sort { $0.offset < $1.offset }
        var bytes: [UInt8] = []
        for piece in pieces {
            guard piece.offset == bytes.count else { return nil }
            bytes += piece.bytes
        }
        return bytes.count == whole && whole > 0 ? bytes : nil
    }

    /// What lies in a packet's rdf:RDF.
    private static func descriptions(in packet: String) -> Substring? {
        guard let start = packet.firstMatch(of: #/<rdf:RDF[^>]*>/#),
            let end = packet.ranges(of: "</rdf:RDF>").last,
            start.range.upperBound <= end.lowerBound
        else { return nil }
        return packet[start.range.upperBound..<end.lowerBound]
    }
}

/// RFC 1321; it names extended XMP and protects nothing.
enum MD5 {
    private static let shifts: [[UInt32]] = [
        [7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21],
    ]
    private static let sines = (0..<64).map { UInt32(abs(sin(Double($0 + 1))) * 4_294_967_296) }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        var padded = bytes + [0x80]
        padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
        padded += bigEndian(8 * bytes.count, 8).reversed()
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476]
        for start in stride(from: 0, to: padded.count, by: 64) {
            add(padded[start..<start + 64], to: &state)
        }
        return state.flatMap { bigEndian(Int($0.byteSwapped), 4) }.map {
            let digits = String($0, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func add(_ block: ArraySlice<UInt8>, to state: inout [UInt32]) {
        let words = (0..<16).map { word in
            (0..<4).reduce(UInt32(0)) {
                $0 | UInt32(block[block.startIndex + 4 * word + $1]) << UInt32(8 * $1)
            }
        }
        var (a, b, c, d) = (state[0], state[1], state[2], state[3])
        for i in 0..<64 {
            let (mix, word): (UInt32, Int) =
                switch i / 16 {
                case 0: (b & c | ~b & d, i)
                case 1: (d & b | ~d & c, (5 * i + 1) % 16)
                case 2: (b ^ c ^ d, (3 * i + 5) % 16)
                default: (c ^ (b | ~d), 7 * i % 16)
                }
            let sum = a &+ mix &+ sines[i] &+ words[word]
            let shift = shifts[i / 16][i % 4]
            (a, d, c) = (d, c, b)
            b = b &+ (sum << shift | sum >> (32 - shift))
        }
        state[0] &+= a
        state[1] &+= b
        state[2] &+= c
        state[3] &+= d
    }
}
