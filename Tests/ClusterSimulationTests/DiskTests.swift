import Testing

@testable import ClusterSimulation
@testable import JobStore

/// The job folder on a disk that fails at any one operation and loses its power later.
struct DiskTests {
    private static let folder = Simulation.folder
    private static let pixels: [Float] = [0, 0.25, 0.5, 1]

    /// A process that begins a job or goes on with it, and stores one tile.
    private func store(_ tile: Int, on disk: SimulatedDisk) throws(JobStoreError) {
        let store: JobStore
        if let manifest = try JobStore.manifest(inFolder: Self.folder, fileSystem: disk) {
            store = try JobStore.resume(
                folder: Self.folder, manifest: manifest, fileSystem: disk)
        } else {
            store = try JobStore.create(
                folder: Self.folder, manifest: try Simulation.manifest(tileCount: 3, disk),
                fileSystem: disk)
        }
        defer { store.close() }
        try store.recordHistory(TileHistory(attempts: tile + 1), of: tile)
        try store.storeTile(
            tile, attempt: tile + 1, shape: Simulation.shape, pixels: Self.pixels)
    }

    /// What a process finds that begins now.
    private func state(_ disk: SimulatedDisk) throws -> JobState {
        let snapshot = try JobSnapshot.read(folder: Self.folder, fileSystem: disk)
        return snapshot?.state ?? JobState()
    }

    @Test(arguments: [0, 0.4, 0.9])
    func `what is told safe stays, whichever operation of a former process failed`(
        share: Double
    ) throws {
        for operation in 1...40 {
            for kills in [false, true] {
                for seed in 0..<4 as Range<UInt64> {
                    let story: Comment = "operation \(operation), kills \(kills), seed \(seed)"
                    let disk = SimulatedDisk()
                    disk.fate = { [unowned disk] in
                        guard disk.operationCount == operation else { return .done }
                        return kills ? .kills(share: share) : .fails(share: share)
                    }
                    let isSafe = (try? store(0, on: disk)) != nil
                    disk.fate = { .done }
                    disk.restart()
                    let isThere = try state(disk).stored.contains(0)
                    try store(1, on: disk)
                    var generator = SeededGenerator(seed: seed)
                    disk.losePower(using: &generator)
                    let found = try state(disk)
                    #expect(found.stored.contains(1), story)
                    // The process after it counted on what it found, and so on whatever was safe.
                    #expect(isThere || !isSafe, story)
                    #expect(found.stored.contains(0) == isThere, story)
                    #expect(found.histories[1]?.attempts == 2, story)
                }
            }
        }
    }

    @Test func `what was not synced is there or not or in part after a loss of power`() throws {
        var lengths: Set<Int?> = []
        for seed in 0..<64 as Range<UInt64> {
            let disk = SimulatedDisk()
            try disk.makeDirectory("/d")
            try disk.sync(directory: "/")
            try disk.write([1], to: "/d/safe")
            try disk.sync(directory: "/d")
            let log = try disk.openLog("/d/log")
            try log.append([1, 2])
            try log.sync()
            try log.append([3, 4])
            var generator = SeededGenerator(seed: seed)
            disk.losePower(using: &generator)
            #expect(disk.file("/d/safe") == [1])
            lengths.insert(disk.file("/d/log")?.count)
        }
        #expect(lengths == [nil, 2, 3, 4])
    }

    @Test func `a slot is written in part or as a whole or not, beside others`() throws {
        for share in [0, 0.5, 1] {
            var found: Set<[UInt8]> = []
            let written: [UInt8] =
                [3, 4].prefix(Int(2 * share)) + [0, 0].suffix(2 - Int(2 * share))
            for seed in 0..<20 as Range<UInt64> {
                let disk = SimulatedDisk()
                let slots = try disk.openSlots("/slots")
                try disk.sync(directory: "/")
                #expect(try slots.reserve(byteCount: 6))
                try slots.write([(0, SlotContent([1, 2])), (4, SlotContent([5, 6]))])
                disk.fate = { .kills(share: share) }
                #expect(throws: JobStoreError.self, "share \(share)") {
                    try slots.write([(2, SlotContent([3, 4]))])
                }
                disk.fate = { .done }
                #expect(throws: JobStoreError.self, "share \(share)") { try slots.bytes(0..<2) }
                var generator = SeededGenerator(seed: seed)
                disk.losePower(using: &generator)
                let file = disk.file("/slots") ?? []
                #expect(file.prefix(2) == [1, 2] && file.suffix(2) == [5, 6], "seed \(seed)")
                found.insert(Array(file.dropFirst(2).dropLast(2)))
            }
            #expect(found == [[0, 0], written], "share \(share)")
        }
    }

    @Test func `a dead process changes nothing more and leaves no lock`() throws {
        let disk = SimulatedDisk()
        let log = try disk.openLog("/log")
        #expect(throws: JobStoreError.self) { try disk.openLog("/log") }
        disk.fate = { .kills(share: 0.5) }
        #expect(throws: JobStoreError.self) { try log.append([1, 2, 3, 4]) }
        disk.fate = { .done }
        #expect(throws: JobStoreError.self) { try disk.write([1], to: "/other") }
        disk.restart()
        #expect(disk.file("/log") == [1, 2] && disk.file("/other") == nil)
        let next = try disk.openLog("/log")
        // The former process's handle, closed late, does not open the lock.
        log.close()
        #expect(try disk.isLocked("/log"))
        next.close()
        #expect(try !disk.isLocked("/log"))
    }
}
