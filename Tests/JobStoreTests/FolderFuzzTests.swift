// Folders whose files hold anything at all: nothing traps, nothing is taken for what it is not, and
// no file makes its reader take more memory than is stated.

import Safetensors
import Testing

@testable import JobStore

@Suite struct FolderFuzzTests {
    private enum Place {
        case file(String)
        case slot(Int)
    }

    private static let checkpoint = "/out.dip/checkpoints/000001.safetensors"
    private static let places: [Place] =
        [.slot(0), .slot(1), .file(checkpoint)]
        + ["attempts.log", "events.jsonl", "report.json"].map { .file("/out.dip/" + $0) }

    /// A folder with a file in each place, all of them sound, that nobody works in.
    private func folder(
        _ manifest: JobManifest? = nil, isEmpty: Bool = false
    ) throws -> MemoryFileSystem {
        let system = MemoryFileSystem()
        let store = try JobStore.create(
            folder: "/out.dip", manifest: manifest ?? Sample.manifest(), fileSystem: system)
        if !isEmpty {
            try store.storeTile(
                0, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(1))
        }
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
            // Between its text and its data a slot has spaces and not much else.
            let (text, data) = (min(bytes.count, 256), min(bytes.count, 64))
            let place =
                switch generator.next() % 3 {
                case 0: Int(generator.next() % UInt64(bytes.count))
                case 1: Int(generator.next() % UInt64(text))
                default: bytes.count - 1 - Int(generator.next() % UInt64(data))
                }
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
            let tile = try #require(sound.slot(0, of: manifest))
            for place in Self.places where generator.next() % 2 == 0 {
                switch place {
                case .file(let path):
                    system.setFile(path, hostile(system.file(path) ?? tile, &generator))
                case .slot(let index):
                    system.setSlot(index, of: manifest, hostile(tile, &generator))
                }
            }
            let isTileSound = system.slot(0, of: manifest) == tile
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

    /// A file of tiles that has been cut off, made longer, moved or overwritten.
    private func damagedFile(
        _ sound: [UInt8], slotByteCount: Int, _ generator: inout SplitMix
    ) -> [UInt8] {
        let count = Int(generator.next() % UInt64(sound.count + 2))
        switch generator.next() % 8 {
        case 0: return Array(sound.prefix(count))
        case 1: return Array(sound.prefix(count / slotByteCount * slotByteCount))
        case 2: return sound + noise(count, &generator)
        case 3: return sound + [UInt8](repeating: 0, count: count)
        case 4: return [UInt8](repeating: 0, count: count)
        case 5: return noise(count, &generator)
        case 6: return noise(count % 40, &generator) + sound
        default: return [UInt8](repeating: 0, count: slotByteCount) + sound
        }
    }

    @Test func `whatever becomes of the file of tiles as a whole, what is whole counts`() throws {
        let manifest = try Sample.manifest()
        let system = try folder()
        let first = try JobStore.resume(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        try first.storeTile(
            2, attempt: 4, shape: Sample.shape, pixels: Sample.pixels(2))
        first.close()
        let sound = try #require(system.file(Sample.tilesPath))
        let whole = (0..<3).map { system.slot($0, of: manifest) }
        for seed in 0..<600 as Range<UInt64> {
            var generator = SplitMix(state: seed)
            let bytes = damagedFile(
                sound, slotByteCount: manifest.slotByteCount, &generator)
            system.setFile(Sample.tilesPath, bytes)
            let isThere = Set([0, 2].filter { system.slot($0, of: manifest) == whole[$0] })
            let looked = try JobSnapshot.read(folder: "/out.dip", fileSystem: system)
            #expect(looked?.state.stored == isThere, "seed \(seed)")
            #expect(system.file(Sample.tilesPath) == bytes, "seed \(seed)")
            let store = try JobStore.resume(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            defer { store.close() }
            #expect(store.stateAtOpening.stored == isThere, "seed \(seed)")
            for tile in 0..<3 where !isThere.contains(tile) {
                #expect(try store.openTile(tile) == nil, "seed \(seed), tile \(tile)")
            }
            // The job goes on there.
            try store.reserveSpace()
            try store.storeTile(
                1, attempt: 2, shape: Sample.shape, pixels: Sample.pixels(1))
            for (tile, seedOfPixels) in [(0, 1), (1, 1), (2, 2)]
            where tile == 1 || isThere.contains(tile) {
                let pixels = try store.openTile(tile, isLoaded: true).map { try Sample.read($0) }
                #expect(pixels == Sample.pixels(seedOfPixels), "seed \(seed), tile \(tile)")
            }
        }
        #expect(system.largestReadByteCount <= manifest.slotByteCount)
    }

    @Test func `large files are read in pieces, and claims of length cost nothing`() throws {
        // Slots of 20 MiB.
        let mebibyte = 1 << 20
        var manifest = try Sample.manifest()
        manifest.plan.windowWidth = 20 * mebibyte / 12
        manifest.plan.columns = [0, 2]
        let system = try folder(manifest, isEmpty: true)
        func header(_ length: UInt64) -> [UInt8] {
            (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
        }
        let zeros = [UInt8](repeating: 0, count: 20 * mebibyte)
        var tiles = [UInt8](repeating: 0, count: manifest.slotsByteCount)
        for length in [0, 2, 1 << 24, 1 << 25, 1 << 62, .max] as [UInt64] {
            for place in 0..<2 {
                let offset = manifest.slot(of: place).lowerBound
                tiles.replaceSubrange(offset..<offset + 8, with: header(length))
            }
            system.setFile(Sample.tilesPath, tiles)
            system.setFile(Self.checkpoint, header(length) + zeros)
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
        other.setFile(Self.checkpoint, file)
        let looked = try JobSnapshot.read(folder: "/out.dip", fileSystem: other)
        #expect(looked?.state.checkpoints == [:])
        #expect(other.largestReadByteCount <= mebibyte)
    }
}
