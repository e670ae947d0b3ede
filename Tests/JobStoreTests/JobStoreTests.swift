// The job folder's rules, on a disk in memory.

import FoundationEssentials
import Safetensors
import Testing

@testable import JobStore

enum Sample {
    static let shape = (height: 3, width: 5, bands: 2)

    static func manifest(
        _ jobID: String = "job-1", precision: TilePrecision = .float16
    ) throws -> JobManifest {
        let system = MemoryFileSystem()
        system.setFile("/input.tif", Array("not really an image".utf8))
        return JobManifest(
            jobID: jobID,
            input: try FileFingerprint(path: "/input.tif", fileSystem: system),
            image: .init(
                width: 9, height: 3, bands: 2, sampleType: "uint8", precision: precision,
                header: "a header"),
            plan: .init(
                tile: 6, overlap: 1, windowWidth: 5, windowHeight: 3, columns: [0, 2, 4],
                rows: [0]),
            preset: "thin", configuration: #"{"iterations": 3}"#, createdAt: 1.5e9)
    }

    static let completion = JobManifest.Completion(endedAt: 1.5e9, unrestored: [], keepsBulk: false)

    /// Values in [0, 1] that a half holds exactly.
    static func pixels(_ seed: Int) -> [Float] {
        var generator = SplitMix(state: UInt64(seed))
        return (0..<30).map { _ in Float(generator.next() % 1025) / 1024 }
    }

    static func read(_ tile: StoredTile) throws -> [Float] {
        var pixels = [Float](repeating: -1, count: 30)
        try pixels.withUnsafeMutableBufferPointer { pixels in
            // In two parts, the second first.
            try tile.readRows(1..<3, into: .init(rebasing: pixels[10...]))
            try tile.readRows(0..<1, into: .init(rebasing: pixels[..<10]))
        }
        return pixels
    }
}

@Suite struct JobStoreTests {
    let system = MemoryFileSystem()

    func create(
        _ jobID: String = "job-1", precision: TilePrecision = .float16
    ) throws -> JobStore {
        try JobStore.create(
            folder: "/out.dip", manifest: Sample.manifest(jobID, precision: precision),
            fileSystem: system)
    }

    @Test func `tiles that are stored together are those that are stored one by one`() throws {
        let job = try create()
        for tile in 0..<3 { try store(job, tile, attempt: tile + 1, seed: tile) }
        let file = system.file(Sample.tilesPath)
        job.close()
        let again = try create()
        try again.storeCheckpoint(tile: 1, attempt: 1, iteration: 5, bytes: [1])
        try again.storeTiles(
            (0..<3).map { ($0, $0 + 1, Sample.pixels($0)) }, shape: Sample.shape)
        #expect(try again.loadCheckpoint(tile: 1) == nil)
        #expect(file != nil && system.file(Sample.tilesPath) == file)
        #expect(throws: JobStoreError.self) {
            try again.storeTiles(
                [(0, 1, Sample.pixels(0)), (7, 1, Sample.pixels(1))], shape: Sample.shape)
        }
        #expect(system.file(Sample.tilesPath) == file)
    }

    func store(_ store: JobStore, _ index: Int, attempt: Int = 1, seed: Int) throws {
        try store.storeTile(
            index, attempt: attempt, shape: Sample.shape, pixels: Sample.pixels(seed))
    }

    @Test(arguments: [TilePrecision.float16, .float32])
    func `a stored tile is read again, and the last attempt counts`(
        precision: TilePrecision
    ) throws {
        let store = try create(precision: precision)
        #expect(try store.openTile(1) == nil)
        try self.store(store, 1, seed: 1)
        try self.store(store, 0, seed: 2)
        try self.store(store, 1, attempt: 2, seed: 3)
        let tile = try #require(try store.openTile(1))
        #expect(try Sample.read(tile) == Sample.pixels(3))
        #expect((tile.index, tile.attempt) == (1, 2))
        #expect((tile.height, tile.width, tile.bands) == (3, 5, 2))
        #expect(try Sample.read(try #require(try store.openTile(0))) == Sample.pixels(2))
        #expect(try store.openTile(2) == nil)
        #expect(
            try system.list("/out.dip")
                == ["attempts.log", "events.jsonl", "job.json", "tiles.bin"])
    }

    @Test func `the manifest is read again`() throws {
        let store = try create()
        #expect(
            try JobStore.manifest(inFolder: "/out.dip", fileSystem: system) == store.manifest)
        #expect(try JobStore.manifest(inFolder: "/other.dip", fileSystem: system) == nil)
        for text in ["", "{}", "{\"formatVersion\": 99}"] {
            system.setFile("/out.dip/job.json", Array(text.utf8))
            #expect(throws: JobStoreError.self) {
                try JobStore.manifest(inFolder: "/out.dip", fileSystem: system)
            }
        }
    }

    @Test func `a folder is locked while it is open`() throws {
        let store = try create()
        do {
            _ = try create()
            Issue.record("created twice")
        } catch let error as JobStoreError {
            #expect(error.kind == .locked)
        }
        store.close()
        _ = try create()
    }

    @Test func `the lock goes with the store`() throws {
        _ = try create()
        _ = try create()
    }

    @Test func `a fresh start clears what a former job left and nothing else`() throws {
        let former = try create("former")
        try store(former, 1, seed: 1)
        try former.appendEvent(#"{"a": 1}"#)
        try former.finish(
            report: Data("{}".utf8), completion: Sample.completion)
        former.close()
        system.setFile("/out.dip/checkpoints", [])
        #expect(throws: JobStoreError.self) { try create() }
        try system.remove("/out.dip/checkpoints")
        try system.makeDirectory("/out.dip/checkpoints")
        for name in ["000002.safetensors", "000003.safetensors.partial", "notes.txt"] {
            system.setFile("/out.dip/checkpoints/\(name)", [1])
        }
        system.setFile(Sample.tilesPath, [1])
        system.setFile("/out.dip/mine.txt", [1])
        let store = try create()
        #expect(
            try system.list("/out.dip") == [
                "attempts.log", "checkpoints", "events.jsonl", "job.json", "mine.txt", "tiles.bin",
            ])
        #expect(try system.list("/out.dip/checkpoints") == ["notes.txt"])
        #expect(system.file(Sample.tilesPath) == [])
        #expect(system.file("/out.dip/events.jsonl") == [])
        #expect(try store.openTile(1) == nil)
    }

    @Test func `a folder that is not ours is refused and left as it is`() throws {
        try system.makeDirectory("/out.dip")
        system.setFile("/out.dip/thesis.txt", [1, 2])
        #expect(throws: JobStoreError.self) { try create() }
        #expect(try system.list("/out.dip") == ["thesis.txt"])
    }

    @Test func `a tile of another job or place is not taken for this one's`() throws {
        let store = try create()
        try self.store(store, 1, seed: 1)
        let bytes = try #require(system.slot(1, of: store.manifest))
        system.setSlot(2, of: store.manifest, bytes)
        #expect(throws: JobStoreError.self) { try store.openTile(2) }
        store.close()
        let other = try create("job-2")
        system.setSlot(1, of: other.manifest, bytes)
        #expect(throws: JobStoreError.self) { try other.openTile(1) }
    }

    @Test func `pixels that are not those of a tile are refused`() throws {
        let store = try create()
        let pixels = Sample.pixels(1)
        func refused(
            _ index: Int, _ shape: (height: Int, width: Int, bands: Int), _ pixels: [Float]
        ) {
            #expect(throws: JobStoreError.self, "\(index) \(shape) \(pixels.count)") {
                try store.storeTile(index, attempt: 1, shape: shape, pixels: pixels)
            }
        }
        refused(3, Sample.shape, pixels)
        refused(-1, Sample.shape, pixels)
        refused(0, (5, 3, 2), pixels)
        refused(0, Sample.shape, pixels + [0])
        refused(0, Sample.shape, [])
        for value in [Float.nan, .infinity, -.infinity, 65504] {
            refused(0, Sample.shape, pixels.dropLast() + [value])
        }
        #expect(system.file(Sample.tilesPath) == [])
    }

    @Test func `the end leaves manifest, report and events`() throws {
        let store = try create()
        try self.store(store, 1, seed: 1)
        try store.appendEvent("{\n  \"tile\": 1\n}")
        try store.appendEvent("{}")
        try store.finish(
            report: Data("{\"psnr\": 30}".utf8), completion: Sample.completion)
        #expect(try system.list("/out.dip") == ["events.jsonl", "job.json", "report.json"])
        let events = String(decoding: system.file("/out.dip/events.jsonl") ?? [], as: UTF8.self)
        #expect(events == "{   \"tile\": 1 }\n{}\n")
    }

    @Test func `an event after a torn one begins a line`() throws {
        let store = try create()
        system.failure = .init(
            operation: system.operationCount + 1, isCrash: false, share: 0.5)
        #expect(throws: JobStoreError.self) { try store.appendEvent("{\"a\":1}") }
        try store.appendEvent("{\"b\":2}")
        let events = String(decoding: system.file("/out.dip/events.jsonl") ?? [], as: UTF8.self)
        #expect(events == "{\"a\"\n{\"b\":2}\n")
    }

    @Test func `space for all tiles is taken before the first, and asked for once`() throws {
        func isOutOfSpace(_ body: () throws -> Void) -> Bool {
            do {
                try body()
                return false
            } catch {
                return (error as? JobStoreError)?.kind == .outOfSpace
            }
        }
        let store = try create(precision: .float32)
        try store.reserveSpace()
        let byteCount = 3 * store.slotByteCount
        #expect(system.file(Sample.tilesPath) == [UInt8](repeating: 0, count: byteCount))
        #expect(try store.openTile(2) == nil)
        try self.store(store, 2, seed: 1)
        let file = system.file(Sample.tilesPath)
        // All of the rest of the disk is somebody else's.
        system.availableByteCount = 0
        try store.reserveSpace()
        #expect(system.file(Sample.tilesPath) == file)
        // One more than there may be at a time: one goes when the next is there.
        system.availableByteCount = 2000
        try store.reserveSpace(checkpointByteCount: 1000, checkpointCount: 1)
        #expect(
            isOutOfSpace { try store.reserveSpace(checkpointByteCount: 1000, checkpointCount: 2) })
        store.close()

        system.availableByteCount = byteCount - 1
        let short = try create(precision: .float32)
        #expect(isOutOfSpace { try short.reserveSpace() })
        #expect(system.file(Sample.tilesPath) == [])
        system.availableByteCount = byteCount
        try short.reserveSpace()
    }

    @Test func `names of checkpoints are sorted as their numbers`() {
        #expect(JobFolder.checkpointName(42) == "000042.safetensors")
        #expect(JobFolder.checkpointName(1_234_567) == "1234567.safetensors")
        for index in [0, 7, 999_999, 1_000_000] {
            #expect(JobFolder.checkpointIndex(JobFolder.checkpointName(index)) == index)
        }
        for name in ["42.safetensors", "+00042.safetensors", "-00001.safetensors", "000042", ""] {
            #expect(JobFolder.checkpointIndex(name) == nil, "\(name)")
        }
    }
}
