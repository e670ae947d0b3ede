/// The workers of a simulation: their loops, their fits, and what befalls them.
import Wire

@testable import Cluster

extension Simulation {
    mutating func join() throws {
        guard summary == nil else { return }
        peerCount += 1
        let peer = PeerID(bytes: [UInt8(peerCount >> 8 & 255), UInt8(peerCount & 255)])
        let name = WorkerID(rawValue: "worker-\(peerCount)")
        let identity = Worker.Identity(
            worker: name, host: "host", processID: peerCount, threadCount: 1, version: "1",
            processor: "cpu", launchToken: name.rawValue)
        var policy = WorkerPolicy()
        policy.reconnectTimeout = .seconds(1000)
        let machine = Worker(
            identity: identity, policy: policy, seed: UInt64(peerCount), now: now)
        let speed = 0.2 + random(4)
        workers[peer] = SimulatedWorker(
            machine: machine, name: name, peer: peer, secondsPerIteration: speed)
        try tell(peer, .started)
    }

    mutating func tell(_ peer: PeerID, _ event: Worker.Event) throws {
        guard let frozenUntil = workers[peer]?.frozenUntil else { return }
        if frozenUntil > now {
            // A stopped process finds its messages when it goes on, and notes the time only then.
            if case .received(let message) = event {
                agenda.add(.toWorker(peer, message), at: frozenUntil)
            } else {
                agenda.add(.wake(peer), at: frozenUntil)
            }
            return
        }
        var commands: [Worker.Command] = []
        workers[peer]?.machine.handle(event, at: now, into: &commands)
        workers[peer]?.machine.checkInvariants()
        var address = peer
        for command in commands { try carryOut(command, &address) }
        if let deadline = workers[address]?.machine.nextDeadline {
            agenda.add(.wake(address), at: max(deadline, now))
        }
    }

    private mutating func carryOut(_ command: Worker.Command, _ peer: inout PeerID) throws {
        guard var worker = workers[peer] else { return }
        defer { if workers[peer] != nil { workers[peer] = worker } }
        switch command {
        case .send(let message): post(message, from: peer)
        case .configure, .sendProgress, .takeCheckpoint, .sendCheckpoint: break
        case .startFit(let work):
            guard worker.fit == nil, worker.result == nil else {
                throw Failure(description: "\(worker.name) starts \(work) with full hands")
            }
            worker.fit = work
            worker.iteration = 0
            worker.fitNumber += 1
            scheduleStep(worker)
        case .stopFit(let work):
            guard worker.fit == work else { throw Failure(description: "\(work) does not run") }
            worker.fit = nil
        case .sendResult(let work):
            guard worker.result == work else { throw Failure(description: "\(work) is gone") }
            let result = Restored(
                job: JobID(rawValue: "job"), work: work, iterations: iterations, seconds: 1,
                psnrToInput: nil, finalLoss: nil)
            post(.restored(result), from: peer)
        case .dropResult(let work):
            guard worker.result == work else { throw Failure(description: "\(work) is gone") }
            worker.result = nil
        case .reconnect:
            peerCount += 1
            workers[peer] = nil
            peer = PeerID(bytes: [UInt8(peerCount >> 8 & 255), UInt8(peerCount & 255)])
            worker.peer = peer
            worker.fitNumber += 1
            workers[peer] = worker
            if worker.fit != nil { scheduleStep(worker) }
        case .leave(let reason): try leave(worker, reason)
        }
    }

    private mutating func leave(_ worker: SimulatedWorker, _ reason: Worker.ExitReason) throws {
        workers[worker.peer] = nil
        if case .jobOver = reason, summary == nil {
            throw Failure(description: "\(worker.name) left before the job was over")
        }
        agenda.add(.join, at: now + .seconds(5))
    }

    private mutating func post(_ message: Message, from peer: PeerID) {
        for delay in delays() {
            agenda.add(.toCoordinator(.received(message, from: peer)), at: now + delay)
        }
    }

    private mutating func scheduleStep(_ worker: SimulatedWorker) {
        if random(1) * Double(iterations) < faults.hangs { return }
        let time = now + .seconds(worker.secondsPerIteration * (0.5 + random(1)))
        agenda.add(.step(worker.peer, fitNumber: worker.fitNumber), at: time)
    }

    /// One iteration of a fit.
    mutating func step(_ peer: PeerID, _ fitNumber: Int) throws {
        guard var worker = workers[peer], let fit = worker.fit, worker.fitNumber == fitNumber
        else { return }
        guard worker.frozenUntil <= now else {
            agenda.add(.step(peer, fitNumber: fitNumber), at: worker.frozenUntil)
            return
        }
        worker.iteration += 1
        let isPoison = fit.tile == faults.poisonTile && worker.iteration == 3
        let isDone = worker.iteration == iterations
        if isPoison || isDone { worker.fit = nil }
        if isDone { worker.result = fit }
        workers[peer] = worker
        if isPoison {
            try tell(peer, .fitFailed(fit, reason: "poison"))
        } else if isDone {
            try tell(peer, .fitFinished(fit))
        } else {
            scheduleStep(worker)
            try tell(peer, .progressed(fit, iteration: worker.iteration))
        }
    }

    /// Once a second: perhaps a worker crashes, freezes, or is asked to end.
    mutating func fault() throws {
        guard !isHealed, summary == nil else { return }
        agenda.add(.fault, at: now + .seconds(1))
        for peer in workers.keys.sorted(by: { $0.description < $1.description }) {
            guard let worker = workers[peer] else { continue }
            if random(3600) < faults.crashesPerHour {
                workers[peer] = nil
                agenda.add(.join, at: now + .seconds(random(60)))
                if random(1) < 0.5 {
                    let exit = Coordinator.Event.childExited(
                        launchToken: worker.name.rawValue, reason: "signal 9")
                    agenda.add(.toCoordinator(exit), at: now + .seconds(random(1)))
                }
            } else if random(3600) < faults.freezesPerHour {
                let end = now + .seconds(random(120))
                workers[peer]?.frozenUntil = end
            } else if random(3600) < faults.crashesPerHour / 2 {
                try tell(peer, .terminated)
            }
        }
    }
}
