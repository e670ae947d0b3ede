/// Every number that the coordinator decides by.

public import Wire

/// When the coordinator loses patience, and how often it tries. The defaults suit fits of minutes
/// to hours on hosts that come and go.
public struct CoordinatorPolicy: Equatable, Sendable {
    // MARK: Sessions and leases

    /// How often a worker says that it lives. Told to workers in `welcome`.
    public var heartbeatInterval: Duration = .seconds(5)
    /// Silence after which a worker is taken for gone and its lease ends. Told to workers in
    /// `welcome`: they take the coordinator for gone after the same time.
    public var silenceTimeout: Duration = .seconds(30)
    /// How long an assignment may take to arrive and be named in a heartbeat; covers the transfer
    /// of a tile's pixels and state.
    public var assignmentTimeout: Duration = .seconds(120)
    /// Bytes of assignments that were sent and not named yet. When they are out, other workers
    /// wait: so much memory may lie in queues.
    public var assignmentBytesUnderWayMaximum = 512 << 20
    /// A lease ends when its iteration stands still for this many times the usual seconds per
    /// iteration: the median over the job, or the lease's own mean where that is longer.
    public var standingIterationCount = 20
    /// But an iteration may always take this long. Delivery of a result is held to the same time
    /// between two pieces.
    public var standingTimeoutMinimum: Duration = .seconds(120)
    /// How long a lease may be without its first iteration while the job knows no iteration time.
    public var firstIterationTimeout: Duration = .seconds(1200)
    /// A worker is refused when it has held a tile for this long that it was told to drop, or whose
    /// late result does not arrive.
    public var occupationTimeout: Duration = .seconds(300)
    /// How often leases are looked through. A deadline may be noticed this much late.
    public var sweepInterval: Duration = .seconds(1)
    /// When no event came for this long although a sweep was due, the coordinator itself was away
    /// (stopped, asleep): the time away is nobody's silence.
    public var inattentionThreshold: Duration = .seconds(5)

    // MARK: Checkpoints

    /// Whether states are asked for. Otherwise they come only from workers that leave.
    public var wantsCheckpoints = true
    /// How long a lease goes on before its state is asked for again. It takes longer where bytes a
    /// second or bytes under way do not suffice for all leases.
    public var checkpointInterval: Duration = .seconds(60)
    /// The share of that interval by which a state may be old: the one that a collapse rolls back
    /// to has half the bytes of the present one.
    public var checkpointTolerance = 0.1
    /// Bytes of checkpoints that are asked for in a second, on average; each counts as the largest
    /// of the job.
    public var checkpointBytesPerSecond = 64 << 20
    /// Bytes of checkpoints that were asked for and are not on disk; each counts as the largest of
    /// the job, and one is always granted.
    public var checkpointBytesUnderWayMaximum = 256 << 20
    /// How long a state that was asked for may take to begin to arrive, and between two pieces.
    public var checkpointTimeout: Duration = .seconds(120)
    /// States that were not asked for are taken from a worker at most this often: one that leaves
    /// sends one, and another where that was not acknowledged.
    public var unaskedCheckpointInterval: Duration = .seconds(1)
    /// How long a job that the user wants to end waits for the states of its fits.
    public var handOverWait: Duration = .seconds(10)
    /// A state with which so many tries in a row began anew is taken for unusable.
    public var uselessStartsMaximum = 2

    // MARK: Failures

    /// A tile that failed this often is set aside. Failures count over all coordinators of a job;
    /// a try that ended with its coordinator is none.
    public var tileFailuresMaximum = 3
    /// A tile whose fit failed by its arithmetic with so many seeds is set aside. Fits come to the
    /// same wherever they run, so that these failures are those of any run of the job.
    public var tileSeedsMaximum = 3
    /// Workers that died or fell silent speak less against the tile, for they do so without any
    /// fault of it: it is set aside after this many such tries and failures together. A checkpoint
    /// that is stored since clears the deaths. Not less than the number of failures.
    public var tileDeathsMaximum = 10
    /// A tile on which so many workers died waits until no other does.
    public var tileDeathsSuspicious = 2
    /// A worker is refused after this many different tiles failed on it with no success between
    /// them, unless it is the only worker.
    public var workerFailuresMaximum = 3
    /// A worker is refused after this many unreadable or senseless messages.
    public var nonsenseMaximum = 20
    /// The job ends after storing failed this often in a row.
    public var storingFailuresMaximum = 3
    /// How many refused workers are remembered; beyond it the oldest refusal is forgotten.
    public var refusalsRememberedMaximum = 1024

    // MARK: Coming and going

    /// The job ends when there was no worker for this long; nil waits for ever.
    public var workerWait: Duration? = .seconds(120)
    /// Whether workers are told when the job is done. Those that were not wait, and say hello to
    /// the coordinator of the next job at the same place; this host's own are told in any case.
    public var dismissesWorkers = true
    /// Whether they are told when the user interrupts the job. Those that were not go on with their
    /// tiles, and come to the next coordinator of the job with them; this host's own are told in
    /// any case.
    public var dismissesWorkersWhenInterrupted = true
    /// How long a coordinator that goes on with a job keeps its begun tiles for the workers that
    /// may come back with them; other tiles are handed out meanwhile.
    public var adoptionWait: Duration = .seconds(40)
    /// The highest number of a try that a worker of a former run may bring.
    public var adoptedAttemptMaximum = 1_000_000

    // MARK: Stragglers

    /// When no tile waits, one is run a second time on an idle worker, if that is likely to take
    /// less than the rest of the first run divided by this.
    public var stragglerGain = 1.5
    /// And if the rest of the first run is likely to take this long.
    public var stragglerRestMinimum: Duration = .seconds(30)

    /// The defaults.
    public init() {}

    /// Whether a tile with these failures is given up.
    func isGivenUp(_ failures: [Coordinator.AttemptFailure]) -> Bool {
        let others = failures.filter { !$0.isDivergence }
        return others.count >= max(tileDeathsMaximum, tileFailuresMaximum)
            || others.count(where: { !$0.isDeath }) >= tileFailuresMaximum
            || failures.count - others.count >= tileSeedsMaximum
    }

    /// The numbers make sense together. Checked once, when a coordinator is made.
    func check() {
        precondition(heartbeatInterval >= .milliseconds(10), "heartbeats at least 10 ms apart")
        precondition(silenceTimeout >= heartbeatInterval * 2, "silence is two heartbeats or more")
        precondition(sweepInterval > .zero && inattentionThreshold > sweepInterval)
        precondition(tileFailuresMaximum > 0 && workerFailuresMaximum > 0 && tileSeedsMaximum > 0)
        precondition(nonsenseMaximum > 0 && storingFailuresMaximum > 0)
        precondition(standingIterationCount > 0 && refusalsRememberedMaximum > 0)
        precondition(checkpointInterval > .zero && checkpointTimeout > .zero)
        precondition((0...1).contains(checkpointTolerance))
        precondition(checkpointBytesPerSecond > 0 && checkpointBytesUnderWayMaximum > 0)
        precondition(assignmentBytesUnderWayMaximum > 0 && stragglerGain >= 1)
        precondition(adoptionWait >= .zero && adoptedAttemptMaximum > 0)
    }
}

/// What the coordinator tells every worker about the job, and decides by.
public struct JobFacts: Equatable, Sendable {
    /// The job's name.
    public var job: JobID
    /// The fit's configuration, JSON text.
    public var configuration: String
    /// Bytes of the largest payload of the job.
    public var payloadByteCountMaximum: Int
    /// Bytes of the largest state of a fit; nil where the job takes no checkpoints.
    public var checkpointByteCountMaximum: Int?
    /// Iterations of each tile; nil where they are not known, and then no tile is run twice.
    public var iterations: Int?
    /// What a worker has to be able to do.
    public var requires: [Capability]
    /// The same of the job after this one, for which its workers are kept; nil where none follows.
    public var requiresAfterwards: [Capability]?

    /// The facts of one job.
    public init(
        job: JobID, configuration: String, payloadByteCountMaximum: Int,
        checkpointByteCountMaximum: Int? = nil, iterations: Int? = nil,
        requires: [Capability] = [], requiresAfterwards: [Capability]? = nil
    ) {
        self.job = job
        self.configuration = configuration
        self.payloadByteCountMaximum = payloadByteCountMaximum
        self.checkpointByteCountMaximum = checkpointByteCountMaximum
        self.iterations = iterations
        self.requires = requires
        self.requiresAfterwards = requiresAfterwards
    }
}

extension Duration {
    /// In seconds, for the wire and for sentences.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
