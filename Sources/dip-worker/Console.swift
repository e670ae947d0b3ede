// What a person at the terminal, or the coordinator that started this worker, gets to read.

import Glibc
import Logging
import Logs
import Wire

/// The log on standard error. A reader that has gone is no reason to stop.
struct Console {
    /// How it looks, also before the command line is understood.
    static var format: LogFormat { LogFormat.asked(in: CommandLine.arguments) }

    private let logger: Logger
    /// Who says it.
    var worker: WorkerID?
    var host: String?
    /// What is being worked on.
    var job: JobID?
    /// The tile in the plan that the present try is about, where it has another number.
    var window: Int?

    /// - Parameters:
    ///   - asked: how much is wanted.
    ///   - level: where nobody has asked.
    init(_ asked: LogLevel? = nil, level: LogLevel) {
        logger = Logger(program: "dip-worker", format: Self.format, asked: asked, level: level) {
            Self.put($0 + "\n", on: STDERR_FILENO)
        }
    }

    /// One event that is no trouble, by its name.
    func note(_ sentence: String, event: String) {
        logger.info("\(sentence)", metadata: metadata(event, nil))
    }

    /// One event of a try: "tile 5 attempt 1 begins" and so on.
    func note(_ work: TileAttempt, _ sentence: String, event: String) {
        logger.info("\(name(work)) \(sentence)", metadata: metadata(event, work))
    }

    func error(_ sentence: String) {
        logger.error("\(sentence)", metadata: metadata("failed", nil))
    }

    func error(_ work: TileAttempt, _ sentence: String) {
        logger.error("\(name(work))\(sentence)", metadata: metadata("fitFailed", work))
    }

    /// - Returns: 0, or the number of what the system said.
    @discardableResult
    func output(_ text: String) -> Int32 {
        Self.put(text + "\n", on: STDOUT_FILENO)
    }

    /// A tile that is fitted several times has numbers of fits that are not its own.
    private func name(_ work: TileAttempt) -> String {
        guard let window else { return "\(work)" }
        return "fit \(work.tile.rawValue) of tile \(window) attempt \(work.attempt)"
    }

    private func metadata(_ event: String, _ work: TileAttempt?) -> Logger.Metadata {
        .event(
            event, job: job?.rawValue, tile: work?.tile.rawValue,
            window: work == nil ? nil : window, attempt: work?.attempt, worker: worker?.rawValue,
            host: host)
    }

    @discardableResult
    private static func put(_ text: String, on descriptor: Int32) -> Int32 {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno != EINTR { return errno }
            bytes = bytes.dropFirst(max(count, 0))
        }
        return 0
    }
}
