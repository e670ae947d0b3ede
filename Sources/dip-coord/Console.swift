// What a person, or a program, is told during a restoration.

import Dashboard
import Glibc
import Logging
import Logs
import Synchronization
import Transport
import Wire

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

/// The log on standard error, and progress. Copies share what is on the terminal.
struct Console {
    let mode: ProgressMode
    private let format: LogFormat
    private let logger: Logger
    private let screen: ConsoleScreen
    private let reader = EventReader()
    /// What gathers all that happens.
    let watch: JobWatch
    /// What this host's workers are asked to log; nil where that is not shown.
    let logOptionsOfWorkers: [String]?

    /// Of events on standard output; one that has gone does not come back.
    private final class EventReader: Sendable {
        let hasGone = Atomic(false)
    }

    init(isQuiet: Bool, choice: ProgressChoice, log: LogOptions, watch: JobWatch) {
        self.watch = watch
        let environment = ProcessEnvironment.all()
        let wanted = choice.mode(isQuiet: isQuiet, terminal: environment["TERM"] ?? "")
        format = log.logFormat
        // A block has no place among objects.
        mode = format == .json && wanted == .bar ? .plain : wanted
        logOptionsOfWorkers = log.ofWorkers
        let screen = ConsoleScreen(hasBlock: mode == .bar, environment: environment)
        self.screen = screen
        logger = Logger(
            program: "dip-coord", format: log.logFormat,
            asked: log.logLevel, level: isQuiet ? .error : .notice
        ) { screen.line($0) }
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

    /// One event, by its name. Those that people see are told to programs too.
    func log(
        _ level: Logger.Level, _ sentence: String, event: String,
        _ subject: EventLine.Subject = EventLine.Subject(), reason: String? = nil
    ) {
        logger.log(
            level: level, "\(sentence)",
            metadata: .event(
                event, job: subject.job, tile: subject.tile, window: subject.window,
                attempt: subject.attempt, worker: subject.worker, host: subject.host,
                reason: reason))
        guard level >= .notice else { return }
        let kind = level == .notice ? "" : level == .warning ? "warning: " : "error: "
        tell(.message) { $0.message = kind + sentence }
    }

    /// Something worth knowing.
    func note(_ sentence: String) { log(.notice, sentence, event: "note") }

    func warning(_ sentence: String) { log(.warning, sentence, event: "warning") }

    /// The program ends.
    func error(_ sentence: String) {
        logger.error("\(sentence)", metadata: .event("failed"))
    }

    /// Whether anybody reads what a command has come to.
    var saysResults: Bool { logger.logLevel <= .notice }

    /// What a command has come to.
    func text(_ text: String) {
        guard format == .text else {
            return logger.notice("\(text)", metadata: .event("summary"))
        }
        if saysResults { screen.line(text) }
    }

    /// A line of a worker of this host, which is a log line already.
    func workerSaid(_ line: String) {
        if format == .text || line.hasPrefix("{") && line.hasSuffix("}") {
            screen.line(line)
        } else {
            logger.warning("\(line)", metadata: .event("workerOutput"))
        }
    }

    /// Shows how a job stands, in place of what was shown before.
    func status(of job: JobID, _ snapshot: @autoclosure () -> ProgressSnapshot) {
        switch mode {
        case .bar:
            guard StandardStream.error.takesMore else { return }
            screen.show(snapshot())
        case .plain: logger.notice("\(snapshot().line)", metadata: .event("progress"))
        case .json:
            guard StandardStream.output.takesMore else { return }
            tell(.progress) { ($0.job, $0.snapshot) = (job.rawValue, snapshot()) }
        case .none: break
        }
    }

    /// Takes away what is redrawn.
    func clearStatus() { screen.clear() }

    /// The terminal has shown other things while this process was stopped.
    func wasStopped() { screen.forget() }

    /// Tells programs what has happened.
    func tell(_ kind: ProgressEvent.Kind, _ complete: (inout ProgressEvent) -> Void) {
        let isWritten = mode == .json && !reader.hasGone.load(ordering: .relaxed)
        var event = ProgressEvent(kind, time: Self.secondsSince1970())
        complete(&event)
        if kind != .progress { watch.take(event) }
        guard isWritten else { return }
        guard let bytes = try? Text.json(event, indented: false) else { return }
        let line = String(decoding: bytes, as: UTF8.self) + "\n"
        // A reader that has gone is no reason to stop.
        if StandardStream.output.write(line) != 0 {
            reader.hasGone.store(true, ordering: .relaxed)
        }
    }

    static func secondsSince1970() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec / 1_000_000) / 1000
    }
}
