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
    static func run(
        _ system: MemoryFileSystem, jobID: String, precision: TilePrecision = .float16
    ) -> Acknowledged {
        var acknowledged = Acknowledged()
        guard let manifest = try? Sample.manifest(jobID, precision: precision),
            let store = try? JobStore.create(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
        else { return acknowledged }
        acknowledged.manifest = manifest
        for (attempt, index) in [0, 2, 1, 2].enumerated() {
            let seed = 100 + attempt
            let operationCount = system.operationCount
            do {
                try store.storeTile(
                    index, attempt: attempt + 1, shape: Sample.shape, pixels: Sample.pixels(seed))
                acknowledged.tiles[index] = seed
            } catch {
                // The attempt before, this one whole or, where writing it was cut short, none.
                if let failure = system.failure, failure.operation > operationCount {
                    acknowledged.tiles[index] = nil
                }
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
        try JobStore.openTile(
            index, inFolder: "/out.dip", manifest: manifest, fileSystem: system
        ).map { try Sample.read($0) }
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

    @Test(arguments: [(false, TilePrecision.float16), (true, .float32)])
    func `a disk that fails at any one operation loses nothing that was told safe`(
        formerJob: Bool, precision: TilePrecision
    ) throws {
        let beginning = MemoryFileSystem()
        if formerJob {
            // A former job that stopped in the middle, with other pixels in its tiles.
            beginning.failure = .init(operation: 25, isCrash: true, share: 0)
            _ = Self.run(beginning, jobID: "former", precision: precision)
        }
        let whole = beginning.restarted()
        #expect(Self.run(whole, jobID: "job", precision: precision).isFinished)
        #expect(whole.operationCount > 30)
        for operation in 1...whole.operationCount {
            for share in [0, 0.3, 0.9, 1] {
                for isCrash in [false, true] {
                    let system = beginning.restarted()
                    system.failure = .init(operation: operation, isCrash: isCrash, share: share)
                    let acknowledged = Self.run(system, jobID: "job", precision: precision)
                    system.failure = nil
                    let story: Comment = "operation \(operation), share \(share), crash \(isCrash)"
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

    /// What comes of opening a tile.
    private enum Opened: Equatable {
        case nothing, damaged
        case tile(attempt: Int, pixels: [Float])
    }

    private func open(_ index: Int, isLoaded: Bool, of store: JobStore) throws -> Opened {
        do {
            guard let tile = try store.openTile(index, isLoaded: isLoaded) else { return .nothing }
            return .tile(attempt: tile.attempt, pixels: try Sample.read(tile))
        } catch let error as JobStoreError where error.kind == .corrupt {
            return .damaged
        }
    }

    @Test(arguments: [TilePrecision.float16, .float32])
    func `a damaged tile is an error or the tile itself, also where it is read as a whole`(
        precision: TilePrecision
    ) throws {
        let system = MemoryFileSystem()
        let manifest = try Sample.manifest(precision: precision)
        let store = try JobStore.create(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        for index in 0..<2 {
            try store.storeTile(
                index, attempt: 3, shape: Sample.shape, pixels: Sample.pixels(index))
        }
        let file = try #require(system.file(Sample.tilesPath))
        let bytes = try #require(system.slot(1, of: manifest))
        let tiles = (0..<2).map { Opened.tile(attempt: 3, pixels: Sample.pixels($0)) }
        /// What both ways of reading make of a tile.
        func opened(_ index: Int, _ story: Comment) throws -> Opened {
            let opened = try open(index, isLoaded: false, of: store)
            #expect(try open(index, isLoaded: true, of: store) == opened, story)
            return opened
        }
        func attempt(_ damaged: [UInt8], _ story: Comment) throws {
            system.setSlot(1, of: manifest, damaged)
            let isEmpty = damaged.prefix(8).allSatisfy { $0 == 0 }
            let found = try opened(1, story)
            #expect(isEmpty ? found == .nothing : found == tiles[1] || found == .damaged, story)
        }
        #expect(try opened(1, "whole") == tiles[1])
        // Zeros behind what is left of it.
        for count in Sample.places(in: bytes) where !bytes[count...].allSatisfy({ $0 == 0 }) {
            try attempt(Array(bytes[..<count]), "\(count) bytes")
            #expect(try opened(1, "\(count) bytes") != tiles[1], "\(count) bytes")
        }
        for place in Sample.places(in: bytes) {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[place] ^= 1 << UInt8(bit)
                try attempt(damaged, "byte \(place), bit \(bit)")
            }
        }
        #expect(try opened(0, "beside a damaged one") == tiles[0])
        // The file ends before, within and behind the slot, and far behind it.
        for count in Sample.places(in: file) {
            system.overwriteFile(Sample.tilesPath, Array(file[..<count]))
            for index in 0..<3 {
                let isThere = index < 2 && manifest.slot(of: index).upperBound <= count
                let found = try opened(index, "\(count) bytes of the file")
                #expect(found == (isThere ? tiles[index] : .nothing), "\(count) bytes of the file")
            }
        }
        for more in [1, 4095, 4096, 9000] {
            let longer = file + [UInt8](repeating: 0, count: more)
            system.overwriteFile(Sample.tilesPath, longer)
            #expect(try opened(1, "\(more) bytes more") == tiles[1])
            #expect(try opened(2, "\(more) bytes more") == .nothing)
        }
    }
}
