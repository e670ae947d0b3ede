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
}

/// The folder of one job, locked against other coordinators while it is open. It belongs to one
/// thread.
public final class JobStore {
    public let manifest: JobManifest
    private let folder: JobFolder
    private let log: any LogFile
    private var lineIsTorn = false

    private var fileSystem: any FileSystem { folder.fileSystem }

    private init(manifest: JobManifest, folder: JobFolder, log: any LogFile) {
        self.manifest = manifest
        self.folder = folder
        self.log = log
    }

    deinit {
        log.close()
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
        let log = try fileSystem.openLog(folder.eventsPath)
        do throws(JobStoreError) {
            try folder.clear()
            try log.clear()
            try fileSystem.replace(
                JobFolder.manifestName, in: path, with: try manifest.encoded())
            if try fileSystem.kind(of: folder.tiles) == nil {
                try fileSystem.makeDirectory(folder.tiles)
                try fileSystem.sync(directory: path)
            }
        } catch {
            log.close()
            throw error
        }
        return JobStore(manifest: manifest, folder: folder, log: log)
    }

    /// The manifest in a job's folder, also while a coordinator works there; nil when there is
    /// none.
    ///
    /// - Throws: `JobStoreError` of kind `.corrupt` when it is not one, else `.unwritable`.
    public static func manifest(
        inFolder path: String, fileSystem: any FileSystem
    ) throws(JobStoreError) -> JobManifest? {
        let file = JobFolder(path: path, fileSystem: fileSystem).manifestPath
        guard let bytes = try fileSystem.contents(file, byteCountMax: 64 << 20) else { return nil }
        return try JobManifest(parsing: bytes, path: file)
    }

    /// Checks that the disk can take every tile of the job.
    ///
    /// - Throws: `JobStoreError` of kind `.outOfSpace` with what is needed and what is there.
    public func checkSpace(precision: TilePrecision) throws(JobStoreError) {
        let plan = manifest.plan
        let needed = [plan.windowHeight, manifest.image.bands, precision.tensorType.byteCount]
            .reduce(plan.tileCount * plan.windowWidth, *)
        let available = try fileSystem.availableByteCount(folder.path)
        guard needed <= available else {
            throw JobStoreError(
                .outOfSpace,
                "the tiles need \(needed >> 20) MiB at \(folder.path), but only "
                    + "\(available >> 20) MiB are free")
        }
    }

    /// Stores a restored tile, in place of an earlier attempt's. When this returns, the tile
    /// survives a crash of the host; when it throws, the former state does, or the tile whole.
    ///
    /// - Parameters:
    ///   - shape: The window's size in pixels, and its bands.
    ///   - pixels: (H, W, C), finite numbers.
    /// - Throws: `JobStoreError`: `.corrupt` when the pixels are not those of a tile of this job,
    ///   else `.outOfSpace` or `.unwritable`.
    public func storeTile(
        _ index: Int, attempt: Int, shape: (height: Int, width: Int, bands: Int),
        pixels: UnsafeBufferPointer<Float>, precision: TilePrecision
    ) throws(JobStoreError) {
        try check(index, shape, pixels)
        let type = precision.tensorType
        let bytes = SafetensorsWriter.bytes(of: pixels, as: type)
        let facts = TileFacts(
            job: manifest.jobID, tile: index, attempt: attempt,
            shape: [shape.height, shape.width, shape.bands], type: type)
        var writer = SafetensorsWriter(metadata: facts.metadata(checksum: facts.checksum(bytes)))
        writer.add(TileFacts.tensorName, type: type, shape: facts.shape, bytes: bytes)
        try fileSystem.replace(
            JobFolder.tileName(index), in: folder.tiles, with: writer.encoded())
    }

    /// As above, with the pixels in an array.
    public func storeTile(
        _ index: Int, attempt: Int, shape: (height: Int, width: Int, bands: Int),
        pixels: [Float], precision: TilePrecision
    ) throws(JobStoreError) {
        try pixels.withUnsafeBufferPointer { pixels throws(JobStoreError) in
            try storeTile(
                index, attempt: attempt, shape: shape, pixels: pixels, precision: precision)
        }
    }

    private func check(
        _ index: Int, _ shape: (height: Int, width: Int, bands: Int),
        _ pixels: UnsafeBufferPointer<Float>
    ) throws(JobStoreError) {
        let wanted = [
            manifest.plan.windowHeight, manifest.plan.windowWidth, manifest.image.bands,
        ]
        guard 0..<manifest.plan.tileCount ~= index,
            [shape.height, shape.width, shape.bands] == wanted,
            pixels.count == wanted.reduce(1, *)
        else {
            throw JobStoreError(
                .corrupt,
                "tile \(index) came with \(pixels.count) values as \(shape); the job has "
                    + "\(manifest.plan.tileCount) tiles of \(wanted)")
        }
        // Within what a half can hold. A NaN is not.
        guard pixels.allSatisfy({ $0.magnitude < 65504 }) else {
            throw JobStoreError(.corrupt, "tile \(index) came with values that are no pixels")
        }
    }

    /// The tiles that have a file, in order; whether a file is sound, ``openTile(_:)`` tells.
    ///
    /// - Throws: `JobStoreError` when the folder cannot be read.
    public func tileIndices() throws(JobStoreError) -> [Int] {
        try fileSystem.list(folder.tiles).compactMap(JobFolder.tileIndex).sorted()
    }

    /// Opens a stored tile and checks all of it once; nil when it has not been stored.
    ///
    /// - Throws: `JobStoreError` of kind `.corrupt` when the file is not what was stored: then
    ///   the tile counts as not restored.
    public func openTile(_ index: Int) throws(JobStoreError) -> StoredTile? {
        let path = "\(folder.tiles)/\(JobFolder.tileName(index))"
        guard let file = try fileSystem.open(path, followingLinks: false) else { return nil }
        return try StoredTile(checking: file, path: path, index: index, manifest: manifest)
    }

    /// Adds a line to the event log. The log is for people: it is not synced.
    ///
    /// - Parameter json: One JSON object.
    /// - Throws: `JobStoreError` when it cannot be written; the next line begins a line again.
    public func appendEvent(_ json: String) throws(JobStoreError) {
        // Line breaks between a JSON text's tokens mean nothing; in strings there are none.
        let line = json.split(whereSeparator: \.isNewline).joined(separator: " ")
        let bytes = Array(((lineIsTorn ? "\n" : "") + line + "\n").utf8)
        lineIsTorn = true
        try log.append(bytes)
        lineIsTorn = false
    }

    /// Ends the job: stores the report, and removes tiles and checkpoints; manifest, report and
    /// events stay.
    ///
    /// - Throws: `JobStoreError` when the report cannot be stored (then nothing is removed) or
    ///   something cannot be removed.
    public func finish(report: Data) throws(JobStoreError) {
        try fileSystem.replace(JobFolder.reportName, in: folder.path, with: [UInt8](report))
        try folder.clearBulk()
        try fileSystem.sync(directory: folder.path)
    }

    /// Lets others work in the folder. To be called last.
    public func close() {
        log.close()
    }
}
