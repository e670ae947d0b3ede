// One started program: spawned with its output in files, awaited with a limit, killed by its id.

import CSystem
import Glibc
import Testing

/// How a program ended.
enum ProcessEnd: Equatable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)
    /// It was killed at the end of its time limit.
    case overdue

    var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "signal \(signal)"
        case .overdue: "no end within the time limit"
        }
    }
}

/// Something that a test waited for and that did not come, or that the system refused.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A program that a test has started, as the leader of a session of its own: whatever it starts
/// can be told by that session's number, also after the program itself has gone.
final class RunningProcess {
    let processIdentifier: pid_t
    let commandLine: String
    private let outputPath: String
    private let errorPath: String
    private var end: ProcessEnd?

    /// Starts a program; its standard output and standard error go to `logPath` with `.out` and
    /// `.err`, or standard error to a terminal.
    init(
        executable: String, arguments: [String], environment: [String: String], logPath: String,
        terminal: PseudoTerminal? = nil
    ) throws {
        outputPath = logPath + ".out"
        errorPath = logPath + ".err"
        commandLine = ([executable] + arguments).joined(separator: " ")

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let flags = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputPath, flags, 0o600)
        let errors = terminal?.path ?? errorPath
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors, flags, 0o600)
        // Other tests of this process have files open that children would inherit.
        csystem_spawn_close_from(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, which the headers hide
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | newSession))

        var process = pid_t()
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let code = Self.withCStrings([executable] + arguments) { arguments in
            Self.withCStrings(variables) { variables in
                posix_spawn(&process, executable, &actions, &attributes, arguments, variables)
            }
        }
        guard code == 0 else {
            throw Failure("\(commandLine) cannot be started: \(String(cString: strerror(code)))")
        }
        processIdentifier = process
    }

    var output: String { Files.text(outputPath) }
    var errors: String { Files.text(errorPath) }

    /// What it and the children that it has waited for computed, once it has ended.
    private(set) var processorSeconds = 0.0

    /// How it ended, or nil while it runs.
    func pollEnd() -> ProcessEnd? {
        if end == nil {
            var status: Int32 = 0
            var usage = rusage()
            if wait4(processIdentifier, &status, WNOHANG, &usage) == processIdentifier {
                let time = usage.ru_utime
                processorSeconds = Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
                let signal = status & 0x7F
                end = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
            }
        }
        return end
    }

    /// Waits for the end; a program that goes on for longer is killed and has not passed.
    @discardableResult
    func wait(atMost limit: Duration = .seconds(30)) -> ProcessEnd {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let end = pollEnd() { return end }
            usleep(3000)
        }
        kill()
        return .overdue
    }

    /// Sends a signal, unless the process has been reaped and its number may be another's.
    func send(_ signal: Int32) {
        guard pollEnd() == nil else { return }
        Glibc.kill(processIdentifier, signal)
    }

    /// As the terminal's interrupt key does: to the foreground group.
    func interrupt() {
        guard pollEnd() == nil else { return }
        Glibc.kill(-processIdentifier, SIGINT)
    }

    /// Ends it at once, and reaps it.
    func kill() {
        send(SIGKILL)
        while pollEnd() == nil { usleep(1000) }
    }

    /// What it started and is still running, at any depth.
    var descendants: [ProcessEntry] {
        ProcessEntry.all().filter {
            $0.session == processIdentifier && $0.processIdentifier != processIdentifier
        }
    }

    /// The workers that it started and that still run.
    var workers: [ProcessEntry] {
        descendants.filter { $0.name == "dip-worker" }
    }

    /// The command line, its end and what it wrote: for the comment of a failed expectation.
    var story: Comment {
        let how = pollEnd().map { "\($0)" } ?? "running"
        return "\(commandLine)\n\(how)\nstandard error:\n\(errors)\nstandard output:\n\(output)"
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer {
            for copy in copies { free(copy) }
        }
        return body(copies + [nil])
    }
}
