// An image's metadata as the segments of a JPEG.

/// The segments, in their order, and what they cannot hold.
struct JPEGSegmentWriter {
    private(set) var segments: [JPEGSegment] = []
    /// In words.
    private(set) var leftOut: [String] = []
    /// What EXIF says, without what had no room.
    private(set) var exif = Metadata()

    private static let byteCountMaximum = 65533

    init(_ header: ImageHeader) {
        let metadata = header.metadata.withTextsAsTags(keeping: ["Comment"])
            .withPrimariesAsTags()
        addExif(metadata.withPixelDimensions(of: header))
        if let packet = metadata.xmp {
            for part in ExtendedXMP.segments(packet) { add(0xE1, part) }
        }
        let resources = PhotoshopResources.joined(
            iptc: metadata.iptc, others: metadata.photoshop)
        addParts(0xED, resources) { _, _ in JPEGSignature.photoshop }
        addProfile(metadata.iccProfile ?? [])
        for text in metadata.texts {
            let bytes = Array(text.text.utf8)
            if text.keyword == "Comment", bytes.count <= Self.byteCountMaximum {
                add(0xFE, bytes)
            } else {
                leaveOut(text.name)
            }
        }
        for words in Metadata.inWords(metadata.tagsBeyondExif) { leaveOut(words) }
        if let nodata = metadata.nodata { leaveOut("the nodata value \(nodata)") }
        for words in metadata.colorChunksInWords { leaveOut(words) }
    }

    private mutating func add(_ marker: UInt8, _ bytes: [UInt8]) {
        segments.append(JPEGSegment(marker: marker, bytes: bytes))
    }

    private mutating func leaveOut(_ what: String) {
        if !leftOut.contains(what) { leftOut.append(what) }
    }

    /// The largest tags go where the block does not fit its segment.
    private mutating func addExif(_ metadata: Metadata) {
        var metadata = metadata
        let maximum = Self.byteCountMaximum - JPEGSignature.exif.count
        while let block = metadata.exifBlock() {
            if block.count <= maximum {
                exif = metadata
                return add(0xE1, JPEGSignature.exif + block)
            }
            guard let tag = metadata.removeLargestTag() else { return leaveOut("EXIF") }
            leaveOut("tag \(tag.number) of EXIF (\(tag.bytes.count) bytes)")
        }
    }

    /// Cuts bytes into segments, each with a beginning of its own.
    private mutating func addParts(
        _ marker: UInt8, _ bytes: [UInt8], _ head: (_ number: Int, _ count: Int) -> [UInt8]
    ) {
        let room = Self.byteCountMaximum - head(1, 1).count
        let count = (bytes.count + room - 1) / room
        for index in 0..<count {
            let part = bytes[index * room..<min((index + 1) * room, bytes.count)]
            add(marker, head(index + 1, count) + part)
        }
    }

    private mutating func addProfile(_ profile: [UInt8]) {
        let signature = JPEGSignature.icc
        // Parts are counted in a byte.
        guard profile.count <= 255 * (Self.byteCountMaximum - signature.count - 2) else {
            return leaveOut("a colour profile of \(profile.count) bytes")
        }
        addParts(0xE2, profile) { signature + [UInt8($0), UInt8(clamping: $1)] }
    }
}

extension Metadata {
    /// Removes the tag with the most bytes of those that an EXIF block holds; nil where there is
    /// none.
    mutating func removeLargestTag() -> MetadataTag? {
        let places: [WritableKeyPath<Metadata, [MetadataTag]>] = [
            \.tags, \.exifTags, \.gpsTags,
        ]
        var largest: (place: WritableKeyPath<Metadata, [MetadataTag]>, index: Int, count: Int)?
        for place in places {
            for (index, tag) in self[keyPath: place].enumerated()
            where tag.bytes.count > largest?.count ?? 0 {
                largest = (place, index, tag.bytes.count)
            }
        }
        return largest.map { self[keyPath: $0.place].remove(at: $0.index) }
    }
}
