import Dashboard
import Testing

/// A terminal that knows what blocks use: printable characters, line ends, cursor up, erase.
private struct Screen {
    let width, height: Int
    private(set) var rows: [[Character]] = [[]]
    private(set) var row = 0
    private(set) var column = 0
    /// The first row that is on the screen: rows above it are out of reach.
    private var top: Int { max(0, rows.count - height) }

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    var text: [String] {
        rows.map { String($0) }.map { line in
            String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    mutating func write(_ bytes: String) {
        var rest = Array(bytes.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n":
                column = 0
                row += 1
                if row == rows.count { rows.append([]) }
            case "\u{1B}":
                _ = rest.popFirst()
                let end = rest.firstIndex { ("A"..."z").contains($0) }!
                let number = Int(String(String.UnicodeScalarView(rest[..<end]))) ?? 0
                obey(rest[end], number)
                rest = rest[(end + 1)...]
            default:
                if column == width {
                    column = 0
                    row += 1
                    if row == rows.count { rows.append([]) }
                }
                while rows[row].count <= column { rows[row].append(" ") }
                rows[row][column] = Character(scalar)
                column += 1
            }
        }
    }

    private mutating func obey(_ command: Unicode.Scalar, _ number: Int) {
        switch command {
        case "A": row = max(row - max(number, 1), top)
        case "K": rows[row] = Array(rows[row].prefix(column))
        case "J":
            rows[row] = Array(rows[row].prefix(column))
            for below in rows.indices where below > row { rows[below] = [] }
        case "m": break
        default: Issue.record("a terminal is told \(command)")
        }
    }
}

struct TerminalBlockTests {
    private func lines(_ texts: [String]) -> [TerminalLine] {
        texts.map { TerminalLine($0, .bold) }
    }

    @Test func `a block takes the place of the former one and text stays above it`() {
        var screen = Screen(width: 20, height: 10)
        var block = TerminalBlock(hasColors: true, wrapsAnew: true)
        screen.write("$ dip-coord\n")
        screen.write(block.show(lines(["one", "two", "three"]), width: 20, height: 10))
        #expect(screen.text == ["$ dip-coord", "one", "two", "three", ""])
        screen.write("^C")
        screen.write(
            block.show(lines(["four", "5"]), below: "a note\n", width: 20, height: 10))
        #expect(screen.text.prefix(4) == ["$ dip-coord", "a note", "four", "5"])
        #expect(!screen.text.dropFirst(4).contains { !$0.isEmpty })
        #expect(screen.row == 4 && screen.column == 0)
        screen.write(block.clear(width: 20, height: 10))
        #expect(screen.text.prefix(2) == ["$ dip-coord", "a note"])
        #expect(!screen.text.dropFirst(2).contains { !$0.isEmpty })
        #expect(screen.row == 2 && screen.column == 0)
        #expect(block.clear(width: 20, height: 10) == "")
    }

    @Test func `frames of any size leave one block and all notes, at the screen's end too`() {
        for seed in UInt64(1)...200 {
            var generator = SeededGenerator(seed: seed)
            let width = Int.random(in: 20...60, using: &generator)
            let height = Int.random(in: 3...12, using: &generator)
            var screen = Screen(width: width, height: height)
            var block = TerminalBlock(hasColors: false, wrapsAnew: true)
            var notes: [String] = []
            var shown: [String] = []
            for frame in 0..<12 {
                let snapshot = ProgressSnapshot.random(&generator)
                let view = ProgressView.lines(snapshot, width: 19, height: height - 1)
                    .map {
                        TerminalLine(
                            String($0.text.unicodeScalars.map { $0.isASCII ? Character($0) : "x" }))
                    }
                    .map { $0.width < width ? $0 : TerminalLine(String($0.text.prefix(width - 1))) }
                var note = ""
                if Bool.random(using: &generator) {
                    note = "note \(frame)\n"
                    notes.append("note \(frame)")
                }
                screen.write(block.show(view, below: note, width: width, height: height))
                shown = view.map { String($0.text.reversed().drop { $0 == " " }.reversed()) }
            }
            let text = screen.text
            let used = text.prefix(text.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0)
            #expect(Array(used) == notes + shown, "seed \(seed): \(width) x \(height)")
        }
    }

    @Test func `a narrower terminal that breaks lines anew holds more rows`() {
        var block = TerminalBlock(hasColors: false, wrapsAnew: true)
        _ = block.show(lines([String(repeating: "x", count: 70), "y"]), width: 80, height: 24)
        #expect(block.show([], width: 30, height: 24).hasPrefix("\r\u{1B}[4A"))
        var cutting = TerminalBlock(hasColors: false, wrapsAnew: false)
        _ = cutting.show(lines([String(repeating: "x", count: 70), "y"]), width: 80, height: 24)
        #expect(cutting.show([], width: 30, height: 24).hasPrefix("\r\u{1B}[2A"))
    }

    @Test func `without colours nothing is said about looks`() {
        var block = TerminalBlock(hasColors: false, wrapsAnew: true)
        let plain = block.show(
            ProgressView.lines(.complete, width: 79, height: 20), width: 80, height: 21)
        #expect(!plain.contains("m\u{1B}") && !plain.contains("\u{1B}[3"))
        var colored = TerminalBlock(hasColors: true, wrapsAnew: true)
        let styled = colored.show(
            ProgressView.lines(.complete, width: 79, height: 20), width: 80, height: 21)
        #expect(styled.contains("\u{1B}[32m"))
    }

    @Test func `a block that is not ours any more is left where it is`() {
        var block = TerminalBlock(hasColors: false, wrapsAnew: true)
        _ = block.show(lines(["a", "b"]), width: 80, height: 24)
        block.forget()
        #expect(block.show(lines(["c"]), width: 80, height: 24).hasPrefix("\rc"))
    }
}
