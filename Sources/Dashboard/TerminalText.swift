// Text as a terminal shows it: how many columns it takes, and how it is cut to fit.

public enum TerminalText {
    /// Columns that a text takes at most. A sequence that some terminals join into one picture
    /// counts as its parts, which is what others show.
    public static func width(_ text: some StringProtocol) -> Int {
        text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    /// The text in one line without anything that a terminal would obey: what came from elsewhere
    /// moves no cursor.
    public static func printable(_ text: some StringProtocol) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .surrogate: scalars.append("?")
            case .format where !isJoiner(scalar): break
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// The beginning of a text, in no more than so many columns; two points stand for what is
    /// missing where there is room for them.
    public static func cut(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        guard columns >= 4 else { return prefix(text, columns) }
        return prefix(text, columns - 2) + ".."
    }

    /// The text cut or filled up to so many columns.
    public static func padded(_ text: String, to columns: Int) -> String {
        let text = cut(text, to: columns)
        return text + String(repeating: " ", count: max(0, columns - width(text)))
    }

    /// As `padded`, with the blanks before the text.
    public static func aligned(_ text: String, to columns: Int) -> String {
        let text = cut(text, to: columns)
        return String(repeating: " ", count: max(0, columns - width(text))) + text
    }

    /// Whole characters of no more than so many columns.
    private static func prefix(_ text: String, _ columns: Int) -> String {
        var (kept, left) = ("", columns)
        for character in text {
            left -= width(String(character))
            guard left >= 0 else { break }
            kept.append(character)
        }
        return kept
    }

    private static func isJoiner(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\u{200C}" || scalar == "\u{200D}"
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x7F { return scalar.value < 0x20 ? 0 : 1 }
        switch scalar.properties.generalCategory {
        case .control, .format, .nonspacingMark, .enclosingMark, .lineSeparator,
            .paragraphSeparator:
            // Asks for a picture, which some terminals make wider.
            return scalar == "\u{FE0F}" ? 1 : 0
        default:
            return scalar.properties.isEmojiPresentation || isWide(scalar.value) ? 2 : 1
        }
    }

    /// Unicode's East Asian widths W and F, in blocks; what is unassigned there is wide too.
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF,
            0x3400...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
            0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1D300...0x1D37F, 0x1F200...0x1F2FF,
            0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
