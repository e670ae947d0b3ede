/// What is around a worker's state machine: the loop, the fit thread, the process.
import Cluster
import Wire

extension Simulation {
    // MARK: The process

    func join(isLocal: Bool) throws(Flaw) {
        guard !isComplete else { return }
        if isLocal, coordinator == nil || coordinator?.summary != nil {
            // Children are started by a coordinator.
            agenda.add(.join(isLocal: true), at: now + .seconds(2))
            return
        }
        workerCount += 1
        let name = WorkerID(rawValue: "worker-\(workerCount)")
        let isBystander =
            workers.values.contains { !$0.isBystander } && generator.chance(scenario.bystanderShare)
        let identity = Worker.Identity(
            worker: name, host: "host", processID: workerCount, threadCount: 1, version: "1",
            processor: "cpu", launchToken: isLocal ? name.rawValue : nil,
            capabilities: isBystander ? [.state] : nil)
        let clockOffset = generator.seconds(upTo: 1000)
        var policy = scenario.workerPolicy
        // Nobody keeps starting workers for less time than a fit takes.
        if now >= scenario.healAt { policy.lifetime = nil }
        let machine = Worker(
            identity: identity, policy: policy, seed: UInt64(workerCount),
            now: now + clockOffset)
        var seconds = scenario.secondsPerIteration
        if generator.chance(faults[.slowWorker]) {
            seconds *= Scenario.slowness
            count(.slowWorker, name.rawValue)
        }
        let worker = SimulatedWorker(
            machine: machine, number: workerCount, name: name,
            parentLife: isLocal ? coordinator?.life : nil, isBystander: isBystander,
            connection: connect(), secondsPerIteration: seconds, clockOffset: clockOffset)
        workers[worker.number] = worker
        connections[worker.connection.number] = worker
        try tell(worker, .started)
    }

    private func connect() -> Connection {
        connectionCount += 1
        return Connection(number: connectionCount)
    }

    /// The process is gone; somebody starts another one after some seconds.
    func end(_ worker: SimulatedWorker, replacedWithin seconds: Double) {
        workers[worker.number] = nil
        connections[worker.connection.number] = nil
        cuts[worker.number] = nil
        agenda.add(
            .join(isLocal: worker.parentLife != nil), at: now + generator.seconds(upTo: seconds))
    }

    /// The coordinator that had started this worker has ended.
    func endChild(_ number: Int) throws(Flaw) {
        guard let worker = workers[number] else { return }
        try tell(worker, .parentGone)
    }

    // MARK: The loop

    func deliver(_ parcel: Parcel, over connection: Connection) throws(Flaw) {
        guard let worker = connections[connection.number] else { return }
        if worker.frozenUntil > now {
            // A stopped process finds its messages when it goes on.
            agenda.add(.toWorker(parcel, over: connection), at: worker.frozenUntil)
            return
        }
        switch corrupt(parcel.message) {
        case .lost: return
        case .unreadable: return try tell(worker, .heard)
        case nil: break
        }
        switch parcel.message {
        case .checkpoint(let body):
            if let state = parcel.fit { worker.arrivedState = (body, state) }
            try tell(worker, .heard)
        case .assign(let body):
            // The assignment as it can be carried out: without its state, if that has not come.
            var state: SimulatedFit?
            if let arrived = worker.arrivedState, arrived.body.job == body.job,
                arrived.body.work == body.work
            {
                state = arrived.state
            }
            worker.arrivedState = nil
            worker.assigned = state
            worker.assignedSeed = Int(body.seed ?? 0)
            let begun = Assign(
                job: body.job, work: body.work, originX: 0, originY: 0,
                checkpointIteration: state?.iteration, seed: body.seed)
            try tell(worker, .received(.assign(begun)))
            worker.assigned = nil
        default:
            try tell(worker, .received(parcel.message))
        }
    }

    func wakeWorker(_ number: Int) throws(Flaw) {
        guard let worker = workers[number], let wakeAt = worker.wakeAt, wakeAt <= now else {
            return
        }
        if worker.frozenUntil > now {
            worker.wakeAt = worker.frozenUntil
            agenda.add(.wakeWorker(number), at: worker.frozenUntil)
            return
        }
        worker.wakeAt = nil
        try tell(worker, .tick)
    }

    /// Tells a machine something, does what it orders, and sees to it that it is told the time.
    func tell(_ worker: SimulatedWorker, _ event: Worker.Event) throws(Flaw) {
        let isChecked = scenario.isChecked
        if isChecked, event != .tick { trace.add(.workerEvent(worker.name, event), at: now) }
        var commands: [Worker.Command] = []
        worker.machine.handle(event, at: now + worker.clockOffset, into: &commands)
        if isChecked { worker.machine.checkInvariants() }
        for command in commands {
            if isChecked { trace.add(.workerCommand(worker.name, command), at: now) }
            try carryOut(command, of: worker)
        }
        if isChecked { try checker.checkSizes(of: worker) }
        guard workers[worker.number] != nil, let deadline = worker.machine.nextDeadline else {
            return
        }
        let time = max(deadline - worker.clockOffset, now)
        if let wakeAt = worker.wakeAt, wakeAt <= time { return }
        worker.wakeAt = time
        agenda.add(.wakeWorker(worker.number), at: time)
    }

    private func carryOut(
        _ command: Worker.Command, of worker: SimulatedWorker
    ) throws(Flaw) {
        switch command {
        case .send(let message): post(Parcel(message: message), from: worker)
        case .configure(let job): worker.job = job
        case .startFit(let work):
            guard worker.fit == nil, worker.result == nil else {
                throw Flaw("\(worker.name) starts \(work) with full hands")
            }
            worker.fit = (
                work, worker.assigned ?? SimulatedFit(work.tile, seed: worker.assignedSeed)
            )
            worker.fitNumber += 1
            worker.snapshot = nil
            worker.iterationTimes = [worker.fit?.state.iteration ?? 0: now]
            scheduleStep(worker)
        case .stopFit(let work):
            // Where the last state is taken, the fit has ended.
            guard worker.fit?.work == work || worker.handedOver == work else {
                throw Flaw("\(work) does not run")
            }
            worker.fit = nil
            worker.takenState = nil
        case .takeCheckpoint(let work, let isLast): worker.wantedState = (work, isLast)
        case .sendCheckpoint(let work): try sendState(work, of: worker)
        case .takePreview, .sendPreview: break
        case .sendProgress(let work):
            guard let fit = worker.fit, fit.work == work, let job = worker.job else { return }
            let progress = Progress(
                job: job, work: work, iteration: fit.state.iteration,
                iterations: scenario.iterations, loss: nil, psnrToInput: nil,
                iterationsPerSecond: nil)
            post(Parcel(message: .progress(progress)), from: worker)
        case .sendResult(let work): try sendResult(work, of: worker)
        case .dropResult(let work):
            guard worker.result?.work == work else { throw Flaw("\(work) is gone") }
            worker.result = nil
        case .reconnect:
            connections[worker.connection.number] = nil
            worker.connection = connect()
            worker.arrivedState = nil
            connections[worker.connection.number] = worker
        case .leave(let reason):
            guard worker.fit == nil, worker.result == nil else {
                throw Flaw("\(worker.name) leaves with full hands")
            }
            if case .jobOver = reason, scenario.isChecked, !checker.hasAnyJobEnded,
                !drained.contains(worker.name)
            {
                throw Flaw("\(worker.name) left before the job was over")
            }
            end(worker, replacedWithin: 10)
        }
    }

    private func sendResult(_ work: TileAttempt, of worker: SimulatedWorker) throws(Flaw) {
        guard let result = worker.result, result.work == work, let job = worker.job else {
            throw Flaw("\(worker.name) has no result of \(work) to send")
        }
        let body = Restored(
            job: job, work: work, iterations: result.state.iteration, seconds: 1,
            psnrToInput: nil, finalLoss: nil)
        post(Parcel(message: .restored(body), fit: result.state), from: worker)
    }

    private func sendState(_ work: TileAttempt, of worker: SimulatedWorker) throws(Flaw) {
        guard let taken = worker.takenState, taken.work == work, let job = worker.job else {
            throw Flaw("\(worker.name) has no state of \(work) to send")
        }
        let body = Checkpoint(job: job, work: work, iteration: taken.state.iteration)
        post(Parcel(message: .checkpoint(body), fit: taken.state), from: worker)
        // Only the last one may have to be sent again.
        if !worker.machine.isHandingOver { worker.takenState = nil }
    }

    // MARK: The fit thread

    private func scheduleStep(_ worker: SimulatedWorker) {
        if generator.chance(faults[.hang] / Double(scenario.iterations)) {
            count(.hang, "\(worker.name)'s fit")
            return
        }
        let seconds = worker.secondsPerIteration * (0.5 + generator.upTo(1))
        agenda.add(
            .step(worker: worker.number, fitNumber: worker.fitNumber), at: now + .seconds(seconds))
    }

    /// One iteration of a fit.
    func step(_ number: Int, _ fitNumber: Int) throws(Flaw) {
        guard let worker = workers[number], worker.fitNumber == fitNumber, var fit = worker.fit
        else { return }
        if worker.frozenUntil > now {
            agenda.add(.step(worker: number, fitNumber: fitNumber), at: worker.frozenUntil)
            return
        }
        guard try giveState(worker, fit) else { return }
        // At the beginning or in the middle, by tile.
        if checker.killerTiles.contains(fit.work.tile),
            fit.state.iteration >= (fit.work.tile.rawValue % 2) * scenario.iterations / 2
        {
            return try crash(worker, by: .killerTile)
        }
        if checker.divergingSeeds[fit.work.tile]?.contains(fit.state.seed) == true,
            fit.state.iteration >= scenario.iterations / 2
        {
            count(.divergence, "\(fit.work) seed \(fit.state.seed)")
            worker.fit = nil
            return try tell(
                worker, .fitFailed(fit.work, reason: "it collapses", diverged: true))
        }
        let isPoison =
            checker.poisonTiles.contains(fit.work.tile)
            && fit.state.iteration >= scenario.iterations / 2
        if isPoison || generator.chance(faults[.failure] / Double(scenario.iterations)) {
            count(isPoison ? .poisonTile : .failure, "\(fit.work)")
            worker.fit = nil
            return try tell(worker, .fitFailed(fit.work, reason: "it fails"))
        }
        worker.snapshot = generator.chance(0.5) ? fit.state : nil
        fit.state.step()
        worker.iterationTimes[fit.state.iteration] = now
        tally.iterationCount += 1
        worker.fit = fit
        try tell(worker, .progressed(fit.work, iteration: fit.state.iteration))
        guard let same = worker.fit, same.work == fit.work, worker.fitNumber == fitNumber else {
            return
        }
        if fit.state.iteration < scenario.iterations {
            scheduleStep(worker)
        } else {
            worker.fit = nil
            worker.result = fit
            try tell(worker, .fitFinished(fit.work))
        }
    }

    /// Copies the state if it is wanted. False when that was the last thing to do.
    private func giveState(
        _ worker: SimulatedWorker, _ fit: (work: TileAttempt, state: SimulatedFit)
    ) throws(Flaw) -> Bool {
        guard let wanted = worker.wantedState else { return true }
        worker.wantedState = nil
        guard wanted.work == fit.work else { return true }
        if wanted.isLast {
            worker.fit = nil
            worker.handedOver = fit.work
        }
        let state = wanted.isLast ? fit.state : worker.snapshot ?? fit.state
        worker.takenState = (fit.work, state)
        let number = worker.fitNumber
        try tell(worker, .checkpointTaken(fit.work, iteration: state.iteration))
        return worker.fit?.work == fit.work && worker.fitNumber == number
    }
}
