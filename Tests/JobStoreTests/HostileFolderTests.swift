// Files that somebody else may have written: bytes of any kind, and whole files, checksums and
// all, whose numbers no job has.

import FoundationEssentials
import Safetensors
import Testing

@testable import JobStore

@Suite struct HostileFolderTests {
    let system = MemoryFileSystem()
    let manifest: JobManifest

    static let paths = [
        "job.json", "attempts.log", "events.jsonl", "report.json", "tiles.bin",
        "checkpoints/000002.safetensors",
    ].map { "/out.dip/" + $0 }
    /// What is no path: the slot of the stored tile in the file of tiles.
    static let slot = "slot 1"

    init() throws {
        manifest = try Sample.manifest()
        let store = try JobStore.create(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        try store.storeTile(
            1, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(1))
        try store.storeCheckpoint(tile: 2, attempt: 3, iteration: 70, bytes: [1, 2, 3])
        try store.recordHistory(TileHistory(attempts: 2), of: 2)
        store.close()
    }

    /// What a job's beginning makes of the folder; nil when it is refused.
    private func open(_ story: Comment) -> JobState? {
        do {
            _ = try JobSnapshot.read(folder: "/out.dip", fileSystem: system)
            let store = try JobStore.resume(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            defer { store.close() }
            return store.stateAtOpening
        } catch {
            #expect(error.kind == .notResumable, story)
            return nil
        }
    }

    /// Bytes of any kind. Half of them have a header length that fits at their beginning, so that
    /// their JSON is read.
    private func noise(_ count: Int, _ seed: Int, _ generator: inout SplitMix) -> [UInt8] {
        var noise = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        if seed % 2 == 0, count > 8 {
            let length = UInt64(count - 8)
            for place in 0..<8 { noise[place] = UInt8(truncatingIfNeeded: length >> (8 * place)) }
        }
        return noise
    }

    @Test(arguments: paths + [slot])
    func `random bytes in the place of a file never trap and hide nothing else`(
        path: String
    ) throws {
        let whole = Self.paths.map { ($0, system.file($0)) }
        for seed in 0..<300 {
            var generator = SplitMix(state: UInt64(seed))
            for case (let path, let bytes?) in whole { system.setFile(path, bytes) }
            let count = Int(generator.next() % (seed % 10 == 0 ? 4000 : 100))
            switch path {
            case Self.slot: system.setSlot(1, of: manifest, noise(count, seed, &generator))
            case Sample.tilesPath:
                // One piece, or one in each slot.
                let pieces = (0..<(seed % 3 == 0 ? 4 : 1)).map { _ in
                    let piece = noise(count, seed, &generator)
                    return piece + [UInt8](repeating: 7, count: manifest.slotByteCount - count)
                }
                let rest = pieces.count > 1 ? 0 : manifest.slotByteCount - count
                system.setFile(path, pieces.flatMap { $0 }.dropLast(rest))
            default: system.setFile(path, noise(count, seed, &generator))
            }
            guard let state = open("\(path), seed \(seed)") else {
                #expect(path.hasSuffix("job.json"), "\(path), seed \(seed)")
                continue
            }
            let isOfTiles = [Self.slot, Sample.tilesPath].contains(path)
            #expect(state.stored == (isOfTiles ? [] : [1]), "\(path), seed \(seed)")
            let checkpoints: Set = path.contains("checkpoints/") ? [] : [2]
            #expect(Set(state.checkpoints.keys) == checkpoints, "\(path), seed \(seed)")
        }
    }

    @Test func `a try that cannot be counted on from is none`() throws {
        for attempts in [-1, Int(Int32.max), .max] {
            let line =
                #"{"history":{"attempts":\#(attempts),"failures":[],"isSetAside":false},"#
                + #""tile":0}"#
            let sum = Checksum(of: Array(line.utf8)).hexadecimal
            system.setFile("/out.dip/attempts.log", Array("\(sum) \(line)\n".utf8))
            #expect(open("\(attempts)")?.histories == [:], "\(attempts)")
        }
    }

    @Test func `a state at an iteration that no message can name is none`() throws {
        for (attempt, iteration) in [(1, Int(Int32.max)), (1, .max), (.max, 1), (-1, 1), (1, -1)] {
            let facts = StoredFacts(
                content: .state, job: manifest.jobID, tile: 2, attempt: attempt,
                iteration: iteration, shape: [3], type: .uint8)
            system.setFile("/out.dip/checkpoints/000002.safetensors", facts.encoded([1, 2, 3]))
            #expect(open("\(attempt), \(iteration)")?.checkpoints == [:])
        }
    }

    @Test func `a complete job without a tile that it has is refused`() throws {
        for unrestored in [[3], [-1], [0, 0], [.max]] {
            var other = manifest
            other.completion = .init(endedAt: 1, unrestored: unrestored, keepsBulk: true)
            system.setFile("/out.dip/job.json", try other.encoded())
            #expect(throws: JobStoreError.self, "\(unrestored)") {
                try JobStore.manifest(inFolder: "/out.dip", fileSystem: system)
            }
        }
    }

    @Test func `a job whose tiles no disk can hold is refused`() throws {
        let side = Int(Int32.max)
        for (width, height, bands) in [(side, side, 16), (side, side, 1), (1, 1 << 31, 1)] {
            var other = manifest
            other.plan.windowWidth = width
            other.plan.windowHeight = height
            other.image.bands = bands
            system.setFile("/out.dip/job.json", try other.encoded())
            #expect(throws: JobStoreError.self, "\(width) x \(height), \(bands)") {
                try JobStore.manifest(inFolder: "/out.dip", fileSystem: system)
            }
        }
    }

    @Test func `files take no more memory than their kind may`() throws {
        let path = "/out.dip/checkpoints/000002.safetensors"
        let store = try JobStore.resume(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        try store.storeCheckpoint(
            tile: 2, attempt: 1, iteration: 7, bytes: [UInt8](repeating: 5, count: 3 << 20))
        system.largestRead = 0
        // Read through for its checksum, but not taken.
        #expect(try store.loadCheckpoint(tile: 2, byteCountMax: (3 << 20) - 1) == nil)
        #expect(try store.loadCheckpoint(tile: 2, byteCountMax: 1 << 20) == nil)
        #expect(system.largestRead <= 1 << 20)
        #expect(try store.loadCheckpoint(tile: 2, byteCountMax: 3 << 20)?.iteration == 7)

        // A header of ten megabytes that would be a good one but for its length.
        let stored = try #require(system.file(path))
        let header = try SafetensorsHeader(parsing: stored, fileByteCount: stored.count)
        let padded =
            Array(stored[8..<header.dataOffset])
            + [UInt8](repeating: UInt8(ascii: " "), count: 10 << 20)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: padded.count >> (8 * $0)) }
        system.setFile(path, length + padded + stored[header.dataOffset...])
        system.largestRead = 0
        #expect(try store.loadCheckpoint(tile: 2) == nil)
        #expect(system.largestRead <= 1 << 20)
    }
}
