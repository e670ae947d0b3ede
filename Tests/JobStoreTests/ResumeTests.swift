// Runs that stop anywhere and go on: nothing that was told safe is lost or done twice, and nothing
// counts that is not whole.

import FoundationEssentials
import Testing

@testable import JobStore

/// A run of a job as a coordinator makes it, and what it was told is safe.
private struct Run {
    /// Tiles that were stored, by this run and, once its folder was open, by those before.
    var stored: Set<Int> = []
    var attempts: [Int: Int] = [:]
    /// Iterations of checkpoints.
    var checkpoints: [Int: Int] = [:]
    /// How far the job was at the beginning; nil when the folder could not be opened.
    var found: JobState?
    var isFinished = false

    static let folder = "/out.dip"
    static let tileCount = 3

    static func state(_ tile: Int, _ iteration: Int) -> [UInt8] {
        (0..<40).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ tile &* 31 &+ iteration) }
    }

    /// Opens the folder, does what is left, and ends the job.
    ///
    /// - Parameter together: Whether all tiles are stored at once.
    init(_ system: MemoryFileSystem, together: Bool = false) {
        do {
            let former = try JobStore.manifest(inFolder: Self.folder, fileSystem: system)
            isFinished = former?.completion != nil
            if isFinished, let former {
                try JobStore.tidy(folder: Self.folder, manifest: former, fileSystem: system)
                return
            }
            let store =
                if let former {
                    try JobStore.resume(
                        folder: Self.folder, manifest: former, fileSystem: system)
                } else {
                    try JobStore.create(
                        folder: Self.folder, manifest: Sample.manifest(), fileSystem: system)
                }
            defer { store.close() }
            found = store.stateAtOpening
            stored = store.stateAtOpening.stored
            try store.reserveSpace(checkpointByteCount: 400, checkpointCount: 1)
            let missing = (0..<Self.tileCount).filter { !stored.contains($0) }
            if together {
                let attempts = try missing.map { try fit($0, store) }
                try store.storeTiles(
                    zip(missing, attempts).map { ($0, $1, Sample.pixels($0)) },
                    shape: Sample.shape)
                stored.formUnion(missing)
                checkpoints = [:]
            } else {
                for tile in missing { try restore(tile, store) }
            }
            try finish(store, system)
        } catch {
            // What was told safe so far is what counts.
        }
    }

    private mutating func restore(_ tile: Int, _ store: JobStore) throws {
        try store.storeTile(
            tile, attempt: try fit(tile, store), shape: Sample.shape,
            pixels: Sample.pixels(tile))
        stored.insert(tile)
        checkpoints[tile] = nil
    }

    /// Returns the number of the try.
    private mutating func fit(_ tile: Int, _ store: JobStore) throws -> Int {
        let former = store.stateAtOpening.histories[tile] ?? TileHistory()
        let attempt = former.attempts + 1
        try store.recordHistory(
            TileHistory(attempts: attempt, failures: former.failures), of: tile)
        attempts[tile] = attempt
        let start = store.stateAtOpening.checkpoints[tile]?.iteration ?? 0
        for iteration in [start + 10, start + 20] {
            try store.storeCheckpoint(
                tile: tile, attempt: attempt, iteration: iteration,
                bytes: Self.state(tile, iteration))
            checkpoints[tile] = iteration
        }
        try store.appendEvent("{\"tile\":\(tile)}")
        return attempt
    }

    private mutating func finish(_ store: JobStore, _ system: MemoryFileSystem) throws {
        for tile in 0..<Self.tileCount {
            let pixels = try store.openTile(tile).map { try Sample.read($0) }
            #expect(pixels == Sample.pixels(tile))
        }
        try store.recordOutput(FileFingerprint(path: "/input.tif", fileSystem: system))
        try store.finish(report: Data("{}".utf8), completion: Sample.completion)
        isFinished = true
    }
}

@Suite struct ResumeTests {
    private func disk() -> MemoryFileSystem {
        let system = MemoryFileSystem()
        system.setFile("/input.tif", Array("not really an image".utf8))
        return system
    }

    /// A second run finds all that the first one was told is safe.
    private func check(_ second: Run, finds first: Run, _ story: Comment) {
        guard let found = second.found else {
            #expect(second.isFinished, story)
            return
        }
        #expect(found.stored.isSuperset(of: first.stored), story)
        for (tile, attempts) in first.attempts {
            #expect((found.histories[tile]?.attempts ?? 0) >= attempts, story)
        }
        for (tile, iteration) in first.checkpoints where !found.stored.contains(tile) {
            #expect((found.checkpoints[tile]?.iteration ?? 0) >= iteration, story)
        }
        #expect(found.checkpoints.keys.allSatisfy { !found.stored.contains($0) }, story)
    }

    private func checkEnd(_ run: Run, _ system: MemoryFileSystem, _ story: Comment) throws {
        #expect(run.isFinished, story)
        #expect(
            try system.list(Run.folder) == ["events.jsonl", "job.json", "report.json"], story)
    }

    @Test(arguments: [false, true])
    func `a run that stops between any two writes is gone on with`(together: Bool) throws {
        let whole = disk()
        #expect(Run(whole, together: together).isFinished)
        #expect(whole.operationCount > 50)
        for operation in 1...whole.operationCount {
            for share in [0, 0.4, 0.9] {
                for isCrash in [false, true] {
                    let system = disk()
                    system.failure = .init(operation: operation, isCrash: isCrash, share: share)
                    let first = Run(system, together: together)
                    for keeping in [false, true] {
                        let again = system.rebooted(keepingUnsynced: keeping)
                        let story: Comment =
                            "operation \(operation), share \(share), \(isCrash), \(keeping)"
                        let second = Run(again, together: together)
                        check(second, finds: first, story)
                        // A run that found the end written down has only tidied.
                        if second.found != nil || second.isFinished {
                            try checkEnd(second, again, story)
                        }
                    }
                }
            }
        }
    }

    @Test func `a run that stops twice is gone on with twice`() throws {
        let whole = disk()
        _ = Run(whole)
        for operation in stride(from: 1, through: whole.operationCount, by: 3) {
            for later in stride(from: 1, through: 40, by: 5) {
                let system = disk()
                system.failure = .init(operation: operation, isCrash: true, share: 0.5)
                let first = Run(system)
                let second = system.rebooted(keepingUnsynced: false)
                second.failure = .init(operation: later, isCrash: true, share: 0.5)
                let middle = Run(second)
                let story: Comment = "operations \(operation) and \(later)"
                if middle.found != nil { check(middle, finds: first, story) }
                let third = second.rebooted(keepingUnsynced: true)
                let last = Run(third)
                check(last, finds: first, story)
                check(last, finds: middle, story)
                try checkEnd(last, third, story)
            }
        }
    }

    @Test func `what is half written or damaged is cleaned away, and strangers' files stay`() throws
    {
        let system = disk()
        let manifest = try Sample.manifest(precision: .float32)
        do {
            let store = try JobStore.create(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            for tile in 0..<2 {
                try store.storeTile(
                    tile, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(tile))
            }
            try store.storeCheckpoint(tile: 2, attempt: 1, iteration: 5, bytes: [1, 2, 3])
            try store.appendEvent("{}")
        }
        let whole = try #require(system.slot(0, of: manifest))
        var bytes = try #require(system.slot(1, of: manifest))
        bytes[bytes.count - 1] ^= 1
        system.setSlot(1, of: manifest, bytes)
        system.setSlot(2, of: manifest, Array(whole.prefix(2000)))
        let state = try #require(system.file("/out.dip/checkpoints/000002.safetensors"))
        // A checkpoint of a tile that is stored, one that is cut short, half a file.
        system.setFile("/out.dip/checkpoints/000000.safetensors", state)
        system.setFile("/out.dip/checkpoints/000002.safetensors", state.dropLast())
        system.setFile("/out.dip/checkpoints/000001.safetensors.partial", [1])
        system.setFile("/out.dip/job.json.partial", [1])
        system.setFile("/out.dip/checkpoints/notes.txt", [1])
        system.setFile("/out.dip/events.jsonl", Array("{}\n{\"torn".utf8))
        let store = try JobStore.resume(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        #expect(store.stateAtOpening.stored == [0])
        #expect(store.stateAtOpening.checkpoints.isEmpty)
        #expect(system.slot(0, of: manifest) == whole)
        for tile in 1..<3 {
            let slot = try #require(system.slot(tile, of: manifest))
            #expect(slot.prefix(4096).allSatisfy { $0 == 0 }, "tile \(tile)")
            #expect(try store.openTile(tile) == nil, "tile \(tile)")
            try store.storeTile(
                tile, attempt: 2, shape: Sample.shape, pixels: Sample.pixels(tile))
            let again = try #require(try store.openTile(tile))
            #expect(try Sample.read(again) == Sample.pixels(tile), "tile \(tile)")
        }
        #expect(try system.list("/out.dip/checkpoints") == ["notes.txt"])
        #expect(system.file("/out.dip/job.json.partial") == nil)
        try store.appendEvent("{\"a\":1}")
        #expect(
            system.file("/out.dip/events.jsonl") == Array("{}\n{\"torn\n{\"a\":1}\n".utf8))
    }

    @Test func `tiles that nobody can come back with are known to the next run until one is begun`()
        throws
    {
        let system = disk()
        let manifest = try Sample.manifest()
        let rest = TileHistory(attempts: 1, isAtRest: true)
        do {
            let store = try JobStore.create(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            try store.recordHistory(TileHistory(attempts: 1), of: 0)
            try store.recordHistory(TileHistory(attempts: 1), of: 1)
            try store.recordHistories([0: rest, 1: rest])
        }
        do {
            let store = try JobStore.resume(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            #expect(store.stateAtOpening.histories == [0: rest, 1: rest])
            try store.recordHistory(TileHistory(attempts: 2), of: 1)
        }
        let store = try JobStore.resume(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        #expect(store.stateAtOpening.histories == [0: rest, 1: TileHistory(attempts: 2)])
    }

    @Test func `tries, failures and what was given up outlive their run until they are forgiven`()
        throws
    {
        let system = disk()
        let manifest = try Sample.manifest()
        let failure = TileHistory.Failure(attempt: 2, worker: "w", reason: "failed: \"x\"\n")
        do {
            let store = try JobStore.create(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            try store.recordHistory(TileHistory(attempts: 1), of: 0)
            try store.recordHistory(TileHistory(attempts: 2, failures: [failure]), of: 0)
            try store.storeCheckpoint(tile: 1, attempt: 1, iteration: 5, bytes: [1])
            try store.recordHistory(
                TileHistory(attempts: 3, failures: [failure], isSetAside: true), of: 1)
        }
        do {
            let store = try JobStore.resume(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            let state = store.stateAtOpening
            #expect(state.histories[0] == TileHistory(attempts: 2, failures: [failure]))
            #expect(state.setAside == [1])
            // It would only lead to the same failure.
            #expect(state.checkpoints.isEmpty)
        }
        let store = try JobStore.resume(
            folder: "/out.dip", manifest: manifest, retryingFailed: true, fileSystem: system)
        #expect(store.stateAtOpening.setAside.isEmpty)
        #expect(store.stateAtOpening.histories[1] == TileHistory(attempts: 3, isAtRest: true))
        #expect(store.stateAtOpening.histories[0]?.failures == [failure])
    }

    @Test func `a folder that another run has changed meanwhile is not opened`() throws {
        let system = disk()
        var manifest = try Sample.manifest()
        try JobStore.create(folder: "/out.dip", manifest: manifest, fileSystem: system).close()
        manifest.completion = Sample.completion
        do {
            _ = try JobStore.resume(folder: "/out.dip", manifest: manifest, fileSystem: system)
            Issue.record("opened")
        } catch {
            #expect(error.kind == .locked)
        }
        #expect(try !system.isLocked("/out.dip/events.jsonl"))
    }

    @Test func `the end keeps the tiles where that is wanted, and opening the job again undoes it`()
        throws
    {
        let system = disk()
        let manifest = try Sample.manifest()
        let store = try JobStore.create(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        try store.storeTile(
            1, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(1))
        let completion = JobManifest.Completion(endedAt: 3, unrestored: [0, 2], keepsBulk: true)
        try store.finish(report: Data("{}".utf8), completion: completion)
        store.close()
        let ended = try #require(
            try JobStore.manifest(inFolder: "/out.dip", fileSystem: system))
        #expect(ended.completion == completion)
        try JobStore.tidy(folder: "/out.dip", manifest: ended, fileSystem: system)
        let again = try JobStore.resume(folder: "/out.dip", manifest: ended, fileSystem: system)
        #expect(again.stateAtOpening.stored == [1])
        #expect(again.manifest == manifest)
    }
}
