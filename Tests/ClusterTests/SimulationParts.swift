/// What a simulation is made of: random numbers, faults, and the agenda.
import Wire

@testable import Cluster

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}

/// What may go wrong, drawn from a seed.
struct Faults: CustomStringConvertible {
    var loss = 0.0
    var duplication = 0.0
    var delayMaximum = 0.01
    var crashesPerHour = 0.0
    var freezesPerHour = 0.0
    var hangs = 0.0
    var storingFailures = 0.0
    var poisonTile: TileID?

    init(using generator: inout SeededGenerator, tileCount: Int) {
        if Bool.random(using: &generator) { loss = .random(in: 0...0.3, using: &generator) }
        if Bool.random(using: &generator) { duplication = .random(in: 0...0.3, using: &generator) }
        if Bool.random(using: &generator) { delayMaximum = .random(in: 0...10, using: &generator) }
        if Bool.random(using: &generator) {
            crashesPerHour = .random(in: 0...40, using: &generator)
        }
        if Bool.random(using: &generator) {
            freezesPerHour = .random(in: 0...40, using: &generator)
        }
        if Bool.random(using: &generator) { hangs = .random(in: 0...0.2, using: &generator) }
        if Bool.random(using: &generator) {
            storingFailures = .random(in: 0...0.4, using: &generator)
        }
        if Int.random(in: 0..<4, using: &generator) == 0 {
            poisonTile = TileID(Int.random(in: 0..<tileCount, using: &generator))
        }
    }

    mutating func heal() {
        loss = 0
        duplication = 0
        delayMaximum = 0.01
        crashesPerHour = 0
        freezesPerHour = 0
        hangs = 0
        storingFailures = 0
    }

    var description: String {
        "loss \(loss), duplication \(duplication), delay \(delayMaximum) s, "
            + "crashes \(crashesPerHour)/h, freezes \(freezesPerHour)/h, hangs \(hangs), "
            + "storing failures \(storingFailures), poison \(poisonTile?.description ?? "none")"
    }
}

/// Happenings by time; those of one time in the order in which they were added.
struct Agenda<Happening> {
    private var heap: [(time: Duration, number: Int, happening: Happening)] = []
    private var count = 0

    mutating func add(_ happening: Happening, at time: Duration) {
        heap.append((time, count, happening))
        count += 1
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (Duration, Happening)? {
        guard let first = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && isBefore(child, least) {
                least = child
            }
            if least == parent { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.happening)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].number) < (heap[right].time, heap[right].number)
    }
}
