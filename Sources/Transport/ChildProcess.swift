// Local workers: started, watched and ended by the process that started them.

internal import CSystem
internal import Glibc

/// How a process ended.
public enum ChildExit: Sendable, Equatable, CustomStringConvertible {
    case exited(code: Int32)
    case signalled(signal: Int32)
    /// Somebody else has asked the system first; the process is gone in any case.
    case unknown

    init(status: Int32) {
        let signal = status & 0x7F
        self = signal == 0 ? .exited(code: (status >> 8) & 0xFF) : .signalled(signal: signal)
    }

    public var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
        case .unknown: "an unknown end"
        }
    }
}

/// A process that this one has started.
///
/// It cannot outlive its parent unnoticed: it inherits the reading end of a pipe whose writing
/// end only the parent has (see ``ParentPipe``). It is in a process group of its own, so that an
/// interrupt typed at the terminal reaches the parent alone, which then decides. When the last
/// reference goes, a process that still runs is killed and reaped.
public final class ChildProcess {
    public let processIdentifier: Int32
    /// Readable when the process has ended; nil where the kernel has no such thing (before
    /// 5.3): then SIGCHLD tells.
    public let fileDescriptor: Int32?
    private var exit: ChildExit?
    private var lifeline: Int32

    /// Starts a program with standard input from `/dev/null` or memory, all signals at their
    /// defaults and unblocked, and no other open files than standard output, standard error and
    /// the pipe.
    ///
    /// - Parameters:
    ///   - executable: The path of the program, as from ``ProgramLocator``.
    ///   - arguments: Without the program's name.
    ///   - environment: All of it: nothing is inherited. See ``ProcessEnvironment``.
    ///   - standardInput: What it can read there, at most 4096 bytes; nil for nothing.
    ///   - standardError: A descriptor for standard output and error; nil shares the parent's.
    /// - Throws: `TransportError` of kind `.noSuchProgram` or `.system`.
    public init(
        executable: String, arguments: [String], environment: [String: String],
        standardInput: [UInt8]? = nil, standardError: Int32? = nil
    ) throws(TransportError) {
        let input = try standardInput.map(Self.filledPipe)
        defer { if let input { Glibc.close(input) } }
        let (readingEnd, writingEnd) = try Self.makePipe()
        defer { Glibc.close(readingEnd) }
        var process = pid_t()
        let code = Self.spawn(
            &process, executable,
            arguments: [executable] + arguments,
            environment: environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" },
            pipe: readingEnd, standardInput: input, standardError: standardError)
        guard code == 0 else {
            Glibc.close(writingEnd)
            let notThere = [ENOENT, EACCES, ENOEXEC, ENOTDIR].contains(code)
            throw TransportError(
                notThere ? .noSuchProgram : .system,
                "cannot start \(executable): \(String(cString: strerror(code)))")
        }
        processIdentifier = process
        lifeline = writingEnd
        // The identifier cannot have been given to another process: this one is not yet reaped.
        let descriptor = csystem_pidfd_open(process)
        fileDescriptor = descriptor >= 0 ? descriptor : nil
    }

    deinit {
        if pollExit() == nil {
            kill()
            reap(options: 0)
        }
        releaseLifeline()
        if let fileDescriptor {
            Glibc.close(fileDescriptor)
        }
    }

    /// How the process ended, or nil while it runs. Reaps it, without waiting.
    public func pollExit() -> ChildExit? {
        if exit == nil {
            reap(options: WNOHANG)
        }
        return exit
    }

    /// Waits for the end of the process, at most for so long; nil when it still runs then.
    public func waitForExit(atMost limit: Duration) -> ChildExit? {
        let clock = MonotonicClock()
        while pollExit() == nil {
            let remaining = (limit - clock.now()).wholeMilliseconds
            guard remaining > 0 else { return nil }
            if let fileDescriptor {
                var item = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
                poll(&item, 1, remaining)
            } else {
                usleep(1000 * UInt32(min(remaining, 10)))
            }
        }
        return exit
    }

    /// Asks the process to end (SIGTERM); one that has been stopped goes on for that.
    public func terminate() {
        send(SIGTERM)
        send(SIGCONT)
    }

    /// Ends the process at once (SIGKILL).
    public func kill() {
        send(SIGKILL)
    }

    /// Lets the process see its parent as gone, without a signal.
    public func releaseLifeline() {
        guard lifeline >= 0 else { return }
        Glibc.close(lifeline)
        lifeline = -1
    }

    /// Signals only a process that has not been reaped: its identifier may be another's.
    private func send(_ signal: Int32) {
        guard pollExit() == nil else { return }
        Glibc.kill(processIdentifier, signal)
    }

    private func reap(options: Int32) {
        var status: Int32 = 0
        let process = retryingInterrupts { waitpid(processIdentifier, &status, options) }
        if process == processIdentifier {
            exit = ChildExit(status: status)
        } else if process == -1 {
            exit = .unknown
        }
    }
}

extension ChildProcess {
    /// Both ends above the numbers that a child's files take, and closed in other children.
    private static func makePipe() throws(TransportError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard csystem_pipe(&ends) == 0 else { throw .system("cannot make a pipe") }
        let moved = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
        let code = errno
        for end in ends {
            Glibc.close(end)
        }
        guard moved.allSatisfy({ $0 >= 0 }) else {
            for end in moved where end >= 0 {
                Glibc.close(end)
            }
            throw .system("cannot make a pipe", code)
        }
        return (moved[0], moved[1])
    }

    /// The reading end of a pipe that holds these bytes and ends after them.
    private static func filledPipe(_ bytes: [UInt8]) throws(TransportError) -> Int32 {
        // As many as a pipe takes at once, whatever its size.
        precondition(bytes.count <= 4096, "standard input of \(bytes.count) bytes")
        let (reading, writing) = try makePipe()
        defer { Glibc.close(writing) }
        guard Glibc.write(writing, bytes, bytes.count) == bytes.count else {
            Glibc.close(reading)
            throw .system("cannot fill a pipe")
        }
        return reading
    }

    private static func spawn(
        _ process: inout pid_t, _ executable: String, arguments: [String], environment: [String],
        pipe: Int32, standardInput: Int32?, standardError: Int32?
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let standardInput {
            posix_spawn_file_actions_adddup2(&actions, standardInput, STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        if let standardError {
            posix_spawn_file_actions_adddup2(&actions, standardError, STDOUT_FILENO)
            posix_spawn_file_actions_adddup2(&actions, standardError, STDERR_FILENO)
        }
        posix_spawn_file_actions_adddup2(&actions, pipe, ParentPipe.inheritedFileDescriptor)
        // Libraries open files without asking that they be closed in children.
        csystem_spawn_close_from(&actions, ParentPipe.inheritedFileDescriptor + 1)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        return withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                posix_spawn(&process, executable, &actions, &attributes, arguments, environment)
            }
        }
    }
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer {
        for copy in copies {
            free(copy)
        }
    }
    return body(copies + [nil])
}
