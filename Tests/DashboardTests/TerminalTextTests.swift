import Dashboard
import Testing

struct TerminalTextTests {
    @Test func `wide characters take two columns and marks none`() {
        for (text, width) in [
            ("abc", 3), ("計算機", 6), ("한국", 4), ("e\u{301}", 1), ("ｆｕｌｌ", 8), ("🚀", 2), ("", 0),
            ("é", 1), ("\u{200D}", 0), ("\u{1B}", 0),
        ] {
            #expect(TerminalText.width(text) == width, "\(text)")
        }
    }

    @Test func `a text is cut between characters and says so`() {
        #expect(TerminalText.cut("abcdef", to: 6) == "abcdef")
        #expect(TerminalText.cut("abcdef", to: 5) == "abc..")
        #expect(TerminalText.cut("abcdef", to: 3) == "abc")
        #expect(TerminalText.cut("計算機", to: 5) == "計..")
        #expect(TerminalText.cut("計算機", to: 3) == "計")
        #expect(TerminalText.padded("計算機", to: 5) == "計.. ")
        #expect(TerminalText.aligned("7", to: 3) == "  7")
    }

    @Test func `what a terminal would obey is not printable`() {
        #expect(TerminalText.printable("a\u{1B}[2Jb\r\n\u{9B}c") == "a?[2Jb???c")
        #expect(TerminalText.printable("a\u{202E}b\u{2028}") == "ab?")
        #expect(TerminalText.printable("計é👩‍👩‍👧") == "計é👩‍👩‍👧")
    }

    @Test func `a range of time is as rough as it is long`() {
        for (low, high, text) in [
            (3.2, 4.1, "3 to 5 s"), (41, 58, "40 to 60 s"), (20, 102, "less than 2 min"),
            (241, 359, "4 to 6 min"), (310, 311, "5 to 6 min"), (300, 300, "5 min"),
            (5400, 9000, "1 to 3 h"), (100_000, 300_000, "1 to 4 d"), (0, 0, "0 s"),
            (1, 1e13, "a very long time"),
        ] {
            #expect(Text.time(low, to: high) == text)
        }
        #expect(Text.time(nil, to: 359) == "at most 6 min")
    }

    @Test func `three digits count`() {
        for (value, text) in [
            (0.00123456, "0.00123"), (1.5, "1.50"), (23.44, "23.4"), (1234.5, "1235"), (0, "0.00"),
            (0.0000000001, "0.000000000"), (-0.5, "-0.500"),
        ] {
            #expect(Text.significant(value) == text)
        }
    }
}
