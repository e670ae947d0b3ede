// Tiles, in one file, and checkpoints, in one each.

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

    /// Stores a restored tile; its checkpoint goes. When this returns, the tile survives a crash of
    /// the host. It is written where an earlier attempt's lay: after an error there is that one,
    /// this one or none.
    ///
    /// - Parameters:
    ///   - shape: The window's size in pixels, and its bands.
    ///   - pixels: (H, W, C), finite numbers.
    /// - Throws: `JobStoreError`: `.corrupt` when the pixels are not those of a tile of this job,
    ///   else `.outOfSpace` or `.unwritable`.
    public func storeTile(
        _ index: Int, attempt: Int, shape: (height: Int, width: Int, bands: Int), pixels: [Float]
    ) throws(JobStoreError) {
        try storeTiles([(index, attempt, pixels)], shape: shape)
    }

    /// Stores several tiles, which takes less time than one after the other. When this returns,
    /// all of them survive a crash of the host; when it throws, some may.
    ///
    /// - Parameter tiles: Of different indices; else as in the other form.
    public func storeTiles(
        _ tiles: [(index: Int, attempt: Int, pixels: [Float])],
        shape: (height: Int, width: Int, bands: Int)
    ) throws(JobStoreError) {
        precondition(Set(tiles.map(\.index)).count == tiles.count, "tiles of different indices")
        let type = manifest.image.precision.tensorType
        var contents: [(offset: Int, content: SlotContent)] = []
        for (place, tile) in tiles.enumerated() {
            try check(tile.index, shape, pixelCount: tile.pixels.count)
            let facts = StoredFacts(
                content: .pixels, job: manifest.jobID, tile: tile.index, attempt: tile.attempt,
                iteration: 0, shape: [shape.height, shape.width, shape.bands], type: type)
            let content = facts.encoded { bytes throws(JobStoreError) in
                let areNumbers = tiles[place].pixels.withUnsafeBufferPointer { pixels in
                    SafetensorsWriter.fill(bytes, with: pixels, as: type)
                    // Within what a half can hold. A NaN is not.
                    return csamples_all_below(pixels.baseAddress, pixels.count, 65504) != 0
                }
                guard areNumbers else {
                    throw JobStoreError(
                        .corrupt, "tile \(tile.index) came with values that are no pixels")
                }
            }
            contents.append((manifest.slot(of: tile.index).lowerBound, content))
        }
        try self.tiles.write(contents)
        for (tile, content) in zip(tiles, contents) {
            written.add(
                tile.index, .init(attempt: tile.attempt, content: content.content.memory))
        }
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

    /// Bytes of a tile in the folder, with all that belongs to it.
    public var slotByteCount: Int { manifest.slotByteCount }

    /// Opens a stored tile and checks all of it once; nil when it has not been stored.
    ///
    /// - Parameter isLoaded: Whether all of it is read into memory now, which takes less time than
    ///   reading it row by row later.
    /// - Throws: `JobStoreError` of kind `.corrupt` when what lies there is not what was stored:
    ///   then the tile counts as not restored.
    public func openTile(
        _ index: Int, isLoaded: Bool = false
    ) throws(JobStoreError) -> StoredTile? {
        guard isLoaded else { return try slots.open(index) }
        if let tile = written.take(index, of: manifest) { return tile }
        guard let memory = try slots.load(index) else { return nil }
        return try slots.open(index, loaded: memory)
    }

    /// Keeps tiles that are stored from here on in memory too, up to so many bytes, until they are
    /// opened as loaded ones. With 0 none are kept, and those that were are forgotten.
    public func keepStoredTiles(byteCountMaximum: Int) {
        written.keep(atMost: byteCountMaximum)
    }

    /// As above, also while a coordinator works in the folder. Takes no lock.
    ///
    /// - Parameter manifest: The folder's.
    public static func openTile(
        _ index: Int, inFolder folder: String, manifest: JobManifest, fileSystem: any FileSystem
    ) throws(JobStoreError) -> StoredTile? {
        let folder = JobFolder(path: folder, fileSystem: fileSystem)
        return try TileSlots(reading: folder, of: manifest)?.open(index)
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
            JobFolder.checkpointName(index), in: folder.checkpoints, with: facts.encoded(bytes))
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

    /// Takes the room for every tile, where the file system can, and checks that the disk can take
    /// checkpoints too.
    ///
    /// - Parameters:
    ///   - checkpointByteCount: Bytes of one checkpoint.
    ///   - checkpointCount: As many as there may be at a time.
    /// - Returns: whether nobody can take the room of the tiles any more.
    /// - Throws: `JobStoreError` of kind `.outOfSpace` with what is needed and what is there.
    @discardableResult
    public func reserveSpace(
        checkpointByteCount: Int = 0, checkpointCount: Int = 0
    ) throws(JobStoreError) -> Bool {
        let present = stateAtOpening.checkpoints.values.reduce(0) { $0 + $1.byteCount }
        // One more than there are: the former one stays until another is complete.
        let states = checkpointCount > 0 ? checkpointByteCount * (checkpointCount + 1) : 0
        let missing = max(manifest.slotsByteCount - (try tiles.allocatedByteCount), 0)
        let needed = missing + max(states - present, 0)
        let available = try fileSystem.availableByteCount(folder.path)
        guard needed <= available else {
            throw JobStoreError(
                .outOfSpace,
                "tiles and checkpoints need \(PosixSlotFile.words(needed)) at \(folder.path), but "
                    + "only \(PosixSlotFile.words(available)) are free; free some space or choose "
                    + "another output")
        }
        return try tiles.reserve(byteCount: manifest.slotsByteCount)
    }
}
