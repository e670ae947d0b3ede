/// A job from its first coordinator to its last tile, in virtual time, from one seed.
///
/// Here is how it works:
/// 1. A heap of happenings, ordered by time, is the only clock. Every message, fit iteration, disk
///    write and fault is a happening.
/// 2. The state machines and the job folder are the production ones. The simulation is what is
///    around them: the loops (CoordinatorShell, WorkerShell), the network, the disk, the clocks,
///    the people who start programs again.
/// 3. Faults are drawn from the seed (Scenario); each kind is off in some seeds. They end at
///    `healAt`.
/// 4. After every event both machines check themselves, and the checker compares what they do with
///    what it knows from outside (Checker).
/// 5. The job must finish, in bounded time, with every tile's pixels those of an undisturbed fit.
public import Cluster
import JobStore
import Wire

/// Why a run is not what it has to be.
public struct SimulationFailure: Error, CustomStringConvertible, Sendable {
    /// Reproduces the run.
    public let seed: UInt64
    /// What was wrong.
    public let reason: String
    /// What the run was.
    public let scenario: String
    /// The last things that happened, the oldest first.
    public let trace: [String]

    public var description: String {
        "seed \(seed): \(reason)\n(\(scenario))\nThe last events:\n"
            + trace.map { "  \($0)" }.joined(separator: "\n")
    }
}

/// Something that is wrong, before it is known in which run.
struct Flaw: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// One run.
public final class Simulation {
    /// Something that is going to happen.
    enum Happening {
        /// A message reaches the coordinator's host.
        case toCoordinator(Parcel, from: Connection)
        /// The loop of the coordinator with this life learns something.
        case learned(Coordinator.Event, life: Int)
        case wakeCoordinator(life: Int)
        /// The storage thread takes its next order.
        case storage(life: Int)
        case startCoordinator
        case toWorker(Parcel, over: Connection)
        case parentEnded(worker: Int)
        case step(worker: Int, fitNumber: Int)
        case wakeWorker(Int)
        case join(isLocal: Bool)
        case faults
        case heal
    }

    /// How long something takes that always takes a little.
    static let instant = 0.01

    public let seed: UInt64
    public let scenario: Scenario
    /// What happened in all.
    public internal(set) var tally = SimulationTally()

    var generator: SeededGenerator
    /// What goes wrong at this time.
    var faults: Faults
    var now = Duration.zero
    var agenda = Agenda<Happening>()
    var trace = Trace()
    var checker: Checker
    /// Workers that the user has asked to leave.
    var drained: Set<WorkerID> = []
    /// Nanoseconds from some origin, to measure what the state machine of the coordinator takes;
    /// the simulation itself knows no real time.
    public var stopwatch: (() -> UInt64)?
    /// Spoils a result before it is stored, to see that it is noticed.
    var tamper: ((inout SimulatedFit) -> Void)?

    let disk = SimulatedDisk()
    /// nil while no coordinator runs.
    var coordinator: SimulatedCoordinator?
    var coordinatorLives = 0
    /// Whether the job is complete, and its output there.
    var isComplete = false

    var workers: [Int: SimulatedWorker] = [:]
    var workerCount = 0
    var connections: [Int: SimulatedWorker] = [:]
    var connectionCount = 0
    /// Until when the network is cut for a worker.
    var cuts: [Int: Cut] = [:]

    /// A cut of the network between a worker and the coordinator.
    struct Cut {
        var end: Duration
        var losesToCoordinator: Bool
        var losesToWorker: Bool
        /// Whether messages wait for the end instead of being lost.
        var holds: Bool
    }

    /// A run from a seed.
    ///
    /// - Parameters:
    ///   - kinds: the kinds of faults that the seed may draw.
    ///   - adjust: changes the scenario that was drawn.
    public init(
        seed: UInt64, kinds: Set<Fault> = Set(Fault.allCases),
        adjust: (inout Scenario) -> Void = { _ in }
    ) {
        self.seed = seed
        generator = SeededGenerator(seed: seed)
        var scenario = Scenario(using: &generator, kinds: kinds)
        adjust(&scenario)
        self.scenario = scenario
        faults = scenario.faults
        checker = Checker(scenario: scenario)
        let poisonShare = faults[.poisonTile]
        for tile in 0..<scenario.tileCount where generator.chance(poisonShare) {
            checker.poisonTiles.insert(TileID(tile))
        }
        if faults[.killerTile] > 0 {
            for tile in 0..<scenario.tileCount where generator.chance(faults[.killerTile]) {
                checker.killerTiles.insert(TileID(tile))
            }
        }
        if faults[.divergence] > 0 {
            for tile in 0..<scenario.tileCount {
                checker.divergingSeeds[TileID(tile)] = Set(
                    (0..<scenario.coordinatorPolicy.tileSeedsMaximum).filter { _ in
                        generator.chance(faults[.divergence])
                    })
            }
        }
        disk.fate = { [unowned self] in fateOfOperation() }
        agenda.add(.startCoordinator, at: .zero)
        for _ in 0..<scenario.workerCount {
            let isLocal = generator.chance(scenario.localShare)
            agenda.add(.join(isLocal: isLocal), at: generator.seconds(upTo: 10))
        }
        agenda.add(.faults, at: .seconds(1))
        agenda.add(.heal, at: scenario.healAt)
    }

    /// Gets every line of the trace as it is written.
    public func follow(_ sink: @escaping (String) -> Void) {
        trace.sink = sink
    }

    /// Tiles that the present coordinator knows to be stored.
    public var storedCount: Int { coordinator?.machine.storedCount ?? 0 }

    /// The present coordinator's state machine, as it is now.
    public var machine: Coordinator? { coordinator?.machine }

    /// Ends all workers at once, as when their hosts lose their power; others follow in seconds.
    public func endAllWorkers() {
        for number in workers.keys.sorted() {
            if let worker = workers[number] { end(worker, replacedWithin: 10) }
        }
    }

    /// Runs to the end, or until so many tiles are stored.
    ///
    /// - Throws: `SimulationFailure` when something is not as it has to be.
    public func run(untilStored limit: Int = .max) throws(SimulationFailure) {
        do throws(Flaw) {
            while !(isComplete && workers.isEmpty), storedCount < limit,
                let (time, happening) = agenda.next()
            {
                now = max(now, time)
                tally.eventCount += 1
                guard now <= scenario.deadline else {
                    throw Flaw("not finished after \(Int(now / .seconds(1))) s; " + leftover)
                }
                try carryOut(happening)
            }
            guard isComplete || storedCount >= limit else {
                throw Flaw("nothing more happens; " + leftover)
            }
        } catch {
            throw SimulationFailure(
                seed: seed, reason: error.reason, scenario: "\(scenario)", trace: trace.lines)
        }
        tally.neededIterationCount = scenario.tileCount * scenario.iterations
        tally.virtualSeconds = now / .seconds(1)
    }

    private var leftover: String {
        let held = workers.values.sorted { $0.number < $1.number }.map {
            "\($0.name) has \($0.machine.currentWork?.description ?? "nothing")"
        }
        let stored = coordinator.map { "\($0.machine.storedCount) tiles are stored" }
        return ([stored ?? "there is no coordinator"] + held).joined(separator: ", ")
    }

    private func carryOut(_ happening: Happening) throws(Flaw) {
        switch happening {
        case .toCoordinator(let parcel, let connection):
            try deliver(parcel, from: connection)
        case .learned(let event, let life): try learn(event, life: life)
        case .wakeCoordinator(let life): try wakeCoordinator(life: life)
        case .storage(let life): try workStorage(life: life)
        case .startCoordinator: try startCoordinator()
        case .toWorker(let parcel, let connection): try deliver(parcel, over: connection)
        case .parentEnded(let worker): try endChild(worker)
        case .step(let worker, let fitNumber): try step(worker, fitNumber)
        case .wakeWorker(let worker): try wakeWorker(worker)
        case .join(let isLocal): try join(isLocal: isLocal)
        case .faults: try injectFaults()
        case .heal:
            faults.heal()
            remark("everything heals")
        }
    }

    func remark(_ text: @autoclosure () -> String) {
        guard scenario.isChecked else { return }
        trace.add(.remark(text()), at: now)
    }

    /// Counts a fault that really happened.
    func count(_ fault: Fault, _ text: @autoclosure () -> String) {
        tally.faults[fault, default: 0] += 1
        remark("\(fault.rawValue): \(text())")
    }
}

/// What happened in one run or in many: that the seeds reach what they are there for.
public struct SimulationTally: Equatable, Sendable {
    /// Happenings.
    public var eventCount = 0
    /// Virtual time.
    public var virtualSeconds = 0.0
    /// Events told to coordinators.
    public var coordinatorEventCount = 0
    /// What coordinators took for their events, and for the one that took longest, where there is
    /// a stopwatch.
    public var coordinatorNanoseconds: UInt64 = 0
    public var longestEventNanoseconds: UInt64 = 0
    /// Iterations that workers did.
    public var iterationCount = 0
    /// Iterations that a job without a fault would have done.
    public var neededIterationCount = 0
    /// Coordinators that were started.
    public var coordinatorCount = 0
    /// Faults that happened, by kind.
    public var faults: [Fault: Int] = [:]
    /// What coordinators counted, by name.
    public var counts: [String: Int] = [:]

    /// Nothing yet.
    public init() {}

    /// Adds another run's.
    public mutating func add(_ other: SimulationTally) {
        eventCount += other.eventCount
        virtualSeconds += other.virtualSeconds
        coordinatorEventCount += other.coordinatorEventCount
        coordinatorNanoseconds += other.coordinatorNanoseconds
        longestEventNanoseconds = max(longestEventNanoseconds, other.longestEventNanoseconds)
        iterationCount += other.iterationCount
        neededIterationCount += other.neededIterationCount
        coordinatorCount += other.coordinatorCount
        faults.merge(other.faults, uniquingKeysWith: +)
        counts.merge(other.counts, uniquingKeysWith: +)
    }

    /// Adds a coordinator's counts. What it counts is found by looking, so that nothing is missed.
    mutating func add(_ statistics: Coordinator.Statistics) {
        for child in Mirror(reflecting: statistics).children {
            guard let label = child.label, let value = child.value as? Int else { continue }
            counts[label, default: 0] += value
        }
    }
}
