// Standard output and standard error. A reader of messages that has gone is no reason to stop; a
// result that cannot be printed is an error.

import Glibc

enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// Prints the result of a command.
    ///
    /// - Throws: `ProgramError` when not all of it could be written.
    static func printResult(_ text: String) throws(ProgramError) {
        let code = output.write(text)
        guard code != 0 else { return }
        throw ProgramError(
            .unprintable, "standard output cannot be written: \(String(cString: strerror(code)))")
    }

    /// Writes all of it, or what is possible.
    ///
    /// - Returns: 0, or the number of what the system said.
    @discardableResult
    func write(_ text: String) -> Int32 {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { return errno }
            bytes = bytes.dropFirst(max(count, 0))
        }
        return 0
    }

    var isTerminal: Bool { isatty(rawValue) == 1 }

    /// Columns of the terminal.
    var width: Int {
        var size = winsize()
        guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

/// Standard error during a restoration: lines, and on a terminal one more line that is redrawn in
/// place.
struct Console {
    private let isQuiet: Bool
    private let isTerminal: Bool
    private var hasStatus = false

    init(isQuiet: Bool) {
        self.isQuiet = isQuiet
        isTerminal = StandardStream.error.isTerminal
    }

    /// How often the status is worth showing: it follows the eye on a terminal, and leaves traces
    /// elsewhere.
    var statusInterval: Duration { isTerminal ? .milliseconds(500) : .seconds(30) }

    /// How long a program may run before it shows how things stand.
    var firstStatusDelay: Duration { isTerminal ? .milliseconds(100) : statusInterval }

    /// Something worth knowing.
    mutating func note(_ sentence: String) {
        if !isQuiet { line("dip-coord: \(sentence)") }
    }

    mutating func warning(_ sentence: String) {
        if !isQuiet { line("dip-coord: warning: \(sentence)") }
    }

    mutating func text(_ text: String) {
        if !isQuiet { line(text) }
    }

    /// Shows how things stand, in place of what was shown before.
    mutating func status(_ text: String) {
        guard !isQuiet else { return }
        guard isTerminal else { return line("dip-coord: \(text)") }
        let visible = text.prefix(max(StandardStream.error.width - 1, 10))
        StandardStream.error.write("\r\(visible)\u{1B}[K")
        hasStatus = true
    }

    mutating func clearStatus() {
        guard hasStatus else { return }
        StandardStream.error.write("\r\u{1B}[K")
        hasStatus = false
    }

    private mutating func line(_ text: String) {
        clearStatus()
        StandardStream.error.write(text + "\n")
    }
}
