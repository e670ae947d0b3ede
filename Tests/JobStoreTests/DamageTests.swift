// Torn writes, crashes between any two operations, flipped bits: what is lost is told, and what
// is read is what was stored.

import FoundationEssentials
import Testing

@testable import JobStore

@Suite struct DamageTests {
    /// What a run has been told is safe.
    struct Acknowledged {
        var manifest: JobManifest?
        var tiles: [Int: Int] = [:]
        var isFinished = false
    }

    /// Everything that a job does to its folder; the seeds of the pixels that were stored.
    static func run(_ system: MemoryFileSystem, jobID: String) -> Acknowledged {
        var acknowledged = Acknowledged()
        guard let manifest = try? Sample.manifest(jobID),
            let store = try? JobStore.create(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
        else { return acknowledged }
        acknowledged.manifest = manifest
        for (attempt, index) in [0, 2, 1, 2].enumerated() {
            let seed = 100 + attempt
            do {
                try store.storeTile(
                    index, attempt: attempt + 1, shape: Sample.shape, pixels: Sample.pixels(seed),
                    precision: attempt % 2 == 0 ? .float16 : .float32)
                acknowledged.tiles[index] = seed
            } catch {
                // The attempt before, or this one whole.
            }
            try? store.appendEvent("{\"tile\": \(index)}")
        }
        acknowledged.isFinished =
            (try? store.finish(
                report: Data("{}".utf8), completion: Sample.completion)) != nil
        return acknowledged
    }

    /// The seeds of the pixels that each tile was ever given.
    static let everStored = [0: [100], 1: [102], 2: [101, 103]]

    static func tile(
        _ index: Int, _ system: MemoryFileSystem, _ manifest: JobManifest
    ) throws -> [Float]? {
        let path = "/out.dip/tiles/\(JobFolder.tileName(index))"
        guard let file = try system.open(path, followingLinks: false) else { return nil }
        return try Sample.read(
            StoredTile(checking: file, path: path, index: index, manifest: manifest))
    }

    func check(
        _ system: MemoryFileSystem, _ acknowledged: Acknowledged, _ story: Comment
    ) throws {
        let manifest = try JobStore.manifest(inFolder: "/out.dip", fileSystem: system)
        if let stored = acknowledged.manifest {
            var told = manifest
            told?.completion = nil
            #expect(told == stored, story)
        }
        guard let manifest else { return }
        for (index, seeds) in Self.everStored {
            let pixels = try? Self.tile(index, system, manifest)
            if let pixels {
                #expect(seeds.contains { Sample.pixels($0) == pixels }, story)
            }
            // Tiles go only after the report has come.
            let hasReport = system.file("/out.dip/report.json") != nil
            if let seed = acknowledged.tiles[index], !hasReport {
                let latest = seeds.filter { $0 >= seed }.map(Sample.pixels)
                #expect(pixels.map(latest.contains) == true, story)
            }
        }
        if acknowledged.isFinished {
            #expect(
                try system.list("/out.dip") == ["events.jsonl", "job.json", "report.json"], story)
        }
    }

    @Test func `a disk that fails at any one operation loses nothing that was told safe`() throws {
        for formerJob in [false, true] {
            func disk() -> MemoryFileSystem {
                let system = MemoryFileSystem()
                if formerJob {
                    // A former job that stopped in the middle, with other pixels in its tiles.
                    system.failure = .init(operation: 25, isCrash: true, share: 0)
                    _ = Self.run(system, jobID: "former")
                }
                return system.rebooted(keepingUnsynced: true)
            }
            let whole = disk()
            let former = whole.operationCount
            #expect(Self.run(whole, jobID: "job").isFinished)
            #expect(whole.operationCount > 30)
            for operation in former + 1...whole.operationCount {
                for share in [0, 0.3, 0.9, 1] {
                    for isCrash in [false, true] {
                        let system = disk()
                        system.failure = .init(
                            operation: operation, isCrash: isCrash, share: share)
                        let acknowledged = Self.run(system, jobID: "job")
                        system.failure = nil
                        let story: Comment =
                            "operation \(operation), share \(share), crash \(isCrash), \(formerJob)"
                        try check(system, acknowledged, story)
                        for keeping in [false, true] where isCrash {
                            let rebooted = system.rebooted(keepingUnsynced: keeping)
                            try check(rebooted, acknowledged, story)
                            #expect(Self.run(rebooted, jobID: "next").isFinished, story)
                        }
                        if !isCrash {
                            #expect(Self.run(system, jobID: "next").isFinished, story)
                        }
                    }
                }
            }
        }
    }

    @Test func `a damaged tile is an error or the tile itself`() throws {
        let system = MemoryFileSystem()
        let manifest = try Sample.manifest()
        let store = try JobStore.create(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        try store.storeTile(
            1, attempt: 3, shape: Sample.shape, pixels: Sample.pixels(1), precision: .float16)
        let path = "/out.dip/tiles/000001.safetensors"
        let bytes = try #require(system.file(path))
        func attempt(_ damaged: [UInt8], _ story: Comment) {
            system.setFile(path, damaged)
            do {
                let tile = try #require(try store.openTile(1))
                #expect(tile.attempt == 3, story)
                #expect(try Sample.read(tile) == Sample.pixels(1), story)
            } catch {
                #expect((error as? JobStoreError)?.kind == .corrupt, story)
            }
        }
        for count in 0..<bytes.count { attempt(Array(bytes[..<count]), "\(count) bytes") }
        for bit in 0..<(8 * bytes.count) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            attempt(damaged, "bit \(bit)")
        }
        attempt(bytes + [0], "a byte more")
    }
}
