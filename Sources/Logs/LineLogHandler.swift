// swift-log's events as lines.

import Glibc
public import Logging

/// Makes lines and hands them to whoever writes them.
public struct LineLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?
    private let program: String
    private let format: LogFormat
    private let hasIDs: Bool
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - program: as lines begin with it.
    ///   - hasIDs: whether lines of text end with what events are about.
    ///   - write: gets each line without its end, one at a time for each thread that logs.
    public init(
        program: String, format: LogFormat, level: Logger.Level, hasIDs: Bool = false,
        write: @escaping @Sendable (String) -> Void
    ) {
        (self.program, self.format, self.write) = (program, format, write)
        self.hasIDs = hasIDs
        logLevel = level
    }

    public func log(event: LogEvent) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let line = LogLine(
            time: Double(now.tv_sec) + Double(now.tv_nsec / 1_000_000) / 1000,
            level: event.level, program: program, message: event.message.description,
            metadata: metadata.merging(event.metadata ?? [:]) { $1 })
        write(line.text(format, hasIDs: hasIDs))
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}

extension Logger {
    /// A logger whose lines look as a user has asked for.
    ///
    /// - Parameters:
    ///   - asked: how much is wanted; who asks for every event gets its ids too.
    ///   - level: where nobody has asked.
    public init(
        program: String, format: LogFormat, asked: LogLevel? = nil, level: LogLevel,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.init(label: program) { _ in
            LineLogHandler(
                program: program, format: format, level: (asked ?? level).level,
                hasIDs: asked.map { $0.level <= .info } ?? false, write: write)
        }
    }
}
