/// The messages that open, keep and close a session between a worker and its coordinator.

/// What a worker holds: sent in `hello` and `heartbeat`, so that the coordinator's view of a worker
/// is always what the worker itself says.
public struct WorkReport: Codable, Equatable, Sendable {
    /// Where the worker is with its tile.
    public enum Phase: String, Codable, Sendable {
        /// The fit runs.
        case fitting
        /// The fit is done; the worker keeps the result until it is told `stored` or `cancel`.
        case delivering
    }

    /// The job that the tile belongs to.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt
    /// Iterations done so far.
    public let iteration: Int
    /// Where the worker is with it.
    public let phase: Phase

    /// A report of one try.
    public init(job: JobID, work: TileAttempt, iteration: Int, phase: Phase) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.iteration = iteration
        self.phase = phase
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try FieldCheck.identifier(job.rawValue, "work.job")
        try FieldCheck.count(tile.rawValue, "work.tile")
        try FieldCheck.count(attempt, "work.attempt", from: 1)
        try FieldCheck.count(iteration, "work.iteration")
    }
}

/// A worker's greeting: the first message of a session, and the answer to "say hello again".
public struct Hello: MessageBody {
    /// The worker's name, unique to its process.
    public let worker: WorkerID
    /// Grows with every session of this worker.
    public let incarnation: IncarnationID
    /// The host it runs on.
    public let host: String
    /// Its process id on that host.
    public let processID: Int
    /// Threads it computes with.
    public let threadCount: Int
    /// The program's version.
    public let version: String
    /// Processor and kernel path, for the report; two kinds in one job are worth a line.
    public let processor: String
    /// The word that the coordinator gave to a child it started itself.
    public let launchToken: String?
    /// What it can do beyond the messages; absent where it can do all that there is.
    public let capabilities: [Capability]?
    /// What it holds from an earlier session, if anything.
    public let work: WorkReport?

    /// A greeting.
    public init(
        worker: WorkerID, incarnation: IncarnationID, host: String, processID: Int,
        threadCount: Int, version: String, processor: String, launchToken: String? = nil,
        capabilities: [Capability]? = nil, work: WorkReport? = nil
    ) {
        self.worker = worker
        self.incarnation = incarnation
        self.host = host
        self.processID = processID
        self.threadCount = threadCount
        self.version = version
        self.processor = processor
        self.launchToken = launchToken
        self.capabilities = capabilities
        self.work = work
    }

    /// Whether the worker can do this.
    public func can(_ capability: Capability) -> Bool {
        (capabilities ?? Capability.unnamed).contains(capability)
    }

    func check() throws(WireError) {
        try FieldCheck.identifier(worker.rawValue, "worker")
        try FieldCheck.count(incarnation, "incarnation", from: 1, through: Int(1) << 53)
        try FieldCheck.identifier(host, "host")
        try FieldCheck.count(processID, "processID")
        try FieldCheck.count(threadCount, "threadCount", from: 1, through: 65_536)
        try FieldCheck.identifier(version, "version")
        try FieldCheck.identifier(processor, "processor")
        if let launchToken { try FieldCheck.identifier(launchToken, "launchToken") }
        try capabilities?.check("capabilities")
        try work?.check()
    }
}

/// The coordinator's answer to a greeting: the job, and the rules of the session.
public struct Welcome: MessageBody {
    /// The incarnation of the greeting that this answers.
    public let incarnation: IncarnationID
    /// The job that all work of this session belongs to.
    public let job: JobID
    /// The fit's configuration as JSON text, the same for every tile of the job.
    public let configuration: String
    /// Seconds between a worker's heartbeats.
    public let heartbeatSeconds: Double
    /// Seconds of silence after which each side takes the other for gone.
    public let silenceSeconds: Double
    /// Bytes of the largest payload that either side of this job sends.
    public let payloadByteCountMaximum: Int
    /// Bytes of the largest state of a fit that either side of this job sends; absent where the job
    /// takes no checkpoints.
    public let checkpointByteCountMaximum: Int?
    /// What the job needs of its workers; absent where every worker will do.
    public let requires: [Capability]?

    /// An answer to a greeting.
    public init(
        incarnation: IncarnationID, job: JobID, configuration: String, heartbeatSeconds: Double,
        silenceSeconds: Double, payloadByteCountMaximum: Int,
        checkpointByteCountMaximum: Int? = nil, requires: [Capability]? = nil
    ) {
        self.incarnation = incarnation
        self.job = job
        self.configuration = configuration
        self.heartbeatSeconds = heartbeatSeconds
        self.silenceSeconds = silenceSeconds
        self.payloadByteCountMaximum = payloadByteCountMaximum
        self.checkpointByteCountMaximum = checkpointByteCountMaximum
        self.requires = requires
    }

    func check() throws(WireError) {
        try FieldCheck.count(incarnation, "incarnation", from: 1, through: Int(1) << 53)
        try FieldCheck.identifier(job.rawValue, "job")
        try FieldCheck.interval(heartbeatSeconds, "heartbeatSeconds")
        try FieldCheck.interval(silenceSeconds, "silenceSeconds")
        guard silenceSeconds >= 2 * heartbeatSeconds else {
            throw .outOfRange(
                field: "silenceSeconds", seen: "\(silenceSeconds)",
                wanted: "at least two heartbeats of \(heartbeatSeconds)")
        }
        try FieldCheck.count(payloadByteCountMaximum, "payloadByteCountMaximum", from: 1)
        try FieldCheck.count(
            checkpointByteCountMaximum ?? 1, "checkpointByteCountMaximum", from: 1,
            through: WireLimits.stateByteCountMaximum)
        try requires?.check("requires")
    }
}

/// The coordinator will not deal with a worker, or not with what it just said.
public struct Refused: MessageBody {
    /// Why, for programs.
    public enum Code: String, Codable, Sendable {
        /// The coordinator does not know this connection: say hello (again), then go on.
        case helloWanted
        /// The last message could not be read; the session goes on.
        case unreadable
        /// The protocol versions differ. Final.
        case protocolVersion
        /// The worker cannot do what the job needs. Final.
        case capabilities
        /// Several different tiles failed on this worker. Final.
        case failures
        /// Too many unreadable or senseless messages. Final.
        case misbehaviour

        /// Whether the worker has to leave.
        public var isFinal: Bool {
            switch self {
            case .helloWanted, .unreadable: false
            case .protocolVersion, .capabilities, .failures, .misbehaviour: true
            }
        }
    }

    /// Why, for programs.
    public let code: Code
    /// Why, for people: one sentence.
    public let reason: String

    /// A refusal; a long reason is cut.
    public init(_ code: Code, reason: String) {
        self.code = code
        self.reason = WireLimits.clipped(reason)
    }

    func check() throws(WireError) {
        try FieldCheck.reason(reason, "reason")
    }
}

/// A sign of life. A worker's carries what it holds; the coordinator answers with an empty one.
public struct Heartbeat: MessageBody {
    /// What the worker holds; nothing when it is idle, and in the coordinator's answer.
    public let work: WorkReport?

    /// A sign of life.
    public init(work: WorkReport? = nil) {
        self.work = work
    }

    func check() throws(WireError) {
        try work?.check()
    }
}

/// The last message of a session, from either side.
public struct Goodbye: MessageBody {
    /// Why, for people: one sentence.
    public let reason: String

    /// A farewell; a long reason is cut.
    public init(reason: String) {
        self.reason = WireLimits.clipped(reason)
    }

    func check() throws(WireError) {
        try FieldCheck.reason(reason, "reason")
    }
}
