// The folder in which a job's results outlive every process: what is stored is on the disk when
// the call returns, and what is read has been checked.

public import FoundationEssentials
internal import Safetensors

/// How the pixels of a tile are kept.
public enum TilePrecision: String, Codable, Sendable {
    /// Eleven bits, for outputs of 8 bits.
    case float16
    case float32

    var tensorType: TensorType { self == .float16 ? .float16 : .float32 }
    public var byteCount: Int { tensorType.byteCount }
}

/// The folder of one job, locked against other coordinators while it is open. It belongs to one
/// thread; but while another stores tiles, that one may read states, record histories and append
/// events, and any thread may open tiles.
public final class JobStore {
    public private(set) var manifest: JobManifest
    /// How far the job was when the folder was opened.
    public let stateAtOpening: JobState
    let folder: JobFolder
    private let events: LineLog
    private let histories: HistoryLog
    let tiles: any SlotFile
    let written = WrittenSlots()

    var fileSystem: any FileSystem { folder.fileSystem }
    var slots: TileSlots { TileSlots(tiles, of: folder, manifest) }

    private init(
        manifest: JobManifest, state: JobState, folder: JobFolder, events: LineLog,
        tiles: any SlotFile
    ) throws(JobStoreError) {
        self.manifest = manifest
        self.folder = folder
        self.events = events
        self.tiles = tiles
        stateAtOpening = state
        histories = try HistoryLog(rewriting: state.histories, in: folder)
    }

    deinit {
        close()
    }

    /// Begins a job afresh: makes the folder, or clears a former job's that nobody works in.
    ///
    /// - Throws: `JobStoreError`: `.locked` when another coordinator works there, `.unwritable`
    ///   when something that is not a job's folder stands in its place, or `.outOfSpace`.
    public static func create(
        folder path: String, manifest: JobManifest, fileSystem: any FileSystem
    ) throws(JobStoreError) -> JobStore {
        let folder = JobFolder(path: path, fileSystem: fileSystem)
        try folder.makeOrCheck()
        return try withLock(folder) { events throws(JobStoreError) in
            try folder.clear()
            try events.clear()
            try fileSystem.replace(
                JobFolder.manifestName, in: path, with: try manifest.encoded())
            return try JobStore(
                manifest: manifest, state: JobState(), folder: folder, events: events,
                tiles: try folder.openTiles())
        }
    }

    /// Makes a job's folder for what is known before the job begins, or checks that it is one.
    ///
    /// - Throws: `JobStoreError` of kind `.unwritable` where something else stands there, or as the
    ///   file system does.
    public static func makeFolder(
        _ path: String, fileSystem: any FileSystem
    ) throws(JobStoreError) {
        try JobFolder(path: path, fileSystem: fileSystem).makeOrCheck()
    }

    /// Goes on with the job of a folder. What is damaged or half written is removed; a job that
    /// was complete is so no longer.
    ///
    /// - Parameters:
    ///   - manifest: The folder's, as it was read before.
    ///   - retryingFailed: Whether tiles that were given up are to be tried again, as if they had
    ///     not failed.
    /// - Throws: `JobStoreError`: `.locked` when another coordinator works there or has worked
    ///   there since the manifest was read, `.unwritable` or `.outOfSpace`.
    public static func resume(
        folder path: String, manifest: JobManifest, retryingFailed: Bool = false,
        fileSystem: any FileSystem
    ) throws(JobStoreError) -> JobStore {
        let folder = JobFolder(path: path, fileSystem: fileSystem)
        try folder.makeOrCheck()
        return try withLock(folder) { events throws(JobStoreError) in
            guard try Self.manifest(inFolder: path, fileSystem: fileSystem) == manifest else {
                throw JobStoreError(
                    .locked,
                    "another dip-coord has worked in \(path) at this moment; run the command again")
            }
            try folder.removePartialFiles()
            let tiles = try folder.openTiles()
            var state = try JobState.read(folder, manifest, TileSlots(tiles, of: folder, manifest))
            { damage throws(JobStoreError) in
                switch damage {
                case .tile(let index):
                    let place = manifest.slot(of: index).lowerBound
                    try tiles.write([(place, TileSlots.nothing)])
                case .checkpoint(let index): try fileSystem.remove(folder.checkpointPath(index))
                }
            }
            if retryingFailed { state.forgetFailures() }
            for index in state.checkpoints.keys.sorted() where !state.mayGoOn(index) {
                try fileSystem.remove(folder.checkpointPath(index))
                state.checkpoints[index] = nil
            }
            var reopened = manifest
            reopened.completion = nil
            if reopened != manifest {
                try fileSystem.replace(
                    JobFolder.manifestName, in: path, with: try reopened.encoded())
            }
            return try JobStore(
                manifest: reopened, state: state, folder: folder, events: events, tiles: tiles)
        }
    }

    /// Locks the folder for as long as the store lives that `body` makes.
    private static func withLock(
        _ folder: JobFolder, _ body: (LineLog) throws(JobStoreError) -> JobStore
    ) throws(JobStoreError) -> JobStore {
        let events = LineLog(
            try folder.fileSystem.openLog(folder.eventsPath), isTorn: try eventsAreTorn(folder))
        do throws(JobStoreError) {
            return try body(events)
        } catch {
            events.close()
            throw error
        }
    }

    /// Whether a former coordinator's last line has no end.
    private static func eventsAreTorn(_ folder: JobFolder) throws(JobStoreError) -> Bool {
        guard let file = try folder.fileSystem.open(folder.eventsPath, followingLinks: false),
            file.byteCount > 0
        else { return false }
        return try file.bytes(file.byteCount - 1..<file.byteCount) != [UInt8(ascii: "\n")]
    }

    /// Whether a coordinator works in a folder at this moment. Takes no lock.
    public static func isInUse(
        folder path: String, fileSystem: any FileSystem
    ) throws(JobStoreError) -> Bool {
        try fileSystem.isLocked(JobFolder(path: path, fileSystem: fileSystem).eventsPath)
    }

    /// The manifest in a job's folder, also while a coordinator works there; nil when there is
    /// none.
    ///
    /// - Throws: `JobStoreError` of kind `.notResumable` when it is not one, else `.unwritable`.
    public static func manifest(
        inFolder path: String, fileSystem: any FileSystem
    ) throws(JobStoreError) -> JobManifest? {
        let file = JobFolder(path: path, fileSystem: fileSystem).manifestPath
        guard let bytes = try fileSystem.contents(file, byteCountMax: JobManifest.byteCountMax)
        else { return nil }
        return try JobManifest(parsing: bytes, path: file)
    }

    // MARK: Attempts and events

    /// Remembers the tries at tiles, all of them. When this returns, it survives a crash of the
    /// host. A tile that has been given up loses its checkpoint.
    ///
    /// - Parameter histories: by tile.
    public func recordHistories(_ histories: [Int: TileHistory]) throws(JobStoreError) {
        try self.histories.append(histories)
        for (tile, history) in histories where history.isSetAside { removeCheckpoint(tile: tile) }
    }

    /// As above, of one tile.
    public func recordHistory(_ history: TileHistory, of tile: Int) throws(JobStoreError) {
        try recordHistories([tile: history])
    }

    /// Adds a line to the event log. The log is for people: it is not synced.
    ///
    /// - Parameter json: One JSON object.
    /// - Throws: `JobStoreError` when it cannot be written; the next line begins a line again.
    public func appendEvent(_ json: String) throws(JobStoreError) {
        // Line breaks between a JSON text's tokens mean nothing; in strings there are none.
        let line = json.split(whereSeparator: \.isNewline).joined(separator: " ")
        try events.append(Array((line + "\n").utf8))
    }

    // MARK: The end

    /// Remembers the output before it takes its place, so that the job knows it for its own.
    ///
    /// - Parameter output: The fingerprint of the finished file.
    public func recordOutput(_ output: FileFingerprint) throws(JobStoreError) {
        var next = manifest
        next.output = output
        try replaceManifest(next)
    }

    /// Ends a job whose output is in its place: stores the report; then manifest, report and
    /// events stay, and the rest goes unless the completion keeps it.
    ///
    /// - Throws: `JobStoreError` when the report cannot be stored (then nothing is removed) or
    ///   something cannot be removed.
    public func finish(
        report: Data, completion: JobManifest.Completion
    ) throws(JobStoreError) {
        try fileSystem.replace(JobFolder.reportName, in: folder.path, with: [UInt8](report))
        var next = manifest
        next.completion = completion
        try replaceManifest(next)
        guard !completion.keepsBulk else { return }
        histories.close()
        try folder.clearBulk()
        try fileSystem.sync(directory: folder.path)
    }

    /// Removes what a coordinator that was killed at the end of a job did not come to remove.
    ///
    /// - Parameter manifest: The folder's, as it was read before.
    public static func tidy(
        folder path: String, manifest: JobManifest, fileSystem: any FileSystem
    ) throws(JobStoreError) {
        let folder = JobFolder(path: path, fileSystem: fileSystem)
        guard let completion = manifest.completion, !completion.keepsBulk, try folder.hasBulk
        else { return }
        let log = try fileSystem.openLog(folder.eventsPath)
        defer { log.close() }
        guard try Self.manifest(inFolder: path, fileSystem: fileSystem) == manifest else { return }
        try folder.clearBulk()
        try fileSystem.sync(directory: path)
    }

    private func replaceManifest(_ next: JobManifest) throws(JobStoreError) {
        try fileSystem.replace(
            JobFolder.manifestName, in: folder.path, with: try next.encoded())
        manifest = next
    }

    /// Lets others work in the folder. To be called last.
    public func close() {
        histories.close()
        events.close()
    }
}

extension JobState {
    /// Tiles that were given up are as if they had not failed; the numbers of their tries go on,
    /// and seeds that have failed stay behind.
    fileprivate mutating func forgetFailures() {
        for (tile, history) in histories where history.isSetAside {
            histories[tile] = TileHistory(
                attempts: history.attempts, seedsFailed: history.seedsFailed,
                lastAttemptOfFailedSeed: history.lastAttemptOfFailedSeed, isAtRest: true)
        }
    }

    /// Whether a tile's checkpoint is still of use.
    fileprivate func mayGoOn(_ tile: Int) -> Bool {
        !stored.contains(tile) && histories[tile]?.isSetAside != true
            && checkpoints[tile]?.attempt ?? 0 > histories[tile]?.lastAttemptOfFailedSeed ?? 0
    }
}
