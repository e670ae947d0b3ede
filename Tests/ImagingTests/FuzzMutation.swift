// Ways in which a file is spoiled.

struct FuzzMutation {
    private var random: SeededGenerator

    init(seed: Int) { random = SeededGenerator(seed: seed) }

    /// Some changes to a file, in which bytes of others may come up.
    mutating func changed(_ original: [UInt8], others: [[UInt8]]) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...4, using: &random) where bytes.count > 8 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<3: flip(&bytes)
            case 3..<6: setNumber(&bytes)
            case 6:
                bytes[place(bytes)] = [0, 0xFF, 0x7F, 0x80, 1].randomElement(using: &random) ?? 0
            case 7: bytes.removeSubrange(range(bytes))
            case 8: bytes.insert(contentsOf: bytes[range(bytes)], at: place(bytes))
            case 9: splice(&bytes, others.randomElement(using: &random) ?? bytes)
            case 10: copyWithin(&bytes)
            default: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            }
        }
        return bytes
    }

    /// Whether to do what is done for one in `count` files.
    mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    private mutating func place(_ bytes: [UInt8]) -> Int {
        // Headers, directories and metadata are small, lie at the ends and matter most.
        let count = bytes.count
        return switch Int.random(in: 0..<4, using: &random) {
        case 0, 1: Int.random(in: 0..<min(count, 160), using: &random)
        case 2: Int.random(in: max(0, count - 300)..<count, using: &random)
        default: Int.random(in: 0..<count, using: &random)
        }
    }

    private mutating func range(_ bytes: [UInt8]) -> Range<Int> {
        let start = place(bytes)
        let count = [1, 2, 4, 12, 60, 400].randomElement(using: &random) ?? 1
        return start..<min(start + count, bytes.count)
    }

    private mutating func flip(_ bytes: inout [UInt8]) {
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            bytes[place(bytes)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
    }

    /// Counts, sizes and offsets that are extreme, point into the file, or are off by a little.
    private mutating func setNumber(_ bytes: inout [UInt8]) {
        let size = [2, 4, 8].randomElement(using: &random) ?? 4
        guard bytes.count > size else { return }
        let start = min(place(bytes), bytes.count - size)
        let isBig = Bool.random(using: &random)
        let old = (0..<size).reduce(0 as UInt64) {
            $0 << 8 | UInt64(bytes[start + (isBig ? $1 : size - 1 - $1)])
        }
        let values: [UInt64] = [
            0, 1, 2, 8, old &+ 1, old &- 1, old &* 2, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
            0xFFFF, 0x8000, .max, .max / 2, UInt64(Int.random(in: 0..<bytes.count, using: &random)),
            UInt64(bytes.count),
        ]
        let value = values.randomElement(using: &random) ?? 0
        for i in 0..<size {
            let shift = UInt64(8 * (isBig ? size - 1 - i : i))
            bytes[start + i] = UInt8(truncatingIfNeeded: value >> shift)
        }
    }

    private mutating func splice(_ bytes: inout [UInt8], _ other: [UInt8]) {
        guard !other.isEmpty else { return }
        let to = place(bytes)
        let from = Int.random(in: 0..<other.count, using: &random)
        bytes = Array(bytes[..<to]) + Array(other[from...])
    }

    private mutating func copyWithin(_ bytes: inout [UInt8]) {
        let from = range(bytes)
        let to = Int.random(in: 0...bytes.count - from.count, using: &random)
        bytes.replaceSubrange(to..<to + from.count, with: bytes[from])
    }
}
