/// The messages by which somebody who looks on sees a tile while it is being fitted.

/// Somebody looks at the tile of this try: send `preview` once, or nothing where that is not known
/// how to do. A job comes to the same without.
public struct PreviewWanted: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt
    /// The most pixels that the picture may have along a side.
    public let sidePixels: Int

    /// A wish.
    public init(job: JobID, work: TileAttempt, sidePixels: Int) {
        self.job = job
        tile = work.tile
        attempt = work.attempt
        self.sidePixels = sidePixels
    }

    /// The try at the tile.
    public var work: TileAttempt { TileAttempt(tile, attempt: attempt) }

    func check() throws(WireError) {
        try checkSubject()
        try FieldCheck.count(
            sidePixels, "sidePixels", from: 1, through: WireLimits.previewSideMaximum)
    }
}

/// What a fit has come to, reduced. Payload: the averaged output, (H, W, C) float32 in [0, 1], of
/// the first 1 or 3 bands.
public struct Preview: WorkMessageBody {
    /// The job.
    public let job: JobID
    /// The tile.
    public let tile: TileID
    /// The try at it.
    public let attempt: Attempt
    /// Iterations done.
    public let iteration: Int

    /// A small picture.
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
