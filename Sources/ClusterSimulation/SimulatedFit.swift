/// A fit that costs nothing: a number that every iteration scrambles, so that a lost, doubled or
/// foreign iteration shows in the result.
import Wire

/// The state of a fit, and all that its result depends on.
struct SimulatedFit: Equatable {
    let tile: TileID
    /// Seeds of the fit that have failed before.
    let seed: Int
    private(set) var iteration = 0
    private var value: UInt64

    init(_ tile: TileID, seed: Int) {
        self.tile = tile
        self.seed = seed
        value = SeededGenerator.mix(UInt64(tile.rawValue + 1) | UInt64(seed) << 32)
    }

    mutating func step() {
        iteration += 1
        value = SeededGenerator.mix(value &+ UInt64(iteration))
    }

    /// The restored pixels (H, W, C) that this state stands for.
    var pixels: [Float] {
        (0..<Self.height * Self.width * Self.bands).map { index in
            Float(SeededGenerator.mix(value &+ UInt64(index)) >> 40) / Float(1 << 24)
        }
    }

    static let height = 2
    static let width = 2
    static let bands = 1

    /// As it travels and lies on the disk.
    var bytes: [UInt8] {
        [UInt64(tile.rawValue), UInt64(seed), UInt64(iteration), value].flatMap { number in
            (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
        }
    }

    /// nil for bytes that are no state.
    init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        let numbers = stride(from: 0, to: 32, by: 8).map { start in
            bytes[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        tile = TileID(Int(truncatingIfNeeded: numbers[0]))
        seed = Int(truncatingIfNeeded: numbers[1])
        iteration = Int(truncatingIfNeeded: numbers[2])
        value = numbers[3]
    }

    /// Whether an undisturbed fit of its tile passes through this state.
    var isSound: Bool {
        iteration >= 0 && self == .result(of: tile, seed: seed, iterations: iteration)
    }

    /// The result of a fit that nobody disturbed.
    static func result(of tile: TileID, seed: Int, iterations: Int) -> SimulatedFit {
        var fit = SimulatedFit(tile, seed: seed)
        for _ in 0..<iterations { fit.step() }
        return fit
    }
}
