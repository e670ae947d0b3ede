/// A coordinator and a worker on the bench: events in, commands out, invariants after every event.
import Testing
import Wire

@testable import Cluster

let job = JobID(rawValue: "job")

func work(_ tile: Int, _ attempt: Int = 1) -> TileAttempt {
    TileAttempt(TileID(tile), attempt: attempt)
}

func fitting(_ tile: Int, _ attempt: Int = 1, iteration: Int = 0) -> WorkReport {
    WorkReport(job: job, work: work(tile, attempt), iteration: iteration, phase: .fitting)
}

func delivering(_ tile: Int, _ attempt: Int = 1, iteration: Int = 100) -> WorkReport {
    WorkReport(job: job, work: work(tile, attempt), iteration: iteration, phase: .delivering)
}

func restored(_ tile: Int, _ attempt: Int = 1) -> Message {
    .restored(
        Restored(
            job: job, work: work(tile, attempt), iterations: 100, seconds: 60, psnrToInput: 20,
            finalLoss: 0.01))
}

func failed(_ tile: Int, _ attempt: Int = 1) -> Message {
    .failed(Failed(job: job, work: work(tile, attempt), reason: "no result"))
}

func cancel(_ tile: Int, _ attempt: Int = 1) -> Message {
    .cancel(Cancel(job: job, work: work(tile, attempt)))
}

func stored(_ tile: Int, _ attempt: Int = 1) -> Message {
    .stored(Stored(job: job, work: work(tile, attempt)))
}

func peer(_ worker: Character, _ connection: UInt8 = 1) -> PeerID {
    PeerID(bytes: [worker.asciiValue ?? 0, connection])
}

func name(_ worker: Character) -> WorkerID { WorkerID(rawValue: String(worker)) }

func hello(
    _ worker: Character, _ incarnation: Int = 1, _ report: WorkReport? = nil,
    can capabilities: [Capability]? = nil
) -> Hello {
    Hello(
        worker: name(worker), incarnation: incarnation, host: "host", processID: 1, threadCount: 1,
        version: "1", processor: "cpu", launchToken: "child-\(worker)",
        capabilities: capabilities, work: report)
}

func wanted(_ tile: Int, _ attempt: Int = 1) -> Message {
    .checkpointWanted(
        CheckpointWanted(job: job, work: work(tile, attempt), toleranceSeconds: 6))
}

func checkpoint(_ tile: Int, _ attempt: Int = 1, iteration: Int) -> Message {
    .checkpoint(Checkpoint(job: job, work: work(tile, attempt), iteration: iteration))
}

func checkpointStored(_ tile: Int, _ attempt: Int = 1, iteration: Int) -> Message {
    .checkpointStored(
        CheckpointStored(job: job, work: work(tile, attempt), iteration: iteration))
}

func welcome(
    _ incarnation: Int = 1, checkpointByteCount: Int? = nil, requires: [Capability]? = nil
) -> Message {
    .welcome(
        Welcome(
            incarnation: incarnation, job: job, configuration: "{}", heartbeatSeconds: 5,
            silenceSeconds: 30, payloadByteCountMaximum: 1000,
            checkpointByteCountMaximum: checkpointByteCount, requires: requires))
}

/// A coordinator under test. Workers are letters; times are seconds.
struct CoordinatorBench {
    var coordinator: Coordinator
    private(set) var notes: [Coordinator.Note] = []
    private(set) var seconds = 0.0

    init(
        tiles: Int, restored: [TileID: Coordinator.RestoredTile]? = nil,
        checkpointByteCount: Int? = nil, iterations: Int? = nil, requires: [Capability] = [],
        requiresAfterwards: [Capability]? = nil,
        _ adjust: (inout CoordinatorPolicy) -> Void = { _ in }
    ) {
        var policy = CoordinatorPolicy()
        policy.adoptionWait = .zero
        adjust(&policy)
        let facts = JobFacts(
            job: job, configuration: "{}", payloadByteCountMaximum: 1000,
            checkpointByteCountMaximum: checkpointByteCount, iterations: iterations,
            requires: requires, requiresAfterwards: requiresAfterwards)
        coordinator = Coordinator(
            facts: facts, tileCount: tiles, restored: restored, policy: policy, now: .zero)
    }

    /// The orders that follow from an event, without the notes.
    @discardableResult
    mutating func tell(_ event: Coordinator.Event, at time: Double? = nil)
        -> [Coordinator.Command]
    {
        seconds = time ?? seconds
        var commands: [Coordinator.Command] = []
        coordinator.handle(event, at: .seconds(seconds), into: &commands)
        coordinator.checkInvariants()
        return commands.filter {
            guard case .note(let note) = $0 else { return true }
            notes.append(note)
            return false
        }
    }

    @discardableResult
    mutating func hear(_ message: Message, from sender: PeerID, at time: Double? = nil)
        -> [Coordinator.Command]
    {
        tell(.received(message, from: sender), at: time)
    }

    @discardableResult
    mutating func join(_ worker: Character, at time: Double? = nil) -> [Coordinator.Command] {
        hear(.hello(hello(worker)), from: peer(worker), at: time)
    }

    /// A heartbeat; without its answer in the returned orders.
    @discardableResult
    mutating func beat(_ worker: Character, _ report: WorkReport?, at time: Double? = nil)
        -> [Coordinator.Command]
    {
        let answer = Coordinator.Command.send(.heartbeat(Heartbeat()), to: peer(worker))
        let commands = hear(.heartbeat(Heartbeat(work: report)), from: peer(worker), at: time)
        #expect(commands.first == answer)
        return Array(commands.dropFirst())
    }

    /// Lets time pass second by second, with heartbeats of these workers every five seconds.
    mutating func pass(
        until end: Double, _ beats: [(Character, WorkReport?)] = []
    ) -> [Coordinator.Command] {
        var commands: [Coordinator.Command] = []
        while seconds < end {
            commands += tell(.tick, at: min(seconds + 1, end))
            guard seconds.truncatingRemainder(dividingBy: 5) == 0 else { continue }
            for (worker, report) in beats { commands += beat(worker, report) }
        }
        return commands
    }

    /// A worker's state arrives and is stored.
    @discardableResult
    mutating func keep(_ worker: Character, _ tile: Int, _ attempt: Int = 1, iteration: Int)
        -> [Coordinator.Command]
    {
        hear(checkpoint(tile, attempt, iteration: iteration), from: peer(worker))
        return tell(
            .checkpointStored(work(tile, attempt), iteration: iteration, from: peer(worker)))
    }

    /// A worker restores a tile that it has, and the tile is stored.
    @discardableResult
    mutating func finish(_ worker: Character, _ tile: Int, _ attempt: Int = 1)
        -> [Coordinator.Command]
    {
        hear(restored(tile, attempt), from: peer(worker))
        return tell(.tileStored(work(tile, attempt)))
    }
}

extension [Coordinator.Command] {
    /// The summary, when the job is over.
    var summary: Coordinator.Summary? {
        for case .finished(let summary) in self { return summary }
        return nil
    }
}

/// A worker under test.
struct WorkerBench {
    var worker: Worker
    private(set) var now = Duration.zero

    init(_ adjust: (inout WorkerPolicy) -> Void = { _ in }) {
        var policy = WorkerPolicy()
        adjust(&policy)
        let identity = Worker.Identity(
            worker: name("a"), host: "host", processID: 1, threadCount: 1, version: "1",
            processor: "cpu", launchToken: "child-a")
        worker = Worker(identity: identity, policy: policy, seed: 1, now: .zero)
    }

    @discardableResult
    mutating func tell(_ event: Worker.Event, at time: Double? = nil) -> [Worker.Command] {
        if let time { now = .seconds(time) }
        var commands: [Worker.Command] = []
        worker.handle(event, at: now, into: &commands)
        worker.checkInvariants()
        return commands
    }

    @discardableResult
    mutating func hear(_ message: Message, at time: Double? = nil) -> [Worker.Command] {
        tell(.received(message), at: time)
    }

    /// Tells the time whenever the worker wants to know it.
    mutating func pass(until end: Double) -> [Worker.Command] {
        var commands: [Worker.Command] = []
        while let deadline = worker.nextDeadline, deadline <= .seconds(end) {
            now = max(deadline, now)
            commands += tell(.tick)
        }
        now = .seconds(end)
        return commands
    }

    /// A worker that is welcome and idle.
    static func welcomed(
        checkpointByteCount: Int? = nil, _ adjust: (inout WorkerPolicy) -> Void = { _ in }
    ) -> WorkerBench {
        var bench = WorkerBench(adjust)
        bench.tell(.started)
        bench.hear(welcome(checkpointByteCount: checkpointByteCount))
        return bench
    }

    /// A worker that fits a tile.
    static func fitting(
        _ tile: Int, _ attempt: Int = 1, checkpointByteCount: Int? = nil,
        _ adjust: (inout WorkerPolicy) -> Void = { _ in }
    ) -> WorkerBench {
        var bench = welcomed(checkpointByteCount: checkpointByteCount, adjust)
        bench.hear(assign(tile, attempt))
        return bench
    }

    static func assign(_ tile: Int, _ attempt: Int = 1) -> Message {
        .assign(Assign(job: job, work: work(tile, attempt), originX: 0, originY: 0))
    }
}
