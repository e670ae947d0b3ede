// How a restoration stands at one moment: what the terminal, programs and other views are made of.

/// A job, or its pilots, at one moment. Its fields are those of `docs/PROGRESS.md`, by name; what
/// is nil is not known and left out there.
public struct ProgressSnapshot: Codable, Equatable, Sendable {
    /// What is being done.
    public enum Phase: String, Codable, Sendable, CaseIterable {
        /// A tile is fitted for the weights that the fits of all tiles begin with.
        case start
        /// A few tiles are fitted to find the iteration at which all of them stop.
        case pilots
        /// The tiles are fitted.
        case tiles
        /// The tiles become the output.
        case blending
    }

    public var phase: Phase
    /// Since the program's start.
    public var secondsElapsed: Double
    /// Tiles of the phase.
    public var tilesTotal: Int
    /// Fits of each tile. With more than one each of them is counted and named as a tile is.
    public var restarts: Int
    /// Tiles on disk, those of earlier runs included.
    public var tilesStored: Int
    /// Tiles given up.
    public var tilesSetAside: Int
    /// Tiles that earlier runs have restored.
    public var tilesOfEarlierRuns: Int
    /// The most that a tile is to have.
    public var iterationsPerTile: Int
    /// Of tiles that this run has finished, and of those that are being fitted.
    public var iterationsDone: Int
    /// Those that had to be done again.
    public var iterationsLost: Int
    /// The sum over workers, as they were lately.
    public var iterationsPerSecond: Double?
    /// The likely time left, with all that follows this phase but the making of the output, and the
    /// range that the spread of rates leaves; seconds.
    public var secondsLeft, secondsLeftLow, secondsLeftHigh: Double?
    /// The mean over tiles, in dB.
    public var psnrToInput: Double?
    /// Workers that are known and not given up.
    public var workerCount: Int
    /// Tries at tiles that failed.
    public var retries: Int
    /// Second tries at slow tiles.
    public var secondTries: Int
    /// Workers that were refused.
    public var workersRefused: Int
    /// States of fits that were stored.
    public var checkpoints: Int
    /// Whether the user lets the job rest: fits hand over what they have, and none is begun.
    public var isPaused: Bool
    /// By host and process.
    public var workers: [Worker]

    /// A phase of which nothing is done.
    public init(phase: Phase, tilesTotal: Int, iterationsPerTile: Int) {
        self.phase = phase
        self.tilesTotal = tilesTotal
        self.iterationsPerTile = iterationsPerTile
        (restarts, isPaused) = (1, false)
        (secondsElapsed, tilesStored, tilesSetAside, tilesOfEarlierRuns) = (0, 0, 0, 0)
        (iterationsDone, iterationsLost, workerCount, retries) = (0, 0, 0, 0)
        (secondTries, workersRefused, checkpoints, workers) = (0, 0, 0, [])
    }

    /// One worker and what it has.
    public struct Worker: Codable, Equatable, Sendable {
        /// What a worker does.
        public enum Activity: String, Codable, Sendable, CaseIterable {
            /// It has no tile.
            case idle
            /// A tile is on its way to it.
            case starting
            case fitting
            /// Its tile is done, and on its way to the coordinator or to disk.
            case delivering
        }

        /// Unique to its process.
        public var name: String
        public var host: String
        public var processID: Int
        public var threads: Int
        public var processor: String
        /// Of its program.
        public var version: String
        /// Whether the coordinator has started it.
        public var isLocal: Bool
        public var activity: Activity
        /// Since it was last heard.
        public var silentSeconds: Double
        /// Absent where it has none.
        public var tile, attempt: Int?
        /// Done of its tile, and to be done at most.
        public var iteration, iterations: Int?
        public var iterationsPerSecond: Double?
        /// Of the latest iteration.
        public var loss: Double?
        /// Of its tile, in dB.
        public var psnrToInput: Double?

        /// A worker that does nothing.
        public init(
            name: String, host: String, processID: Int, threads: Int, processor: String,
            version: String, isLocal: Bool
        ) {
            self.name = name
            self.host = host
            self.processID = processID
            self.threads = threads
            self.processor = processor
            self.version = version
            self.isLocal = isLocal
            activity = .idle
            silentSeconds = 0
        }

        /// Longer than a few heartbeats.
        public var isSilent: Bool { silentSeconds >= 8 }
    }
}

extension ProgressSnapshot {
    /// Tiles that are neither stored nor given up.
    public var tilesLeft: Int { max(0, tilesTotal - tilesStored - tilesSetAside) }

    /// How much is done, 0 to 1: tiles, and iterations of those that are being fitted.
    public var share: Double {
        guard tilesTotal > 0 else { return 0 }
        let whole = Double(max(iterationsPerTile, 1))
        let parts = workers.reduce(0.0) { $0 + min(Double($1.iteration ?? 0) / whole, 1) }
        let done = Double(tilesStored + tilesSetAside) + min(parts, Double(tilesLeft))
        return min(max(done / Double(tilesTotal), 0), 1)
    }

    /// What is counted.
    var unit: String { Text.unit(restarts: restarts) }

    /// tiles 3/12, 41.2 iterations/s, PSNR to input 24.3 dB, 2 workers, 5 min left
    public var line: String {
        if phase == .blending { return "blending \(Text.count(tilesTotal, unit))" }
        var parts = ["\(unit)s \(tilesStored)/\(tilesTotal)"]
        if tilesSetAside > 0 { parts.append("\(tilesSetAside) set aside") }
        parts.append("\(iterationsPerSecond.map(Text.rate) ?? "-") iterations/s")
        if let psnrToInput { parts.append("PSNR to input \(Text.fixed(psnrToInput, 1)) dB") }
        parts.append(Text.count(workerCount, "worker"))
        if isPaused {
            parts.append("paused")
        } else if let secondsLeft {
            parts.append("\(Text.time(secondsLeft)) left")
        }
        return parts.joined(separator: ", ")
    }
}
