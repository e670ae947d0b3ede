/// The coordinator's mind: which worker has which tile, and what follows from what is heard.
///
/// A pure value. Facts come in through `handle`, orders go out as commands; there is no clock, no
/// socket and no pixel here. Tiles live in `TileTable`, workers in `workers`; files beside this one
/// hold what is done about peers (CoordinatorPeers), results (CoordinatorResults) and leases
/// (CoordinatorLeases), checkpoints (CoordinatorCheckpoints), stragglers (CoordinatorStragglers)
/// and what the user wants of them (CoordinatorDemands).
///
/// Three rules carry it:
/// - A worker gets a tile only when it has said itself that it holds nothing.
/// - A lease lives by heartbeats that name it. Whatever else a worker names is answered with
///   `stored`, `cancel` or a resumed lease, so that both sides agree again after any loss.
/// - Tries are numbered. The first whole result of any try of a tile is stored, whoever has the
///   lease by then: every try of a tile gives the same pixels, so a late one is as good.
public import Wire

public struct Coordinator: Sendable {
    let facts: JobFacts
    let policy: CoordinatorPolicy

    var tiles: TileTable
    var workers: [WorkerID: WorkerRecord] = [:]
    /// Those of them that cannot do what this job needs, and wait for the one after it.
    var bystanders: Set<WorkerID> = []
    /// Connections of workers that can be reached.
    var peers: [PeerID: WorkerID] = [:]
    /// Children of this host, by the word that they were given.
    var launchTokens: [String: WorkerID] = [:]
    /// Workers that wait for a tile: each has said that it holds nothing, has no lease, and can be
    /// reached.
    var idle = IdleQueue()
    /// What workers that were let go are told again when they come back, and their order: they may
    /// not have heard it.
    var farewells: [WorkerID: Message] = [:]
    var farewellOrder: [WorkerID] = []
    var pace = Pace()
    public internal(set) var statistics = Statistics()

    var now: Duration
    /// The clock of leases. It stands while this process is stopped and can hear nobody.
    var attentiveNow: Duration = .zero
    private var sweepAt: Duration
    /// Since when there has been no worker that can do the job; nil while there is one.
    var absentSince: Duration?
    var storingFailuresInARow = 0
    /// Bytes of assignments that were sent and not named yet.
    var assigningByteCount = 0
    /// Checkpoints on their way to disk.
    var storingCheckpointCount = 0
    /// Bytes of checkpoints that may be asked for; below zero after a large one.
    var checkpointBudget: Double
    var checkpointBudgetAt: Duration
    /// Whether workers may bring tries that this run did not hand out.
    let hasHistory: Bool
    /// What the user wants of the job, and workers that are to leave.
    var demand = Demand.run
    var drained: Set<WorkerID> = []
    /// Who was told goodbye at the end of the job and has not answered.
    var dismissed: Set<PeerID> = []
    /// Who has answered it.
    var departed: Set<WorkerID> = []
    /// How the job ended; nil while it runs.
    public internal(set) var outcome: Outcome?

    /// A coordinator that begins a job, or goes on with one.
    ///
    /// - Parameters:
    ///   - facts: what workers are told.
    ///   - tileCount: tiles in the plan, at least 1.
    ///   - restored: what is known of tiles from former coordinators of the job, which may have
    ///     handed out more tries than is known; those that failed too often are set aside. nil
    ///     where there was none.
    ///   - policy: when to lose patience.
    ///   - now: time since the origin of all times given to this value.
    public init(
        facts: JobFacts, tileCount: Int, restored: [TileID: RestoredTile]? = nil,
        policy: CoordinatorPolicy, now: Duration
    ) {
        precondition(tileCount > 0, "a job has at least one tile")
        policy.check()
        self.facts = facts
        self.policy = policy
        self.now = now
        tiles = TileTable(
            tileCount: tileCount, restored: restored ?? [:], isGivenUp: policy.isGivenUp)
        checkpointBudget = Double(policy.checkpointBytesPerSecond)
        checkpointBudgetAt = now
        hasHistory = restored != nil
        sweepAt = now
        absentSince = now
    }

    /// When to tell `tick`, if nothing else happens before; nil when only events matter.
    public var nextDeadline: Duration? {
        guard outcome == nil else { return nil }
        if !workers.isEmpty {
            if case .end(_, let deadline) = demand { return min(sweepAt, deadline) }
            return sweepAt
        }
        guard demand != .pause, let absentSince, let wait = policy.workerWait else { return nil }
        return absentSince + wait
    }

    /// Takes a fact and appends what is to be done about it.
    ///
    /// - Parameters:
    ///   - event: what happened.
    ///   - time: when; earlier than an earlier event's counts as that event's time.
    ///   - commands: orders are appended, to be carried out in this order.
    public mutating func handle(
        _ event: Event, at time: Duration, into commands: inout [Command]
    ) {
        notice(time)
        switch event {
        case .received(let message, let peer): receive(message, from: peer, &commands)
        case .pieceReceived(let work, let peer): receivePiece(work, from: peer, &commands)
        case .nonsense(let what, let peer): receiveNonsense(what, from: peer, &commands)
        case .protocolMismatch(let seen, let peer): refuseVersion(seen, from: peer, &commands)
        case .unreachable(let peer): lose(peer, &commands)
        case .childExited(let token, let reason):
            if let worker = launchTokens[token] {
                // After the end of the job it has done what it was told.
                remove(worker, outcome == nil ? .exited(reason: reason) : .handedOver, &commands)
            }
        case .tileStored(let work): confirm(work, &commands)
        case .storingFailed(let work, let reason): retryStoring(work, reason, &commands)
        case .checkpointPieceReceived(let work, let peer): receiveCheckpointPiece(work, from: peer)
        case .checkpointStored(let work, let iteration, let peer):
            confirmCheckpoint(work, iteration: iteration, from: peer, &commands)
        case .checkpointFailed(let work, let iteration, let peer, let reason):
            noteLostCheckpoint(work, iteration: iteration, from: peer, reason, &commands)
        case .checkpointMissing(let tile):
            tiles.forgetCheckpoint(tile)
            commands.append(.note(.checkpointMissing(tile)))
        case .interrupted: wind(downTo: .interrupted, &commands)
        case .stopWanted: wind(downTo: .stopped, &commands)
        case .pauseWanted: pause(&commands)
        case .resumeWanted: resume(&commands)
        case .drainWanted(let worker): drain(worker, &commands)
        case .broken(let reason): finish(.broken(reason: reason), &commands)
        case .tick: break
        }
        guard outcome == nil else { return }
        if now >= sweepAt { sweep(&commands) }
        if tiles.isOver {
            finish(tiles.setAsideCount == 0 ? .complete : .incomplete, &commands)
        } else {
            concludeDemands(&commands)
            guard outcome == nil else { return }
            handOut(&commands)
            finishIfAlone(&commands)
        }
    }

    private mutating func notice(_ time: Duration) {
        let gap = max(time - now, .zero)
        now += gap
        if workers.isEmpty || gap <= policy.inattentionThreshold { attentiveNow += gap }
    }

    private mutating func sweep(_ commands: inout [Command]) {
        sweepAt = now + policy.sweepInterval
        endOverdueLeases(&commands)
        letSavedFitsYield(&commands)
        wantCheckpoints(&commands)
        runStragglersTwice(&commands)
    }

    private mutating func finishIfAlone(_ commands: inout [Command]) {
        guard demand != .pause, let absentSince, let wait = policy.workerWait,
            now >= absentSince + wait
        else { return }
        finish(statistics.workerCount == 0 ? .nobodyCame : .everybodyLeft, &commands)
    }

    /// Whether another job follows, or another coordinator of this one.
    func keepsWorkers(after outcome: Outcome) -> Bool {
        if outcome == .interrupted { return !policy.dismissesWorkersWhenInterrupted }
        return !policy.dismissesWorkers && [.complete, .incomplete, .stopped].contains(outcome)
    }

    mutating func finish(_ outcome: Outcome, _ commands: inout [Command]) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        for (peer, worker) in peers.sorted(by: { $0.value < $1.value }) {
            if keepsWorkers(after: outcome), workers[worker]?.hello.launchToken == nil { continue }
            commands.append(.send(.goodbye(Goodbye(reason: outcome.sentence)), to: peer))
            dismissed.insert(peer)
        }
        commands.append(
            .finished(
                Summary(
                    outcome: outcome, storedCount: tiles.storedCount,
                    setAside: outcome == .stopped ? tiles.unstored : tiles.setAside,
                    statistics: statistics)))
    }
}

// MARK: - What others may see

extension Coordinator {
    /// Tiles on disk.
    public var storedCount: Int { tiles.storedCount }

    /// Tiles given up.
    public var setAsideCount: Int { tiles.setAsideCount }

    /// Entries of all tables that grow with workers and what they do; that of tiles has its size
    /// from the beginning.
    public var entryCount: Int {
        let failed = workers.values.reduce(0) { $0 + $1.failedTiles.count }
        return workers.count + peers.count + launchTokens.count + idle.count + farewells.count
            + bystanders.count + farewellOrder.count + drained.count + dismissed.count
            + departed.count + failed
    }

    /// Whether goodbyes may still be on their way: some who were told it at the end of the job have
    /// not answered. What a worker has received and not yet read is lost to it when its connection
    /// ends, so the connections have to outlive that.
    public var awaitsFarewells: Bool { !dismissed.isEmpty }

    /// Workers that are known and not given up.
    public var workerCount: Int { workers.count }

    /// Those of them that can do what the job needs.
    var ableCount: Int { workers.count - bystanders.count }

    /// A lease, for a progress line.
    public struct LeaseView: Equatable, Sendable {
        /// The try.
        public let work: TileAttempt
        /// Who has it.
        public let worker: WorkerID
        /// The iteration last heard of.
        public let iteration: Int
    }

    /// The leases that count, in tile order.
    public var leases: [LeaseView] {
        workers.compactMap { id, worker in
            worker.lease.map { LeaseView(work: $0.work, worker: id, iteration: $0.iteration) }
        }
        .sorted { $0.work.tile < $1.work.tile }
    }
}

extension Coordinator.Outcome {
    /// What workers are told at the end.
    public var sentence: String {
        switch self {
        case .complete: "the job is done"
        case .incomplete: "the job is done; some tiles could not be restored"
        case .nobodyCame: "the coordinator waited in vain for workers"
        case .everybodyLeft: "the coordinator waited in vain for workers to come back"
        case .interrupted: "the coordinator was interrupted"
        case .stopped: "the job was stopped; what is restored becomes the output"
        case .storingFailed(let reason): "the coordinator cannot store results: \(reason)"
        case .broken(let reason): "the coordinator cannot go on: \(reason)"
        }
    }
}
