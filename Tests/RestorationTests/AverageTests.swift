// Several results of a tile become one, and a map of how far they differ.

import Foundation
import Imaging
import JobStore
import Restoration
import Testing

@Suite struct AverageTests {
    private func numbers(_ path: String) throws -> (ImageHeader, [Float]) {
        let samples = try decodedSamples(path)
        return (
            try ImageFormats.open(path).header,
            samples.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
        )
    }

    @Test func `the output is the mean of the results of each tile`() throws {
        let job = try PassThrough(
            width: 60, height: 40, bands: 1, sampleType: .uint8, restarts: 3)
        try job.storeFits { [0.2, 0.4, 0.6][$0 % 3] }
        let result = try job.blend()
        #expect(result.resultCounts.isEmpty && result.damaged.isEmpty)
        #expect(try job.samples(job.output).allSatisfy { $0 == 102 })
    }

    @Test func `where results are missing the others are averaged, and none is the input`() throws {
        let job = try PassThrough(width: 60, height: 30, bands: 1, restarts: 3)
        // Of the first tile only the last fit is there, of the second none, of others all.
        try #require(job.plan.tileCount == 3)
        let gone: Set<Int> = [0, 3, 4, 5]
        try job.storeFits { gone.contains($0) || $0 == 1 ? nil : [0, 1, 0.6][$0 % 3] }
        let result = try job.blend(setAside: gone)
        #expect(result.resultCounts == [0: 1])
        // That of the fit which counts as stored and has gone.
        #expect(result.warnings.count == 1)
        #expect(result.damaged.isEmpty)
        let (input, output) = (try job.samples(job.input), try job.samples(job.output))
        #expect(output[0] == 153 && output[59] == 136)
        let middle = job.plan.windowWidth..<job.plan.columns[2]
        try #require(!middle.isEmpty)
        #expect(middle.allSatisfy { output[$0] == input[$0] })
    }

    @Test func `the map has the deviation of the results in the file's values`() throws {
        let region = PixelRegion(x: 9, y: 35, width: 32, height: 32)
        let job = try PassThrough(
            width: 60, height: 70, bands: 3, sampleType: .uint16, region: region, restarts: 2)
        try #require(job.plan.tileCount == 1)
        try job.storeFits { $0 == 0 ? 0.25 : 0.75 }
        let path = job.scratch.file("map.tif")
        let result = try job.blend(change: {
            $0.uncertaintyMap = path
            $0.strength = 0.5
        })
        let (header, values) = try numbers(path)
        #expect(header.width == 60 && header.height == 70 && header.colorBands == 1)
        for (index, value) in values.enumerated() {
            let (x, y) = (index % 60, index / 60)
            if (9..<41).contains(x), (35..<67).contains(y) {
                #expect(abs(value - 0.5 * 0.25 * 65535) < 1, "\(x), \(y)")
            } else {
                #expect(value.isNaN, "\(x), \(y)")
            }
        }
        let summary = try #require(result.uncertainty)
        #expect(summary.pixelCount == 32 * 32 && summary.imagePixelCount == 60 * 70)
        #expect(abs(summary.mean - 8191.9) < 1 && abs(summary.percentile95 - 8191.9) < 1)
    }

    @Test func `with one result a tile the map knows overlaps alone`() throws {
        let job = try PassThrough(width: 60, height: 30, bands: 1, sampleType: .uint16)
        try job.storeFits { $0 == 1 ? 1 : 0 }
        let path = job.scratch.file("map.tif")
        _ = try job.blend(change: { $0.uncertaintyMap = path })
        let (_, values) = try numbers(path)
        let second = job.plan.columns[1]
        #expect(values[0].isNaN && values[second - 1].isNaN)
        // In the middle of the overlap both have about the same weight.
        #expect(abs(values[(second + job.plan.windowWidth) / 2] - 0.5 * 65535) < 0.05 * 65535)
    }

    @Test func `samples that stay as they were are not uncertain`() throws {
        let job = try PassThrough(
            width: 32, height: 32, bands: 1, nodata: 7, restarts: 2,
            sample: { x, _ in
                x < 10 ? 7 : 100
            })
        try job.storeFits { $0 == 0 ? 0.25 : 0.75 }
        let path = job.scratch.file("map.tif")
        _ = try job.blend(change: { $0.uncertaintyMap = path })
        var values = try numbers(path).1
        #expect(values[9].isNaN && abs(values[10] - 63.75) < 0.1)
        _ = try job.blend(
            replacesOutput: true,
            change: {
                $0.uncertaintyMap = path
                $0.keepsKnown = true
                $0.fillsMissing = true
            })
        values = try numbers(path).1
        #expect(abs(values[9] - 63.75) < 0.1 && values[10].isNaN)
    }
}
