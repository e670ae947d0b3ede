/// What outlives a coordinator: the loop writes it down, and the next coordinator of the job begins
/// with it.
public import Wire

extension Coordinator {
    /// The tries at a tile, as they are to be remembered.
    public struct TileStory: Equatable, Sendable {
        /// Tries handed out so far: the latest one's number.
        public var attempts: Int
        /// Tries that count against the tile, the oldest first.
        public var failures: [AttemptFailure]
        /// Whether the tile has been given up.
        public var isSetAside: Bool
        /// Seeds whose arithmetic came to nothing: the number of the present one.
        public var seedsFailed: Int
        /// Tries up to this one had such a seed.
        public var lastAttemptOfFailedSeed: Int
        /// Whether no worker can come back with one of the tries.
        public var isAtRest: Bool

        /// A story; by default that of a tile that was never tried.
        public init(
            attempts: Int = 0, failures: [AttemptFailure] = [], isSetAside: Bool = false,
            seedsFailed: Int = 0, lastAttemptOfFailedSeed: Int = 0, isAtRest: Bool = false
        ) {
            self.attempts = attempts
            self.failures = failures
            self.isSetAside = isSetAside
            self.seedsFailed = seedsFailed
            self.lastAttemptOfFailedSeed = lastAttemptOfFailedSeed
            self.isAtRest = isAtRest
        }
    }

    /// What former coordinators of a job have left of a tile.
    public struct RestoredTile: Equatable, Sendable {
        /// The tries at it.
        public var story: TileStory
        /// Whether its result is on disk.
        public var isStored: Bool
        /// The iteration of the state of its fit on disk; nil without one.
        public var checkpointIteration: Int?

        /// A tile.
        public init(
            story: TileStory = TileStory(), isStored: Bool = false, checkpointIteration: Int? = nil
        ) {
            self.story = story
            self.isStored = isStored
            self.checkpointIteration = checkpointIteration
        }
    }

    /// Tiles that were begun and that the next coordinator of the job need not keep for anybody:
    /// no worker has them, or all that have them have answered the goodbye at the end of the job.
    /// To be asked when that is over.
    public var storiesAtRest: [TileID: TileStory] {
        var stories: [TileID: TileStory] = [:]
        for (index, record) in tiles.records.enumerated() where record.attempts > 0 {
            let isAtRest =
                switch record.state {
                case .waiting: !record.isReserved || attentiveNow >= policy.adoptionWait
                case .leased(let first, let second):
                    departed.contains(first) && second.map { departed.contains($0) } ?? true
                case .storing, .stored, .setAside: false
                }
            guard isAtRest else { continue }
            var story = story(of: TileID(index))
            story.isAtRest = true
            stories[TileID(index)] = story
        }
        return stories
    }

    /// The tries at a tile so far.
    public func story(of tile: TileID) -> TileStory {
        let record = tiles[tile]
        return TileStory(
            attempts: record.attempts, failures: record.failures,
            isSetAside: record.state == .setAside, seedsFailed: record.seedsFailed,
            lastAttemptOfFailedSeed: record.lastAttemptOfFailedSeed)
    }
}

extension Coordinator.Command {
    /// The tile whose story may have changed by what led to this order. The story is to be written
    /// down before the order is carried out: a worker must not know of a try that the next
    /// coordinator does not.
    public var tileOfStory: TileID? {
        switch self {
        case .dispatch(let work, _, _, _): work.tile
        case .setAside(let tile, _): tile
        case .note(.leaseEnded(let work, _, let end)): end.countsAgainstTile ? work.tile : nil
        case .note(.leaseResumed(let work, _, _)): work.tile
        case .send, .store, .discard, .storeCheckpoint, .removeCheckpoint, .forget, .note,
            .finished:
            nil
        }
    }
}
