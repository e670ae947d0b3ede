// What descriptions say about pixels that the output does not have.

extension Metadata {
    /// GDAL's metadata without the statistics of the pixels, which are about to change.
    mutating func leaveStatistics() {
        guard let place = tags.firstIndex(where: { $0.number == 42112 && $0.kind == .ascii }) else {
            return
        }
        let text = String(decoding: tags[place].bytes.prefix { $0 != 0 }, as: UTF8.self)
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
}
