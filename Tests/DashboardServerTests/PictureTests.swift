// Large pictures become small, and tiles find their places.

import Dashboard
import Imaging
import Synchronization
import Testing

@testable import DashboardServer

@Suite("Pictures")
struct PictureTests {
    @Test func `a block becomes its mean, and what is missing does not count`() {
        let pixels: [Float] = [
            0, 1, 2,
            4, 3, .nan,
            .nan, .nan, 8,
        ]
        let means = Reduction.means(pixels, width: 3, height: 3, bands: 1, factor: 2)
        #expect(means.width == 2 && means.height == 2)
        #expect(means.pixels[0] == 2 && means.pixels[1] == 2 && means.pixels[3] == 8)
        #expect(means.pixels[2].isNaN)
    }

    @Test func `blocks keep to the image's grid, wherever a part of it begins`() {
        // Columns 3, 4 and 5 of an image: the block of 2 and 3 is cut by the part's edge.
        let means = Reduction.means(
            [1, 2, 4], width: 3, height: 1, bands: 1, factor: 2, left: 1)
        #expect(means.width == 2 && means.pixels == [1, 3])
    }

    @Test func `a picture is pasted as far as it lies inside`() {
        var picture = Picture(width: 3, height: 2, gray: 0)
        picture.paste(Picture(width: 2, height: 2, gray: 9), x: 2, y: -1)
        #expect(picture.samples.enumerated().filter { $0.1 == 9 }.map(\.0) == [6, 7, 8])
        picture.paste(Picture(width: 1, height: 1, gray: 9), x: 7, y: 7)
        #expect(picture.samples.count { $0 == 9 } == 3)
        #expect(picture.cropped(x: 2, y: 0, width: 1, height: 1).samples == [9, 9, 9])
    }

    @Test(arguments: 0..<60)
    func `cells cover the image once`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        /// Where windows of a length begin along an axis.
        func starts(_ window: Int, _ count: Int, _ step: Int) -> [Int] {
            (0..<count).map { $0 * step }
        }
        let (side, columns, rows) = (number(8...60), number(1...5), number(1...5))
        let (across, down) = (number(side / 2...side), number(side / 2...side))
        let windows = starts(side, rows, down).flatMap { y in
            starts(side, columns, across).map { x in
                JobDescription.Window(x: x, y: y, width: side, height: side)
            }
        }
        let (width, height) = ((columns - 1) * across + side, (rows - 1) * down + side)
        let grid = MosaicGrid(width: width, height: height, windows: windows)
        #expect(grid.factor == 1 && grid.width == width && grid.height == height)
        var counts = [Int](repeating: 0, count: width * height)
        for (tile, cell) in grid.cells.enumerated() {
            let window = windows[tile]
            #expect(cell.x >= window.x && cell.x + cell.width <= window.x + side)
            #expect(cell.y >= window.y && cell.y + cell.height <= window.y + side)
            for y in cell.y..<cell.y + cell.height {
                for x in cell.x..<cell.x + cell.width { counts[y * width + x] += 1 }
            }
        }
        #expect(counts.allSatisfy { $0 == 1 }, "seed \(seed): \(windows)")
    }

    @Test func `a large image has a mosaic of bounded size, and cells within it`() {
        let windows = (0..<100).map {
            JobDescription.Window(x: $0 * 480, y: 0, width: 512, height: 512)
        }
        let (width, height) = (99 * 480 + 512, 301)
        let grid = MosaicGrid(width: width, height: height, windows: windows)
        #expect(max(grid.width, grid.height) <= MosaicGrid.sideMaximum)
        #expect(grid.width * grid.factor >= width && grid.height * grid.factor >= height)
        for tile in windows.indices {
            let place = grid.place(of: tile)
            #expect(place.x.lowerBound >= 0 && place.x.upperBound <= grid.width && !place.x.isEmpty)
            #expect(place.y.upperBound <= grid.height && !place.y.isEmpty)
        }
    }

    @Test(arguments: [
        (2048, 2048, 1), (2049, 2048, 2), (12_000, 12_000, 6), (20_000, 300, 3),
        (300, 20_000, 3), (1_000_000, 40, 123), (1, 1, 1), (8192, 512, 1), (8193, 1, 2),
    ])
    func `a mosaic is as fine as its pixels allow`(width: Int, height: Int, factor: Int) {
        let grid = MosaicGrid(width: width, height: height, windows: [])
        #expect(grid.factor == factor)
        #expect(grid.width * grid.height <= MosaicGrid.pixelsMaximum)
        #expect(max(grid.width, grid.height) <= MosaicGrid.sideMaximum)
    }

    /// A stored tile of 0.75 over a given image of 0.25, whose left half is missing, as a page gets
    /// it: the samples of its left and its right half.
    private func shown(_ kept: PictureSource.Kept) throws -> [UInt8] {
        var record = JobRecord(.sample())
        record.take(JobRecord.event(.tileFinished) { ($0.tile, $0.attempt) = (0, 1) })
        let job = SampleJob(record)
        job.state.withLock {
            $0.hasPages = true
            $0.pictures = PictureSource(
                job: "j", width: 160, height: 112, bands: 3, isInk: false, restarts: 1,
                kept: kept, windows: JobDescription.sample().windows,
                open: { HalfMissing() },
                result: { $0 == 0 ? [Float](repeating: 0.75, count: 64 * 64 * 3) : nil })
        }
        let maker = PictureMaker(job)
        var hand = PictureMaker.Hand()
        while maker.work(&hand) {}
        let board = try #require(maker.board.withLock { $0 })
        #expect(board.painted[0].count == 1)
        return [10, 40].map { board.restored.samples[(5 * board.restored.width + $0) * 3 + 1] }
    }

    @Test func `a stored tile is shown as the output is going to have it`() throws {
        #expect(try shown(.init()) == [191, 191])
        #expect(try shown(.init(known: true)) == [191, 64])
        #expect(try shown(.init(strength: 0.5)) == [191, 128])
        let missing = try shown(.init(missing: true))
        #expect(missing[0] != 191 && missing[1] == 191)
    }
}

/// Of 0.25; what lies left of column 32 is missing.
private final class HalfMissing: ImageSource {
    var header = ImageHeader(
        width: 160, height: 112, colorBands: 3, sampleType: .float32, format: .tiff)
    let warnings: [String] = []

    func readRaw(
        _ region: PixelRegion, into samples: UnsafeMutableRawBufferPointer
    ) throws(ImageError) {
        let numbers = samples.bindMemory(to: Float.self)
        for index in numbers.indices {
            let x = region.x + index / 3 % region.width
            numbers[index] = x < 32 ? .nan : 0.25
        }
    }
}
