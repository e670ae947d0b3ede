/// Every number that the coordinator decides by.

public import Wire

/// When the coordinator loses patience, and how often it tries. The defaults suit fits of minutes
/// to hours on hosts that come and go.
public struct CoordinatorPolicy: Equatable, Sendable {
    /// How often a worker says that it lives. Told to workers in `welcome`.
    public var heartbeatInterval: Duration = .seconds(5)
    /// Silence after which a worker is taken for gone and its lease ends. Told to workers in
    /// `welcome`: they take the coordinator for gone after the same time.
    public var silenceTimeout: Duration = .seconds(30)
    /// How long an assignment may take to arrive and be named in a heartbeat; covers the transfer
    /// of a tile's pixels.
    public var assignmentTimeout: Duration = .seconds(120)
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
    /// A tile that failed this often is set aside. Failures count over all coordinators of a job;
    /// a try that ended with its coordinator is none.
    public var tileFailuresMaximum = 3
    /// A worker is refused after this many different tiles failed on it with no success between
    /// them, unless it is the only worker.
    public var workerFailuresMaximum = 3
    /// A worker is refused after this many unreadable or senseless messages.
    public var nonsenseMaximum = 20
    /// The job ends after storing failed this often in a row.
    public var storingFailuresMaximum = 3
    /// The job ends when there was no worker for this long; nil waits for ever.
    public var workerWait: Duration? = .seconds(120)
    /// How often leases are looked through. A deadline may be noticed this much late.
    public var sweepInterval: Duration = .seconds(1)
    /// When no event came for this long although a sweep was due, the coordinator itself was away
    /// (stopped, asleep): the time away is nobody's silence.
    public var inattentionThreshold: Duration = .seconds(5)
    /// How many refused workers are remembered; beyond it the oldest refusal is forgotten.
    public var refusalsRememberedMaximum = 1024

    /// The defaults.
    public init() {}

    /// The numbers make sense together. Checked once, when a coordinator is made.
    func check() {
        precondition(heartbeatInterval >= .milliseconds(10), "heartbeats at least 10 ms apart")
        precondition(silenceTimeout >= heartbeatInterval * 2, "silence is two heartbeats or more")
        precondition(sweepInterval > .zero && inattentionThreshold > sweepInterval)
        precondition(tileFailuresMaximum > 0 && workerFailuresMaximum > 0)
        precondition(nonsenseMaximum > 0 && storingFailuresMaximum > 0)
        precondition(standingIterationCount > 0 && refusalsRememberedMaximum > 0)
    }
}

/// What the coordinator tells every worker about the job.
public struct JobFacts: Equatable, Sendable {
    /// The job's name.
    public var job: JobID
    /// The fit's configuration, JSON text.
    public var configuration: String
    /// Bytes of the largest payload of the job.
    public var payloadByteCountMaximum: Int

    /// The facts of one job.
    public init(job: JobID, configuration: String, payloadByteCountMaximum: Int) {
        self.job = job
        self.configuration = configuration
        self.payloadByteCountMaximum = payloadByteCountMaximum
    }
}

extension Duration {
    /// In seconds, for the wire and for sentences.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
