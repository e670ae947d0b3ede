// What is on the terminal.

import Dashboard
import Synchronization
import Transport

/// Lines on standard error, and a block below them that is redrawn in place. Any thread may use it.
final class ConsoleScreen: Sendable {
    private struct State {
        var block: TerminalBlock
        var snapshot: ProgressSnapshot?
    }

    private let hasBlock: Bool
    private let state: Mutex<State>

    /// - Parameter hasBlock: whether there is ever a block.
    init(hasBlock: Bool, environment: [String: String]) {
        self.hasBlock = hasBlock
        let terminal = environment["TERM"] ?? ""
        // xterm and the kernel's console cut off what a narrower window has no room for.
        let cutsOff = environment["XTERM_VERSION"] != nil || terminal == "linux"
        state = Mutex(
            State(
                block: TerminalBlock(
                    hasColors: (environment["NO_COLOR"] ?? "").isEmpty && terminal != "dumb",
                    wrapsAnew: !cutsOff)))
    }

    /// Shows how things stand, in place of what was shown before.
    func show(_ snapshot: ProgressSnapshot) {
        state.withLock {
            $0.snapshot = snapshot
            Self.draw(&$0)
        }
    }

    /// Takes away what is redrawn.
    func clear() {
        state.withLock {
            $0.snapshot = nil
            let size = StandardStream.error.size
            let bytes = $0.block.clear(width: size.width, height: size.height)
            if !bytes.isEmpty { StandardStream.error.write(bytes) }
        }
    }

    /// The terminal has shown other things while this process was stopped.
    func forget() { state.withLock { $0.block.forget() } }

    /// Writes lines above the block.
    func line(_ text: String) {
        let isTerminal = hasBlock || StandardStream.error.isTerminal
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { (isTerminal ? TerminalText.printable($0) : String($0)) + "\n" }.joined()
        state.withLock {
            if hasBlock, $0.block.isShown {
                Self.draw(&$0, below: lines)
            } else {
                StandardStream.error.write(lines)
            }
        }
    }

    private static func draw(_ state: inout State, below text: String = "") {
        let size = StandardStream.error.size
        let lines =
            state.snapshot.map {
                // The last column and the last row stay free: what is written there would move
                // all else.
                ProgressView.lines($0, width: size.width - 1, height: size.height - 1)
            } ?? []
        StandardStream.error.write(
            state.block.show(lines, below: text, width: size.width, height: size.height))
    }
}
