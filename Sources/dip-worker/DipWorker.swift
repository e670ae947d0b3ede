// dip-worker: restores tiles for a coordinator, one at a time.
//
// Two threads: this one owns the socket and answers within milliseconds, whatever happens; the
// other one computes (FitThread). What to do is decided by `Worker`, a state machine without
// sockets; WorkerLoop tells it what happened and carries out what it orders.

public import ArgumentParser
import Cluster
import DeepImagePrior
import Glibc
public import Logs
import Transport
import Version

extension LogFormat: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}

@main
enum DipWorker {
    static func main() {
        ProgramStart.ignoreSignalsOfWriting()
        ProgramStart.openStandardStreams()
        ProgramStart.restartWithSingleBLASThread()
        let code: Int32
        do {
            code = try WorkerCommand.parse().work()
        } catch {
            code = ExitCode.report(error)
        }
        // The other thread may be in the middle of an iteration: nothing is torn down under it.
        _exit(code)
    }
}

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dip-worker",
        abstract: "Restore tiles for a dip-coord, on this host or another one.",
        discussion: """
            Connects to a coordinator, restores one tile after the other, and ends when the job is \
            over. Start one worker for each core. Nothing is written to disk.

            Exit codes:
                0  the job is over, the worker was asked to end, or its lifetime is over
                1  failed
               64  wrong usage
               65  keys that are of no use
               66  no such keys
               69  no coordinator, or not any more
               74  standard output cannot be written
               75  too few open files allowed
               77  refused by the coordinator, or of another version
              130  interrupted twice

            SIGINT, SIGTERM and SIGHUP (unless under nohup) let it hand over the state of its \
            tile, say goodbye and leave; a second one ends it at once. When the coordinator is \
            gone it goes on with its tile, and connects again and again.

            Examples:
              dip-worker tcp://coordinator.example.org:5555
              dip-worker tcp://coordinator.example.org:5555 --check
                  says why a worker does not come
              dip-worker tcp://coordinator.example.org:5555 --lifetime 3300
                  in a batch job of one hour
            """,
        version: ProgramVersion.report(
            "dip-worker", FitEngine.facts + [("libzmq", MessagingLibrary.version)]))

    /// Standard streams, descriptors of sockets and threads, and a few to spare.
    private static let openFileCount = 20

    @Argument(
        help: ArgumentHelp(
            "Where the coordinator listens: tcp://HOST:PORT or ipc://PATH.",
            valueName: "endpoint"))
    var endpoint: String?

    @Option(
        help: ArgumentHelp(
            """
            Read where the coordinator listens from this file, which its --endpoint-file writes, \
            and wait for it; read it again whenever the connection has to be made anew.
            """, valueName: "file"),
        completion: .file())
    var endpointFile: String?

    @Option(
        help: ArgumentHelp(
            """
            The worker's keys, where the coordinator has --keys: the folder that dip-coord keygen \
            has made for this worker.
            """, valueName: "folder"),
        completion: .directory)
    var keys: String?

    @Option(
        help: ArgumentHelp(
            "The coordinator's public key. (default: coordinator.key in the folder of --keys)",
            valueName: "file"),
        completion: .file())
    var serverKey: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Leave when no coordinator has answered for so long, in seconds.",
            valueName: "seconds"))
    var reconnectTimeout = 300

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The most that leaving may take, in seconds, until the tile's state is with the \
            coordinator; 0 leaves at once. Less than what the batch system grants.
            """, valueName: "seconds"))
    var grace = 25

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Leave as if asked to after so long, in seconds, before a batch system ends the job. \
            (default: stay)
            """, valueName: "seconds"))
    var lifetime: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Threads that share the fit of one tile, where there are fewer tiles than cores; 1 to \
            64, of which more than 8 bring nothing. The pixels do not depend on it.
            """, valueName: "count"))
    var threads = 1

    @Flag(
        help: """
            Do not join: say step by step whether the coordinator's name is known here, its port \
            can be reached, keys are accepted, and both speak the same version.
            """)
    var check = false

    @Flag(name: .shortAndLong, help: "Print errors only.")
    var quiet = false

    @Option(
        help: ArgumentHelp(
            """
            How much is said on standard error: trace, debug, info, notice, warning or error. \
            (default: info, with --quiet error)
            """, valueName: "level"))
    var logLevel: LogLevel?

    @Option(
        help: ArgumentHelp(
            """
            How it is said: text, for people; or json, one object a line (its fields: \
            docs/LOGS.md).
            """, valueName: "text|json"))
    var logFormat = LogFormat.text

    /// Started by a coordinator: it has left the end of a pipe, which closes when it has gone.
    @Flag(help: .hidden)
    var child = false

    /// Its keys come from its parent, through standard input.
    @Flag(help: .hidden)
    var childKeys = false

    func validate() throws {
        guard (endpoint == nil) != (endpointFile == nil) else {
            throw ValidationError(
                "either an endpoint (tcp://HOST:PORT or ipc://PATH) or --endpoint-file is wanted")
        }
        if let endpoint, !endpoint.hasPrefix("tcp://"), !endpoint.hasPrefix("ipc://") {
            throw ValidationError(
                "'\(endpoint)' is not an endpoint; wanted tcp://HOST:PORT or ipc://PATH")
        }
        guard serverKey == nil || keys != nil else {
            throw ValidationError("--server-key needs --keys, the worker's own")
        }
        guard (1...100_000_000).contains(reconnectTimeout) else {
            throw ValidationError(
                "--reconnect-timeout is \(reconnectTimeout); 1 second or more is wanted")
        }
        guard (1...64).contains(threads) else {
            throw ValidationError("--threads is \(threads); 1 to 64 is wanted")
        }
        guard (0...86_400).contains(grace) else {
            throw ValidationError("--grace is \(grace); 0 to 86400 seconds are wanted")
        }
        if let lifetime, !(1...100_000_000).contains(lifetime) {
            throw ValidationError("--lifetime is \(lifetime); 1 second or more is wanted")
        }
    }

    private var policy: WorkerPolicy {
        var policy = WorkerPolicy()
        policy.reconnectTimeout = .seconds(reconnectTimeout)
        policy.grace = .seconds(grace)
        policy.lifetime = lifetime.map { .seconds($0) }
        return policy
    }

    /// How the connection is encrypted; nil for not at all.
    private func role() throws -> CurveRole? {
        if childKeys {
            guard let keys = ChildKeys.fromStandardInput() else {
                throw KeyError.none(at: "standard input")
            }
            return .client(keys.pair, server: keys.server)
        }
        guard let keys else { return nil }
        let server = serverKey ?? "\(keys)/\(KeyFolder.coordinatorName)"
        return .client(
            try KeyFolder(keys).worker(), server: try KeyFile.publicKey(at: server))
    }

    /// An end before anything has begun.
    private struct EarlyEnd: Error {
        let reason: Worker.ExitReason
    }

    /// Where the coordinator listens, as soon as that is known.
    private func awaitEndpoint(
        _ signals: SignalFD, _ console: Console
    ) -> Result<String, EarlyEnd> {
        if let endpoint { return .success(endpoint) }
        let endpointFile = endpointFile ?? ""
        let clock = MonotonicClock()
        var isWaiting = false
        while true {
            if let endpoint = EndpointFile.read(endpointFile) { return .success(endpoint) }
            if signals.next() != nil { return .failure(EarlyEnd(reason: .drained)) }
            if !isWaiting {
                console.note("waiting for \(endpointFile)", event: "waiting")
            }
            isWaiting = true
            guard clock.now() < .seconds(reconnectTimeout) else {
                let reason =
                    "\(endpointFile) told no endpoint within \(reconnectTimeout) s; is the "
                    + "coordinator started with --endpoint-file, and is it the same file here?"
                return .failure(EarlyEnd(reason: .coordinatorLost(reason: reason)))
            }
            usleep(200_000)
        }
    }

    /// Works until there is no more work; the exit code.
    func work() throws -> Int32 {
        let fileCount = ProgramStart.raiseOpenFileLimit()
        guard fileCount >= Self.openFileCount else {
            Console(level: .error).error(
                "this process may have \(fileCount) files open (ulimit -n), but needs "
                    + "\(Self.openFileCount)")
            return ExitCode.exhausted
        }
        // Before any other thread is made, so that all of them block these signals.
        // A child hears of a closed terminal through its parent, which may be one that stays.
        if child { signal(SIGHUP, SIG_IGN) }
        let signals = try SignalFD(blocking: [SIGINT, SIGTERM], unlessIgnored: [SIGHUP])
        let parent = child ? try ParentPipe() : nil
        var console = Console(logLevel, level: quiet ? .error : .info)
        let reason = try {
            let curve = try role()
            let endpoint: String
            switch awaitEndpoint(signals, console) {
            case .success(let place): endpoint = place
            case .failure(let early): return early.reason
            }
            if check {
                _exit(try Check(endpoint: endpoint, curve: curve, console: console).run())
            }
            let loop = try WorkerLoop(
                endpoint: endpoint, endpointFile: endpointFile, curve: curve, policy: policy,
                signals: signals,
                parent: parent, threads: threads, console: console)
            let reason = try loop.run()
            console = loop.console
            // Nobody is left to hear a farewell, or nobody wants to wait for it.
            if reason == .parentGone || reason == .killed { _exit(ExitCode.code(for: reason)) }
            return reason
        }()
        let code = ExitCode.code(for: reason)
        if code == ExitCode.success {
            console.note("\(reason)", event: "left")
        } else {
            console.error("\(reason)")
        }
        return code
    }
}
