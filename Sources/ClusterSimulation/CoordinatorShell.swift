/// What is around a coordinator's state machine: the loop and the storage thread.
import Cluster
import FoundationEssentials
import JobStore
import Wire

extension Simulation {
    // MARK: The loop

    func deliver(_ parcel: Parcel, from connection: Connection) throws(Flaw) {
        guard let coordinator else {
            // Some of what was under way waits in queues for the next coordinator.
            if generator.chance(0.8) {
                agenda.add(.toCoordinator(parcel, from: connection), at: now + .seconds(1))
            }
            return
        }
        if coordinator.frozenUntil > now {
            agenda.add(.toCoordinator(parcel, from: connection), at: coordinator.frozenUntil)
            return
        }
        let peer = coordinator.peer(connection.number)
        switch corrupt(parcel.message) {
        case .lost: return
        case .unreadable(let reason):
            return try tell(coordinator, .nonsense(reason, from: peer))
        case nil: break
        }
        // Strangers get an answer, and no memory.
        guard coordinator.welcomed.contains(peer), coordinator.summary == nil else {
            return try tell(coordinator, .received(parcel.message, from: peer))
        }
        switch parcel.message {
        case .restored(let body) where generator.chance(0.5):
            try tell(coordinator, .pieceReceived(body.work, from: peer))
        case .checkpoint(let body) where generator.chance(0.5):
            try tell(coordinator, .checkpointPieceReceived(body.work, from: peer))
        default: break
        }
        coordinator.arrived = parcel.fit
        try tell(coordinator, .received(parcel.message, from: peer))
        coordinator.arrived = nil
    }

    /// Tells a coordinator something that happened beside the network, if it still lives.
    func learn(_ event: Coordinator.Event, life: Int) throws(Flaw) {
        guard let coordinator, coordinator.life == life else { return }
        if coordinator.frozenUntil > now {
            agenda.add(.learned(event, life: life), at: coordinator.frozenUntil)
            return
        }
        try tell(coordinator, event)
    }

    func wakeCoordinator(life: Int) throws(Flaw) {
        guard let coordinator, coordinator.life == life, let wakeAt = coordinator.wakeAt,
            wakeAt <= now
        else { return }
        coordinator.wakeAt = nil
        try learn(.tick, life: life)
    }

    /// Tells the machine something, does what it orders, and sees to it that it is told the time.
    func tell(_ coordinator: SimulatedCoordinator, _ event: Coordinator.Event) throws(Flaw) {
        let isChecked = scenario.isChecked
        if isChecked, event != .tick { trace.add(.coordinatorEvent(event), at: now) }
        tally.coordinatorEventCount += 1
        checker.note(event, told: coordinator, at: now)
        for command in handle(event, by: coordinator) {
            if isChecked {
                trace.add(.coordinatorCommand(command), at: now)
                try checker.check(command, of: coordinator, at: now)
            }
            if let tile = command.tileOfStory {
                try order(.remember(tile, coordinator.machine.story(of: tile)), of: coordinator)
            }
            try carryOut(command, of: coordinator)
        }
        if isChecked { try checker.checkState(of: coordinator) }
        guard self.coordinator === coordinator,
            let deadline = coordinator.machine.nextDeadline
        else { return }
        let time = max(deadline - coordinator.clockOffset, now)
        if let wakeAt = coordinator.wakeAt, wakeAt <= time { return }
        coordinator.wakeAt = time
        agenda.add(.wakeCoordinator(life: coordinator.life), at: time)
    }

    private func handle(
        _ event: Coordinator.Event, by coordinator: SimulatedCoordinator
    ) -> [Coordinator.Command] {
        var commands: [Coordinator.Command] = []
        let begin = stopwatch?() ?? 0
        coordinator.machine.handle(event, at: now + coordinator.clockOffset, into: &commands)
        let duration = (stopwatch?() ?? 0) - begin
        tally.coordinatorNanoseconds += duration
        tally.longestEventNanoseconds = max(tally.longestEventNanoseconds, duration)
        if scenario.isChecked { coordinator.machine.checkInvariants() }
        return commands
    }

    private func carryOut(
        _ command: Coordinator.Command, of coordinator: SimulatedCoordinator
    ) throws(Flaw) {
        switch command {
        case .send(let message, let peer):
            if case .welcome = message { coordinator.welcomed.insert(peer) }
            post(Parcel(message: message), to: peer, by: coordinator)
        case .dispatch(let work, let peer, let checkpoint, let retry):
            try order(
                .read(work, for: peer, withState: checkpoint != nil, retry: retry), of: coordinator)
        case .store(let work, let peer):
            guard let fit = coordinator.arrived, fit.tile == work.tile else {
                throw Flaw("\(work) of peer \(peer) is to be stored, but is not here")
            }
            try order(.store(work, fit), of: coordinator)
        case .discard: coordinator.arrived = nil
        case .storeCheckpoint(let work, let iteration, let peer):
            guard let state = coordinator.arrived, state.tile == work.tile,
                state.iteration == iteration
            else { throw Flaw("the state of \(work) is to be stored, but is not here") }
            try order(.storeState(work, from: peer, state), of: coordinator)
        case .removeCheckpoint(let tile): try order(.removeState(tile), of: coordinator)
        case .forget(let peer): coordinator.welcomed.remove(peer)
        case .note(let note): try order(.log("\(note)"), of: coordinator)
        case .setAside: break
        case .finished(let summary): try begin(ending: summary, of: coordinator)
        }
    }

    // MARK: The storage thread

    func order(
        _ order: SimulatedCoordinator.Order, of coordinator: SimulatedCoordinator
    ) throws(Flaw) {
        guard scenario.usesDisk else { return try carryOutWithoutDisk(order, of: coordinator) }
        coordinator.orders.append(order)
        guard !coordinator.isStorageBusy else { return }
        coordinator.isStorageBusy = true
        agenda.add(.storage(life: coordinator.life), at: now + storageLatency)
    }

    private var storageLatency: Duration {
        generator.seconds(upTo: generator.chance(0.02) ? 3 : Self.instant)
    }

    func workStorage(life: Int) throws(Flaw) {
        guard let coordinator, coordinator.life == life, !coordinator.orders.isEmpty else { return }
        if coordinator.frozenUntil > now {
            agenda.add(.storage(life: life), at: coordinator.frozenUntil)
            return
        }
        try carryOut(coordinator.orders.removeFirst(), of: coordinator)
        if disk.isDead {
            count(.tornWrite, "the coordinator dies while it writes")
            return killCoordinator(losesPower: generator.chance(0.5))
        }
        guard self.coordinator === coordinator else { return }
        coordinator.isStorageBusy = !coordinator.orders.isEmpty
        if coordinator.isStorageBusy {
            agenda.add(.storage(life: life), at: now + storageLatency)
        }
    }

    private func carryOut(
        _ order: SimulatedCoordinator.Order, of coordinator: SimulatedCoordinator
    ) throws(Flaw) {
        switch order {
        case .read(let work, let peer, let withState, let retry):
            try assign(work, retry, to: peer, withState: withState, coordinator)
        case .store(let work, var fit):
            tamper?(&fit)
            let reply: Coordinator.Event
            do throws(JobStoreError) {
                try coordinator.store.storeTile(
                    work.tile.rawValue, attempt: work.attempt, shape: Self.shape,
                    pixels: fit.pixels)
                reply = .tileStored(work)
            } catch {
                reply = .storingFailed(work, reason: error.message)
            }
            let time = now + generator.seconds(upTo: Self.instant)
            agenda.add(.learned(reply, life: coordinator.life), at: time)
        case .storeState(let work, let peer, let state):
            storeState(state, of: work, from: peer, coordinator)
        case .removeState(let tile): coordinator.store.removeCheckpoint(tile: tile.rawValue)
        case .remember(let tile, let story): remember(tile, story, coordinator)
        case .log(let line):
            // For people only: a restoration does not fail for want of it.
            try? coordinator.store.appendEvent("{\"message\": \"\(line)\"}")
        case .conclude: try conclude(coordinator)
        case .exit: exit(coordinator)
        }
    }

    private func assign(
        _ work: TileAttempt, _ retry: Int, to peer: PeerID, withState: Bool,
        _ coordinator: SimulatedCoordinator
    ) throws(Flaw) {
        let stored =
            withState ? try? coordinator.store.loadCheckpoint(tile: work.tile.rawValue) : nil
        if withState, stored == nil {
            try tell(coordinator, .checkpointMissing(work.tile))
        }
        guard coordinator.welcomed.contains(peer), coordinator.summary == nil,
            coordinator.remembered[work.tile, default: 0] >= work.attempt
        else { return }
        try checker.checkAssignment(work, retry, from: stored)
        if let stored, let state = SimulatedFit(bytes: stored.bytes) {
            let body = Checkpoint(job: Self.job, work: work, iteration: stored.iteration)
            post(Parcel(message: .checkpoint(body), fit: state), to: peer, by: coordinator)
        }
        let body = Assign(
            job: Self.job, work: work, originX: 0, originY: 0,
            checkpointIteration: stored?.iteration, seed: retry == 0 ? nil : UInt64(retry))
        post(Parcel(message: .assign(body)), to: peer, by: coordinator)
    }

    private func storeState(
        _ state: SimulatedFit, of work: TileAttempt, from peer: PeerID,
        _ coordinator: SimulatedCoordinator
    ) {
        let reply: Coordinator.Event
        do throws(JobStoreError) {
            try coordinator.store.storeCheckpoint(
                tile: work.tile.rawValue, attempt: work.attempt, iteration: state.iteration,
                bytes: state.bytes)
            reply = .checkpointStored(work, iteration: state.iteration, from: peer)
        } catch {
            reply = .checkpointFailed(
                work, iteration: state.iteration, from: peer, reason: error.message)
        }
        let time = now + generator.seconds(upTo: Self.instant)
        agenda.add(.learned(reply, life: coordinator.life), at: time)
    }

    private func remember(
        _ tile: TileID, _ story: Coordinator.TileStory, _ coordinator: SimulatedCoordinator
    ) {
        let failures = story.failures.map {
            TileHistory.Failure(
                attempt: $0.attempt, worker: $0.worker.rawValue, reason: $0.reason,
                isDeath: $0.isDeath, isDivergence: $0.isDivergence)
        }
        let history = TileHistory(
            attempts: story.attempts, failures: failures, isSetAside: story.isSetAside,
            seedsFailed: story.seedsFailed == 0 ? nil : story.seedsFailed,
            lastAttemptOfFailedSeed: story.seedsFailed == 0 ? nil : story.lastAttemptOfFailedSeed)
        do throws(JobStoreError) {
            try coordinator.store.recordHistory(history, of: tile.rawValue)
            coordinator.remembered[tile] = story.attempts
        } catch {
            guard !disk.isDead else { return }
            let event = Coordinator.Event.broken(reason: error.message)
            agenda.add(.learned(event, life: coordinator.life), at: now)
        }
    }

    /// Everything that is to be stored is stored at once.
    private func carryOutWithoutDisk(
        _ order: SimulatedCoordinator.Order, of coordinator: SimulatedCoordinator
    ) throws(Flaw) {
        let reply: Coordinator.Event
        switch order {
        case .read(let work, let peer, _, _):
            let body = Assign(job: Self.job, work: work, originX: 0, originY: 0)
            return post(Parcel(message: .assign(body)), to: peer, by: coordinator)
        case .store(let work, _): reply = .tileStored(work)
        case .storeState(let work, let peer, let state):
            reply = .checkpointStored(work, iteration: state.iteration, from: peer)
        case .removeState, .remember, .log: return
        case .conclude: return complete()
        case .exit: return exit(coordinator)
        }
        agenda.add(.learned(reply, life: coordinator.life), at: now)
    }

    static let job = JobID(rawValue: "job")
    static let shape = (SimulatedFit.height, SimulatedFit.width, SimulatedFit.bands)

    /// What becomes of an operation of the disk.
    func fateOfOperation() -> SimulatedDisk.Fate {
        if generator.chance(faults[.tornWrite]) { return .kills(share: generator.upTo(1)) }
        if generator.chance(faults[.writeFailure]) {
            count(.writeFailure, "the disk fails")
            return .fails(share: generator.upTo(1))
        }
        return .done
    }
}
