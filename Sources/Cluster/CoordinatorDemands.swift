/// What the user wants of work that runs: to go on, to rest, to end with what is there; and of a
/// worker, to leave. A fit that has to yield hands its state over before its worker is told to drop
/// it, so nothing but a second or two of it is done again.
internal import Wire

/// What the user wants of the job.
enum Demand: Equatable, Sendable {
    case run
    /// Nothing is handed out, and fits hand over what they have.
    case pause
    /// As `pause`; then, or at this time at the latest, the job ends.
    case end(Coordinator.Outcome, by: Duration)
}

extension Coordinator {
    /// Whether the user has let the job rest.
    public var isPaused: Bool { demand == .pause }

    /// Workers that are known and not about to leave because the user wants it.
    public var stayingCount: Int { workers.count - drained.count }

    mutating func pause(_ commands: inout [Command]) {
        guard demand == .run else { return }
        demand = .pause
        commands.append(.note(.paused))
        handOver(&commands)
    }

    mutating func resume(_ commands: inout [Command]) {
        guard demand == .pause else { return }
        demand = .run
        // Nobody was waited for meanwhile.
        if absentSince != nil { absentSince = now }
        commands.append(.note(.resumed))
    }

    /// Ends the job as soon as fits have handed over what they have.
    mutating func wind(downTo outcome: Outcome, _ commands: inout [Command]) {
        if case .end = demand { return }
        demand = .end(outcome, by: now + policy.handOverWait)
        handOver(&commands)
    }

    mutating func drain(_ worker: WorkerID, _ commands: inout [Command]) {
        guard workers[worker] != nil, drained.insert(worker).inserted else { return }
        idle.remove(worker)
        handOver(&commands)
    }

    /// Whether a worker's fit has to yield.
    func mustYield(_ worker: WorkerID) -> Bool {
        demand != .run && !goesOn(worker) || drained.contains(worker)
    }

    /// Whether a worker goes on with its fit while one coordinator ends and the next one begins.
    private func goesOn(_ worker: WorkerID) -> Bool {
        guard case .end(.interrupted, _) = demand, keepsWorkers(after: .interrupted) else {
            return false
        }
        return workers[worker].map { $0.hello.launchToken == nil } ?? false
    }

    /// Whether any worker's fit has to yield.
    var isAnyToYield: Bool { demand != .run || !drained.isEmpty }

    /// Lets fits yield: those that have nothing to save at once, the others when their states are
    /// stored. One that is done delivers its result first.
    private mutating func handOver(_ commands: inout [Command]) {
        letSavedFitsYield(&commands)
        wantCheckpoints(&commands)
    }

    /// Lets those yield that have nothing to save. At the end of the job a goodbye does that.
    mutating func letSavedFitsYield(_ commands: inout [Command]) {
        guard isAnyToYield, !isEnding else { return }
        for worker in workers.keys.sorted() where mustYield(worker) {
            if let lease = lease(of: worker), !hasSomething(lease) {
                endLease(of: worker, .handedOver, &commands)
            }
        }
    }

    private var isEnding: Bool { if case .end = demand { true } else { false } }

    /// Whether the states of a worker's fits travel.
    func givesStates(_ worker: WorkerRecord) -> Bool {
        facts.checkpointByteCountMaximum != nil && worker.hello.can(.state)
    }

    /// Whether a lease has come to something that is not on disk. Where states do not travel, a fit
    /// goes on to its end.
    private func hasSomething(_ lease: Lease) -> Bool {
        if case .storing = tiles[lease.work.tile].state { return true }
        guard lease.phase == .fitting else { return true }
        return lease.beganAt != nil && lease.iteration > tiles[lease.work.tile].checkpoint ?? 0
    }

    /// Whether the end is worth waiting for what the worker has.
    private func isWorthWaiting(_ worker: WorkerRecord) -> Bool {
        guard let lease = worker.lease else { return false }
        if case .storing = tiles[lease.work.tile].state { return true }
        if goesOn(worker.hello.worker) { return false }
        if lease.phase == .fitting, !givesStates(worker) { return false }
        return hasSomething(lease)
    }

    /// The state of a fit is on disk: if it had to yield, it does.
    mutating func yield(_ work: TileAttempt, at peer: PeerID, _ commands: inout [Command]) {
        guard outcome == nil, let worker = peers[peer], mustYield(worker),
            lease(of: worker)?.work == work
        else { return }
        endLease(of: worker, .handedOver, &commands)
    }

    /// What follows when the last one has yielded.
    mutating func concludeDemands(_ commands: inout [Command]) {
        for worker in drained.sorted() {
            guard workers[worker] != nil else {
                drained.remove(worker)
                continue
            }
            guard lease(of: worker) == nil else { continue }
            let goodbye = Goodbye(reason: "the worker was asked to leave")
            bidFarewell(to: worker, .goodbye(goodbye), &commands)
            remove(worker, .handedOver, &commands)
            drained.remove(worker)
        }
        guard case .end(let outcome, let deadline) = demand else { return }
        let isDone =
            storingCheckpointCount == 0
            && workers.values.allSatisfy { !isWorthWaiting($0) }
        if isDone || now >= deadline { finish(outcome, &commands) }
    }
}
