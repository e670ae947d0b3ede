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
        "job.json", "attempts.log", "events.jsonl", "report.json", "tiles/000001.safetensors",
        "checkpoints/000002.safetensors",
    ].map { "/out.dip/" + $0 }

    init() throws {
        manifest = try Sample.manifest()
        let store = try JobStore.create(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        try store.storeTile(
            1, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(1), precision: .float16)
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

    @Test(arguments: paths)
    func `random bytes in the place of a file never trap and hide nothing else`(
        path: String
    ) throws {
        let whole = Self.paths.map { ($0, system.file($0)) }
        for seed in 0..<300 {
            var generator = SplitMix(state: UInt64(seed))
            for case (let path, let bytes?) in whole { system.setFile(path, bytes) }
            let count = Int(generator.next() % (seed % 10 == 0 ? 4000 : 100))
            var noise = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            // Behind a header length that fits in half of the cases, so that its JSON is read.
            if seed % 2 == 0, count > 8 {
                let length = UInt64(count - 8)
                for place in 0..<8 {
                    noise[place] = UInt8(truncatingIfNeeded: length >> (8 * place))
                }
            }
            system.setFile(path, noise)
            guard let state = open("\(path), seed \(seed)") else {
                #expect(path.hasSuffix("job.json"), "\(path), seed \(seed)")
                continue
            }
            #expect(state.stored == (path.contains("tiles/") ? [] : [1]), "\(path), seed \(seed)")
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
