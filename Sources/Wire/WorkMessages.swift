/// The messages about one try at one tile. Each carries job, tile and attempt.

/// The coordinator hands a tile to an idle worker. Payload: the degraded pixels, (H, W, C) float32,
/// and behind the bands of each those of the guide where there is one.
public struct Assign: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt
    /// Column of the window's first restored pixel in the whole restored image.
    public let originX: Int
    /// Row of the window's first restored pixel in the whole restored image.
    public let originY: Int
    /// The iteration to go on from: the state was sent before this message, as `checkpoint` of this
    /// try. Absent where the fit begins anew.
    public let checkpointIteration: Int?
    /// Columns of the whole restored image; absent where a fit does not ask for it.
    public let imageWidth: Int?
    /// Rows of the whole restored image; absent where a fit does not ask for it.
    public let imageHeight: Int?
    /// The last so many bands of the payload are the guide's; absent where there is none.
    public let guideBands: Int?
    /// The seed of this fit in place of the configuration's; absent where it is that.
    public let seed: UInt64?
    /// The number of the window among those of the plan, which the noise of iterations depends on;
    /// absent where it is the tile's: several fits of one window have numbers of their own.
    public let windowIndex: Int?

    /// An assignment.
    public init(
        job: JobID, work: TileAttempt, originX: Int, originY: Int, checkpointIteration: Int? = nil,
        imageWidth: Int? = nil, imageHeight: Int? = nil, guideBands: Int? = nil,
        seed: UInt64? = nil, windowIndex: Int? = nil
    ) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.originX = originX
        self.originY = originY
        self.checkpointIteration = checkpointIteration
        self.imageWidth = imageWidth
        self.imageHeight = imageHeight
        self.guideBands = guideBands
        self.seed = seed
        self.windowIndex = windowIndex
    }

    /// The same from another iteration on; nil for one that begins anew.
    public func going(onFrom iteration: Int?) -> Assign {
        Assign(
            job: job, work: work, originX: originX, originY: originY,
            checkpointIteration: iteration, imageWidth: imageWidth, imageHeight: imageHeight,
            guideBands: guideBands, seed: seed, windowIndex: windowIndex)
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try checkSubject()
        try FieldCheck.count(originX, "originX")
        try FieldCheck.count(originY, "originY")
        try FieldCheck.count(checkpointIteration ?? 0, "checkpointIteration")
        try FieldCheck.count(imageWidth ?? 1, "imageWidth", from: 1)
        try FieldCheck.count(imageHeight ?? 1, "imageHeight", from: 1)
        try FieldCheck.count(
            guideBands ?? 1, "guideBands", from: 1, through: WireLimits.bandCountMaximum / 2)
        try FieldCheck.count(windowIndex ?? 0, "windowIndex")
    }
}

/// The coordinator no longer wants this try: stop it, drop its result.
public struct Cancel: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt

    /// An order to drop a try.
    public init(job: JobID, work: TileAttempt) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }
}

/// How a fit comes along, for the progress line and the report.
public struct Progress: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt
    /// Iterations done.
    public let iteration: Int
    /// Iterations to do in all.
    public let iterations: Int
    /// The loss of the last iteration; absent where it is not a number.
    public let loss: Double?
    /// PSNR in decibels between the averaged output and the given pixels; absent where not finite.
    public let psnrToInput: Double?
    /// Iterations a second lately; absent where not known.
    public let iterationsPerSecond: Double?

    /// A report; measures that are not finite are left out.
    public init(
        job: JobID, work: TileAttempt, iteration: Int, iterations: Int, loss: Double?,
        psnrToInput: Double?, iterationsPerSecond: Double?
    ) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.iteration = iteration
        self.iterations = iterations
        self.loss = loss?.ifFinite
        self.psnrToInput = psnrToInput?.ifFinite
        self.iterationsPerSecond = iterationsPerSecond?.ifFinite
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try checkSubject()
        try FieldCheck.count(iteration, "iteration")
        try FieldCheck.count(iterations, "iterations")
        try FieldCheck.measure(loss, "loss")
        try FieldCheck.measure(psnrToInput, "psnrToInput")
        try FieldCheck.measure(iterationsPerSecond, "iterationsPerSecond")
    }
}

/// A finished fit. Payload: the restored pixels, (H, W, C) float32 in [0, 1].
public struct Restored: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt
    /// Iterations done.
    public let iterations: Int
    /// Seconds that the fit took.
    public let seconds: Double?
    /// PSNR in decibels between the result and the given pixels; absent where not finite.
    public let psnrToInput: Double?
    /// The last iteration's loss; absent where it is not a number.
    public let finalLoss: Double?

    /// A result; measures that are not finite are left out.
    public init(
        job: JobID, work: TileAttempt, iterations: Int, seconds: Double?, psnrToInput: Double?,
        finalLoss: Double?
    ) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.iterations = iterations
        self.seconds = seconds?.ifFinite
        self.psnrToInput = psnrToInput?.ifFinite
        self.finalLoss = finalLoss?.ifFinite
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try checkSubject()
        try FieldCheck.count(iterations, "iterations")
        try FieldCheck.measure(seconds, "seconds")
        try FieldCheck.measure(psnrToInput, "psnrToInput")
        try FieldCheck.measure(finalLoss, "finalLoss")
    }
}

/// A fit that came to no result.
public struct Failed: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt
    /// Why, for people: one sentence.
    public let reason: String
    /// Whether the fit's arithmetic came to nothing, as it would anywhere with this seed; absent
    /// where something else went wrong.
    public let diverged: Bool?

    /// A failure; a long reason is cut.
    public init(job: JobID, work: TileAttempt, reason: String, diverged: Bool = false) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.reason = WireLimits.clipped(reason)
        self.diverged = diverged ? true : nil
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try checkSubject()
        try FieldCheck.reason(reason, "reason")
    }
}

/// The coordinator's receipt: the tile is on its disk, the worker may drop its result.
public struct Stored: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try that the receipt answers; the stored pixels may be another try's.
    public let attempt: Attempt

    /// A receipt.
    public init(job: JobID, work: TileAttempt) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }
}

extension Double {
    /// The number, or nil: JSON has no word for infinity.
    var ifFinite: Double? { isFinite ? self : nil }
}
