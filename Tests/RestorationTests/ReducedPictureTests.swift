// Images in few pixels.

import Imaging
import Testing

@testable import Restoration

struct ReducedPictureTests {
    @Test func `each pixel is the mean of a square, also at the rims`() throws {
        let job = try PassThrough(width: 5, height: 3, bands: 1) { x, y in UInt8(40 * x + y) }
        let picture = try ReducedPicture(of: job.source, region: nil, sideMaximum: 3)
        #expect(picture.reduction == 2 && picture.width == 3 && picture.height == 2)
        // Rows 0 and 1, then row 2 alone; columns in pairs, then column 4 alone.
        #expect(picture.samples == [21, 101, 161, 22, 102, 162].map { UInt8($0) })
        let whole = try ReducedPicture(of: job.source, region: nil, sideMaximum: 5)
        #expect(whole.reduction == 1 && whole.samples.count == 15 && whole.samples[6] == 41)
    }

    @Test(arguments: [
        (1600, 1600, 1), (1601, 1600, 2), (12_000, 12_000, 8), (20_000, 300, 4),
        (300, 20_000, 4), (1_000_000, 40, 157), (1, 1, 1), (6400, 400, 1),
    ])
    func `a picture is as fine as its pixels allow`(width: Int, height: Int, reduction: Int) {
        #expect(ReducedPicture.reduction(width, height, sideMaximum: 1600) == reduction)
    }

    @Test func `a region is looked at alone`() throws {
        let job = try PassThrough(width: 40, height: 40, bands: 1) { x, y in x < 20 ? 0 : 200 }
        let picture = try ReducedPicture(
            of: job.source, region: PixelRegion(x: 18, y: 5, width: 4, height: 30),
            sideMaximum: 100)
        #expect(picture.width == 4 && picture.height == 30)
        #expect(picture.samples.prefix(4) == [0, 0, 200, 200])
    }

    @Test func `what is missing is gray and has no part in a mean`() throws {
        let job = try PassThrough(width: 4, height: 2, bands: 1, nodata: 255) { x, y in
            x < 2 ? 255 : x == 2 ? 255 : 10
        }
        let picture = try ReducedPicture(of: job.source, region: nil, sideMaximum: 2)
        #expect(picture.samples == [ReducedPicture.unknown, 10])
    }

    @Test func `a picture becomes a file of either format`() throws {
        let job = try PassThrough(width: 9, height: 7)
        let picture = try ReducedPicture(of: job.source, region: nil, sideMaximum: 9)
        #expect(picture.bands == 3)
        #expect(try picture.encoded(.png).starts(with: [0x89, 0x50, 0x4E, 0x47]))
        let jpeg = try picture.encoded(.jpeg)
        #expect(jpeg.starts(with: [0xFF, 0xD8]) && jpeg.suffix(2) == [0xFF, 0xD9])
    }

    @Test func `a map keeps the greatest of each square, however its rows come`() {
        let rows: [Float] = [0, 1, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 0, 0, 9]
        for step in [1, 2, 3] {
            let reducer = MapReducer(width: 5, height: 3, sideMaximum: 3)
            for top in stride(from: 0, to: 3, by: step) {
                let part = Array(rows[5 * top..<5 * min(top + step, 3)])
                part.withUnsafeBufferPointer { reducer.append($0) }
            }
            let map = reducer.finish()
            #expect(map.width == 3 && map.height == 2 && map.maximum == 9)
            #expect(map.values == [1, 2, 5, 0, 0, 9], "\(step) rows at a time")
        }
    }

    @Test func `the brightest colour is the greatest value, and black is none`() {
        let map = ReducedMap(width: 2, height: 1, reduction: 1, values: [0, 0.5])
        let picture = map.picture(maximum: 0.5)
        #expect(picture.samples == [0, 0, 4, 252, 255, 164])
        let empty = ReducedMap(width: 1, height: 1, reduction: 1, values: [0])
        #expect(empty.picture(maximum: 0).samples == [0, 0, 4])
    }

    @Test func `the last pass measures the map whether or not a file is wanted`() throws {
        let job = try PassThrough(width: 64, height: 40)
        let plan = job.plan
        var facts = BlendFacts(
            plan: plan, header: job.source.header, output: job.output, replacesOutput: true)
        facts.disagreementSideMaximum = 16
        let result = try Blend(facts, source: job.source, store: job.store).run { false }
        let map = try #require(result.disagreement)
        #expect(map.reduction == 4 && map.width == 16 && map.height == 10)
    }
}
