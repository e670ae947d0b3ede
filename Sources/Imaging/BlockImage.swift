// A source that decodes strips or tiles when they are asked for and keeps the latest.

import Glibc
import Synchronization

/// What decodes the blocks of an open file.
protocol BlockDecoder: AnyObject {
    var blockWidth: Int { get }
    var blockHeight: Int { get }
    /// Blocks of a row of blocks.
    var columns: Int { get }
    /// Fills (blockHeight, blockWidth, samplesPerPixel); at the image's lower and right edge only
    /// what lies inside counts.
    func decode(_ index: Int, into samples: UnsafeMutableRawBufferPointer) throws(ImageError)
}

/// Blocks in memory up to a budget; the one that was used longest ago makes room. Where full rows
/// of the image are read and a row of blocks has no room as a whole, it is the one before: rows are
/// read again and again, and would never find a block otherwise.
final class BlockImage: ImageSource {
    var header: ImageHeader
    let warnings: [String]
    private let decoder: any BlockDecoder
    private let name: String
    private let capacity: Int
    /// Held while blocks are looked for and copied.
    private let reading = Mutex(())
    private var blocks: [Int: Block] = [:]
    /// Uses, the oldest first from `head` on; only the latest of each block counts.
    private var uses: [(index: Int, at: Int)] = []
    private var head = 0
    private var clock = 0

    private struct Block {
        let memory: UnsafeMutableRawBufferPointer
        var usedAt: Int
    }

    /// - Parameter cacheByteCount: what all blocks may take; two are kept at least.
    init(
        header: ImageHeader, warnings: [String], name: String, decoder: any BlockDecoder,
        cacheByteCount: Int
    ) {
        self.header = header
        self.warnings = warnings
        self.name = name
        self.decoder = decoder
        let blockByteCount = decoder.blockWidth * decoder.blockHeight * header.pixelByteCount
        capacity = max(2, cacheByteCount / blockByteCount)
    }

    deinit { for block in blocks.values { free(block.memory.baseAddress) } }

    func readRaw(_ region: PixelRegion, into samples: UnsafeMutableRawBufferPointer)
        throws(ImageError)
    {
        header.check(region, byteCount: samples.count)
        guard region.width > 0, region.height > 0 else { return }
        try reading.withLock { _ throws(ImageError) in try readBlocks(of: region, into: samples) }
    }

    private func readBlocks(
        of region: PixelRegion, into samples: UnsafeMutableRawBufferPointer
    ) throws(ImageError) {
        let (width, height) = (decoder.blockWidth, decoder.blockHeight)
        let isFullRow = region.width == header.width && decoder.columns > capacity
        for blockRow in region.y / height...(region.y + region.height - 1) / height {
            for column in region.x / width...(region.x + region.width - 1) / width {
                let block = try self.block(
                    blockRow * decoder.columns + column, isOfFullRow: isFullRow)
                copy(block, x: column * width, y: blockRow * height, region, into: samples)
            }
        }
    }

    /// Copies what a block at (x, y) has of a region.
    private func copy(
        _ block: UnsafeMutableRawBufferPointer, x: Int, y: Int, _ region: PixelRegion,
        into samples: UnsafeMutableRawBufferPointer
    ) {
        let pixel = header.pixelByteCount
        let columns = max(x, region.x)..<min(x + decoder.blockWidth, region.x + region.width)
        let rows = max(y, region.y)..<min(y + decoder.blockHeight, region.y + region.height)
        let count = columns.count * pixel
        for row in rows {
            let from = ((row - y) * decoder.blockWidth + columns.lowerBound - x) * pixel
            let to = ((row - region.y) * region.width + columns.lowerBound - region.x) * pixel
            UnsafeMutableRawBufferPointer(rebasing: samples[to..<to + count]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: block[from..<from + count]))
        }
    }

    private func block(
        _ index: Int, isOfFullRow: Bool
    ) throws(ImageError) -> UnsafeMutableRawBufferPointer {
        clock += 1
        if let block = blocks[index] {
            blocks[index]?.usedAt = clock
            noteUse(of: index)
            return block.memory
        }
        let latest = isOfFullRow ? latest(inRowOf: index) : nil
        let memory = if let latest { latest } else { try room() }
        do throws(ImageError) {
            try decoder.decode(index, into: memory)
        } catch {
            free(memory.baseAddress)
            throw error
        }
        blocks[index] = Block(memory: memory, usedAt: clock)
        noteUse(of: index)
        return memory
    }

    private func noteUse(of index: Int) {
        uses.append((index, clock))
        guard uses.count > 4 * capacity + 64 else { return }
        uses = uses[head...].filter { blocks[$0.index]?.usedAt == $0.at }
        head = 0
    }

    /// Memory of the block of the same row of blocks that was used last; nil where the budget is
    /// not spent, or is spent for others too.
    private func latest(inRowOf index: Int) -> UnsafeMutableRawBufferPointer? {
        let row = index / decoder.columns
        guard blocks.count >= capacity, blocks.keys.allSatisfy({ $0 / decoder.columns == row })
        else { return nil }
        while uses.count > head, let latest = uses.popLast() {
            guard let block = blocks[latest.index], block.usedAt == latest.at else { continue }
            blocks[latest.index] = nil
            return block.memory
        }
        return nil
    }

    /// Memory of one block, that of the oldest where the budget is spent.
    private func room() throws(ImageError) -> UnsafeMutableRawBufferPointer {
        while blocks.count >= capacity, head < uses.count {
            let oldest = uses[head]
            head += 1
            guard let block = blocks[oldest.index], block.usedAt == oldest.at else { continue }
            blocks[oldest.index] = nil
            return block.memory
        }
        let byteCount = decoder.blockWidth * decoder.blockHeight * header.pixelByteCount
        guard let memory = malloc(byteCount) else {
            throw ImageError(.tooLarge, "\(name): memory ran out for its strips or tiles")
        }
        return UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    }
}
