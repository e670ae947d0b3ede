/// Results: taken, stored, acknowledged, or dropped as duplicates.
internal import Wire

extension Coordinator {
    mutating func receivePiece(
        _ work: TileAttempt, from peer: PeerID, _ commands: inout [Command]
    ) {
        guard outcome == nil, let worker = peers[peer] else { return }
        heard(worker)
        if workers[worker]?.occupiedSince != nil { workers[worker]?.occupiedSince = attentiveNow }
        guard let lease = lease(of: worker), lease.work == work else { return }
        renew(worker, work, iteration: lease.iteration, phase: .delivering, &commands)
        workers[worker]?.lease?.progressAt = attentiveNow
    }

    /// A whole result is in. The first of a tile is stored, whichever try it is.
    mutating func take(
        _ result: Restored, from peer: PeerID, of worker: WorkerID, _ commands: inout [Command]
    ) {
        let work = result.work
        guard result.job == facts.job else {
            commands.append(.discard(work, from: peer, reason: "it belongs to another job"))
            commands.append(.send(.cancel(Cancel(job: result.job, work: work)), to: peer))
            return
        }
        guard isCredible(work) else {
            let reason = "\(work) was never handed out"
            commands.append(.discard(work, from: peer, reason: reason))
            receiveNonsense(reason, from: peer, &commands)
            return
        }
        switch tiles[work.tile].state {
        case .stored:
            statistics.duplicateResultCount += 1
            commands.append(.discard(work, from: peer, reason: "the tile is stored already"))
            commands.append(.send(.stored(Stored(job: facts.job, work: work)), to: peer))
        case .storing:
            statistics.duplicateResultCount += 1
            commands.append(.discard(work, from: peer, reason: "the tile is being stored"))
        case .waiting, .leased, .setAside:
            if lease(of: worker)?.work != work {
                statistics.lateResultCount += 1
                commands.append(.note(.lateResult(work, worker)))
            }
            if case .leased(_, worker) = tiles[work.tile].state {
                statistics.secondTryWonCount += 1
            }
            supersedeLeases(on: work, &commands)
            store(work, from: peer, of: worker, &commands)
        }
    }

    private mutating func store(
        _ work: TileAttempt, from peer: PeerID, of worker: WorkerID, _ commands: inout [Command]
    ) {
        idle.remove(worker)
        workers[worker]?.occupiedSince = nil
        // The lease follows the result, so that a result which cannot be stored stays with the one
        // who has it.
        let lease = lease(of: worker) ?? Lease(work, at: attentiveNow)
        workers[worker]?.lease = lease
        renew(worker, work, iteration: lease.iteration, phase: .delivering, &commands)
        tiles.beginStoring(work, from: worker)
        commands.append(.store(work, from: peer))
    }

    /// Takes the tile from whoever has another try at it: its result is here. That may be the one
    /// whose former try this result is of.
    private mutating func supersedeLeases(on work: TileAttempt, _ commands: inout [Command]) {
        guard case .leased(let first, let second) = tiles[work.tile].state else { return }
        for holder in [first, second].compactMap({ $0 }) where lease(of: holder)?.work != work {
            guard let lease = dropLease(of: holder) else { continue }
            commands.append(.note(.leaseEnded(lease.work, holder, .superseded)))
            workers[holder]?.endedTry = lease.work
            sendCancel(lease.work, to: holder, &commands)
        }
    }

    /// The store says that a result is on disk.
    mutating func confirm(_ work: TileAttempt, _ commands: inout [Command]) {
        let (worker, hadCheckpoint) = tiles.finishStoring(work)
        storingFailuresInARow = 0
        if hadCheckpoint { commands.append(.removeCheckpoint(work.tile)) }
        if lease(of: worker)?.work == work { _ = dropLease(of: worker) }
        workers[worker]?.failedTiles.removeAll()
        guard outcome == nil, let peer = workers[worker]?.peer else { return }
        commands.append(.send(.stored(Stored(job: facts.job, work: work)), to: peer))
    }

    /// The store says that a result could not be written. Its worker, which was not told `stored`,
    /// sends it again.
    mutating func retryStoring(
        _ work: TileAttempt, _ reason: String, _ commands: inout [Command]
    ) {
        let worker = tiles.storer(of: work)
        let isHeld = lease(of: worker)?.work == work
        if isHeld {
            tiles.keepAfterStoring(work)
            workers[worker]?.lease?.renewedAt = attentiveNow
            workers[worker]?.lease?.progressAt = attentiveNow
        } else {
            tiles.loseAfterStoring(work)
            setAsideIfHopeless(work.tile, &commands)
        }
        guard outcome == nil else { return }
        commands.append(.note(.storingFailed(work, reason: reason)))
        storingFailuresInARow += 1
        if storingFailuresInARow >= policy.storingFailuresMaximum {
            finish(.storingFailed(reason: reason), &commands)
        }
    }
}
