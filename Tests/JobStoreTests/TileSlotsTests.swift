// The file of tiles: what its slots hold, and how long they are.

import Safetensors
import Testing

@testable import JobStore

@Suite struct TileSlotsTests {
    @Test(arguments: [TilePrecision.float16, .float32])
    func `a slot is a whole safetensors file of blocks of a disk`(
        precision: TilePrecision
    ) throws {
        // A name whose characters are long in JSON, and the highest number of a try.
        for jobID in ["job-1", "", String(repeating: "\u{1}", count: 900)] {
            let system = MemoryFileSystem()
            let manifest = try Sample.manifest(jobID, precision: precision)
            let store = try JobStore.create(
                folder: "/out.dip", manifest: manifest, fileSystem: system)
            let attempt = StoredLimits.number.upperBound
            try store.storeTile(
                2, attempt: attempt, shape: Sample.shape, pixels: Sample.pixels(9))
            let bytes = try #require(system.slot(2, of: manifest))
            #expect(bytes.count == store.slotByteCount && bytes.count % 4096 == 0, "\(jobID)")
            let file = try SafetensorsFile(parsing: bytes)
            #expect(try file.entry("pixels").shape == [3, 5, 2], "\(jobID)")
            #expect(try file.float32s("pixels") == Sample.pixels(9), "\(jobID)")
            #expect(file.header.tensors.count == 1, "\(jobID)")
            #expect(file.header.metadata["job"] == jobID)
            #expect(file.header.metadata["tile"] == "2", "\(jobID)")
            #expect(file.header.metadata["attempt"] == String(attempt), "\(jobID)")
            let tile = try #require(try store.openTile(2))
            #expect(tile.attempt == attempt, "\(jobID)")
        }
    }

    @Test func `slots lie side by side, whatever the size of windows`() throws {
        var manifest = try Sample.manifest()
        manifest.plan.restarts = 3
        for (width, height, bands) in [(1, 1, 1), (5, 3, 2), (64, 32, 3), (333, 77, 16)] {
            manifest.plan.windowWidth = width
            manifest.plan.windowHeight = height
            manifest.image.bands = bands
            let story: Comment = "\(width) x \(height), \(bands) bands"
            var end = 0
            for index in 0..<manifest.plan.fitCount {
                let slot = manifest.slot(of: index)
                #expect(slot.lowerBound == end && slot.lowerBound % 4096 == 0, story)
                #expect(slot.count > 2 * width * height * bands + 256, story)
                end = slot.upperBound
            }
            #expect(end == manifest.slotsByteCount, story)
        }
    }

    @Test func `a tile that is stored again leaves the others alone`() throws {
        let system = MemoryFileSystem()
        let manifest = try Sample.manifest()
        let store = try JobStore.create(
            folder: "/out.dip", manifest: manifest, fileSystem: system)
        try store.reserveSpace()
        try store.storeTiles(
            (0..<3).map { ($0, 1, Sample.pixels($0)) }, shape: Sample.shape)
        let before = (0..<3).map { system.slot($0, of: manifest) }
        // Each that is written is cut short.
        for share in [0, 0.3, 0.9] {
            system.failure = .init(
                operation: system.operationCount + 1, isCrash: false, share: share)
            #expect(throws: JobStoreError.self, "share \(share)") {
                try store.storeTile(
                    1, attempt: 2, shape: Sample.shape, pixels: Sample.pixels(7))
            }
            for system in [
                system, system.rebooted(keepingUnsynced: false),
                system.rebooted(keepingUnsynced: true),
            ] {
                #expect(system.slot(0, of: manifest) == before[0], "share \(share)")
                #expect(system.slot(2, of: manifest) == before[2], "share \(share)")
                let state = try #require(
                    try JobSnapshot.read(folder: "/out.dip", fileSystem: system)
                ).state
                #expect(state.stored == (share == 0 ? [0, 1, 2] : [0, 2]), "share \(share)")
            }
        }
        try store.storeTile(1, attempt: 3, shape: Sample.shape, pixels: Sample.pixels(8))
        let crashed = system.rebooted(keepingUnsynced: false)
        let tile = try #require(
            try JobStore.openTile(
                1, inFolder: "/out.dip", manifest: manifest, fileSystem: crashed))
        #expect(tile.attempt == 3)
        #expect(try Sample.read(tile) == Sample.pixels(8))
    }
}
