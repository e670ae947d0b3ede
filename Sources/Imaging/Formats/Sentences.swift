// What several formats say in the same words.

/// "a", "a and b", "a, b and c".
func listed(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
}

/// One sentence about all that an output's format cannot hold; none where there is nothing.
func leftOutWarnings(_ words: [String], format: ImageFormat, name: String) -> [String] {
    words.isEmpty
        ? [] : ["\(name): a \(format) cannot hold \(listed(words)) of the input"]
}
