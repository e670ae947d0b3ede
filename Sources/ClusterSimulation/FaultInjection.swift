/// What befalls processes, clocks and the network, drawn once a second until everything heals.
import Cluster
import Wire

extension Simulation {
    func injectFaults() throws(Flaw) {
        guard now < scenario.healAt, !isComplete else { return }
        agenda.add(.faults, at: now + .seconds(1))
        for number in workers.keys.sorted() {
            if let worker = workers[number] { try befall(worker) }
        }
        try befallCoordinator()
        if happens(.partition) { cutNetwork() }
        if happens(.clockJump) { jumpClock() }
        if happens(.nonsense) { try talkNonsense() }
    }

    /// Whether something that happens so many times an hour happens in this second.
    private func happens(_ fault: Fault) -> Bool { generator.chance(faults[fault] / 3600) }

    private func befall(_ worker: SimulatedWorker) throws(Flaw) {
        if happens(.workerCrash) {
            try crash(worker, by: .workerCrash)
        } else if happens(.workerFreeze) {
            let end = now + generator.seconds(upTo: generator.chance(0.5) ? 20 : 300)
            worker.frozenUntil = max(worker.frozenUntil, end)
            count(.workerFreeze, worker.name.rawValue)
        } else if happens(.workerLeave), worker.frozenUntil <= now,
            // The second time it leaves at once, as if it crashed.
            !worker.wasAskedToEnd || faults[.workerCrash] > 0
        {
            worker.wasAskedToEnd = true
            count(.workerLeave, worker.name.rawValue)
            try tell(worker, .terminated)
        }
    }

    /// A worker dies; its parent, where it is a child, learns so.
    func crash(_ worker: SimulatedWorker, by fault: Fault) throws(Flaw) {
        count(fault, worker.name.rawValue)
        try checker.checkLoss(of: worker, at: now)
        end(worker, replacedWithin: 60)
        guard let life = worker.parentLife, let coordinator, coordinator.life == life else {
            return
        }
        let exit = Coordinator.Event.childExited(
            launchToken: worker.name.rawValue, reason: "signal 9")
        agenda.add(.learned(exit, life: life), at: now + generator.seconds(upTo: 1))
    }

    private func befallCoordinator() throws(Flaw) {
        guard let coordinator else { return }
        if happens(.coordinatorCrash) {
            count(.coordinatorCrash, "life \(coordinator.life)")
            killCoordinator(losesPower: false)
        } else if happens(.powerLoss) {
            count(.powerLoss, "life \(coordinator.life)")
            killCoordinator(losesPower: true)
        } else if happens(.coordinatorFreeze) {
            count(.coordinatorFreeze, "life \(coordinator.life)")
            let end = now + generator.seconds(upTo: generator.chance(0.5) ? 20 : 300)
            coordinator.frozenUntil = max(coordinator.frozenUntil, end)
        } else if happens(.interruption), coordinator.summary == nil {
            count(.interruption, "life \(coordinator.life)")
            try learn(.interrupted, life: coordinator.life)
        } else if happens(.pause), coordinator.summary == nil, coordinator.frozenUntil <= now {
            count(.pause, "life \(coordinator.life)")
            agenda.add(
                .learned(.resumeWanted, life: coordinator.life),
                at: now + generator.seconds(upTo: generator.chance(0.5) ? 3 : 100))
            try learn(.pauseWanted, life: coordinator.life)
        } else if happens(.drain),
            let worker = workers.keys.sorted().randomElement(using: &generator)
                .flatMap({ workers[$0] })
        {
            count(.drain, worker.name.rawValue)
            drained.insert(worker.name)
            try learn(.drainWanted(worker.name), life: coordinator.life)
        }
    }

    private func cutNetwork() {
        let holds = generator.chance(0.3)
        let isOneWay = generator.chance(0.3)
        let losesToWorker = generator.chance(0.5)
        let end = now + generator.seconds(upTo: generator.chance(0.5) ? 40 : 400)
        for number in workers.keys.sorted() where generator.chance(0.6) {
            cuts[number] = Cut(
                end: end, losesToCoordinator: !isOneWay || !losesToWorker,
                losesToWorker: !isOneWay || losesToWorker, holds: holds)
            count(.partition, "worker-\(number) until \(Int(end / .seconds(1))) s")
        }
    }

    private func jumpClock() {
        let jump = Duration.seconds(Double.random(in: -60...600, using: &generator))
        let numbers = workers.keys.sorted()
        let index = Int.random(in: 0...numbers.count, using: &generator)
        if index < numbers.count, let worker = workers[numbers[index]] {
            worker.clockOffset += jump
            worker.wakeAt = now
            agenda.add(.wakeWorker(worker.number), at: now)
            count(.clockJump, "\(worker.name) by \(Int(jump / .seconds(1))) s")
        } else if let coordinator {
            coordinator.clockOffset += jump
            coordinator.wakeAt = now
            agenda.add(.wakeCoordinator(life: coordinator.life), at: now)
            count(.clockJump, "the coordinator by \(Int(jump / .seconds(1))) s")
        }
    }

    // MARK: Nonsense

    /// Somebody says something that no program of ours would say then.
    private func talkNonsense() throws(Flaw) {
        guard let coordinator else { return }
        let isStranger = generator.chance(0.5)
        let numbers = workers.keys.sorted()
        let index = Int.random(in: 0...max(numbers.count - 1, 0), using: &generator)
        let peer: PeerID
        if !isStranger, index < numbers.count, let worker = workers[numbers[index]] {
            peer = coordinator.peer(worker.connection.number)
        } else {
            let bytes = (0..<5).map { _ in UInt8.random(in: 0...255, using: &generator) }
            peer = PeerID(bytes: bytes)
        }
        count(.nonsense, "from peer \(peer)")
        try learn(nonsense(from: peer), life: coordinator.life)
    }

    private func nonsense(from peer: PeerID) -> Coordinator.Event {
        let tile = TileID(Int.random(in: 0...scenario.tileCount, using: &generator))
        let attempt = Int.random(in: 2_000_000...WireLimits.countMaximum, using: &generator)
        let work = TileAttempt(tile, attempt: attempt)
        let job = generator.chance(0.5) ? Self.job : JobID(rawValue: "another job")
        switch Int.random(in: 0...6, using: &generator) {
        case 0: return .nonsense("bytes that are no message", from: peer)
        case 1: return .protocolMismatch(seen: 0, from: PeerID(bytes: [1, 2, 3]))
        case 2: return .pieceReceived(work, from: peer)
        case 3: return .received(.cancel(Cancel(job: job, work: work)), from: peer)
        case 4:
            return .received(.failed(Failed(job: job, work: work, reason: "none")), from: peer)
        case 5: return .unreachable(PeerID(bytes: [1, 2, 3]))
        default:
            let body = Restored(
                job: job, work: work, iterations: 1, seconds: nil, psnrToInput: nil,
                finalLoss: nil)
            return .received(.restored(body), from: peer)
        }
    }
}
