// Photoshop's image resources: blocks of a number, a name and data, one after the other.
// Adobe Photoshop File Formats Specification, "Image Resource Blocks".

/// IPTC's records and previews taken out of the rest.
struct PhotoshopResources {
    private(set) var iptc: [UInt8]?
    /// The other blocks, as they are stored.
    private(set) var others: [UInt8] = []
    private(set) var isDamaged = false

    private static let iptcNumber = 0x0404
    /// They show what the image was.
    private static let previews = [0x0409, 0x040C]

    init(_ bytes: [UInt8]) {
        var start = 0
        while start < bytes.count {
            guard let block = Self.block(bytes, at: start) else {
                // Zeros may fill up the end.
                isDamaged = bytes[start...].contains { $0 != 0 }
                return
            }
            if block.number == Self.iptcNumber, iptc == nil {
                iptc = Array(bytes[block.data])
            } else if !Self.previews.contains(block.number) {
                others += bytes[start..<min(block.end, bytes.count)]
                // What the last block lacks to an even end.
                if block.end > bytes.count { others.append(0) }
            }
            start = block.end
        }
    }

    /// A block's number, its data and where the next one begins.
    private static func block(_ bytes: [UInt8], at start: Int)
        -> (number: Int, data: Range<Int>, end: Int)?
    {
        let signatures = ["8BIM", "AgHg", "DCSR", "MeSa", "PHUT"].map { Array($0.utf8) }
        guard start + 12 <= bytes.count,
            signatures.contains(Array(bytes[start..<start + 4]))
        else { return nil }
        let number = Int(bytes[start + 4]) << 8 | Int(bytes[start + 5])
        // The name has its length in front, and an even number of bytes with it.
        let size = start + 6 + (Int(bytes[start + 6]) + 2) / 2 * 2
        guard size + 4 <= bytes.count else { return nil }
        let count = bytes[size..<size + 4].reduce(0) { $0 << 8 | Int($1) }
        guard count <= bytes.count - size - 4 else { return nil }
        let data = size + 4..<size + 4 + count
        return (number, data, data.upperBound + count % 2)
    }

    /// One stream of both.
    static func joined(iptc: [UInt8]?, others: [UInt8]?) -> [UInt8] {
        var bytes = others ?? []
        guard let iptc else { return bytes }
        bytes += Array("8BIM".utf8) + [UInt8(iptcNumber >> 8), UInt8(iptcNumber & 0xFF), 0, 0]
        bytes += bigEndian(iptc.count, 4) + iptc
        if iptc.count % 2 == 1 { bytes.append(0) }
        return bytes
    }
}
