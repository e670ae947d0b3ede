// The bytes that put a block of lines in place of the former one.

/// Remembers what is on the terminal. The cursor stands below the block, at the beginning of a
/// line, whenever something was written: whoever writes next begins there.
public struct TerminalBlock: Sendable {
    /// Columns of each line that is shown.
    private var shown: [Int] = []
    private let hasColors: Bool
    private let wrapsAnew: Bool

    /// - Parameters:
    ///   - hasColors: whether lines may have looks.
    ///   - wrapsAnew: whether the terminal, when it is made narrower, breaks lines that are too
    ///     long for it, as most do; others cut them off.
    public init(hasColors: Bool, wrapsAnew: Bool) {
        self.hasColors = hasColors
        self.wrapsAnew = wrapsAnew
    }

    /// Whether a block is on the terminal.
    public var isShown: Bool { !shown.isEmpty }

    /// Nothing that is on the terminal is ours any more: the next block stands below it.
    public mutating func forget() { shown = [] }

    /// Shows a block in place of the former one, with text above it that stays.
    ///
    /// - Parameters:
    ///   - text: lines, each with its end; may be empty.
    ///   - width: columns of the terminal now; lines are to be narrower than it.
    ///   - height: its rows.
    /// - Returns: what is to be written, at once.
    public mutating func show(
        _ lines: [TerminalLine], below text: String = "", width: Int, height: Int
    ) -> String {
        var bytes = goUp(width: width, height: height)
        if !text.isEmpty { bytes += Self.clearBelow + text }
        for line in lines {
            bytes += (hasColors ? line.styled : line.text) + Self.clearToEndOfLine + "\n"
        }
        // What a longer block or a key has left there.
        bytes += Self.clearBelow
        shown = lines.map(\.width)
        return bytes
    }

    /// Takes the block away.
    public mutating func clear(width: Int, height: Int) -> String {
        guard isShown else { return "" }
        let bytes = goUp(width: width, height: height) + Self.clearBelow
        shown = []
        return bytes
    }

    private func goUp(width: Int, height: Int) -> String {
        let rows = shown.reduce(0) { sum, columns in
            sum + (wrapsAnew ? max(1, (columns + width - 1) / max(width, 1)) : 1)
        }
        // What has left the screen at its top is out of reach.
        let reachable = min(rows, max(height - 1, 0))
        return reachable > 0 ? "\r\u{1B}[\(reachable)A" : "\r"
    }

    private static let clearToEndOfLine = "\u{1B}[K"
    private static let clearBelow = "\u{1B}[J"
}
