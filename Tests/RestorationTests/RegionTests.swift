// A part of the image is restored.

import Foundation
import Imaging
import Restoration
import Testing

@Suite struct RegionTests {
    private let region = PixelRegion(x: 13, y: 9, width: 50, height: 41)

    /// Whether a pixel of the output is the inverse of the input's (which the tiles hold), or else
    /// the same.
    private func expect(
        _ output: [UInt8], of input: [UInt8], width: Int, isRestored: (Int, Int) -> Bool
    ) {
        #expect(output.count == input.count)
        let wrong = output.indices.filter { index in
            let (x, y) = (index / 4 % width, index / 4 / width)
            let isColor = index % 4 < 3
            return output[index]
                != (isColor && isRestored(x, y) ? 255 - input[index] : input[index])
        }
        #expect(wrong.isEmpty, "\(wrong.count) samples, the first at \(wrong.first ?? 0)")
    }

    @Test func `everything outside the region comes through bit for bit`() throws {
        let job = try PassThrough(width: 83, height: 71, alpha: .unassociated, region: region)
        try job.storeTiles { 1 - $0 }
        let result = try job.blend()
        #expect(result.damaged.isEmpty)
        expect(try job.samples(job.output), of: try job.samples(job.input), width: 83) { x, y in
            (13..<63).contains(x) && (9..<50).contains(y)
        }
    }

    @Test func `a region can be the whole output`() throws {
        let job = try PassThrough(width: 83, height: 71, alpha: .unassociated, region: region)
        try job.storeTiles()
        _ = try job.blend(change: { $0.isCropped = true })
        let (input, output) = (try job.samples(job.input), try job.samples(job.output))
        let rows = (9..<50).map { y in input[(y * 83 + 13) * 4..<(y * 83 + 63) * 4] }
        #expect(output == rows.flatMap { $0 })
    }

    @Test func `what a JPEG does to everything beside the region is told`() throws {
        for (isCropped, count) in [(false, 1), (true, 0)] {
            let job = try PassThrough(width: 83, height: 71, region: region)
            try job.storeTiles()
            let path = job.scratch.file("out.jpg")
            let result = try job.blend(change: {
                $0.output = path
                $0.isCropped = isCropped
            })
            #expect(result.warnings.filter { $0.contains("beside the region") }.count == count)
        }
    }

    @Test func `a region may touch the edges`() throws {
        let whole = PixelRegion(x: 0, y: 0, width: 83, height: 71)
        let corner = PixelRegion(x: 60, y: 40, width: 23, height: 31)
        for part in [whole, corner] {
            let job = try PassThrough(width: 83, height: 71, alpha: .unassociated, region: part)
            try job.storeTiles { 1 - $0 }
            _ = try job.blend()
            expect(try job.samples(job.output), of: try job.samples(job.input), width: 83) {
                $0 >= part.x && $1 >= part.y
            }
        }
    }

    @Test func `a map of disagreement has the region's size and lies beside the output`() throws {
        let job = try PassThrough(width: 83, height: 71, region: region)
        try job.storeTiles()
        let path = job.scratch.file("map.tif")
        _ = try job.blend(change: { $0.disagreementMap = path })
        let header = try ImageFormats.open(path).header
        #expect(header.width == 50 && header.height == 41 && header.sampleType == .float32)
    }

    @Test func `what no fit has seen is not filled`() throws {
        // Nodata on the left: the first column of tiles knows nothing, the others something.
        let job = try PassThrough(width: 90, height: 30, bands: 1, nodata: 7) { x, _ in
            x < 40 ? 7 : 200
        }
        try job.storeTiles { $0.isNaN ? 0.5 : $0 }
        _ = try job.blend(change: { $0.fillsMissing = true })
        let output = try job.samples(job.output)
        let start = job.plan.columns[1]
        try #require(job.plan.windowWidth == 32 && (9..<31).contains(start))
        #expect(output[..<start].allSatisfy { $0 == 7 })
        #expect(output[33..<40].allSatisfy { $0 == 128 })
        #expect(output[40..<90].allSatisfy { $0 == 200 })
    }
}
