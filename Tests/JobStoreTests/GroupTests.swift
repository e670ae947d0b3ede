// Many tiles that are stored together, and so share files.

import Testing

@testable import JobStore

@Suite struct GroupTests {
    static let count = 41
    let system = MemoryFileSystem()

    private func create() throws -> JobStore {
        try JobStore.create(
            folder: "/out.dip", manifest: Sample.manifest(columns: Array(0..<Self.count)),
            fileSystem: system)
    }

    private func store(
        _ tiles: some Sequence<Int>, _ store: JobStore, attempt: Int = 1, seed: Int = 0,
        precision: TilePrecision = .float16
    ) throws {
        try store.storeTiles(
            tiles.map { ($0, attempt, Sample.pixels(seed + $0)) }, shape: Sample.shape,
            precision: precision)
    }

    private func pixels(_ index: Int, _ store: JobStore) throws -> [Float]? {
        try store.openTile(index).map { try Sample.read($0) }
    }

    private func names() throws -> [String] { try system.list("/out.dip/tiles") }

    /// The folder as the next coordinator finds it.
    private func resumed(_ store: JobStore) throws -> JobStore {
        store.close()
        return try JobStore.resume(
            folder: "/out.dip", manifest: store.manifest, fileSystem: system)
    }

    @Test(arguments: [TilePrecision.float16, .float32])
    func `many tiles share files, and each is read as it was stored`(
        precision: TilePrecision
    ) throws {
        var job = try create()
        try job.storeCheckpoint(tile: 5, attempt: 1, iteration: 5, bytes: [1])
        try store(0..<40, job, precision: precision)
        #expect(
            try names()
                == ["group-000000", "group-000001", "group-000002"].map {
                    $0 + ".safetensors"
                })
        #expect(try job.loadCheckpoint(tile: 5) == nil)
        for _ in 0..<2 {
            for tile in 0..<40 { #expect(try pixels(tile, job) == Sample.pixels(tile)) }
            #expect(try job.openTile(40) == nil)
            job = try resumed(job)
            #expect(job.stateAtOpening.stored == Set(0..<40))
        }
    }

    @Test func `the last attempt counts wherever it is, and a file without a tile goes`() throws {
        var job = try create()
        try store(0..<8, job)
        try store(0..<4, job, attempt: 2, seed: 100)
        try store([7], job, attempt: 2, seed: 100)
        try store([8], job)
        try store(5..<9, job, attempt: 3, seed: 200)
        for _ in 0..<2 {
            for tile in 0..<9 {
                let seed = tile < 4 ? 100 : tile == 4 ? 0 : 200
                #expect(try pixels(tile, job) == Sample.pixels(seed + tile), "tile \(tile)")
            }
            job = try resumed(job)
        }
        try store([4], job, attempt: 2)
        #expect(try !names().contains("group-000000.safetensors"))
        job = try resumed(job)
        #expect(job.stateAtOpening.stored == Set(0..<9))
    }

    @Test func `tiles that nobody wants again go, and their file when the others do`() throws {
        let job = try create()
        try store(0..<8, job)
        try store([9], job)
        job.removeTiles([0, 1, 2, 9])
        #expect(try names() == ["group-000000.safetensors"])
        #expect(try (pixels(0, job), pixels(3, job)) == (nil, Sample.pixels(3)))
        job.removeTiles(Array(3..<8))
        #expect(try names().isEmpty)
    }

    @Test func `damage costs the tile that it is in, or all of the file`() throws {
        let job = try create()
        try store(0..<5, job)
        let path = "/out.dip/tiles/group-000000.safetensors"
        let sound = try #require(system.file(path))
        let dataOffset = sound.count - 5 * 60
        for seed in 0..<300 as Range<UInt64> {
            var generator = SplitMix(state: seed)
            var bytes = sound
            let place = Int(generator.next() % UInt64(sound.count))
            if seed % 3 == 0 {
                bytes.removeLast(place + 1)
            } else {
                bytes[place] ^= 1 << UInt8(generator.next() % 8)
            }
            system.setFile(path, bytes)
            let state = try #require(
                try JobSnapshot.read(folder: "/out.dip", fileSystem: system)
            ).state
            if seed % 3 == 0 {
                #expect(state.stored == [], "seed \(seed)")
            } else if place >= dataOffset {
                let lost = (place - dataOffset) / 60
                #expect(state.stored == Set(0..<5).subtracting([lost]), "seed \(seed)")
                #expect(throws: JobStoreError.self, "seed \(seed)") { try job.openTile(lost) }
            }
            for tile in state.stored {
                #expect(try pixels(tile, job) == Sample.pixels(tile), "seed \(seed)")
            }
        }
        system.setFile(path, Array(sound.prefix(dataOffset)))
        let next = try resumed(job)
        #expect(next.stateAtOpening.stored == [])
        #expect(try names().isEmpty)
    }

    @Test func `tiles are read from memory as from their files`() throws {
        let job = try create()
        try store(0..<8, job)
        try store([8], job, precision: .float32)
        for pieceCount in [0, 2, 5, 100] {
            let memory = TileMemory(byteCount: pieceCount * TileMemory.pieceByteCount)
            for _ in 0..<3 {
                let opened = job.openTiles(0..<12, memory: memory)
                #expect(opened.keys.sorted() == Array(0..<9))
                for (tile, result) in opened {
                    #expect(try Sample.read(result.get()) == Sample.pixels(tile), "\(tile)")
                }
            }
        }
    }
}
