/// The table under the heading "Walls" of `docs/ARCHITECTURE.md`: which target may import what.
struct WallTable {
    struct Row {
        var target: String
        var imports: Set<String>
        var line: Int
    }

    let path: String
    private(set) var rows: [Row] = []
    private(set) var findings: [Finding] = []

    init(parsing document: SourceFile) {
        path = document.path
        guard let heading = document.lines.firstIndex(of: "## Walls") else {
            findings = [document.finding(line: 1, "has no heading \"## Walls\"")]
            return
        }
        var sawHeader = false
        for (index, line) in document.lines.enumerated().dropFirst(heading + 1) {
            if line.hasPrefix("#") { break }
            guard line.hasPrefix("|") else { continue }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
                .dropFirst().dropLast().map(Self.trimmed)
            if !sawHeader {
                sawHeader = true
                if cells != ["target", "is", "may import"] {
                    findings.append(
                        document.finding(
                            line: index + 1,
                            "the table's columns are not target, is, may import"))
                }
            } else if !line.hasPrefix("|-") {
                add(cells, line: index + 1)
            }
        }
        if rows.isEmpty {
            findings.append(document.finding(line: heading + 1, "no table follows"))
        }
    }

    func row(_ target: String) -> Row? {
        rows.first { $0.target == target }
    }

    private mutating func add(_ cells: [String], line: Int) {
        guard cells.count == 3, let target = Self.quoted(cells[0]).first else {
            findings.append(
                Finding(path: path, line: line, message: "is no row of target, is, may import"))
            return
        }
        if row(target) != nil {
            findings.append(Finding(path: path, line: line, message: "names \(target) again"))
        }
        rows.append(Row(target: target, imports: Set(Self.quoted(cells[2])), line: line))
    }

    private static func trimmed(_ cell: Substring) -> String {
        var cell = cell.drop { $0 == " " }
        while cell.last == " " { cell.removeLast() }
        return String(cell)
    }

    /// What stands between backticks.
    private static func quoted(_ cell: String) -> [String] {
        let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
        return parts.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
}
