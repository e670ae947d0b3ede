/// Handing out tiles, keeping leases alive, and ending them.
internal import Wire

extension Coordinator {
    // MARK: Handing out

    /// Gives waiting tiles to idle workers, in tile order.
    mutating func handOut(_ commands: inout [Command]) {
        while demand == .run, mayAssignMore, let (tile, worker) = nextMatch() {
            dispatch(tiles.lease(tile, to: worker), to: worker, &commands)
        }
    }

    /// Whether the queues of connections have room for another assignment.
    var mayAssignMore: Bool {
        assigningByteCount == 0
            || assigningByteCount + facts.payloadByteCountMaximum
                + (facts.checkpointByteCountMaximum ?? 0) <= policy.assignmentBytesUnderWayMaximum
    }

    /// Sends an idle worker a try that it has just been given.
    mutating func dispatch(
        _ work: TileAttempt, to worker: WorkerID, _ commands: inout [Command]
    ) {
        idle.remove(worker)
        guard let peer = workers[worker]?.peer else {
            preconditionFailure("idle worker \(worker) has no connection")
        }
        let checkpoint = usableCheckpoint(work.tile, for: worker)
        var lease = Lease(work, at: attentiveNow)
        lease.checkpoint = checkpoint
        lease.assignedByteCount =
            facts.payloadByteCountMaximum
            + (checkpoint == nil ? 0 : facts.checkpointByteCountMaximum ?? 0)
        assigningByteCount += lease.assignedByteCount
        workers[worker]?.lease = lease
        workers[worker]?.endedTry = nil
        statistics.dispatchCount += 1
        commands.append(
            .dispatch(work, to: peer, checkpoint: checkpoint, retry: tiles[work.tile].seedsFailed))
    }

    /// Where a try of a worker begins that goes on from what is on disk; nil for at the beginning.
    func usableCheckpoint(_ tile: TileID, for worker: WorkerID) -> Int? {
        workers[worker].map { givesStates($0) } == true ? tiles[tile].latestCheckpoint : nil
    }

    /// The first waiting tile that an idle worker may have, and the worker. Tiles that are under
    /// suspicion come after all others, so that one that kills its workers costs those only when
    /// nothing else is left to do.
    private mutating func nextMatch() -> (TileID, WorkerID)? {
        guard let longestIdle = idle.workers.first(where: { _ in true }) else { return nil }
        let mayTakeReserved = attentiveNow >= policy.adoptionWait
        var suspect: (TileID, WorkerID)?
        for tile in tiles.returned where mayTakeReserved || !tiles[tile].isReserved {
            let isSuspect = tiles[tile].deathCount >= policy.tileDeathsSuspicious
            if isSuspect, suspect != nil { continue }
            if let worker = idle.workers.first(where: { mayHave(tile, $0) }) {
                guard isSuspect else { return (tile, worker) }
                suspect = (tile, worker)
            }
        }
        return tiles.nextFresh().map { ($0, longestIdle) } ?? suspect
    }

    /// A tile goes to a worker on which it has not failed, as long as there is one.
    func mayHave(_ tile: TileID, _ worker: WorkerID) -> Bool {
        let failures = tiles[tile].failures
        guard failures.contains(where: { $0.worker == worker }) else { return true }
        let failedHere = Set(failures.map(\.worker)).filter {
            workers[$0] != nil && !bystanders.contains($0)
        }
        return failedHere.count == ableCount
    }

    private mutating func enqueue(_ worker: WorkerID) {
        guard let record = workers[worker], record.peer != nil, !drained.contains(worker),
            !bystanders.contains(worker)
        else { return }
        idle.append(worker)
    }

    // MARK: Keeping

    func lease(of worker: WorkerID) -> Lease? { workers[worker]?.lease }

    /// Brings the coordinator's view of a worker and what the worker says of itself together.
    mutating func reconcile(
        _ worker: WorkerID, with report: WorkReport?, _ commands: inout [Command]
    ) {
        guard !bystanders.contains(worker) else { return }
        guard let report else {
            // With a lease, its assignment is still on the way, or the lease will run out.
            workers[worker]?.occupiedSince = nil
            if lease(of: worker) == nil { enqueue(worker) }
            return
        }
        idle.remove(worker)
        if report.job == facts.job,
            renew(
                worker, report.work, iteration: report.iteration, phase: report.phase, &commands)
        {
            return
        }
        settle(report, of: worker, &commands)
    }

    /// Renews the worker's lease, if it is the one named.
    @discardableResult
    mutating func renew(
        _ worker: WorkerID, _ work: TileAttempt, iteration: Int, phase: WorkReport.Phase,
        _ commands: inout [Command]
    ) -> Bool {
        guard let lease = lease(of: worker), lease.work == work else { return false }
        workers[worker]?.occupiedSince = nil
        if lease.beganAt == nil {
            noteBeginning(lease, of: worker, iteration: iteration, &commands)
        }
        let seconds = workers[worker]?.lease?.renew(
            iteration: iteration, phase: phase, at: attentiveNow)
        if let seconds = seconds ?? nil { pace.add(seconds) }
        return true
    }

    /// A worker names its try for the first time.
    private mutating func noteBeginning(
        _ lease: Lease, of worker: WorkerID, iteration: Int, _ commands: inout [Command]
    ) {
        assigningByteCount -= lease.assignedByteCount
        workers[worker]?.lease?.assignedByteCount = 0
        if let checkpoint = lease.checkpoint {
            if iteration > 0 { statistics.checkpointUseCount += 1 }
            let tile = lease.work.tile
            if tiles.noteStart(
                tile, at: iteration, from: checkpoint, uselessMaximum: policy.uselessStartsMaximum)
            {
                commands.append(.note(.checkpointUseless(tile, iteration: checkpoint)))
                commands.append(.removeCheckpoint(tile))
            }
        }
        statistics.lostIterationCount += tiles.takeLostIterations(
            lease.work.tile, beginningAt: iteration)
    }

    /// A worker holds something that it has no lease on.
    private mutating func settle(
        _ report: WorkReport, of worker: WorkerID, _ commands: inout [Command]
    ) {
        guard let record = workers[worker], let peer = record.peer else { return }
        workers[worker]?.occupiedSince = record.occupiedSince ?? attentiveNow
        let cancel = Command.send(.cancel(Cancel(job: report.job, work: report.work)), to: peer)
        guard report.job == facts.job, isCredible(report.work) else {
            commands.append(cancel)
            return
        }
        let tile = tiles[report.tile]
        switch tile.state {
        case .stored:
            let receipt = Stored(job: facts.job, work: report.work)
            commands.append(.send(.stored(receipt), to: peer))
        case .storing:
            workers[worker]?.occupiedSince = nil
        case .waiting where mayGoOn(record, report):
            adopt(report, by: worker, &commands)
        case .leased(let holder, nil)
        where mayGoOn(record, report) && isFurther(report, holder)
            // A tile that waits for nothing but this try is not to be set aside in between.
            && !policy.isGivenUp(tile.failures):
            endLease(of: holder, .outpaced, &commands)
            adopt(report, by: worker, &commands)
        case .waiting, .leased, .setAside:
            // A finished result is welcome whoever has the lease: let it come.
            if report.phase == .fitting { commands.append(cancel) }
        }
    }

    /// Whether this run handed out the try, or a former one may have.
    func isCredible(_ work: TileAttempt) -> Bool {
        tiles.knows(work)
            || hasHistory && tiles.contains(work.tile)
                && (1...policy.adoptedAttemptMaximum).contains(work.attempt)
    }

    /// Whether a worker that names a try without having its lease may get that: it did not lose
    /// it in this session, its seed has not failed, and no state on disk is further.
    private func mayGoOn(_ worker: WorkerRecord, _ report: WorkReport) -> Bool {
        worker.lease == nil && worker.endedTry != report.work && !tiles.isOfFailedSeed(report.work)
            && (report.phase == .delivering
                || report.iteration >= tiles[report.tile].latestCheckpoint ?? 0)
    }

    private func isFurther(_ report: WorkReport, _ holder: WorkerID) -> Bool {
        guard let lease = lease(of: holder), report.phase == .fitting else { return false }
        return lease.phase == .fitting && report.iteration > lease.iteration
    }

    private mutating func adopt(
        _ report: WorkReport, by worker: WorkerID, _ commands: inout [Command]
    ) {
        if !tiles.knows(report.work) || tiles[report.tile].isReserved {
            statistics.adoptedCount += 1
        }
        statistics.resumedCount += 1
        tiles.adopt(report.work, at: worker)
        workers[worker]?.lease = Lease(report.work, at: attentiveNow)
        renew(
            worker, report.work, iteration: report.iteration, phase: report.phase, &commands)
        commands.append(
            .note(.leaseResumed(report.work, worker, iteration: report.iteration)))
    }

    // MARK: Ending

    /// Ends every lease that is overdue, and forgets workers that are silent.
    mutating func endOverdueLeases(_ commands: inout [Command]) {
        let median = pace.medianSeconds
        let ends = workers.compactMap { id, worker in
            overdue(worker, medianSeconds: median).map { (id, $0) }
        }
        for (worker, end) in ends.sorted(by: { $0.0 < $1.0 }) {
            switch end {
            case .silent: remove(worker, end, &commands)
            case .refused(let reason):
                refuse(worker, Refused(.misbehaviour, reason: reason), &commands)
            default: endLease(of: worker, end, &commands)
            }
        }
    }

    private func overdue(_ worker: WorkerRecord, medianSeconds: Double?) -> LeaseEnd? {
        let silence = attentiveNow - worker.heardAt
        if silence >= policy.silenceTimeout { return .silent(silence) }
        if let since = worker.occupiedSince, attentiveNow - since >= policy.occupationTimeout {
            return .refused(reason: "it holds on to a tile that is not its own")
        }
        guard let lease = worker.lease else { return nil }
        if case .storing = tiles[lease.work.tile].state { return nil }
        let unnamed = attentiveNow - lease.renewedAt
        guard lease.beganAt != nil else {
            return unnamed >= policy.assignmentTimeout ? .neverBegan : nil
        }
        if unnamed >= policy.silenceTimeout { return .dropped }
        let standing = attentiveNow - lease.progressAt
        guard standing >= standingTimeout(lease, medianSeconds: medianSeconds) else { return nil }
        return .standing(iteration: lease.iteration, standing)
    }

    /// How long the lease's iteration may stand still.
    private func standingTimeout(_ lease: Lease, medianSeconds: Double?) -> Duration {
        guard lease.phase == .fitting else { return policy.standingTimeoutMinimum }
        guard let usual = [medianSeconds, lease.secondsPerIteration].compactMap({ $0 }).max() else {
            return max(policy.standingTimeoutMinimum, policy.firstIterationTimeout)
        }
        let longest = Duration.seconds(usual * Double(policy.standingIterationCount))
        return max(policy.standingTimeoutMinimum, longest)
    }

    /// Takes the lease from a worker: the tile waits again, stays with the other one who has it, is
    /// set aside, or goes on being stored.
    mutating func endLease(
        of worker: WorkerID, _ end: LeaseEnd, _ commands: inout [Command]
    ) {
        guard let lease = dropLease(of: worker) else { return }
        let tile = lease.work.tile
        if case .storing = tiles[tile].state { return }
        commands.append(.note(.leaseEnded(lease.work, worker, end)))
        workers[worker]?.endedTry = lease.work
        if end.needsCancel { sendCancel(lease.work, to: worker, &commands) }
        if end.countsAgainstTile {
            statistics.failureCount += 1
            tiles.fail(
                tile,
                AttemptFailure(
                    attempt: lease.work.attempt, worker: worker, reason: end.description,
                    isDeath: end.isDeath, isDivergence: end.isDivergence))
        }
        if end.isDivergence { takeOtherSeed(lease.work, besides: worker, &commands) }
        if tiles.release(tile, from: worker) {
            tiles.abandon(tile, at: lease.iteration)
            setAsideIfHopeless(tile, &commands)
        }
        if end.countsAgainstWorker { blame(worker, tile, &commands) }
    }

    /// The seed of a try has failed: whoever else has a try with it would come to the same, and its
    /// states are of no use to another.
    private mutating func takeOtherSeed(
        _ work: TileAttempt, besides worker: WorkerID, _ commands: inout [Command]
    ) {
        statistics.reseedCount += 1
        if case .leased(let first, let second?) = tiles[work.tile].state {
            let other = first == worker ? second : first
            if let lease = dropLease(of: other) {
                commands.append(.note(.leaseEnded(lease.work, other, .superseded)))
                workers[other]?.endedTry = lease.work
                sendCancel(lease.work, to: other, &commands)
            }
            _ = tiles.release(work.tile, from: other)
        }
        if tiles.giveUpSeed(of: work.tile) { commands.append(.removeCheckpoint(work.tile)) }
    }

    /// Takes the lease from a worker's record.
    mutating func dropLease(of worker: WorkerID) -> Lease? {
        guard let lease = lease(of: worker) else { return nil }
        workers[worker]?.lease = nil
        if let seconds = lease.secondsPerIteration {
            workers[worker]?.secondsPerIteration = seconds
        }
        assigningByteCount -= lease.assignedByteCount
        return lease
    }

    /// Tells a worker to drop a try.
    mutating func sendCancel(
        _ work: TileAttempt, to worker: WorkerID, _ commands: inout [Command]
    ) {
        guard let peer = workers[worker]?.peer else { return }
        commands.append(.send(.cancel(Cancel(job: facts.job, work: work)), to: peer))
    }

    /// Gives a waiting tile up when it has failed too often.
    mutating func setAsideIfHopeless(_ tile: TileID, _ commands: inout [Command]) {
        guard policy.isGivenUp(tiles[tile].failures) else { return }
        tiles.setAside(tile)
        statistics.lostIterationCount += tiles.takeLostIterations(tile, beginningAt: 0)
        commands.append(.setAside(tile, story: tiles[tile].failures))
    }

    /// Several different tiles that fail on one worker speak against the worker. The only worker is
    /// kept: whatever it can restore, nobody else will.
    private mutating func blame(
        _ worker: WorkerID, _ tile: TileID, _ commands: inout [Command]
    ) {
        workers[worker]?.failedTiles.insert(tile)
        guard let count = workers[worker]?.failedTiles.count,
            count >= policy.workerFailuresMaximum, ableCount > 1
        else { return }
        let reason = "\(count) different tiles failed on this worker"
        refuse(worker, Refused(.failures, reason: reason), &commands)
    }
}
