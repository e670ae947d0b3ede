// A JPEG taken apart and put together again, so that it can be wrong on purpose.

import Testing

struct HandmadeJPEG {
    struct Segment: Equatable {
        var marker: UInt8
        var bytes: [UInt8]
        /// What follows a scan's header up to the next marker.
        var scan: [UInt8] = []
    }

    var segments: [Segment] = []

    init(_ bytes: [UInt8]) throws {
        var start = 2
        while start + 4 <= bytes.count, bytes[start + 1] != 0xD9 {
            try #require(bytes[start] == 0xFF)
            let end = start + 2 + Int(bytes[start + 2]) << 8 + Int(bytes[start + 3])
            var segment = Segment(marker: bytes[start + 1], bytes: Array(bytes[start + 4..<end]))
            start = end
            if segment.marker == 0xDA {
                while bytes[start] != 0xFF || bytes[start + 1] == 0
                    || (0xD0...0xD7).contains(bytes[start + 1])
                {
                    start += 1
                }
                segment.scan = Array(bytes[end..<start])
            }
            segments.append(segment)
        }
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = [0xFF, 0xD8]
        for segment in segments {
            let count = segment.bytes.count + 2
            bytes += [0xFF, segment.marker, UInt8(count >> 8), UInt8(count & 0xFF)]
            bytes += segment.bytes
            bytes += segment.scan
        }
        return bytes + [0xFF, 0xD9]
    }

    func without(_ marker: UInt8) -> HandmadeJPEG {
        var copy = self
        copy.segments.removeAll { $0.marker == marker }
        return copy
    }

    /// Its frame says another size.
    func resized(_ width: Int, _ height: Int) -> HandmadeJPEG {
        var copy = self
        for index in copy.segments.indices where (0xC0...0xCF).contains(segments[index].marker) {
            // Tables of Huffman and arithmetic coding have numbers between those of frames.
            if [0xC4, 0xCC].contains(segments[index].marker) { continue }
            let sizes = [height >> 8, height & 0xFF, width >> 8, width & 0xFF]
            copy.segments[index].bytes.replaceSubrange(1..<5, with: sizes.map { UInt8($0) })
        }
        return copy
    }

    /// Puts a segment in front of all others but JFIF's.
    mutating func insert(_ marker: UInt8, _ bytes: [UInt8]) {
        let place = segments.first?.marker == 0xE0 ? 1 : 0
        segments.insert(Segment(marker: marker, bytes: bytes), at: place)
    }
}
