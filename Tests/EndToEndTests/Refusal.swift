import Testing

/// The program ended with this code, said one sentence on standard error that names `text`, and
/// nothing else.
func expectRefusal(
    _ process: RunningProcess, _ code: Int32, saying text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(
        process.wait() == .exited(code), process.story, sourceLocation: sourceLocation)
    let lines = process.errors.split(separator: "\n", omittingEmptySubsequences: false)
    // One line and its end.
    #expect(
        lines.count == 2 && lines[0].contains(" ") && lines[1].isEmpty, process.story,
        sourceLocation: sourceLocation)
    #expect(
        text.isEmpty || process.errors.contains(text), process.story,
        sourceLocation: sourceLocation)
    #expect(process.output.isEmpty, process.story, sourceLocation: sourceLocation)
    #expect(process.descendants.isEmpty, process.story, sourceLocation: sourceLocation)
}
