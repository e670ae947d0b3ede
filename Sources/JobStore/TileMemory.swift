// Memory for tiles that wait for the blend.

internal import Synchronization

/// Pieces of memory of one size, of which there are only so many, used again and again. Threads
/// may share it.
public final class TileMemory: Sendable {
    static let pieceByteCount = 64 << 10

    private struct Pieces: @unchecked Sendable {
        var free: [UnsafeMutableRawBufferPointer] = []
        var madeCount = 0
    }

    private let countMax: Int
    private let pieces = Mutex(Pieces())

    /// - Parameter byteCount: The most memory that it takes.
    public init(byteCount: Int) {
        countMax = byteCount / Self.pieceByteCount
    }

    deinit {
        pieces.withLock { for piece in $0.free { piece.deallocate() } }
    }

    /// Pieces for as many bytes, to be given back; nil when there are not so many.
    func take(byteCount: Int) -> [UnsafeMutableRawBufferPointer]? {
        let count = (byteCount + Self.pieceByteCount - 1) / Self.pieceByteCount
        return pieces.withLock { pieces -> Taken in
            let freshCount = max(0, count - pieces.free.count)
            guard pieces.madeCount + freshCount <= countMax else { return Taken(pieces: nil) }
            pieces.madeCount += freshCount
            let used = Array(pieces.free.suffix(count - freshCount))
            pieces.free.removeLast(used.count)
            let fresh = (0..<freshCount).map { _ in
                UnsafeMutableRawBufferPointer.allocate(
                    byteCount: Self.pieceByteCount, alignment: BlockMemory.blockByteCount)
            }
            return Taken(pieces: used + fresh)
        }.pieces
    }

    func give(_ given: some Sequence<UnsafeMutableRawBufferPointer>) {
        let given = Taken(pieces: Array(given))
        pieces.withLock { $0.free += given.pieces ?? [] }
    }

    private struct Taken: @unchecked Sendable {
        let pieces: [UnsafeMutableRawBufferPointer]?
    }
}

/// A part of a file in memory, which is given back from its beginning on.
final class HeldBytes {
    private let memory: TileMemory
    private var pieces: [UnsafeMutableRawBufferPointer]
    /// Pieces that have been given back.
    private var goneCount = 0
    /// Where the part begins in the first piece.
    private let lead: Int

    /// - Returns: nil when there is no memory for it.
    init?(
        reading range: Range<Int>, of file: any ReadableFile, into memory: TileMemory
    ) throws(JobStoreError) {
        lead = range.lowerBound % BlockMemory.blockByteCount
        guard let pieces = memory.take(byteCount: lead + range.count) else { return nil }
        (self.memory, self.pieces) = (memory, pieces)
        try file.readBlocks(range.lowerBound - lead..<range.upperBound, into: pieces)
    }

    deinit { memory.give(pieces) }

    /// Lends bytes of the part, in one or several pieces, each but the last of whole numbers.
    func lend(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void) {
        let size = TileMemory.pieceByteCount
        var place = lead + range.lowerBound
        let end = lead + range.upperBound
        while place < end {
            let piece = pieces[place / size - goneCount]
            let count = min(end - place, size - place % size)
            body(UnsafeRawBufferPointer(rebasing: piece[place % size..<place % size + count]))
            place += count
        }
    }

    /// Gives back the memory of what lies before a byte of the part.
    func giveBack(before byte: Int) {
        let count = min((lead + byte) / TileMemory.pieceByteCount - goneCount, pieces.count)
        guard count > 0 else { return }
        memory.give(pieces.prefix(count))
        pieces.removeFirst(count)
        goneCount += count
    }
}
