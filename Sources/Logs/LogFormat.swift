// How log lines look, and how a program is asked for it.

public import Logging

/// What a line of the log is.
public enum LogFormat: String, CaseIterable, Sendable {
    /// A sentence behind the program's name, for people.
    case text
    /// A JSON object (docs/LOGS.md).
    case json

    /// The option of every program that has a log.
    public static let option = "--log-format"

    /// What a command line asks for, also one that is refused: what is wrong with it is said in
    /// that format.
    public static func asked(in arguments: [String]) -> LogFormat {
        var asked: LogFormat?
        for (index, argument) in arguments.enumerated() {
            if argument == option, index + 1 < arguments.count {
                asked = LogFormat(rawValue: arguments[index + 1]) ?? asked
            } else if argument.hasPrefix(option + "=") {
                asked = LogFormat(rawValue: String(argument.dropFirst(option.count + 1))) ?? asked
            }
        }
        return asked ?? .text
    }
}

/// How much is logged.
public enum LogLevel: String, CaseIterable, Sendable {
    case trace, debug, info, notice, warning, error

    public var level: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }
}
