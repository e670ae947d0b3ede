// Files of tiles.

internal import CSamples
internal import Safetensors

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
        var contents: [TileContent] = []
        for (place, tile) in tiles.enumerated() {
            let facts = StoredFacts(
                content: .pixels, job: manifest.jobID, tile: tile.index, attempt: tile.attempt,
                iteration: 0, shape: [shape.height, shape.width, shape.bands],
                type: precision.tensorType)
            var count = 0
            withPixels(place) { count = $0.count }
            try check(tile.index, shape, pixelCount: count)
            contents.append(content(facts) { withPixels(place, $0) })
        }
        try replace(contents)
        for tile in tiles { removeCheckpoint(tile: tile.index) }
    }

    private func content(
        _ facts: StoredFacts, withPixels: @escaping ((UnsafeBufferPointer<Float>) -> Void) -> Void
    ) -> TileContent {
        TileContent(facts: facts) { bytes throws(JobStoreError) in
            var areNumbers = false
            withPixels { pixels in
                // Within what a half can hold. A NaN is not.
                areNumbers = csamples_all_below(pixels.baseAddress, pixels.count, 65504) != 0
                SafetensorsWriter.fill(bytes, with: pixels, as: facts.type)
            }
            guard areNumbers else {
                throw JobStoreError(
                    .corrupt, "tile \(facts.tile) came with values that are no pixels")
            }
        }
    }

    /// A few tiles get a file each. Many share files: to make one takes longer than to fill it.
    private func replace(_ tiles: [TileContent]) throws(JobStoreError) {
        let limits = StoredLimits.groupCount
        if tiles.count < limits.lowerBound {
            try fileSystem.replace(
                tiles.map { (JobFolder.tileName($0.facts.tile), $0.file) }, in: folder.tiles)
            removeGroups(groups.place(tiles.map(\.facts.tile), in: nil))
            return
        }
        let parts = stride(from: 0, to: tiles.count, by: limits.upperBound).map {
            Array(tiles[$0..<min($0 + limits.upperBound, tiles.count)])
        }
        let numbers = parts.map { _ in groups.makeNumber() }
        try fileSystem.replace(
            zip(numbers, parts).map { (JobFolder.groupName($0), TileContent.file($1)) },
            in: folder.tiles)
        for (number, part) in zip(numbers, parts) {
            removeGroups(groups.place(part.map(\.facts.tile), in: number))
        }
    }

    private func removeGroups(_ numbers: [Int]) {
        for number in numbers { try? fileSystem.remove(folder.groupPath(number)) }
    }

    /// Removes the files of tiles that nobody will want again; one that other tiles share stays
    /// until they go too. What cannot be removed does no harm.
    public func removeTiles(_ indices: [Int]) {
        removeGroups(groups.place(indices, in: nil))
        for index in indices { try? fileSystem.remove(folder.tilePath(index)) }
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
        try openTiles([index])[index]?.get()
    }

    /// Opens stored tiles and checks all of them once. Such as have not been stored are missing.
    ///
    /// - Parameter memory: takes tiles while it has room, so that they are read from the disk once.
    public func openTiles(
        _ indices: some Sequence<Int>, memory: TileMemory? = nil
    ) -> [Int: Result<StoredTile, JobStoreError>] {
        var opened: [Int: Result<StoredTile, JobStoreError>] = [:]
        // A file's tiles most often follow one another.
        var group: (number: Int, tiles: Result<[Int: StoredFile], JobStoreError>)?
        for index in indices {
            let number = groups.number(of: index)
            if let number, group?.number != number {
                group = (
                    number,
                    Result { () throws(JobStoreError) in
                        try tiles(ofGroup: number, memory)
                    }
                )
            }
            let tile = Result { () throws(JobStoreError) -> StoredTile? in
                let stored =
                    if number != nil {
                        try group?.tiles.get()[index]
                    } else {
                        try singleTile(index, memory)
                    }
                guard let stored else { return nil }
                return try StoredTile(
                    checking: stored, index: index, manifest: manifest, memory: memory)
            }
            switch tile {
            case .success(let tile?): opened[index] = .success(tile)
            case .success(nil): break
            case .failure(let error): opened[index] = .failure(error)
            }
        }
        return opened
    }

    private func tiles(
        ofGroup number: Int, _ memory: TileMemory?
    ) throws(JobStoreError) -> [Int: StoredFile] {
        let path = folder.groupPath(number)
        guard let file = try fileSystem.open(path, followingLinks: false) else { return [:] }
        return try StoredFile.tiles(of: file, path: path, job: manifest.jobID, memory: memory)
    }

    private func singleTile(
        _ index: Int, _ memory: TileMemory?
    ) throws(JobStoreError) -> StoredFile? {
        let path = folder.tilePath(index)
        guard let file = try fileSystem.open(path, followingLinks: false) else { return nil }
        return try StoredFile(
            reading: file, path: path, content: .pixels, job: manifest.jobID, tile: index,
            memory: memory)
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
