// The last pass beside the fits: whatever comes in whichever order, it makes what a pass at the end
// makes, or nothing.

import Foundation
import Imaging
import JobStore
import Testing

@testable import Restoration

@Suite struct FollowingBlendTests {
    private func facts(_ job: PassThrough, _ output: String) -> BlendFacts {
        BlendFacts(
            plan: job.plan, header: job.source.header, output: output, replacesOutput: false)
    }

    /// Stores a fit's result, which differs from fit to fit.
    private func store(_ fit: Int, of job: PassThrough) throws {
        let shape = (job.plan.windowHeight, job.plan.windowWidth, job.source.header.colorBands)
        var generator = SplitMix(state: UInt64(fit))
        let pixels = (0..<shape.0 * shape.1 * shape.2).map { _ in
            Float(generator.next() % 1024) / 1024
        }
        try job.store.storeTile(fit, attempt: 1, shape: shape, pixels: pixels)
    }

    @Test(arguments: [SampleType.uint8, .uint16, .float32])
    func `a pass beside the fits makes the bytes of a pass at the end, whatever comes when`(
        sampleType: SampleType
    ) throws {
        for seed in 0..<12 as Range<UInt64> {
            var generator = SplitMix(state: seed)
            let job = try PassThrough(
                width: 150, height: 110, alpha: seed % 3 == 0 ? .unassociated : nil,
                sampleType: sampleType, restarts: seed % 2 == 0 ? nil : 2)
            var fits = Array(0..<job.store.manifest.plan.fitCount)
            for place in fits.indices.reversed() {
                fits.swapAt(place, Int(generator.next() % UInt64(place + 1)))
            }
            let setAside = Set(fits.prefix(Int(generator.next() % 4)))
            let following = FollowingBlend(
                facts(job, job.output), source: job.source, store: job.store)
            for fit in fits where !setAside.contains(fit) {
                try store(fit, of: job)
                following.add([fit])
            }
            let result = try #require(try following.finish(setAside: setAside), "seed \(seed)")

            var wanted = facts(job, job.scratch.file("end.tif"))
            wanted.setAside = setAside
            let atEnd = try Blend(wanted, source: job.source, store: job.store).run { false }
            #expect(
                FileManager.default.contentsEqual(atPath: job.output, andPath: wanted.output),
                "seed \(seed)")
            #expect(result.damaged == atEnd.damaged, "seed \(seed)")
            #expect(result.resultCounts == atEnd.resultCounts, "seed \(seed)")
            #expect(result.seams == atEnd.seams, "seed \(seed)")
        }
    }

    @Test func `results of an earlier run are there at once`() throws {
        let job = try PassThrough(width: 83, height: 71)
        try job.storeTiles()
        job.store.close()
        let store = try JobStore.resume(
            folder: job.folder, manifest: job.store.manifest, fileSystem: PosixFileSystem())
        defer { store.close() }
        let following = FollowingBlend(facts(job, job.output), source: job.source, store: store)
        #expect(try following.finish(setAside: [])?.damaged == [])
        #expect(try job.samples(job.output) == job.samples(job.input))
    }

    @Test func `a pass that nobody waits for any more ends and leaves nothing`() throws {
        let job = try PassThrough(width: 150, height: 110)
        for storedCount in [0, 1, 7] {
            do {
                let following = FollowingBlend(
                    facts(job, job.output), source: job.source, store: job.store)
                for fit in 0..<storedCount {
                    try store(fit, of: job)
                    following.add([fit])
                }
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: job.scratch.path)
            #expect(names.sorted() == ["in.tif", "out.tif.dip"], "\(storedCount)")
        }
    }

    @Test func `a pass that is cancelled while it waits for the end says so`() throws {
        let job = try PassThrough(width: 83, height: 71)
        try job.storeTiles()
        let following = FollowingBlend(
            facts(job, job.output), source: job.source, store: job.store, isCancelled: { true })
        #expect(throws: BlendCancelled.self) { try following.finish(setAside: []) }
        #expect(!FileManager.default.fileExists(atPath: job.output))
    }

    @Test func `what was told otherwise before, or failed, is to be made from the beginning`()
        throws
    {
        let job = try PassThrough(width: 83, height: 71)
        try job.storeTiles()
        let early = FollowingBlend(facts(job, job.output), source: job.source, store: job.store)
        early.add([3])
        // It has a result that counted, and is to be left out. The other pass needs the same place
        // while this one still lives.
        #expect(try early.finish(setAside: [3]) == nil)
        var wanted = facts(job, job.output)
        wanted.setAside = [3]
        _ = try Blend(wanted, source: job.source, store: job.store).run { false }
        #expect(FileManager.default.fileExists(atPath: job.output))
        try FileManager.default.removeItem(atPath: job.output)
        withExtendedLifetime(early) {}
        let nowhere = FollowingBlend(
            facts(job, job.scratch.file("none/out.tif")), source: job.source, store: job.store)
        #expect(try nowhere.finish(setAside: []) == nil)
        #expect(!FileManager.default.fileExists(atPath: job.output))
    }

    @Test func `a pass whose file has gone is to be made from the beginning`() throws {
        let job = try PassThrough(width: 83, height: 71)
        try job.storeTiles()
        let following = FollowingBlend(facts(job, job.output), source: job.source, store: job.store)
        following.add(Array(0..<job.plan.tileCount))
        var names: [String] = []
        for _ in 0..<1000 where names.isEmpty {
            names = try FileManager.default.contentsOfDirectory(atPath: job.scratch.path)
                .filter { $0.contains("partial") }
            usleep(1000)
        }
        for name in names {
            try FileManager.default.removeItem(atPath: job.scratch.file(name))
        }
        try #require(!names.isEmpty)
        #expect(try following.finish(setAside: []) == nil)
    }

    @Test func `tiles are read as a whole where all that are open find room`() throws {
        // Three times as many pixels in one row of tiles as in the other.
        for (overlap, areLoaded) in [(16, true), (60, false)] {
            let job = try PassThrough(
                width: 2000, height: 300, bands: 3, sampleType: .float32, tile: 64,
                overlap: overlap)
            #expect(
                job.store.mayLoadTiles(aheadCount: 0) == areLoaded,
                "overlap \(overlap): \(job.plan.tileCount) tiles")
        }
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        let mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        return mixed ^ mixed >> 27
    }
}
