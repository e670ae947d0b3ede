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

    /// Reads and checks every file; also while a coordinator works in the folder: a file that
    /// comes or goes meanwhile counts or does not.
    ///
    /// - Parameter damaged: told the path of every file that is not what it should be.
    static func read(
        _ folder: JobFolder, _ manifest: JobManifest,
        damaged: (_ path: String) throws(JobStoreError) -> Void = { _ in }
    ) throws(JobStoreError) -> JobState {
        var state = JobState()
        let tileCount = manifest.plan.fitCount
        for index in try folder.indices(in: folder.tiles) where index < tileCount {
            let path = folder.tilePath(index)
            do throws(JobStoreError) {
                guard let file = try folder.fileSystem.open(path, followingLinks: false)
                else { continue }
                _ = try StoredTile(checking: file, path: path, index: index, manifest: manifest)
                state.stored.insert(index)
            } catch {
                guard error.kind == .corrupt else { throw error }
                try damaged(path)
            }
        }
        for index in try folder.indices(in: folder.checkpoints) where index < tileCount {
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
                try damaged(path)
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
        var state = try JobState.read(folder, manifest)
        for tile in state.stored { state.checkpoints[tile] = nil }
        // A job that ends while it is looked at removes its tiles when job.json says so.
        let latest = try JobStore.manifest(inFolder: path, fileSystem: fileSystem) ?? manifest
        return JobSnapshot(
            manifest: latest, state: state, isBeingWorkedOn: isBeingWorkedOn)
    }
}
