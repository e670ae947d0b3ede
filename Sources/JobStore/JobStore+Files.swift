// Tiles and checkpoints, one file each.

internal import CSamples
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
    // MARK: Tiles

    /// Stores a restored tile, in place of an earlier attempt's; its checkpoint goes. When this
    /// returns, the tile survives a crash of the host; when it throws, the former state does, or
    /// the tile whole.
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
        try storeTiles([(index, attempt)], shape: shape, precision: precision) { _, use in
            use(pixels)
        }
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

    /// Stores several tiles, which takes less time than one after the other. When this returns,
    /// all of them survive a crash of the host; when it throws, some may.
    ///
    /// - Parameter tiles: Of different indices; else as in the other form.
    public func storeTiles(
        _ tiles: [(index: Int, attempt: Int, pixels: [Float])],
        shape: (height: Int, width: Int, bands: Int), precision: TilePrecision
    ) throws(JobStoreError) {
        try storeTiles(
            tiles.map { ($0.index, $0.attempt) }, shape: shape, precision: precision
        ) { place, use in
            tiles[place].pixels.withUnsafeBufferPointer(use)
        }
    }

    /// - Parameter withPixels: lends the pixels of the tile at a place in the list.
    private func storeTiles(
        _ tiles: [(index: Int, attempt: Int)], shape: (height: Int, width: Int, bands: Int),
        precision: TilePrecision,
        withPixels: @escaping (Int, (UnsafeBufferPointer<Float>) -> Void) -> Void
    ) throws(JobStoreError) {
        precondition(Set(tiles.map(\.index)).count == tiles.count, "tiles of different indices")
        let type = precision.tensorType
        var files: [(name: String, content: FileContent)] = []
        for (place, tile) in tiles.enumerated() {
            let facts = StoredFacts(
                content: .pixels, job: manifest.jobID, tile: tile.index, attempt: tile.attempt,
                iteration: 0, shape: [shape.height, shape.width, shape.bands], type: type)
            var count = 0
            withPixels(place) { count = $0.count }
            try check(tile.index, shape, pixelCount: count)
            let content = facts.encoded { bytes throws(JobStoreError) in
                var areNumbers = false
                withPixels(place) { pixels in
                    // Within what a half can hold. A NaN is not.
                    areNumbers =
                        csamples_all_below(pixels.baseAddress, pixels.count, 65504) != 0
                    SafetensorsWriter.fill(bytes, with: pixels, as: type)
                }
                guard areNumbers else {
                    throw JobStoreError(
                        .corrupt, "tile \(tile.index) came with values that are no pixels")
                }
            }
            files.append((JobFolder.tileName(tile.index), content))
        }
        try fileSystem.replace(files, in: folder.tiles)
        for tile in tiles { removeCheckpoint(tile: tile.index) }
    }

    private func check(
        _ index: Int, _ shape: (height: Int, width: Int, bands: Int), pixelCount: Int
    ) throws(JobStoreError) {
        let wanted = [
            manifest.plan.windowHeight, manifest.plan.windowWidth, manifest.image.bands,
        ]
        guard 0..<manifest.plan.fitCount ~= index,
            [shape.height, shape.width, shape.bands] == wanted,
            pixelCount == wanted.reduce(1, *)
        else {
            throw JobStoreError(
                .corrupt,
                "tile \(index) came with \(pixelCount) values as \(shape); the job has "
                    + "\(manifest.plan.fitCount) tiles of \(wanted)")
        }
    }

    /// Opens a stored tile and checks all of it once; nil when it has not been stored.
    ///
    /// - Throws: `JobStoreError` of kind `.corrupt` when the file is not what was stored: then
    ///   the tile counts as not restored.
    public func openTile(_ index: Int) throws(JobStoreError) -> StoredTile? {
        try Self.openTile(
            index, inFolder: folder.path, manifest: manifest, fileSystem: fileSystem)
    }

    /// As above, also while a coordinator works in the folder. Takes no lock.
    ///
    /// - Parameter manifest: The folder's.
    public static func openTile(
        _ index: Int, inFolder folder: String, manifest: JobManifest, fileSystem: any FileSystem
    ) throws(JobStoreError) -> StoredTile? {
        let path = JobFolder(path: folder, fileSystem: fileSystem).tilePath(index)
        guard let file = try fileSystem.open(path, followingLinks: false) else { return nil }
        return try StoredTile(checking: file, path: path, index: index, manifest: manifest)
    }

    // MARK: Checkpoints

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
                checking: file, path: path, content: .state, job: manifest.jobID, tile: index)
            guard stored.dataByteCount <= byteCountMax else { return nil }
            let end = stored.dataOffset + stored.dataByteCount
            return StoredCheckpoint(
                tile: index, attempt: stored.facts.attempt, iteration: stored.facts.iteration,
                bytes: try file.bytes(stored.dataOffset..<end))
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

    // MARK: Space

    /// Checks that the disk can take every tile that is not stored yet, and checkpoints.
    ///
    /// - Parameters:
    ///   - checkpointByteCount: Bytes of one checkpoint.
    ///   - checkpointCount: As many as there may be at a time.
    /// - Throws: `JobStoreError` of kind `.outOfSpace` with what is needed and what is there.
    public func checkSpace(
        precision: TilePrecision, checkpointByteCount: Int = 0, checkpointCount: Int = 0
    ) throws(JobStoreError) {
        let plan = manifest.plan
        let missingCount = plan.fitCount - stateAtOpening.stored.count
        let tileByteCount =
            plan.windowWidth * plan.windowHeight * manifest.image.bands
            * precision.tensorType.byteCount
        let present = stateAtOpening.checkpoints.values.reduce(0) { $0 + $1.byteCount }
        // One more than there are: the former one stays until another is complete.
        let states = checkpointCount > 0 ? checkpointByteCount * (checkpointCount + 1) : 0
        let needed = missingCount * tileByteCount + max(states - present, 0)
        let available = try fileSystem.availableByteCount(folder.path)
        guard needed <= available else {
            throw JobStoreError(
                .outOfSpace,
                "tiles and checkpoints need \(needed >> 20) MiB at \(folder.path), but only "
                    + "\(available >> 20) MiB are free; free some space or choose another output")
        }
    }
}
