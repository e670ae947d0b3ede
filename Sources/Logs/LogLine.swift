// One line of a log, in either format.

import FoundationEssentials
public import Logging

/// An event as a program logs it.
public struct LogLine: Sendable {
    /// Seconds since 1970.
    public var time: Double
    public var level: Logger.Level
    /// Its name, as it begins lines for people.
    public var program: String
    public var message: String
    /// The event's name and what it is about, by the names of `LogField`.
    public var metadata: Logger.Metadata

    public init(
        time: Double, level: Logger.Level, program: String, message: String,
        metadata: Logger.Metadata
    ) {
        (self.time, self.level, self.program) = (time, level, program)
        (self.message, self.metadata) = (message, metadata)
    }

    /// Without the line's end.
    ///
    /// - Parameter hasIDs: whether a text ends with what the event is about; an object always has
    ///   it.
    public func text(_ format: LogFormat, hasIDs: Bool = false) -> String {
        if format == .json { return json }
        let ending = hasIDs ? ids : ""
        switch level {
        case .notice, .info: return "\(program): \(message)\(ending)"
        case .warning: return "\(program): warning: \(message)\(ending)"
        case .error, .critical: return "\(program): error: \(message)\(ending)"
        case .debug, .trace: return "\(program): \(level.rawValue): \(message)\(ending)"
        }
    }

    private var ids: String {
        let words = LogField.ids.compactMap { field in
            metadata[field.rawValue].map { "\(field.rawValue)=\($0)" }
        }
        return words.isEmpty ? "" : " [" + words.joined(separator: " ") + "]"
    }

    private var json: String {
        var fields: [String: Value] = [
            "time": .text(Self.timestamp(time)), "level": .text(level.rawValue),
            "program": .text(program), "message": .text(message),
        ]
        for (name, value) in metadata where fields[name] == nil {
            if case .stringConvertible(let number as Int) = value {
                fields[name] = .number(number)
            } else {
                fields[name] = .text("\(value)")
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = (try? encoder.encode(fields)) ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }

    private enum Value: Encodable {
        case text(String)
        case number(Int)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .number(let number): try container.encode(number)
            }
        }
    }

    /// As RFC 3339 has it, in universal time, to the millisecond.
    static func timestamp(_ time: Double) -> String {
        Date(timeIntervalSince1970: (time * 1000).rounded() / 1000 + 0.0001).formatted(
            .iso8601.year().month().day().dateSeparator(.dash).time(
                includingFractionalSeconds: true
            )
            .timeSeparator(.colon).timeZone(separator: .omitted))
    }
}

/// Names of fields, which are those of messages between coordinator and workers.
public enum LogField: String, CaseIterable, Sendable {
    case event, job
    /// The number of the fit: the tile's where tiles have one, else restarts times the tile's,
    /// plus the restart.
    case tile
    /// The tile in the plan, where that is another number.
    case window
    case attempt, worker, host
    /// Why.
    case reason

    /// What an event is about.
    static let ids: [LogField] = [.job, .tile, .window, .attempt, .worker]
}

extension Logger.Metadata {
    /// The fields of an event; what is nil has nothing to do with it.
    public static func event(
        _ event: String, job: String? = nil, tile: Int? = nil, window: Int? = nil,
        attempt: Int? = nil, worker: String? = nil, host: String? = nil, reason: String? = nil
    ) -> Logger.Metadata {
        var metadata: Logger.Metadata = [LogField.event.rawValue: .string(event)]
        for (field, number) in [(LogField.tile, tile), (.window, window), (.attempt, attempt)] {
            metadata[field.rawValue] = number.map { .stringConvertible($0) }
        }
        for (field, text) in [
            (LogField.job, job), (.worker, worker), (.host, host), (.reason, reason),
        ] {
            metadata[field.rawValue] = text.map { .string($0) }
        }
        return metadata
    }
}
