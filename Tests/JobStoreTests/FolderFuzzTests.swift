// Folders whose files hold anything at all: nothing traps, nothing is taken for what it is not, and
// no file makes its reader take more memory than is stated.

import Safetensors
import Testing

@testable import JobStore

@Suite struct FolderFuzzTests {
    private static let places = [
        "tiles/000000.safetensors", "tiles/000001.safetensors", "checkpoints/000001.safetensors",
        "attempts.log", "events.jsonl", "report.json",
    ].map { "/out.dip/" + $0 }

    /// A folder with a file in each place, all of them sound, that nobody works in.
    private func folder() throws -> MemoryFileSystem {
        let system = MemoryFileSystem()
        let store = try JobStore.create(
            folder: "/out.dip", manifest: Sample.manifest(), fileSystem: system)
        try store.storeTile(
            0, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(1), precision: .float16)
        try store.storeCheckpoint(tile: 1, attempt: 1, iteration: 9, bytes: [1, 2, 3])
        try store.recordHistory(TileHistory(attempts: 2), of: 1)
        try store.appendEvent("{}")
        store.close()
        return system
    }

    private func noise(_ count: Int, _ generator: inout SplitMix) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    /// What stands in a hostile file: noise, or a sound one with some of its bytes changed, cut off
    /// or moved.
    private func hostile(_ sound: [UInt8], _ generator: inout SplitMix) -> [UInt8] {
        var bytes = sound
        guard !bytes.isEmpty, generator.next() % 4 > 0 else {
            return noise(Int(generator.next() % 300), &generator)
        }
        for _ in 0...generator.next() % 4 {
            let place = Int(generator.next() % UInt64(bytes.count))
            switch generator.next() % 4 {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
            case 1: bytes[place] ^= 1 << UInt8(generator.next() % 8)
            case 2: bytes.insert(contentsOf: noise(3, &generator), at: place)
            default: bytes.removeSubrange(place..<min(place + 2, bytes.count))
            }
            if bytes.isEmpty { break }
        }
        return bytes
    }

    @Test func `whatever the files hold, the folder can be looked at and gone on with`() throws {
        let sound = try folder()
        let manifest = try #require(
            try JobStore.manifest(inFolder: "/out.dip", fileSystem: sound))
        for seed in 0..<3000 as Range<UInt64> {
            var generator = SplitMix(state: seed)
            let system = sound.restarted()
            var isTileSound = true
            for place in Self.places where generator.next() % 2 == 0 {
                let before = system.file(place) ?? sound.file(Self.places[0]) ?? []
                let bytes = hostile(before, &generator)
                isTileSound = isTileSound && (place != Self.places[0] || bytes == before)
                system.setFile(place, bytes)
            }
            let looked = try JobSnapshot.read(folder: "/out.dip", fileSystem: system)
            // What was changed may mean the same, such as a checksum's capital letter.
            func isRight(_ stored: Set<Int>?) -> Bool {
                stored == [0] || !isTileSound && stored == []
            }
            #expect(isRight(looked?.state.stored), "seed \(seed)")
            let store = try JobStore.resume(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            #expect(isRight(store.stateAtOpening.stored), "seed \(seed)")
            let checkpoint = try store.loadCheckpoint(tile: 1)
            #expect(checkpoint == nil || checkpoint?.bytes == [1, 2, 3], "seed \(seed)")
            #expect(system.largestReadByteCount < 4200, "seed \(seed)")
            store.close()
        }
    }

    @Test func `a job file that holds anything is refused`() throws {
        let system = try folder()
        let path = "/out.dip/job.json"
        let sound = try #require(system.file(path))
        let manifest = try #require(
            try JobStore.manifest(inFolder: "/out.dip", fileSystem: system))
        for seed in 0..<3000 as Range<UInt64> {
            var generator = SplitMix(state: seed)
            system.setFile(path, hostile(sound, &generator))
            do throws(JobStoreError) {
                let read = try JobStore.manifest(inFolder: "/out.dip", fileSystem: system)
                #expect(read == manifest, "seed \(seed)")
            } catch {
                #expect(error.kind == .notResumable, "seed \(seed)")
            }
        }
    }

    @Test func `large files are read in pieces, and claims of length cost nothing`() throws {
        let system = try folder()
        let mebibyte = 1 << 20
        func header(_ length: UInt64) -> [UInt8] {
            (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        }
        let zeros = [UInt8](repeating: 0, count: 20 * mebibyte)
        for length in [0, 2, 1 << 24, 1 << 25, 1 << 62, .max] as [UInt64] {
            for place in Self.places.prefix(3) { system.setFile(place, header(length) + zeros) }
            // A log without a line's end.
            system.setFile("/out.dip/attempts.log", zeros)
            let looked = try JobSnapshot.read(folder: "/out.dip", fileSystem: system)
            #expect(looked?.state == JobState(), "\(length)")
            // The longest header that is read.
            #expect(system.largestReadByteCount <= 16 * mebibyte + 8, "\(length)")
        }
        // Sound in every respect but its checksum.
        let facts = StoredFacts(
            content: .state, job: "job-1", tile: 1, attempt: 1, iteration: 1,
            shape: [zeros.count], type: .uint8)
        var file = facts.encoded(zeros)
        file[file.count - 1] = 1
        let other = try folder()
        other.setFile(Self.places[2], file)
        let looked = try JobSnapshot.read(folder: "/out.dip", fileSystem: other)
        #expect(looked?.state.checkpoints == [:])
        #expect(other.largestReadByteCount <= mebibyte)
    }
}
