// What descriptions say about pixels that the output does not have.

extension Metadata {
    /// GDAL's metadata without the statistics of the pixels, which are about to change.
    mutating func leaveStatistics() {
        guard let (place, text) = textOfGDAL else { return }
        var left = ""
        var rest = text[...]
        while let item = rest.firstRange(of: "<Item name=\"STATISTICS_"),
            let end = rest[item.upperBound...].firstRange(of: "</Item>")
        {
            left += rest[..<item.lowerBound]
            while left.last == " " { left.removeLast() }
            rest = rest[end.upperBound...]
            if rest.first == "\n" { rest.removeFirst() }
        }
        guard rest.startIndex > text.startIndex else { return }
        left += rest
        if left.contains("<Item") {
            tags[place].bytes = Array(left.utf8) + [0]
        } else {
            tags.remove(at: place)
        }
    }

    /// GDAL's metadata when a sample of each pixel moves behind others: items name samples by their
    /// places.
    ///
    /// - Parameters:
    ///   - place: Where it was, from 0.
    ///   - end: Where it is then; all from behind its place up to there move forward by one.
    mutating func moveSampleItems(from place: Int, to end: Int) {
        guard place < end, let (index, text) = textOfGDAL else { return }
        let before = " sample=\""
        var parts = text.split(separator: before, omittingEmptySubsequences: false)
        for part in parts.indices.dropFirst() {
            let digits = parts[part].prefix { $0 != "\"" }
            guard let sample = Int(digits), (place...end).contains(sample) else { continue }
            let moved = sample == place ? end : sample - 1
            parts[part] = "\(moved)" + parts[part][digits.endIndex...]
        }
        tags[index].bytes = Array(parts.joined(separator: before).utf8) + [0]
    }

    /// Which of the tags GDAL's metadata are, and what they say.
    private var textOfGDAL: (index: Int, text: String)? {
        tags.firstIndex { $0.number == TIFFTag.gdalMetadata && $0.kind == .ascii }.map {
            ($0, tags[$0].text)
        }
    }

    /// How many planes (channels, depths and times) an OME-XML description tells of in its first
    /// image; nil where there is none.
    var planesOfOME: Int? {
        guard let tag = tags.first(where: { $0.number == TIFFTag.description && $0.kind == .ascii })
        else { return nil }
        let text = tag.text
        guard let start = text.firstRange(of: "<Pixels "),
            let end = text[start.upperBound...].firstIndex(of: ">")
        else { return nil }
        let pixels = text[start.upperBound..<end]
        let sizes = ["SizeC=\"", "SizeZ=\"", "SizeT=\""].map { name in
            pixels.firstRange(of: name).flatMap {
                Int(pixels[$0.upperBound...].prefix { $0 != "\"" })
            } ?? 1
        }
        return sizes.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    }
}
