// How far a job is, from its folder alone.

/// What the files of a job's folder tell, each of them checked.
public struct JobState: Equatable, Sendable {
    /// An unfinished fit that can be gone on with.
    public struct Checkpoint: Equatable, Sendable {
        /// The number of the try that it is from.
        public let attempt: Int
        /// Iterations done.
        public let iteration: Int
        /// Of the fit's state.
        public let byteCount: Int

        public init(attempt: Int, iteration: Int, byteCount: Int) {
            self.attempt = attempt
            self.iteration = iteration
            self.byteCount = byteCount
        }
    }

    /// Tiles whose result is there and whole.
    public var stored: Set<Int> = []
    /// The tries at tiles, where any are known.
    public var histories: [Int: TileHistory] = [:]
    /// Of tiles that are not stored, by tile.
    public var checkpoints: [Int: Checkpoint] = [:]

    /// Nothing is done.
    public init() {}

    /// Tiles that were given up and have no result, in order.
    public var setAside: [Int] {
        histories.filter { $0.value.isSetAside && !stored.contains($0.key) }.keys.sorted()
    }

    /// Something that was stored and is not what it should be.
    enum Damage {
        case tile(Int)
        case checkpoint(Int)
    }

    /// Reads and checks all that is stored; also while a coordinator works in the folder: what
    /// comes or goes meanwhile counts or does not.
    ///
    /// - Parameters:
    ///   - tiles: nil where there is no file of them.
    ///   - damaged: told of everything that is not what it should be.
    static func read(
        _ folder: JobFolder, _ manifest: JobManifest, _ tiles: TileSlots?,
        damaged: (Damage) throws(JobStoreError) -> Void = { _ in }
    ) throws(JobStoreError) -> JobState {
        var state = JobState()
        let tileCount = manifest.plan.fitCount
        for index in tiles?.indices ?? 0..<0 {
            do throws(JobStoreError) {
                if try tiles?.open(index) != nil { state.stored.insert(index) }
            } catch {
                guard error.kind == .corrupt else { throw error }
                try damaged(.tile(index))
            }
        }
        for index in try folder.checkpointIndices where index < tileCount {
            let path = folder.checkpointPath(index)
            do throws(JobStoreError) {
                guard let file = try folder.fileSystem.open(path, followingLinks: false)
                else { continue }
                let stored = try StoredFile(
                    checking: file, path: path, content: .state, job: manifest.jobID, tile: index)
                state.checkpoints[index] = Checkpoint(
                    attempt: stored.facts.attempt, iteration: stored.facts.iteration,
                    byteCount: stored.dataByteCount)
            } catch {
                guard error.kind == .corrupt else { throw error }
                try damaged(.checkpoint(index))
            }
        }
        state.histories = try HistoryLog.read(folder, tileCount: tileCount)
        return state
    }
}

/// A look into a job's folder that changes nothing and takes no lock.
public struct JobSnapshot: Sendable {
    public let manifest: JobManifest
    public let state: JobState
    /// Whether a coordinator works there at this moment.
    public let isBeingWorkedOn: Bool

    /// - Parameter folder: Its path.
    /// - Returns: nil when there is no job's folder.
    /// - Throws: `JobStoreError`: `.notResumable` when job.json cannot be understood, else
    ///   `.unwritable` when something cannot be read.
    public static func read(
        folder path: String, fileSystem: any FileSystem
    ) throws(JobStoreError) -> JobSnapshot? {
        let folder = JobFolder(path: path, fileSystem: fileSystem)
        let isBeingWorkedOn = try JobStore.isInUse(folder: path, fileSystem: fileSystem)
        guard let manifest = try JobStore.manifest(inFolder: path, fileSystem: fileSystem) else {
            return nil
        }
        var state = try JobState.read(
            folder, manifest, try TileSlots(reading: folder, of: manifest))
        for tile in state.stored { state.checkpoints[tile] = nil }
        // A job that ends while it is looked at removes its tiles when job.json says so.
        let latest = try JobStore.manifest(inFolder: path, fileSystem: fileSystem) ?? manifest
        return JobSnapshot(
            manifest: latest, state: state, isBeingWorkedOn: isBeingWorkedOn)
    }
}
