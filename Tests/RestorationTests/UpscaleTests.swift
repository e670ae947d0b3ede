// Of an enlarged image, what no tile restores is the plain enlargement.

import Imaging
import Restoration
import Testing

@Suite struct UpscaleTests {
    private func plain(_ job: PassThrough) throws -> [UInt8] {
        let header = job.source.header
        var bytes = [UInt8](repeating: 0, count: header.decodedByteCount)
        try bytes.withUnsafeMutableBytes {
            try job.source.readRaw(
                PixelRegion(x: 0, y: 0, width: header.width, height: header.height), into: $0)
        }
        return bytes
    }

    @Test func `a tile that was given up comes through enlarged, beside restored ones`() throws {
        let job = try PassThrough(
            width: 41, height: 29, alpha: .unassociated, nodata: 3, factor: 2)
        // Every restored sample becomes 51.
        try job.storeTiles(except: [1]) { $0.isNaN ? 0.5 : 0.2 }
        _ = try job.blend(setAside: [1])
        let (plain, output) = (try plain(job), try job.samples(job.output))
        try #require(plain.count == output.count && output.count == 82 * 58 * 4)
        let lost = job.plan.tile(1)
        for index in output.indices {
            let (x, y, band) = (index / 4 % 82, index / 4 / 82, index % 4)
            let touching = (0..<job.plan.tileCount).filter { number in
                let tile = job.plan.tile(number)
                return (tile.x..<tile.x + tile.width).contains(x)
                    && (tile.y..<tile.y + tile.height).contains(y)
            }
            let stays = band == 3 || plain[index] == 3 || touching == [lost.index]
            if stays {
                try #require(output[index] == plain[index], "\(x) \(y) \(band)")
            } else if !touching.contains(lost.index) {
                try #require(output[index] == 51, "\(x) \(y) \(band)")
            }
        }
    }
}
