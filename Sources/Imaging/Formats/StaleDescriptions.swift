// What descriptions say about pixels that the output does not have.

extension Metadata {
    /// ImageJ's description of a stack, of which one image is left: without the counts, by which
    /// ImageJ would read beyond the pixels.
    ///
    /// - Returns: how many images there were; nil where it is no stack.
    mutating func leaveImageJStack() -> Int? {
        guard let place = tags.firstIndex(where: { $0.number == 270 && $0.kind == .ascii }) else {
            return nil
        }
        let text = String(decoding: tags[place].bytes.prefix { $0 != 0 }, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let value = { (key: String) in
            lines.first { $0.hasPrefix(key + "=") }?.dropFirst(key.count + 1)
        }
        guard text.hasPrefix("ImageJ="), let images = value("images"), let count = Int(images),
            count > 1
        else { return nil }
        let counts = ["images=", "channels=", "slices=", "frames=", "hyperstack="]
        let left = lines.filter { line in !counts.contains { line.hasPrefix($0) } }
        tags[place].bytes = Array(left.joined(separator: "\n").utf8) + [0]
        return count
    }

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
