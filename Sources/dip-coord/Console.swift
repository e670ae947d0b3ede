// What a person, or a program, is told during a restoration.

import Dashboard
import FoundationEssentials
import Glibc
import Transport

/// How progress is shown.
enum ProgressMode {
    /// A block that is redrawn in place, on standard error.
    case bar
    /// A line every so often, on standard error.
    case plain
    /// One JSON object a line, on standard output.
    case json
    case none
}

/// Sentences on standard error, and progress. Copies share what is on the terminal.
struct Console {
    private let isQuiet: Bool
    let mode: ProgressMode
    private let screen: Screen
    /// What gathers all that happens; nil where nobody asks for it.
    let watch: JobWatch?

    /// What copies share.
    private final class Screen {
        var block: TerminalBlock
        var snapshot: ProgressSnapshot?
        /// Of events on standard output; one that has gone does not come back.
        var hasReader = true

        init(_ block: TerminalBlock) { self.block = block }
    }

    init(isQuiet: Bool, choice: ProgressChoice, watch: JobWatch? = nil) {
        self.isQuiet = isQuiet
        self.watch = watch
        let environment = ProcessEnvironment.all()
        let terminal = environment["TERM"] ?? ""
        mode = choice.mode(isQuiet: isQuiet, terminal: terminal)
        // xterm and the kernel's console cut off what a narrower window has no room for.
        let cutsOff = environment["XTERM_VERSION"] != nil || terminal == "linux"
        screen = Screen(
            TerminalBlock(
                hasColors: (environment["NO_COLOR"] ?? "").isEmpty && terminal != "dumb",
                wrapsAnew: !cutsOff))
    }

    /// How often the status is worth showing: it follows the eye on a terminal, and leaves traces
    /// elsewhere.
    var statusInterval: Duration {
        switch mode {
        case .bar: .milliseconds(500)
        case .json: .seconds(1)
        case .plain, .none: .seconds(30)
        }
    }

    /// How long a program may run before it shows how things stand.
    var firstStatusDelay: Duration {
        mode == .bar ? .milliseconds(100) : statusInterval
    }

    /// Something worth knowing.
    mutating func note(_ sentence: String) {
        if !isQuiet { line("dip-coord: \(sentence)") }
        tellMessage(sentence)
    }

    mutating func warning(_ sentence: String) {
        if !isQuiet { line("dip-coord: warning: \(sentence)") }
        tellMessage("warning: \(sentence)")
    }

    mutating func text(_ text: String) {
        if !isQuiet { line(text) }
    }

    /// Shows how things stand, in place of what was shown before.
    mutating func status(_ snapshot: @autoclosure () -> ProgressSnapshot) {
        switch mode {
        case .bar:
            guard StandardStream.error.takesMore else { return }
            screen.snapshot = snapshot()
            draw()
        case .plain: line("dip-coord: \(snapshot().line)")
        case .json:
            guard StandardStream.output.takesMore else { return }
            tell(.progress) { $0.snapshot = snapshot() }
        case .none: break
        }
    }

    /// Takes away what is redrawn.
    mutating func clearStatus() {
        screen.snapshot = nil
        let size = StandardStream.error.size
        let bytes = screen.block.clear(width: size.width, height: size.height)
        if !bytes.isEmpty { StandardStream.error.write(bytes) }
    }

    /// The terminal has shown other things while this process was stopped.
    mutating func wasStopped() { screen.block.forget() }

    /// Tells programs what has happened.
    func tell(_ kind: ProgressEvent.Kind, _ complete: (inout ProgressEvent) -> Void) {
        let isWritten = mode == .json && screen.hasReader
        guard isWritten || watch != nil else { return }
        var event = ProgressEvent(kind, time: Self.secondsSince1970())
        complete(&event)
        if kind != .progress { watch?.take(event) }
        guard isWritten else { return }
        guard let bytes = try? Text.json(event, indented: false) else { return }
        let line = String(decoding: bytes, as: UTF8.self) + "\n"
        // A reader that has gone is no reason to stop.
        if StandardStream.output.write(line) != 0 { screen.hasReader = false }
    }

    static func secondsSince1970() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec / 1_000_000) / 1000
    }

    private func tellMessage(_ sentence: String) {
        tell(.message) { $0.message = sentence }
    }

    private func draw(below text: String = "") {
        let size = StandardStream.error.size
        let lines =
            screen.snapshot.map {
                // The last column and the last row stay free: what is written there would move
                // all else.
                ProgressView.lines($0, width: size.width - 1, height: size.height - 1)
            } ?? []
        StandardStream.error.write(
            screen.block.show(lines, below: text, width: size.width, height: size.height))
    }

    private func line(_ text: String) {
        let isTerminal = mode == .bar || StandardStream.error.isTerminal
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { (isTerminal ? TerminalText.printable($0) : String($0)) + "\n" }.joined()
        if mode == .bar, screen.block.isShown {
            draw(below: lines)
        } else {
            StandardStream.error.write(lines)
        }
    }
}
