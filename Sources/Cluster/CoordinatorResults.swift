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
        renew(worker, work, iteration: lease.iteration, phase: .delivering)
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
        guard tiles.knows(work) else {
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
                supersedeLease(on: work.tile, &commands)
            }
            store(work, from: peer, of: worker, &commands)
        }
    }

    private mutating func store(
        _ work: TileAttempt, from peer: PeerID, of worker: WorkerID, _ commands: inout [Command]
    ) {
        dequeue(worker)
        workers[worker]?.occupiedSince = nil
        // The lease follows the result, so that a result which cannot be stored stays with the one
        // who has it.
        let lease = lease(of: worker) ?? Lease(work, at: attentiveNow)
        workers[worker]?.lease = lease
        renew(worker, work, iteration: lease.iteration, phase: .delivering)
        tiles.beginStoring(work, from: worker)
        commands.append(.store(work, from: peer))
    }

    /// Takes the tile from whoever has the lease: its result is here.
    private mutating func supersedeLease(on tile: TileID, _ commands: inout [Command]) {
        guard case .leased(let holder) = tiles[tile].state, let lease = lease(of: holder)
        else { return }
        workers[holder]?.lease = nil
        commands.append(.note(.leaseEnded(lease.work, holder, .superseded)))
        guard let peer = workers[holder]?.peer else { return }
        commands.append(.send(.cancel(Cancel(job: facts.job, work: lease.work)), to: peer))
    }

    /// The store says that a result is on disk.
    mutating func confirm(_ work: TileAttempt, _ commands: inout [Command]) {
        let worker = tiles.finishStoring(work)
        storingFailuresInARow = 0
        if lease(of: worker)?.work == work { workers[worker]?.lease = nil }
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
            let failures = tiles[work.tile].failures
            let isGivenUp = failures.count >= policy.tileFailuresMaximum
            tiles.loseAfterStoring(work, isGivenUp: isGivenUp)
            if isGivenUp { commands.append(.setAside(work.tile, story: failures)) }
        }
        guard outcome == nil else { return }
        commands.append(.note(.storingFailed(work, reason: reason)))
        storingFailuresInARow += 1
        if storingFailuresInARow >= policy.storingFailuresMaximum {
            finish(.storingFailed(reason: reason), &commands)
        }
    }
}
