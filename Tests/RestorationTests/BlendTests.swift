// Stored tiles become the output.

import Foundation
import Imaging
import JobStore
import Restoration
import Testing

@Suite struct BlendTests {
    @Test(arguments: [SampleType.uint8, .uint16])
    func `tiles that hold the input's own pixels become the input again`(type: SampleType) throws {
        let job = try PassThrough(width: 83, height: 71, alpha: .unassociated, sampleType: type)
        try job.storeTiles()
        let result = try job.blend()
        #expect(try job.samples(job.output) == job.samples(job.input))
        #expect(result.damaged.isEmpty && result.warnings.isEmpty)
        #expect(result.seams.maximum == 0)
        #expect(job.store.manifest.output?.path == job.output)
    }

    @Test func `a tile that was set aside has the input's pixels and others are restored`() throws {
        let job = try PassThrough(width: 60, height: 30, bands: 1)
        try job.storeTiles(except: [0]) { 1 - $0 }
        let result = try job.blend(setAside: [0])
        let (input, output) = (try job.samples(job.input), try job.samples(job.output))
        #expect(result.damaged.isEmpty)
        // Where the first window alone lies.
        #expect(input[..<job.plan.columns[1]] == output[..<job.plan.columns[1]])
        #expect(output[59] == 255 - input[59])
    }

    @Test(arguments: [0.0, 0.25, 0.5, 1])
    func `of a restored sample the input keeps what is left of the strength`(
        strength: Double
    ) throws {
        let job = try PassThrough(width: 60, height: 30, alpha: .unassociated)
        try job.storeTiles { 1 - $0 }
        _ = try job.blend(change: { $0.strength = strength })
        let (input, output) = (try job.samples(job.input), try job.samples(job.output))
        for index in input.indices {
            let given = Double(input[index])
            let isAlpha = index % 4 == 3
            let wanted = isAlpha ? given : given + strength * (255 - 2 * given)
            // A tile's file has eleven bits.
            #expect(abs(Double(output[index]) - wanted) <= (isAlpha ? 0 : 0.6), "\(index)")
        }
    }

    @Test func `a tile that is damaged or gone counts as not restored and is named`() throws {
        let job = try PassThrough(width: 83, height: 71)
        try job.storeTiles()
        try job.changeSlot(0) { $0[$0.count - 1] ^= 1 }
        try job.changeSlot(3) { $0.resetBytes(in: 0..<4096) }
        let result = try job.blend()
        #expect(result.damaged == [0, 3])
        #expect(result.warnings.count == 2)
        #expect(try job.samples(job.output) == job.samples(job.input))
    }

    @Test func `a file of tiles that is cut off has lost those behind the cut`() throws {
        let job = try PassThrough(width: 83, height: 71)
        try job.storeTiles()
        let count = job.plan.tileCount
        #expect(
            truncate(job.folder + "/tiles.bin", off_t((count - 2) * job.store.slotByteCount)) == 0)
        let result = try job.blend()
        #expect(result.damaged == [count - 2, count - 1])
        #expect(try job.samples(job.output) == job.samples(job.input))
    }

    @Test func `a pass that is cancelled leaves nothing at the output's place`() throws {
        let job = try PassThrough(width: 83, height: 71)
        try job.storeTiles()
        var bandCount = 0
        #expect(throws: BlendCancelled.self) {
            try job.blend {
                bandCount += 1
                return bandCount == 2
            }
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: job.scratch.path)
        #expect(names.sorted() == ["in.tif", "out.tif.dip"])
    }

    @Test func `an output that appeared meanwhile stays unless it may be replaced`() throws {
        let job = try PassThrough(width: 40, height: 40)
        try job.storeTiles()
        try Data("somebody's".utf8).write(to: URL(fileURLWithPath: job.output))
        let error = #expect(throws: ImageError.self) { try job.blend() }
        #expect(error?.kind == .outputExists)
        _ = try job.blend(replacesOutput: true)
        #expect(try job.samples(job.output) == job.samples(job.input))
    }

    @Test func `a folder's tiles take two bytes a sample of 8 bits and else four`() throws {
        let plan = try TilePlan(
            width: 100, height: 40, tile: 32, overlap: 8, alignment: 4, minimum: 8)
        // With what tells what they are, in whole blocks.
        let perTile = (plan.windowWidth * plan.windowHeight * 3, 512 + 6 * 64)
        let blocks = { (byteCount: Int) in (byteCount + 4095) / 4096 * 4096 }
        #expect(
            plan.tileByteCount(bands: 3, sampleType: .int8) == blocks(2 * perTile.0 + perTile.1))
        #expect(
            plan.folderByteCount(bands: 3, sampleType: .uint16)
                == blocks(4 * perTile.0 + perTile.1) * plan.tileCount)
    }
}
