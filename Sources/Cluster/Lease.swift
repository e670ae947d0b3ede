/// What the coordinator knows of one worker and of the tile it has, and how fast the job's
/// iterations run.
internal import Wire

/// One try at one tile in one worker's hands.
struct Lease {
    var work: TileAttempt
    /// When it was granted or last named by its worker.
    var renewedAt: Duration
    /// When the iteration last changed, or a piece of the result arrived.
    var progressAt: Duration
    /// When the worker first named it; nil while the assignment is on its way.
    var beganAt: Duration?
    /// The iteration when the worker first named it.
    var firstIteration = 0
    /// The iteration last heard of.
    var iteration = 0
    var phase = WorkReport.Phase.fitting
    /// Bytes of its assignment, which may lie in queues; 0 from when the worker names it.
    var assignedByteCount = 0
    /// The iteration of the checkpoint with which its assignment went out; nil without one.
    var checkpoint: Int?
    /// When its latest state arrived or was given up, or it was granted.
    var checkpointedAt: Duration
    /// When the state that was asked for was asked for, or a piece of it last arrived; nil when
    /// none is awaited.
    var awaitedCheckpointAt: Duration?

    init(_ work: TileAttempt, at now: Duration) {
        self.work = work
        renewedAt = now
        progressAt = now
        checkpointedAt = now
    }

    /// The worker names the lease. Returns seconds per iteration where iterations were done since.
    mutating func renew(iteration reported: Int, phase: WorkReport.Phase, at now: Duration)
        -> Double?
    {
        renewedAt = now
        if beganAt == nil {
            beganAt = now
            progressAt = now
            firstIteration = reported
            iteration = reported
        }
        if phase == .delivering, self.phase == .fitting {
            self.phase = .delivering
            progressAt = now
        }
        guard reported != iteration else { return nil }
        let done = reported - iteration
        let seconds = (now - progressAt).inSeconds
        iteration = reported
        progressAt = now
        return done > 0 && seconds > 0 ? seconds / Double(done) : nil
    }

    /// Mean seconds per iteration since the worker first named the lease.
    var secondsPerIteration: Double? {
        guard let beganAt, iteration > firstIteration else { return nil }
        return (progressAt - beganAt).inSeconds / Double(iteration - firstIteration)
    }
}

/// One worker, as the coordinator sees it.
struct WorkerRecord {
    /// Its latest greeting.
    var hello: Hello
    /// Its connection; nil while the transport cannot reach it.
    var peer: PeerID?
    /// When anything was last heard from it.
    var heardAt: Duration
    var lease: Lease?
    /// Since when it has held something that it has no lease on, and no piece of it arrived.
    var occupiedSince: Duration?
    /// The latest try that it had a lease on and lost.
    var endedTry: TileAttempt?
    /// Mean seconds per iteration of its latest lease with any.
    var secondsPerIteration: Double?
    /// Tiles that failed on it since its last success.
    var failedTiles: Set<TileID> = []
    var nonsenseCount = 0
    /// When a state of it was last taken that was not asked for.
    var unaskedStateAt: Duration?
}

/// Seconds per iteration over the job: the median of the latest samples.
struct Pace {
    private static let sampleCountMaximum = 63
    private var samples: [Double] = []
    private var oldest = 0

    mutating func add(_ secondsPerIteration: Double) {
        if samples.count < Self.sampleCountMaximum {
            samples.append(secondsPerIteration)
        } else {
            samples[oldest] = secondsPerIteration
            oldest = (oldest + 1) % Self.sampleCountMaximum
        }
    }

    var medianSeconds: Double? {
        samples.isEmpty ? nil : samples.sorted()[samples.count / 2]
    }
}
