/// Handing out tiles, keeping leases alive, and ending them.
internal import Wire

extension Coordinator {
    // MARK: Handing out

    /// Gives waiting tiles to idle workers, in tile order.
    mutating func handOut(_ commands: inout [Command]) {
        while let (tile, worker) = nextMatch() {
            dequeue(worker)
            guard let peer = workers[worker]?.peer else {
                preconditionFailure("idle worker \(worker) has no connection")
            }
            let work = tiles.lease(tile, to: worker)
            workers[worker]?.lease = Lease(work, at: attentiveNow)
            statistics.dispatchCount += 1
            commands.append(.dispatch(work, to: peer))
        }
    }

    /// The first waiting tile that an idle worker may have, and the worker.
    private func nextMatch() -> (TileID, WorkerID)? {
        guard let longestIdle = idle.first else { return nil }
        for tile in tiles.returned {
            if let worker = idle.first(where: { mayHave(tile, $0) }) { return (tile, worker) }
        }
        return tiles.fresh.map { ($0, longestIdle) }
    }

    /// A tile goes to a worker on which it has not failed, as long as there is one.
    private func mayHave(_ tile: TileID, _ worker: WorkerID) -> Bool {
        let failures = tiles[tile].failures
        guard failures.contains(where: { $0.worker == worker }) else { return true }
        let failedHere = Set(failures.map(\.worker)).filter { workers[$0] != nil }
        return failedHere.count == workers.count
    }

    private mutating func enqueue(_ worker: WorkerID) {
        guard let record = workers[worker], !record.isQueued, record.peer != nil else { return }
        workers[worker]?.isQueued = true
        idle.append(worker)
    }

    mutating func dequeue(_ worker: WorkerID) {
        guard workers[worker]?.isQueued == true else { return }
        workers[worker]?.isQueued = false
        idle.removeAll { $0 == worker }
    }

    // MARK: Keeping

    func lease(of worker: WorkerID) -> Lease? { workers[worker]?.lease }

    /// Brings the coordinator's view of a worker and what the worker says of itself together.
    mutating func reconcile(
        _ worker: WorkerID, with report: WorkReport?, _ commands: inout [Command]
    ) {
        guard let report else {
            // With a lease, its assignment is still on the way, or the lease will run out.
            workers[worker]?.occupiedSince = nil
            if lease(of: worker) == nil { enqueue(worker) }
            return
        }
        dequeue(worker)
        if report.job == facts.job,
            renew(worker, report.work, iteration: report.iteration, phase: report.phase)
        {
            return
        }
        settle(report, of: worker, &commands)
    }

    /// Renews the worker's lease, if it is the one named.
    @discardableResult
    mutating func renew(
        _ worker: WorkerID, _ work: TileAttempt, iteration: Int, phase: WorkReport.Phase
    ) -> Bool {
        guard lease(of: worker)?.work == work else { return false }
        workers[worker]?.occupiedSince = nil
        let seconds = workers[worker]?.lease?.renew(
            iteration: iteration, phase: phase, at: attentiveNow)
        if let seconds = seconds ?? nil { pace.add(seconds) }
        return true
    }

    /// A worker holds something that it has no lease on.
    private mutating func settle(
        _ report: WorkReport, of worker: WorkerID, _ commands: inout [Command]
    ) {
        guard let record = workers[worker], let peer = record.peer else { return }
        workers[worker]?.occupiedSince = record.occupiedSince ?? attentiveNow
        let cancel = Command.send(.cancel(Cancel(job: report.job, work: report.work)), to: peer)
        guard report.job == facts.job, tiles.knows(report.work) else {
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
        case .waiting
        where tile.isResumable && tile.attempts == report.attempt && record.lease == nil:
            resume(report, of: worker, &commands)
        case .waiting, .leased, .setAside:
            // A finished result is welcome whoever has the lease: let it come.
            if report.phase == .fitting { commands.append(cancel) }
        }
    }

    private mutating func resume(
        _ report: WorkReport, of worker: WorkerID, _ commands: inout [Command]
    ) {
        tiles.resume(report.work, at: worker)
        workers[worker]?.lease = Lease(report.work, at: attentiveNow)
        renew(worker, report.work, iteration: report.iteration, phase: report.phase)
        statistics.resumedCount += 1
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

    /// Takes the lease from a worker: the tile waits again, is set aside, or goes on being stored.
    mutating func endLease(
        of worker: WorkerID, _ end: LeaseEnd, _ commands: inout [Command]
    ) {
        guard let lease = lease(of: worker) else { return }
        workers[worker]?.lease = nil
        let tile = lease.work.tile
        if case .storing = tiles[tile].state { return }
        commands.append(.note(.leaseEnded(lease.work, worker, end)))
        if end.needsCancel, let peer = workers[worker]?.peer {
            let cancel = Cancel(job: facts.job, work: lease.work)
            commands.append(.send(.cancel(cancel), to: peer))
        }
        countFailure(lease.work, of: worker, end, &commands)
        if end.countsAgainstWorker { blame(worker, tile, &commands) }
    }

    private mutating func countFailure(
        _ work: TileAttempt, of worker: WorkerID, _ end: LeaseEnd, _ commands: inout [Command]
    ) {
        guard end.countsAgainstTile else {
            tiles.release(work.tile, from: worker, isResumable: end.isResumable)
            return
        }
        statistics.failureCount += 1
        let failure = AttemptFailure(
            attempt: work.attempt, worker: worker, reason: end.description)
        if tiles.fail(work.tile, failure) < policy.tileFailuresMaximum {
            tiles.release(work.tile, from: worker, isResumable: end.isResumable)
        } else {
            tiles.setAside(work.tile, from: worker)
            commands.append(.setAside(work.tile, story: tiles[work.tile].failures))
        }
    }

    /// Several different tiles that fail on one worker speak against the worker. The only worker is
    /// kept: whatever it can restore, nobody else will.
    private mutating func blame(
        _ worker: WorkerID, _ tile: TileID, _ commands: inout [Command]
    ) {
        workers[worker]?.failedTiles.insert(tile)
        guard let count = workers[worker]?.failedTiles.count,
            count >= policy.workerFailuresMaximum, workers.count > 1
        else { return }
        let reason = "\(count) different tiles failed on this worker"
        refuse(worker, Refused(.failures, reason: reason), &commands)
    }
}
