/// One coordinator and several workers on a virtual network, in virtual time, from one seed.
///
/// Here is how it works:
/// 1. A heap of happenings, ordered by time, is the only clock. Every message, fit iteration, disk
///    write and fault is a happening.
/// 2. Faults are drawn from the seed; each kind is off in some seeds. They end at `healAt`.
/// 3. After every event both machines check their invariants, and the simulation checks every
///    command against what it knows: it is the shell, the disk and the network in one.
/// 4. The job must finish, with each tile stored exactly once, and every worker must leave.
import Wire

@testable import Cluster

/// One worker process with its loop, its fit and its connection.
struct SimulatedWorker {
    var machine: Worker
    var name: WorkerID
    var peer: PeerID
    /// The fit that runs, its iteration, and a number that makes steps of an earlier fit void.
    var fit: TileAttempt?
    var iteration = 0
    var fitNumber = 0
    /// The finished result that the loop keeps.
    var result: TileAttempt?
    var frozenUntil = Duration.zero
    var secondsPerIteration: Double
    var exit: Worker.ExitReason?
}

struct Simulation {
    /// Something that is going to happen.
    enum Happening {
        case toCoordinator(Coordinator.Event)
        case toWorker(PeerID, Message)
        case step(PeerID, fitNumber: Int)
        case wake(PeerID)
        case wakeCoordinator
        case join
        case fault
        case heal
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    let iterations = 8
    let tileCount: Int
    let crew: Int
    let healAt = Duration.seconds(1800)
    var faults: Faults
    var isHealed = false
    var coordinator: Coordinator
    var workers: [PeerID: SimulatedWorker] = [:]
    var storedCounts: [TileID: Int] = [:]
    var storing: Set<TileID> = []
    var summary: Coordinator.Summary?
    var now = Duration.zero
    var eventCount = 0
    var agenda = Agenda<Happening>()
    var generator: SeededGenerator
    var peerCount = 0

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        tileCount = Int.random(in: 1...8, using: &generator)
        crew = Int.random(in: 1...5, using: &generator)
        faults = Faults(using: &generator, tileCount: tileCount)
        var policy = CoordinatorPolicy()
        policy.workerWait = nil
        policy.standingTimeoutMinimum = .seconds(40)
        policy.firstIterationTimeout = .seconds(60)
        policy.storingFailuresMaximum = 1000
        // Without a poison tile every tile has to be restored in the end, whatever went wrong.
        if faults.poisonTile == nil {
            policy.tileFailuresMaximum = 1_000_000
            policy.workerFailuresMaximum = 1_000_000
        }
        let facts = JobFacts(
            job: JobID(rawValue: "job"), configuration: "{}", payloadByteCountMaximum: 1)
        coordinator = Coordinator(facts: facts, tileCount: tileCount, policy: policy, now: .zero)
        for _ in 0..<crew { agenda.add(.join, at: .seconds(random(10))) }
        agenda.add(.fault, at: .seconds(1))
        agenda.add(.heal, at: healAt)
    }

    /// Runs to the end.
    mutating func run() throws {
        while let (time, happening) = agenda.next() {
            now = max(now, time)
            eventCount += 1
            guard now < .seconds(20_000), eventCount < 2_000_000 else {
                throw Failure(description: "not finished after \(now) and \(eventCount) events")
            }
            try carryOut(happening)
            if summary != nil, workers.isEmpty { break }
        }
        try checkEnd()
    }

    func checkEnd() throws {
        guard let summary else { throw Failure(description: "the job did not finish") }
        for tile in (0..<tileCount).map({ TileID($0) }) {
            let isAside = summary.setAside.contains(tile)
            guard storedCounts[tile, default: 0] == (isAside ? 0 : 1) else {
                throw Failure(
                    description: "\(tile) is stored \(storedCounts[tile, default: 0]) times")
            }
            guard !isAside || faults.poisonTile != nil else {
                throw Failure(description: "\(tile) is set aside without need")
            }
        }
        guard summary.storedCount == storedCounts.count else {
            throw Failure(description: "the summary counts \(summary.storedCount)")
        }
    }

    mutating func carryOut(_ happening: Happening) throws {
        switch happening {
        case .toCoordinator(let event):
            if case .storingFailed(let work, _) = event { storing.remove(work.tile) }
            if case .tileStored(let work) = event {
                storing.remove(work.tile)
                storedCounts[work.tile, default: 0] += 1
            }
            try tell(event)
        case .wakeCoordinator:
            if let deadline = coordinator.nextDeadline, deadline <= now { try tell(.tick) }
        case .toWorker(let peer, let message): try tell(peer, .received(message))
        case .wake(let peer):
            guard let deadline = workers[peer]?.machine.nextDeadline else { return }
            if deadline <= now { try tell(peer, .tick) }
        case .step(let peer, let fitNumber): try step(peer, fitNumber)
        case .join: try join()
        case .fault: try fault()
        case .heal:
            isHealed = true
            faults.heal()
        }
    }

    // MARK: The coordinator's shell

    mutating func tell(_ event: Coordinator.Event) throws {
        var commands: [Coordinator.Command] = []
        coordinator.handle(event, at: now, into: &commands)
        coordinator.checkInvariants()
        for command in commands { try carryOut(command) }
        if let deadline = coordinator.nextDeadline {
            agenda.add(.wakeCoordinator, at: max(deadline, now))
        }
    }

    mutating func carryOut(_ command: Coordinator.Command) throws {
        switch command {
        case .send(let message, let peer): post(message, to: peer)
        case .dispatch(let work, let peer, _):
            guard storedCounts[work.tile] == nil, !storing.contains(work.tile), summary == nil
            else { throw Failure(description: "\(work) is dispatched in vain") }
            let job = JobID(rawValue: "job")
            post(.assign(Assign(job: job, work: work, originX: 0, originY: 0)), to: peer)
        case .store(let work, _):
            guard storing.insert(work.tile).inserted, storedCounts[work.tile] == nil else {
                throw Failure(description: "\(work) is stored twice")
            }
            let isWritten = random(1) >= faults.storingFailures
            let event: Coordinator.Event =
                isWritten ? .tileStored(work) : .storingFailed(work, reason: "disk")
            agenda.add(.toCoordinator(event), at: now + .seconds(random(3)))
        case .finished(let summary):
            guard self.summary == nil else { throw Failure(description: "finished twice") }
            self.summary = summary
        case .discard, .storeCheckpoint, .removeCheckpoint, .setAside, .forget, .note: break
        }
    }

    mutating func post(_ message: Message, to peer: PeerID) {
        guard workers[peer] != nil else {
            if random(1) < 0.5 { agenda.add(.toCoordinator(.unreachable(peer)), at: now) }
            return
        }
        for delay in delays() { agenda.add(.toWorker(peer, message), at: now + delay) }
    }

    /// When each copy of a message arrives; none for one that is lost.
    mutating func delays() -> [Duration] {
        guard random(1) >= faults.loss else { return [] }
        let copies = random(1) < faults.duplication ? 2 : 1
        return (0..<copies).map { _ in .seconds(random(faults.delayMaximum)) }
    }

    mutating func random(_ maximum: Double) -> Double {
        maximum == 0 ? 0 : Double.random(in: 0..<maximum, using: &generator)
    }
}
