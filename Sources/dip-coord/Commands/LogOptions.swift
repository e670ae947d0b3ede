// How much is logged, and how.

public import ArgumentParser
public import Logs

extension LogFormat: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}

struct LogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            How much is said on standard error: trace, debug, info, notice, warning or error. From \
            info on every event; this host's workers say as much. (default: notice, with --quiet \
            error)
            """, valueName: "level"))
    var logLevel: LogLevel?

    @Option(
        help: ArgumentHelp(
            """
            How it is said: text, for people; or json, one object a line and nothing else on \
            standard error (its fields: docs/LOGS.md).
            """, valueName: "text|json"))
    var logFormat = LogFormat.text

    /// What this host's workers are asked for; without either option they print errors alone, and
    /// only what they said before a crash is told.
    var ofWorkers: [String]? {
        guard logLevel != nil || logFormat == .json else { return nil }
        return [
            "--log-level", (logLevel ?? .notice).rawValue, LogFormat.option, logFormat.rawValue,
        ]
    }
}
