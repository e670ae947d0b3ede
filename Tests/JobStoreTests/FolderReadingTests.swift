// Files that may hold anything: job.json, attempts.log, checkpoints; and the look into a folder.

import FoundationEssentials
import Testing

@testable import JobStore

@Suite struct FolderReadingTests {
    let system = MemoryFileSystem()
    let manifest: JobManifest

    init() throws { manifest = try Sample.manifest() }

    private func create() throws -> JobStore {
        try JobStore.create(folder: "/out.dip", manifest: manifest, fileSystem: system)
    }

    /// Every prefix, every bit that can be turned, and one byte more.
    private func damages(_ bytes: [UInt8], _ body: ([UInt8], Comment) throws -> Void) rethrows {
        for count in 0..<bytes.count { try body(Array(bytes[..<count]), "\(count) bytes") }
        for bit in 0..<8 * bytes.count {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            try body(damaged, "bit \(bit)")
        }
        try body(bytes + [0], "a byte more")
    }

    @Test func `a damaged job file is refused or says the same`() throws {
        _ = try create()
        let path = "/out.dip/job.json"
        damages(try #require(system.file(path))) { bytes, story in
            system.setFile(path, bytes)
            do {
                let read = try JobStore.manifest(inFolder: "/out.dip", fileSystem: system)
                #expect(read == manifest, story)
            } catch {
                #expect((error as? JobStoreError)?.kind == .notResumable, story)
            }
        }
    }

    @Test func `a damaged checkpoint is none or the same`() throws {
        let store = try create()
        let bytes: [UInt8] = (0..<50).map { $0 }
        try store.storeCheckpoint(tile: 2, attempt: 3, iteration: 70, bytes: bytes)
        let whole = try #require(try store.loadCheckpoint(tile: 2))
        #expect((whole.tile, whole.attempt, whole.iteration) == (2, 3, 70))
        #expect(whole.bytes == bytes)
        #expect(try store.loadCheckpoint(tile: 1) == nil)
        let path = "/out.dip/checkpoints/000002.safetensors"
        try damages(try #require(system.file(path))) { damaged, story in
            system.setFile(path, damaged)
            let read = try store.loadCheckpoint(tile: 2)
            #expect(read == nil || read == whole, story)
        }
    }

    @Test func `a checkpoint takes the former one's place and goes with the tile's result`() throws
    {
        let store = try create()
        try store.storeCheckpoint(tile: 0, attempt: 1, iteration: 10, bytes: [1])
        try store.storeCheckpoint(tile: 0, attempt: 2, iteration: 20, bytes: [])
        #expect(try store.loadCheckpoint(tile: 0)?.iteration == 20)
        #expect(try store.loadCheckpoint(tile: 0)?.bytes == [])
        #expect(try system.list("/out.dip/checkpoints") == ["000000.safetensors"])
        try store.storeTile(
            0, attempt: 2, shape: Sample.shape, pixels: Sample.pixels(1))
        #expect(try store.loadCheckpoint(tile: 0) == nil)
        #expect(throws: JobStoreError.self) {
            try store.storeCheckpoint(tile: 3, attempt: 1, iteration: 10, bytes: [1])
        }
    }

    @Test func `a damaged log of tries tells whole lines only`() throws {
        let store = try create()
        let histories = [
            TileHistory(attempts: 1),
            TileHistory(
                attempts: 2, failures: [.init(attempt: 1, worker: "w", reason: "failed: x")]),
        ]
        for history in histories { try store.recordHistory(history, of: 1) }
        let folder = JobFolder(path: "/out.dip", fileSystem: system)
        let path = "/out.dip/attempts.log"
        let bytes = try #require(system.file(path))
        #expect(try HistoryLog.read(folder, tileCount: 3) == [1: histories[1]])
        #expect(try HistoryLog.read(folder, tileCount: 1) == [:])
        try damages(bytes) { damaged, story in
            system.setFile(path, damaged)
            let read = try HistoryLog.read(folder, tileCount: 3)
            #expect(read.isEmpty || histories.contains { read == [1: $0] }, story)
        }
        system.setFile(path, [UInt8](repeating: 7, count: 3 << 20) + [UInt8(ascii: "\n")] + bytes)
        #expect(try HistoryLog.read(folder, tileCount: 3) == [1: histories[1]])
    }

    @Test func `a look changes nothing, needs no lock and tells who has it`() throws {
        #expect(try JobSnapshot.read(folder: "/out.dip", fileSystem: system) == nil)
        let store = try create()
        try store.storeTile(
            0, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(1))
        try store.storeCheckpoint(tile: 1, attempt: 1, iteration: 9, bytes: [1, 2])
        system.setSlot(2, of: manifest, [1])
        let damaged = system.slot(2, of: manifest)
        let operations = system.operationCount
        let running = try #require(
            try JobSnapshot.read(folder: "/out.dip", fileSystem: system))
        #expect(running.isBeingWorkedOn)
        #expect(running.manifest == manifest)
        #expect(running.state.stored == [0])
        #expect(
            running.state.checkpoints == [1: .init(attempt: 1, iteration: 9, byteCount: 2)])
        #expect(system.operationCount == operations)
        #expect(damaged != nil && system.slot(2, of: manifest) == damaged)
        store.close()
        #expect(
            try JobSnapshot.read(folder: "/out.dip", fileSystem: system)?.isBeingWorkedOn == false)
    }

    @Test func `jobs are compared by what decides about pixels, both values named`() throws {
        var same = manifest
        same.jobID = "another"
        same.input.path = "elsewhere/input.tif"
        same.createdAt = 7
        same.completion = Sample.completion
        #expect(manifest.difference(from: same) == nil)

        func expect(_ sentence: String, _ change: (inout JobManifest) -> Void) {
            var other = manifest
            change(&other)
            #expect(manifest.difference(from: other)?.description.contains(sentence) == true)
        }
        expect("iterations is 3 in the folder, but 4 is asked for") {
            $0.configuration = #"{"iterations": 4}"#
        }
        expect("seed is not set in the folder, but 1 is asked for") {
            $0.configuration = #"{"iterations": 3, "seed": 1}"#
        }
        expect("19 bytes in the folder, but 20 bytes is asked") { $0.input.byteCount = 20 }
        expect("1970-01-01T00:00:00.000000007Z in the folder, but 1970-01-01T00:00:01.000000000Z") {
            $0.input.modificationTime = 1_000_000_000
        }
        expect("first MiB") { $0.input.headChecksum ^= 1 }
        expect("last MiB") { $0.input.tailChecksum ^= 1 }
        expect("9 x 3 in the folder, but 9 x 4") { $0.image.height = 4 }
        expect("2 bands of uint8 in the folder, but 2 bands of uint16") {
            $0.image.sampleType = "uint16"
        }
        expect("header") { $0.image.headerChecksum ^= 1 }
        expect("tile is 6 in the folder, but 7") { $0.plan.tile = 7 }
        expect("overlap is 1 in the folder, but 2") { $0.plan.overlap = 2 }
        expect("windows is 5 x 3 in the folder, but 5 x 2") { $0.plan.windowHeight = 2 }
        expect("restarts is 1 in the folder, but 3 is asked for") { $0.plan.restarts = 3 }
        expect("[0, 2, 4] in the folder, but [0, 3, 4]") { $0.plan.columns = [0, 3, 4] }
        expect("preset is thin in the folder, but fast is asked") {
            $0.preset = "fast"
            $0.configuration = #"{"iterations": 4}"#
        }
        // A preset under another name decides about nothing.
        var renamed = manifest
        renamed.preset = "mine.json"
        #expect(manifest.difference(from: renamed) == nil)
    }
}
