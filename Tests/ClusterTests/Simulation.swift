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

    let iterations = 12
    let tileCount: Int
    let crew: Int
    let healAt = Duration.seconds(1800)
    private(set) var faults: Faults
    private(set) var isHealed = false
    private(set) var coordinator: Coordinator
    private(set) var workers: [PeerID: SimulatedWorker] = [:]
    private(set) var storedCounts: [TileID: Int] = [:]
    private(set) var storing: Set<TileID> = []
    private(set) var summary: Coordinator.Summary?
    private(set) var now = Duration.zero
    private(set) var eventCount = 0
    private var agenda = Agenda<Happening>()
    private var generator: SeededGenerator
    private var peerCount = 0

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
        tileCount = Int.random(in: 1...12, using: &generator)
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

    private func checkEnd() throws {
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

    private mutating func carryOut(_ happening: Happening) throws {
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

    private mutating func tell(_ event: Coordinator.Event) throws {
        var commands: [Coordinator.Command] = []
        coordinator.handle(event, at: now, into: &commands)
        coordinator.checkInvariants()
        for command in commands { try carryOut(command) }
        if let deadline = coordinator.nextDeadline {
            agenda.add(.wakeCoordinator, at: max(deadline, now))
        }
    }

    private mutating func carryOut(_ command: Coordinator.Command) throws {
        switch command {
        case .send(let message, let peer): post(message, to: peer)
        case .dispatch(let work, let peer):
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
        case .discard, .setAside, .forget, .note: break
        }
    }

    private mutating func post(_ message: Message, to peer: PeerID) {
        guard workers[peer] != nil else {
            if random(1) < 0.5 { agenda.add(.toCoordinator(.unreachable(peer)), at: now) }
            return
        }
        for delay in delays() { agenda.add(.toWorker(peer, message), at: now + delay) }
    }

    /// When each copy of a message arrives; none for one that is lost.
    private mutating func delays() -> [Duration] {
        guard random(1) >= faults.loss else { return [] }
        let copies = random(1) < faults.duplication ? 2 : 1
        return (0..<copies).map { _ in .seconds(random(faults.delayMaximum)) }
    }

    mutating func random(_ maximum: Double) -> Double {
        maximum == 0 ? 0 : Double.random(in: 0..<maximum, using: &generator)
    }
}

// MARK: - Workers

extension Simulation {
    private mutating func join() throws {
        guard summary == nil else { return }
        peerCount += 1
        let peer = PeerID(bytes: [UInt8(peerCount >> 8 & 255), UInt8(peerCount & 255)])
        let name = WorkerID(rawValue: "worker-\(peerCount)")
        let identity = Worker.Identity(
            worker: name, host: "host", processID: peerCount, threadCount: 1, version: "1",
            processor: "cpu", launchToken: name.rawValue)
        var policy = WorkerPolicy()
        policy.reconnectTimeout = .seconds(1000)
        let machine = Worker(
            identity: identity, policy: policy, seed: UInt64(peerCount), now: now)
        let speed = 0.2 + random(4)
        workers[peer] = SimulatedWorker(
            machine: machine, name: name, peer: peer, secondsPerIteration: speed)
        try tell(peer, .started)
    }

    private mutating func tell(_ peer: PeerID, _ event: Worker.Event) throws {
        guard let frozenUntil = workers[peer]?.frozenUntil else { return }
        if frozenUntil > now {
            // A stopped process finds its messages when it goes on, and notes the time only then.
            if case .received(let message) = event {
                agenda.add(.toWorker(peer, message), at: frozenUntil)
            } else {
                agenda.add(.wake(peer), at: frozenUntil)
            }
            return
        }
        var commands: [Worker.Command] = []
        workers[peer]?.machine.handle(event, at: now, into: &commands)
        workers[peer]?.machine.checkInvariants()
        var address = peer
        for command in commands { try carryOut(command, &address) }
        if let deadline = workers[address]?.machine.nextDeadline {
            agenda.add(.wake(address), at: max(deadline, now))
        }
    }

    private mutating func carryOut(_ command: Worker.Command, _ peer: inout PeerID) throws {
        guard var worker = workers[peer] else { return }
        defer { if workers[peer] != nil { workers[peer] = worker } }
        switch command {
        case .send(let message): post(message, from: peer)
        case .configure, .sendProgress: break
        case .startFit(let work):
            guard worker.fit == nil, worker.result == nil else {
                throw Failure(description: "\(worker.name) starts \(work) with full hands")
            }
            worker.fit = work
            worker.iteration = 0
            worker.fitNumber += 1
            scheduleStep(worker)
        case .stopFit(let work):
            guard worker.fit == work else { throw Failure(description: "\(work) does not run") }
            worker.fit = nil
        case .sendResult(let work):
            guard worker.result == work else { throw Failure(description: "\(work) is gone") }
            let result = Restored(
                job: JobID(rawValue: "job"), work: work, iterations: iterations, seconds: 1,
                psnrToInput: nil, finalLoss: nil)
            post(.restored(result), from: peer)
        case .dropResult(let work):
            guard worker.result == work else { throw Failure(description: "\(work) is gone") }
            worker.result = nil
        case .reconnect:
            peerCount += 1
            workers[peer] = nil
            peer = PeerID(bytes: [UInt8(peerCount >> 8 & 255), UInt8(peerCount & 255)])
            worker.peer = peer
            worker.fitNumber += 1
            workers[peer] = worker
            if worker.fit != nil { scheduleStep(worker) }
        case .leave(let reason): try leave(worker, reason)
        }
    }

    private mutating func leave(_ worker: SimulatedWorker, _ reason: Worker.ExitReason) throws {
        workers[worker.peer] = nil
        if case .jobOver = reason, summary == nil {
            throw Failure(description: "\(worker.name) left before the job was over")
        }
        agenda.add(.join, at: now + .seconds(5))
    }

    private mutating func post(_ message: Message, from peer: PeerID) {
        for delay in delays() {
            agenda.add(.toCoordinator(.received(message, from: peer)), at: now + delay)
        }
    }

    private mutating func scheduleStep(_ worker: SimulatedWorker) {
        if random(1) * Double(iterations) < faults.hangs { return }
        let time = now + .seconds(worker.secondsPerIteration * (0.5 + random(1)))
        agenda.add(.step(worker.peer, fitNumber: worker.fitNumber), at: time)
    }

    /// One iteration of a fit.
    private mutating func step(_ peer: PeerID, _ fitNumber: Int) throws {
        guard var worker = workers[peer], let fit = worker.fit, worker.fitNumber == fitNumber
        else { return }
        guard worker.frozenUntil <= now else {
            agenda.add(.step(peer, fitNumber: fitNumber), at: worker.frozenUntil)
            return
        }
        worker.iteration += 1
        let isPoison = fit.tile == faults.poisonTile && worker.iteration == 3
        let isDone = worker.iteration == iterations
        if isPoison || isDone { worker.fit = nil }
        if isDone { worker.result = fit }
        workers[peer] = worker
        if isPoison {
            try tell(peer, .fitFailed(fit, reason: "poison"))
        } else if isDone {
            try tell(peer, .fitFinished(fit))
        } else {
            scheduleStep(worker)
            try tell(peer, .progressed(fit, iteration: worker.iteration))
        }
    }

    /// Once a second: perhaps a worker crashes, freezes, or is asked to end.
    private mutating func fault() throws {
        guard !isHealed, summary == nil else { return }
        agenda.add(.fault, at: now + .seconds(1))
        for peer in workers.keys.sorted(by: { $0.description < $1.description }) {
            guard let worker = workers[peer] else { continue }
            if random(3600) < faults.crashesPerHour {
                workers[peer] = nil
                agenda.add(.join, at: now + .seconds(random(60)))
                if random(1) < 0.5 {
                    let exit = Coordinator.Event.childExited(
                        launchToken: worker.name.rawValue, reason: "signal 9")
                    agenda.add(.toCoordinator(exit), at: now + .seconds(random(1)))
                }
            } else if random(3600) < faults.freezesPerHour {
                let end = now + .seconds(random(120))
                workers[peer]?.frozenUntil = end
            } else if random(3600) < faults.crashesPerHour / 2 {
                try tell(peer, .terminated)
            }
        }
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
