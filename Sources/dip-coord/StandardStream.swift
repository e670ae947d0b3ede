// Standard output and standard error. A reader of messages that has gone is no reason to stop; a
// result that cannot be printed is an error.

import Glibc
import Transport

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

    /// Whether something can be written without waiting: nobody may be reading, or a terminal may
    /// be held (Ctrl-S).
    var takesMore: Bool {
        var descriptor = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
        return poll(&descriptor, 1, 0) == 1 && descriptor.revents & Int16(POLLOUT) != 0
    }

    /// Columns and rows of the terminal; what `COLUMNS` and `LINES` say, or 80 and 24, where it
    /// does not tell.
    var size: (width: Int, height: Int) {
        var size = winsize()
        let isKnown = ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0
        func number(_ own: UInt16, _ variable: String, _ usual: Int) -> Int {
            if isKnown, own > 0 { return Int(own) }
            let said = ProcessEnvironment.all()[variable].flatMap { Int($0) }
            return said.flatMap { (1...10_000).contains($0) ? $0 : nil } ?? usual
        }
        return (number(size.ws_col, "COLUMNS", 80), number(size.ws_row, "LINES", 24))
    }
}
