/// Checkpoints: asked for when there is room, stored, acknowledged.
internal import Wire

extension Coordinator {
    // MARK: Asking

    /// Asks for the states that are due, the oldest first, as long as bytes a second and bytes
    /// under way allow.
    mutating func wantCheckpoints(_ commands: inout [Command]) {
        guard policy.wantsCheckpoints || isAnyToYield,
            let byteCount = facts.checkpointByteCountMaximum
        else { return }
        refillBudget()
        var underWay = storingCheckpointCount
        var due: [(since: Duration, worker: WorkerID)] = []
        for (id, worker) in workers {
            guard let lease = worker.lease, givesStates(worker) else { continue }
            if let awaitedAt = lease.awaitedCheckpointAt {
                if attentiveNow - awaitedAt < policy.checkpointTimeout {
                    underWay += 1
                } else {
                    endWaiting(for: id)
                }
            } else if worker.peer != nil, isDue(lease, of: id) {
                due.append((mustYield(id) ? .zero : lease.checkpointedAt, id))
            }
        }
        guard !due.isEmpty else { return }
        due.sort { ($0.since, $0.worker) < ($1.since, $1.worker) }
        for (_, worker) in due {
            guard mayTakeCheckpoint(byteCount, underWay: underWay), checkpointBudget > 0 else {
                return
            }
            guard let peer = workers[worker]?.peer, let lease = lease(of: worker) else { continue }
            underWay += 1
            checkpointBudget -= Double(byteCount)
            workers[worker]?.lease?.awaitedCheckpointAt = attentiveNow
            let tolerance = policy.checkpointInterval.inSeconds * policy.checkpointTolerance
            let wanted = CheckpointWanted(
                job: facts.job, work: lease.work,
                toleranceSeconds: mustYield(worker) ? nil : max(tolerance, 0.01))
            commands.append(.send(.checkpointWanted(wanted), to: peer))
        }
    }

    /// What was not used in a second is not saved up.
    private mutating func refillBudget() {
        let rate = Double(policy.checkpointBytesPerSecond)
        let earned = rate * max(now - checkpointBudgetAt, .zero).inSeconds
        checkpointBudget = min(checkpointBudget + earned, rate)
        checkpointBudgetAt = now
    }

    private func isDue(_ lease: Lease, of worker: WorkerID) -> Bool {
        guard lease.phase == .fitting, lease.iteration > 0 else { return false }
        if mustYield(worker) { return true }
        return policy.wantsCheckpoints
            && attentiveNow - lease.checkpointedAt >= policy.checkpointInterval
    }

    private func mayTakeCheckpoint(_ byteCount: Int, underWay: Int) -> Bool {
        underWay == 0 || (underWay + 1) * byteCount <= policy.checkpointBytesUnderWayMaximum
    }

    private mutating func endWaiting(for worker: WorkerID) {
        workers[worker]?.lease?.awaitedCheckpointAt = nil
        workers[worker]?.lease?.checkpointedAt = attentiveNow
    }

    // MARK: Taking

    /// A transfer is a sign of life, of the worker and of its try.
    mutating func receiveCheckpointPiece(_ work: TileAttempt, from peer: PeerID) {
        guard outcome == nil, let worker = peers[peer] else { return }
        heard(worker)
        guard let lease = lease(of: worker), lease.work == work, lease.beganAt != nil else {
            return
        }
        workers[worker]?.lease?.renewedAt = attentiveNow
        if lease.awaitedCheckpointAt != nil {
            workers[worker]?.lease?.awaitedCheckpointAt = attentiveNow
        }
    }

    /// A whole state is in. It is stored if it is further than what the disk has or will have; any
    /// try's will do, for every try of a tile with the same seed passes through the same states.
    mutating func take(
        _ state: Checkpoint, from peer: PeerID, of worker: WorkerID, _ commands: inout [Command]
    ) {
        let work = state.work
        guard let byteCount = facts.checkpointByteCountMaximum, state.job == facts.job,
            isCredible(work), state.iteration <= facts.iterations ?? .max
        else {
            receiveNonsense(
                "a checkpoint of \(work) at iteration \(state.iteration), where no fit of this job "
                    + "comes", from: peer, &commands)
            return
        }
        var wasAsked = false
        if let lease = lease(of: worker), lease.work == work, lease.beganAt != nil {
            workers[worker]?.lease?.renewedAt = attentiveNow
            wasAsked = lease.awaitedCheckpointAt != nil
            endWaiting(for: worker)
        }
        guard !tiles.isOfFailedSeed(work) else { return }
        let tile = tiles[work.tile]
        switch tile.state {
        case .waiting, .leased: break
        case .storing, .stored, .setAside: return
        }
        if let stored = tile.checkpoint, state.iteration <= stored {
            acknowledge(work, iteration: state.iteration, to: peer, &commands)
            yield(work, at: peer, &commands)
            return
        }
        // Its sender, if it waits for the receipt, sends it again.
        guard state.iteration > tile.checkpointUnderWay ?? -1,
            mayTakeCheckpoint(byteCount, underWay: storingCheckpointCount),
            wasAsked || mayTakeUnasked(from: worker)
        else { return }
        tiles.beginCheckpoint(work.tile, iteration: state.iteration)
        storingCheckpointCount += 1
        commands.append(.storeCheckpoint(work, iteration: state.iteration, from: peer))
    }

    private mutating func mayTakeUnasked(from worker: WorkerID) -> Bool {
        let latest = workers[worker]?.unaskedStateAt
        if let latest, now - latest < policy.unaskedCheckpointInterval { return false }
        workers[worker]?.unaskedStateAt = now
        return true
    }

    private func acknowledge(
        _ work: TileAttempt, iteration: Int, to peer: PeerID, _ commands: inout [Command]
    ) {
        guard outcome == nil, peers[peer] != nil else { return }
        let receipt = CheckpointStored(job: facts.job, work: work, iteration: iteration)
        commands.append(.send(.checkpointStored(receipt), to: peer))
    }

    // MARK: Storing

    /// The store says that a state is on disk.
    mutating func confirmCheckpoint(
        _ work: TileAttempt, iteration: Int, from peer: PeerID, _ commands: inout [Command]
    ) {
        storingCheckpointCount -= 1
        statistics.checkpointCount += 1
        tiles.endCheckpoint(work, iteration: iteration, isStored: true)
        guard !tiles.isOfFailedSeed(work) else { return }
        if tiles[work.tile].state == .stored { commands.append(.removeCheckpoint(work.tile)) }
        acknowledge(work, iteration: iteration, to: peer, &commands)
        yield(work, at: peer, &commands)
    }

    /// The store says that a state could not be written. The former one is still there.
    mutating func noteLostCheckpoint(
        _ work: TileAttempt, iteration: Int, from peer: PeerID, _ reason: String,
        _ commands: inout [Command]
    ) {
        storingCheckpointCount -= 1
        statistics.checkpointFailureCount += 1
        tiles.endCheckpoint(work, iteration: iteration, isStored: false)
        commands.append(.note(.checkpointFailed(work, reason: reason)))
        // Waiting for a disk would keep the user waiting.
        yield(work, at: peer, &commands)
    }
}
