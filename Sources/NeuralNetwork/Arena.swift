// Memory of a network: a few large pieces, taken once when the network is built.

import Glibc

/// What can go wrong while a network is built.
public enum NetworkError: Error, Equatable, CustomStringConvertible {
    /// The described layers do not fit together.
    case invalid(String)
    /// The machine did not give the memory that the network needs.
    case outOfMemory(byteCount: Int)
    /// The system did not give the threads that the network was to run on.
    case noThread(wanted: Int)
    /// `DIP_CPU` names a path that this CPU or this program does not have.
    case unknownKernelPath(String)

    public var description: String {
        switch self {
        case .invalid(let reason): return reason
        case .outOfMemory(let byteCount):
            return "the network needs \(byteCount / 1_000_000) MB of memory, which this machine "
                + "did not give; use smaller tiles or fewer workers"
        case .noThread(let wanted):
            return "the network was to run on \(wanted) threads, which this machine did not give; "
                + "use fewer"
        case .unknownKernelPath(let name):
            return "DIP_CPU is \"\(name)\", but this machine runs only \"portable\" or what its "
                + "CPU has of \"avx2\", \"avx512\" and \"avx512bf16\""
        }
    }
}

/// One piece of zeroed memory for floats, returned to the system when the arena goes.
///
/// Large arenas ask for huge pages: the strided reads of the kernels touch many pages.
struct Arena: ~Copyable {
    let base: UnsafeMutablePointer<Float>
    let count: Int
    private let byteCount: Int

    init(count: Int) throws(NetworkError) {
        let hugePageByteCount = 2 << 20
        let wanted = max(count, 1) * MemoryLayout<Float>.stride
        byteCount = (wanted + hugePageByteCount - 1) / hugePageByteCount * hugePageByteCount
        let memory = mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            throw .outOfMemory(byteCount: byteCount)
        }
        madvise(memory, byteCount, MADV_HUGEPAGE)
        base = memory.bindMemory(to: Float.self, capacity: byteCount / MemoryLayout<Float>.stride)
        self.count = count
    }

    deinit {
        munmap(base, byteCount)
    }

    func pointer(_ piece: ArenaPiece) -> UnsafeMutablePointer<Float> {
        precondition(
            piece.offset + piece.count <= count, "\(piece) lies outside of \(count) floats")
        return base + piece.offset
    }
}

/// A part of an arena, in floats.
struct ArenaPiece {
    let offset: Int
    let count: Int
}

/// Lays out an arena before it exists: pieces begin at cache lines, one after the other.
struct ArenaPlan {
    private(set) var count = 0

    mutating func reserve(_ count: Int) -> ArenaPiece {
        let piece = ArenaPiece(offset: self.count, count: count)
        self.count += Self.wholeCacheLines(count)
        return piece
    }

    /// Reserves a piece for each request, in their order; pieces whose lives do not meet may share
    /// memory.
    mutating func reserve(
        sharing requests: [(count: Int, life: ClosedRange<Int>)]
    ) -> [ArenaPiece] {
        let base = count
        var placed: [(place: Range<Int>, life: ClosedRange<Int>)] = []
        let pieces = requests.map { request in
            let size = Self.wholeCacheLines(request.count)
            let taken = placed.filter { $0.life.overlaps(request.life) }.map(\.place)
            var offset = base
            for place in taken.sorted(by: { $0.lowerBound < $1.lowerBound })
            where place.lowerBound < offset + size {
                offset = max(offset, place.upperBound)
            }
            placed.append((offset..<offset + size, request.life))
            count = max(count, offset + size)
            return ArenaPiece(offset: offset, count: request.count)
        }
        return pieces
    }

    private static func wholeCacheLines(_ count: Int) -> Int {
        precondition(count >= 0)
        let floatsPerCacheLine = 16
        return (count + floatsPerCacheLine - 1) / floatsPerCacheLine * floatsPerCacheLine
    }
}
