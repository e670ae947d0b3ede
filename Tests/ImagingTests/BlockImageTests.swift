// Blocks in memory: what is read is what the decoder makes, and few blocks are decoded twice.

import Testing

@testable import Imaging

@Suite struct BlockImageTests {
    /// Every sample is a hash of its place.
    private final class Decoder: BlockDecoder {
        let blockWidth, blockHeight, columns: Int
        private(set) var decodedCount = 0

        init(blockWidth: Int, blockHeight: Int, columns: Int) {
            (self.blockWidth, self.blockHeight, self.columns) = (blockWidth, blockHeight, columns)
        }

        static func sample(_ x: Int, _ y: Int) -> UInt8 {
            UInt8(truncatingIfNeeded: (x &* 7919 ^ y &* 104_729) >> 3)
        }

        func decode(
            _ index: Int, into samples: UnsafeMutableRawBufferPointer
        ) throws(ImageError) {
            decodedCount += 1
            for y in 0..<blockHeight {
                for x in 0..<blockWidth {
                    samples[y * blockWidth + x] = Self.sample(
                        index % columns * blockWidth + x, index / columns * blockHeight + y)
                }
            }
        }
    }

    private func image(
        _ decoder: Decoder, rows: Int, cachedBlockCount: Int
    ) -> BlockImage {
        let header = ImageHeader(
            width: decoder.columns * decoder.blockWidth, height: rows * decoder.blockHeight,
            colorBands: 1, sampleType: .uint8, format: .tiff)
        return BlockImage(
            header: header, warnings: [], name: "blocks", decoder: decoder,
            cacheByteCount: cachedBlockCount * decoder.blockWidth * decoder.blockHeight)
    }

    private func expectRight(_ region: PixelRegion, of image: BlockImage, _ comment: Comment) throws
    {
        var samples = [UInt8](repeating: 0, count: region.width * region.height)
        try samples.withUnsafeMutableBytes { try image.readRaw(region, into: $0) }
        let wanted = (0..<samples.count).map {
            Decoder.sample(region.x + $0 % region.width, region.y + $0 / region.width)
        }
        #expect(samples == wanted, comment)
    }

    @Test func `regions anywhere are right, whatever finds room`() throws {
        for seed in 0..<300 {
            var state = UInt64(seed)
            func next(_ count: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % count
            }
            let decoder = Decoder(
                blockWidth: 1 + next(9), blockHeight: 1 + next(9), columns: 1 + next(6))
            let image = image(decoder, rows: 1 + next(5), cachedBlockCount: next(9))
            for _ in 0..<20 {
                let isFullRow = next(3) == 0
                let x = isFullRow ? 0 : next(image.header.width)
                let y = next(image.header.height)
                try expectRight(
                    PixelRegion(
                        x: x, y: y,
                        width: isFullRow ? image.header.width : 1 + next(image.header.width - x),
                        height: 1 + next(image.header.height - y)), of: image, "seed \(seed)")
            }
        }
    }

    @Test func `of a row of blocks that finds no room a part stays from band to band`() throws {
        let decoder = Decoder(blockWidth: 8, blockHeight: 64, columns: 20)
        let image = image(decoder, rows: 2, cachedBlockCount: 15)
        // Eight bands in each of two rows of blocks.
        for y in stride(from: 0, to: 128, by: 8) {
            try expectRight(
                PixelRegion(x: 0, y: y, width: 160, height: 8), of: image, "row \(y)")
        }
        // Each block once, and about a third of them again for each of the other seven bands.
        #expect(decoder.decodedCount <= 2 * (20 + 7 * 7), "\(decoder.decodedCount)")
    }
}
