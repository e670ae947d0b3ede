/// The messages by which a fit's state moves, so that another worker can go on with it.

/// The coordinator has room for the state of this try now: send `checkpoint` once.
public struct CheckpointWanted: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt
    /// Seconds of work that the state may be old, if that makes it smaller; absent for none.
    public let toleranceSeconds: Double?

    /// A grant.
    public init(job: JobID, work: TileAttempt, toleranceSeconds: Double? = nil) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.toleranceSeconds = toleranceSeconds
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try checkSubject()
        if let toleranceSeconds { try FieldCheck.interval(toleranceSeconds, "toleranceSeconds") }
    }
}

/// The state of a fit between two iterations. From a worker: the state of its try, as it was
/// granted, or once without that before it leaves. From the coordinator: where the try that it
/// assigns next is to go on. Payload: bytes that only workers understand.
public struct Checkpoint: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it; from the coordinator the one that is about to be assigned.
    public let attempt: Attempt
    /// Iterations done.
    public let iteration: Int

    /// A checkpoint.
    public init(job: JobID, work: TileAttempt, iteration: Int) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.iteration = iteration
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try checkSubject()
        try FieldCheck.count(iteration, "iteration")
    }
}

/// The coordinator's receipt: a state of the tile at this iteration or a later one is on its disk.
public struct CheckpointStored: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try that the receipt answers.
    public let attempt: Attempt
    /// The iteration of the state that the receipt answers.
    public let iteration: Int

    /// A receipt.
    public init(job: JobID, work: TileAttempt, iteration: Int) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.iteration = iteration
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try checkSubject()
        try FieldCheck.count(iteration, "iteration")
    }
}
