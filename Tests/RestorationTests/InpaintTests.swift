// Of a masked image, missing samples alone are replaced, or all.

import Foundation
import Imaging
import Restoration
import Testing

@Suite struct InpaintTests {
    /// A job whose image has a mask of the pixels where `isMissing` says so.
    private func job(
        alpha: AlphaKind? = .unassociated, region: PixelRegion? = nil,
        isMissing: (Int, Int) -> Bool
    ) throws -> PassThrough {
        var job = try PassThrough(width: 83, height: 71, alpha: alpha, region: region)
        let path = job.scratch.file("mask.png")
        let header = ImageHeader(
            width: 83, height: 71, colorBands: 1, sampleType: .uint8, format: .png)
        let marks = (0..<83 * 71).map { isMissing($0 % 83, $0 / 83) ? 255 : 0 as UInt8 }
        let sink = try ImageFormats.createSink(path, like: header)
        try marks.withUnsafeBytes { try sink.append(rowCount: 71, samples: $0) }
        try sink.finish()
        let mask = try PixelMask(path, .whiteIsMissing, of: job.source.header, ReadingOptions())
        job.source = MaskedSource(job.source, mask)
        return job
    }

    /// Samples that are not what `isReplaced` says: 51 where a sample is, else the input's.
    private func wrong(_ job: PassThrough, isReplaced: (Int, Int) -> Bool) throws -> Int {
        let (input, output) = (try job.samples(job.input), try job.samples(job.output))
        try #require(input.count == output.count)
        return output.indices.count { index in
            let isColor = index % 4 < 3
            let isWanted = isColor && isReplaced(index / 4 % 83, index / 4 / 83)
            return output[index] != (isWanted ? 51 : input[index])
        }
    }

    private let hole = { (x: Int, y: Int) in (20..<45).contains(x) && (30..<50).contains(y) }

    @Test func `known pixels stay bit for bit and missing ones are replaced`() throws {
        let job = try job(isMissing: hole)
        try job.storeTiles { _ in 0.2 }
        let result = try job.blend(change: { $0.keepsKnown = true })
        #expect(result.unknown.isEmpty)
        #expect(try wrong(job, isReplaced: hole) == 0)
    }

    @Test func `in a region too, where all else is copied`() throws {
        let region = PixelRegion(x: 25, y: 10, width: 40, height: 50)
        let job = try job(region: region, isMissing: hole)
        try job.storeTiles { _ in 0.2 }
        _ = try job.blend(change: { $0.keepsKnown = true })
        #expect(try wrong(job) { x, y in hole(x, y) && x >= 25 } == 0)
    }

    @Test func `where known pixels are refitted all of them are replaced`() throws {
        let job = try job(isMissing: hole)
        try job.storeTiles { _ in 0.2 }
        _ = try job.blend()
        #expect(try wrong(job) { _, _ in true } == 0)
    }

    @Test func `a tile without a known pixel is named and not used`() throws {
        // The first tile knows nothing, and what it shares with its neighbours stays too.
        let isMissing = { (x: Int, y: Int) in x < 40 && y < 40 }
        let job = try job(isMissing: isMissing)
        try job.storeTiles { _ in 0.2 }
        let result = try job.blend(change: { $0.keepsKnown = true })
        #expect(result.unknown == [0])
        let (width, height) = (job.plan.windowWidth, job.plan.windowHeight)
        try #require(width < 40 && height < 40)
        #expect(try wrong(job) { isMissing($0, $1) && ($0 >= width || $1 >= height) } == 0)
    }
}
