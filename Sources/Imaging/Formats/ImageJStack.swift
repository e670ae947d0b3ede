// ImageJ's stacks: one directory, and the pixels of all images one behind the other.
//
// ImageJ writes this where the offsets of a classic TIFF end, at 4 GiB; its description says how
// many images there are ("images=5"), and nothing else does.

extension TIFFStructure {
    /// Bytes of a description that is looked at.
    private static let descriptionMaximum = 1 << 20

    /// The pages that can be asked for: the chain of directories and, where all of them are smaller
    /// copies or masks, the images in full size in their SubIFDs; or, where a single one describes
    /// a stack of ImageJ's, its images as far as the file holds them.
    func imagePages(maximum: Int = 65536) -> TIFFPages {
        var pages = pages(maximum: maximum)
        if !pages.directories.indices.contains(where: pages.isWhole) {
            pages.directories += fullImages(of: pages)
        }
        guard pages.directories.count == 1, !pages.endsEarly,
            let directory = directory(at: pages.directories[0].offset),
            let (count, pixels) = imageJStack(directory)
        else { return pages }
        // What is behind the pixels is no image.
        let end = directory.offset > pixels.lowerBound ? directory.offset : byteCount
        let present = (end - pixels.lowerBound) / pixels.count
        // Of one image the description is wrong, or was left as it was by another program.
        guard present > 1 else { return pages }
        let known = min(count, present, maximum)
        pages.directories = (0..<known).map { index in
            TIFFPage(
                offset: pages.directories[0].offset, kind: pages.directories[0].kind,
                displacement: index * pixels.count)
        }
        pages.endsEarly = known < count
        return pages
    }

    /// What a directory says of a stack whose images lie one behind the other; nil for anything
    /// else.
    private func imageJStack(_ directory: TIFFDirectory) -> (count: Int, pixels: Range<Int>)? {
        guard let count = imageJCount(directory), count > 1,
            let pixels = plainPixels(directory), !pixels.isEmpty
        else { return nil }
        return (count, pixels)
    }

    /// How many images ImageJ's description counts; nil where there is none.
    func imageJCount(_ directory: TIFFDirectory) -> Int? {
        guard let entry = directory[TIFFTag.description], entry.count <= Self.descriptionMaximum
        else { return nil }
        return tag(entry).flatMap(Metadata.imageJCount)
    }

    /// Where pixels lie that are stored uncompressed, in strips that follow one another; nil for
    /// all others.
    func plainPixels(_ directory: TIFFDirectory) -> Range<Int>? {
        let values = { (number: UInt16) in
            directory[number].flatMap { tag($0) }?.unsignedIntegers
        }
        guard directory[TIFFTag.tileOffsets] == nil, (values(259)?.first ?? 1) == 1,
            let width = values(256)?.first, let height = values(257)?.first,
            let places = values(TIFFTag.stripOffsets), let sizes = values(279),
            places.count == sizes.count, let first = places.first
        else { return nil }
        let (bits, samples) = (values(258)?.first ?? 1, values(277)?.first ?? 1)
        let isSeparate = values(284)?.first == 2
        // Beyond what any file holds is nothing to count.
        guard Double(width) * Double(height) * Double(bits) * Double(samples) < 0x1p60 else {
            return nil
        }
        let count =
            isSeparate
            ? samples * height * ((width * bits + 7) / 8)
            : height * ((width * bits * samples + 7) / 8)
        guard count <= byteCount, first <= byteCount - count else { return nil }
        // A single strip may claim to be a whole stack.
        let isWhole = sizes.count == 1 ? sizes[0] >= count : areContiguous(places, sizes, count)
        return isWhole ? first..<first + count : nil
    }

    private func areContiguous(_ places: [Int], _ sizes: [Int], _ count: Int) -> Bool {
        var end = places[0]
        for (place, size) in zip(places, sizes) {
            // Each is checked, so that no sum goes beyond the file.
            guard place == end, size <= byteCount - end else { return false }
            end += size
        }
        return end - places[0] == count
    }
}

extension Metadata {
    /// How many images ImageJ's description of a stack counts; nil for other texts.
    static func imageJCount(_ description: MetadataTag) -> Int? {
        guard description.number == TIFFTag.description, description.kind == .ascii,
            description.bytes.starts(with: Array("ImageJ=".utf8))
        else { return nil }
        let key = "images="
        return description.text.split(separator: "\n").first { $0.hasPrefix(key) }
            .flatMap { Int($0.dropFirst(key.count)) }
    }

    /// ImageJ's description of a stack, of which one image is left: without the counts, by which
    /// ImageJ would read beyond the pixels.
    ///
    /// - Returns: how many images there were; nil where it is no stack.
    mutating func leaveImageJStack() -> Int? {
        guard let place = tags.firstIndex(where: { $0.number == TIFFTag.description }),
            let count = Metadata.imageJCount(tags[place]), count > 1
        else { return nil }
        tags[place] = tags[place].withoutImageJCounts
        return count
    }

    /// What the first page of a stack of ImageJ's says for all of them.
    mutating func leaveImageJ() {
        tags.removeAll { TIFFTag.imageJ.contains($0.number) || Metadata.imageJCount($0) != nil }
    }
}

extension MetadataTag {
    /// A description of ImageJ's that speaks of one image.
    var withoutImageJCounts: MetadataTag {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let counts = ["images=", "channels=", "slices=", "frames=", "hyperstack="]
        let left = lines.filter { line in !counts.contains { line.hasPrefix($0) } }
        return MetadataTag(number, text: left.joined(separator: "\n"))
    }
}
