/// A kind of fault. A kind is one case here and its range of strengths below; every seed draws
/// which kinds it has and how strong each one is.
public enum Fault: String, CaseIterable, Sendable, Codable {
    /// Share of messages that are lost.
    case loss
    /// The longest time that a message is on the way, in seconds.
    case delay
    /// Share of messages that arrive twice.
    case duplication
    /// Share of messages that later ones of their connection may overtake.
    case reordering
    /// Times an hour at which the network is cut between the coordinator and some workers.
    case partition
    /// Share of messages that arrive with a flipped bit.
    case corruption
    /// Messages an hour from somebody who speaks nonsense.
    case nonsense
    /// Deaths an hour of each worker.
    case workerCrash
    /// Stops an hour of each worker, from which it returns.
    case workerFreeze
    /// Requests an hour to each worker to end.
    case workerLeave
    /// Share of workers that are slow.
    case slowWorker
    /// Share of fits that stand still at some iteration.
    case hang
    /// Share of fits that fail by chance.
    case failure
    /// Share of tiles on which every fit fails.
    case poisonTile
    /// Deaths an hour of the coordinator's process; what it wrote stays.
    case coordinatorCrash
    /// Stops an hour of the coordinator, from which it returns.
    case coordinatorFreeze
    /// Deaths an hour of the coordinator's host: what was not synced is lost or torn.
    case powerLoss
    /// Interruptions an hour of the coordinator by its user, who starts it again.
    case interruption
    /// Share of the disk's operations in the middle of which the coordinator dies.
    case tornWrite
    /// Share of the disk's operations that fail when a part of them has happened.
    case writeFailure
    /// Jumps an hour of some process's clock, forth or back.
    case clockJump
    /// Share of tiles of which every worker dies, as of a fit that needs more memory than there is.
    case killerTile
    /// Times an hour at which the user lets the job rest for some seconds.
    case pause
    /// Times an hour at which the user asks a worker to leave.
    case drain
    /// Share of tiles and seeds with which the arithmetic of every fit comes to nothing.
    case divergence

    /// What the strength of a kind is drawn from.
    public var strengths: ClosedRange<Double> {
        switch self {
        case .loss, .duplication: 0.01...0.3
        case .reordering: 0.01...0.5
        case .delay: 0.1...10
        case .corruption: 0.001...0.02
        case .partition: 5...60
        case .nonsense: 10...1000
        case .workerCrash, .workerFreeze: 2...60
        case .workerLeave: 2...40
        case .slowWorker: 0.1...0.6
        case .hang, .failure: 0.01...0.2
        case .poisonTile, .killerTile: 0.1...0.4
        case .coordinatorCrash, .coordinatorFreeze: 5...60
        case .powerLoss: 5...60
        case .interruption: 2...20
        case .pause, .drain: 2...40
        case .tornWrite: 0.002...0.05
        case .writeFailure: 0.01...0.3
        case .clockJump: 5...60
        case .divergence: 0.1...0.7
        }
    }

    /// Whether it is still there after everything else has healed.
    var isLasting: Bool { [.poisonTile, .killerTile, .divergence, .slowWorker].contains(self) }
}

/// The faults of one run and their strengths; a kind without strength is off.
public struct Faults: Equatable, Sendable, CustomStringConvertible {
    private var strengths: [Fault: Double] = [:]

    /// No faults.
    public init() {}

    /// Draws faults: first how many kinds there are about, then which, then how strong. So some
    /// seeds have one kind alone, and a fault that another would hide is seen.
    ///
    /// - Parameter kinds: what may be drawn.
    init(using generator: inout SeededGenerator, kinds: Set<Fault>) {
        let density = generator.upTo(0.8)
        func draw(_ kind: Fault, _ generator: inout SeededGenerator) {
            let isOn = generator.chance(density)
            let strength = Double.random(in: kind.strengths, using: &generator)
            if isOn, kinds.contains(kind) { strengths[kind] = strength }
        }
        let others: [Fault] = [.killerTile, .divergence, .pause, .drain]
        for kind in Fault.allCases where !others.contains(kind) { draw(kind, &generator) }
        // From a generator of its own: the seeds of the tests keep their course.
        var copy = generator
        var aside = SeededGenerator(seed: ~copy.next())
        for kind in others { draw(kind, &aside) }
    }

    /// The strength of a kind; 0 is off.
    public subscript(kind: Fault) -> Double {
        get { strengths[kind] ?? 0 }
        set { strengths[kind] = newValue > 0 ? newValue : nil }
    }

    /// The kinds that are on.
    public var kinds: [Fault] { Fault.allCases.filter { strengths[$0] != nil } }

    /// Ends what does not last.
    mutating func heal() {
        strengths = strengths.filter { $0.key.isLasting }
    }

    public var description: String {
        guard !strengths.isEmpty else { return "none" }
        return kinds.map { "\($0.rawValue) \((self[$0] * 1000).rounded() / 1000)" }
            .joined(separator: ", ")
    }
}
