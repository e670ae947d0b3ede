// A line of events.jsonl, the log in a job's folder (docs/LOGS.md).

import FoundationEssentials

/// One event. What is nil has nothing to do with it, and is left out.
public struct EventLine: Codable, Equatable, Sendable {
    /// Which work and which worker an event is about: the same numbers and names as in messages
    /// between coordinator and workers, and in the log lines of both.
    public struct Subject: Codable, Equatable, Sendable {
        public var job: String?
        /// The number of the fit: the tile's where tiles have one, else `restarts` times the
        /// tile's, plus the restart.
        public var tile: Int?
        /// The tile in the plan, where that is another number.
        public var window: Int?
        /// From 1.
        public var attempt: Int?
        public var worker: String?
        public var host: String?

        public init(
            job: String? = nil, tile: Int? = nil, window: Int? = nil, attempt: Int? = nil,
            worker: String? = nil, host: String? = nil
        ) {
            (self.job, self.tile, self.window) = (job, tile, window)
            (self.attempt, self.worker, self.host) = (attempt, worker, host)
        }
    }

    /// What is known of a fit that is stored: all that a later run needs to show it.
    public struct FitFacts: Codable, Equatable, Sendable {
        public var iterations: Int
        /// That the fit took.
        public var seconds: Double?
        public var curve: CurveColumns

        public init(iterations: Int, seconds: Double?, curve: CurveColumns) {
            (self.iterations, self.seconds, self.curve) = (iterations, seconds, curve)
        }
    }

    /// What a worker that has joined says of itself.
    public struct WorkerFacts: Codable, Equatable, Sendable {
        public var processor, version: String
        public var threads: Int
        public var isLocal: Bool

        public init(processor: String, version: String, threads: Int, isLocal: Bool) {
            (self.processor, self.version) = (processor, version)
            (self.threads, self.isLocal) = (threads, isLocal)
        }
    }

    /// Longer lines are not read.
    public static let byteCountMaximum = 64 << 10

    /// Seconds since 1970.
    public var time: Double
    public var event: String
    /// A sentence for people.
    public var message: String
    public var subject: Subject
    public var reason: String?
    public var fit: FitFacts?
    public var about: WorkerFacts?
    /// Of a try that has ended: whether it counts against its tile, as one does not that was handed
    /// over or that another one was faster than.
    public var isFailure: Bool?

    public init(
        time: Double, event: String, message: String, subject: Subject = Subject(),
        reason: String? = nil, fit: FitFacts? = nil, about: WorkerFacts? = nil,
        isFailure: Bool? = nil
    ) {
        (self.time, self.event, self.message) = (time, event, message)
        (self.subject, self.reason) = (subject, reason)
        (self.fit, self.about, self.isFailure) = (fit, about, isFailure)
    }

    /// Reads a line; nil for what is none, or torn, or of another job.
    public init?(parsing line: some Sequence<UInt8>, job: String) {
        guard let line = try? JSONDecoder().decode(EventLine.self, from: Data(line)),
            line.subject.job == job
        else { return nil }
        self = line
    }

    private enum Key: String, CodingKey {
        case time, event, message, reason, fit, about, isFailure
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        time = try values.decode(Double.self, forKey: .time)
        event = try values.decode(String.self, forKey: .event)
        message = try values.decode(String.self, forKey: .message)
        reason = try values.decodeIfPresent(String.self, forKey: .reason)
        fit = try values.decodeIfPresent(FitFacts.self, forKey: .fit)
        about = try values.decodeIfPresent(WorkerFacts.self, forKey: .about)
        isFailure = try values.decodeIfPresent(Bool.self, forKey: .isFailure)
        subject = try Subject(from: decoder)
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        try values.encode(time, forKey: .time)
        try values.encode(event, forKey: .event)
        try values.encode(message, forKey: .message)
        try values.encodeIfPresent(reason, forKey: .reason)
        try values.encodeIfPresent(fit, forKey: .fit)
        try values.encodeIfPresent(about, forKey: .about)
        try values.encodeIfPresent(isFailure, forKey: .isFailure)
        try subject.encode(to: encoder)
    }
}
