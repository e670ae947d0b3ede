// One line of a terminal in pieces of different looks.

public struct TerminalLine: Equatable, Sendable {
    /// How a piece looks where colours are wanted.
    public enum Style: Int, Sendable {
        case plain = 0
        case bold = 1
        case faint = 2
        case green = 32
        case yellow = 33
    }

    struct Piece: Equatable, Sendable {
        var text: String
        var style: Style
    }

    private(set) var pieces: [Piece] = []

    public init() {}

    public init(_ text: String, _ style: Style = .plain) {
        append(text, style)
    }

    mutating func append(_ text: String, _ style: Style = .plain) {
        if !text.isEmpty { pieces.append(Piece(text: text, style: style)) }
    }

    mutating func append(_ line: TerminalLine) { pieces += line.pieces }

    /// Without looks.
    public var text: String { pieces.map(\.text).joined() }

    /// Columns.
    public var width: Int { TerminalText.width(text) }

    /// With the control sequences of ECMA-48 for its looks.
    public var styled: String {
        pieces.map { piece in
            piece.style == .plain
                ? piece.text : "\u{1B}[\(piece.style.rawValue)m\(piece.text)\u{1B}[0m"
        }.joined()
    }

    /// [=====>    ] in so many columns, at least 3; `share` is 0 to 1.
    static func bar(_ share: Double, columns: Int) -> TerminalLine {
        let room = columns - 2
        let done = min(max(Int(share * Double(room)), 0), room)
        var line = TerminalLine("[")
        let hasHead = done > 0 && done < room
        line.append(
            String(repeating: "=", count: hasHead ? done - 1 : done) + (hasHead ? ">" : ""), .green)
        line.append(String(repeating: " ", count: room - done) + "]")
        return line
    }
}
