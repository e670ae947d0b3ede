// Files of unfinished fits, one each.

internal import Safetensors

/// The state of an unfinished fit, as it was stored.
public struct StoredCheckpoint: Equatable, Sendable {
    public let tile: Int
    /// The number of the try that it is from.
    public let attempt: Int
    /// Iterations done.
    public let iteration: Int
    /// As the worker sent them.
    public let bytes: [UInt8]
}

extension JobStore {
    /// The most bytes that a checkpoint may have.
    public static var checkpointByteCountMax: Int { 4 << 30 }

    /// Stores the state of an unfinished fit in place of the tile's former one: at any moment
    /// there is one of them, whole.
    ///
    /// - Parameters:
    ///   - attempt: The number of the try.
    ///   - iteration: Iterations done.
    ///   - bytes: Whatever the worker needs to go on; not looked into.
    /// - Throws: `JobStoreError`: `.corrupt` when there is no such tile or the checkpoint has more
    ///   than ``checkpointByteCountMax`` bytes, else `.outOfSpace` or `.unwritable`.
    public func storeCheckpoint(
        tile index: Int, attempt: Int, iteration: Int, bytes: [UInt8]
    ) throws(JobStoreError) {
        guard 0..<manifest.plan.fitCount ~= index, StoredLimits.number ~= attempt,
            StoredLimits.number ~= iteration,
            bytes.count <= Self.checkpointByteCountMax
        else {
            throw JobStoreError(
                .corrupt,
                "a checkpoint of tile \(index) at iteration \(iteration) came with \(bytes.count) "
                    + "bytes; the job has \(manifest.plan.fitCount) tiles")
        }
        let facts = StoredFacts(
            content: .state, job: manifest.jobID, tile: index, attempt: attempt,
            iteration: iteration, shape: [bytes.count], type: .uint8)
        try folder.makeDirectory(folder.checkpoints)
        try fileSystem.replace(
            JobFolder.tileName(index), in: folder.checkpoints, with: facts.encoded(bytes))
    }

    /// The tile's checkpoint; nil when there is none, or when it is not what was stored.
    ///
    /// - Throws: `JobStoreError` when the disk cannot be read.
    public func loadCheckpoint(
        tile index: Int, byteCountMax: Int = checkpointByteCountMax
    ) throws(JobStoreError) -> StoredCheckpoint? {
        let path = folder.checkpointPath(index)
        do throws(JobStoreError) {
            guard let file = try fileSystem.open(path, followingLinks: false),
                file.byteCount <= byteCountMax + StoredLimits.headerByteCountMax
            else { return nil }
            let stored = try StoredFile(
                reading: file, path: path, content: .state, job: manifest.jobID, tile: index)
            guard stored.dataRange.count <= byteCountMax else { return nil }
            try stored.check()
            return StoredCheckpoint(
                tile: index, attempt: stored.facts.attempt, iteration: stored.facts.iteration,
                bytes: try file.bytes(stored.dataRange))
        } catch {
            guard error.kind == .corrupt else { throw error }
            return nil
        }
    }

    /// Removes the tile's checkpoint, if there is one. One that cannot be removed does no harm:
    /// it goes when the folder is opened again.
    public func removeCheckpoint(tile index: Int) {
        try? fileSystem.remove(folder.checkpointPath(index))
    }
}
