/// The coordinator and the ones it talks to: greetings, signs of life, farewells, nonsense.
internal import Wire

extension Coordinator {
    mutating func receive(
        _ message: Message, from peer: PeerID, _ commands: inout [Command]
    ) {
        if let outcome {
            answerAfterTheEnd(message, from: peer, outcome, &commands)
            return
        }
        if case .hello(let hello) = message {
            greet(hello, from: peer, &commands)
            return
        }
        guard let worker = peers[peer] else {
            answerUnknown(message, from: peer, &commands)
            return
        }
        heard(worker)
        switch message {
        case .hello: break
        case .heartbeat(let body):
            commands.append(.send(.heartbeat(Heartbeat()), to: peer))
            reconcile(worker, with: body.work, &commands)
        case .progress(let body):
            if body.job == facts.job {
                renew(worker, body.work, iteration: body.iteration, phase: .fitting, &commands)
            }
        case .restored(let body): take(body, from: peer, of: worker, &commands)
        case .checkpoint(let body): take(body, from: peer, of: worker, &commands)
        case .preview: break
        case .failed(let body):
            if body.job == facts.job, lease(of: worker)?.work == body.work {
                let isDivergence = body.diverged == true
                endLease(
                    of: worker,
                    isDivergence ? .diverged(reason: body.reason) : .failed(reason: body.reason),
                    &commands)
            }
        case .goodbye(let body): remove(worker, .goodbye(reason: body.reason), &commands)
        case .welcome, .refused, .assign, .cancel, .stored, .checkpointWanted, .checkpointStored,
            .previewWanted:
            receiveNonsense("\(message.kind) is a coordinator's word", from: peer, &commands)
        }
    }

    mutating func heard(_ worker: WorkerID) {
        workers[worker]?.heardAt = attentiveNow
    }

    // MARK: Greetings

    private mutating func greet(
        _ hello: Hello, from peer: PeerID, _ commands: inout [Command]
    ) {
        if let farewell = farewells[hello.worker] {
            commands.append(.send(farewell, to: peer))
            return
        }
        if let former = peers[peer], former != hello.worker {
            remove(former, .goodbye(reason: "it took another name"), &commands)
        }
        let lacking = facts.requires.filter { !hello.can($0) }
        let canWait = facts.requiresAfterwards?.allSatisfy { hello.can($0) } ?? false
        guard lacking.isEmpty || canWait else {
            let reason = "the job needs what this worker cannot do: \(lacking.words)"
            let refusal = Refused(.capabilities, reason: reason)
            return refuse(hello.worker, refusal, at: peer, &commands)
        }
        if bystanders.contains(hello.worker) != !lacking.isEmpty {
            remove(hello.worker, .goodbye(reason: "it came back as another"), &commands)
        }
        let isNewSession = hello.incarnation > (workers[hello.worker]?.hello.incarnation ?? 0)
        if let known = workers[hello.worker] {
            guard hello.incarnation >= known.hello.incarnation else { return }
            adopt(hello, from: peer, replacing: known, &commands)
        } else {
            workers[hello.worker] = WorkerRecord(hello: hello, peer: peer, heardAt: attentiveNow)
            commands.append(.note(.workerJoined(hello)))
            if lacking.isEmpty {
                statistics.workerCount += 1
                absentSince = nil
            } else {
                bystanders.insert(hello.worker)
                let reason = "this part of the job needs what it cannot do: \(lacking.words)"
                commands.append(.note(.workerWaits(hello.worker, reason: reason)))
            }
        }
        peers[peer] = hello.worker
        if let token = hello.launchToken { launchTokens[token] = hello.worker }
        commands.append(.send(.welcome(welcome(hello)), to: peer))
        if isNewSession, let lease = lease(of: hello.worker),
            hello.work?.work != lease.work || hello.work?.job != facts.job
        {
            endLease(of: hello.worker, lease.beganAt == nil ? .neverBegan : .dropped, &commands)
        }
        reconcile(hello.worker, with: hello.work, &commands)
    }

    /// A known worker greets: again in the same session, or from another connection.
    private mutating func adopt(
        _ hello: Hello, from peer: PeerID, replacing known: WorkerRecord,
        _ commands: inout [Command]
    ) {
        if let formerPeer = known.peer, formerPeer != peer {
            peers[formerPeer] = nil
            commands.append(.forget(formerPeer))
        }
        if let token = known.hello.launchToken { launchTokens[token] = nil }
        workers[hello.worker]?.hello = hello
        workers[hello.worker]?.peer = peer
        heard(hello.worker)
        if hello.incarnation > known.hello.incarnation {
            // What was under way on the former connection will not arrive.
            workers[hello.worker]?.lease?.awaitedCheckpointAt = nil
            commands.append(.note(.workerReturned(hello.worker)))
        }
    }

    private func welcome(_ hello: Hello) -> Welcome {
        let isBystander = bystanders.contains(hello.worker)
        let requires = isBystander ? facts.requiresAfterwards ?? [] : facts.requires
        return Welcome(
            incarnation: hello.incarnation, job: facts.job, configuration: facts.configuration,
            heartbeatSeconds: policy.heartbeatInterval.inSeconds,
            silenceSeconds: policy.silenceTimeout.inSeconds,
            payloadByteCountMaximum: facts.payloadByteCountMaximum,
            checkpointByteCountMaximum: facts.checkpointByteCountMaximum,
            requires: requires.isEmpty ? nil : requires)
    }

    // MARK: Strangers, and those who come too late

    private mutating func answerUnknown(
        _ message: Message, from peer: PeerID, _ commands: inout [Command]
    ) {
        if case .goodbye = message { return }
        drop(message, from: peer, reason: "the worker has to say hello first", &commands)
        let refusal = Refused(.helloWanted, reason: "this connection is not known: say hello")
        commands.append(.send(.refused(refusal), to: peer))
    }

    private mutating func answerAfterTheEnd(
        _ message: Message, from peer: PeerID, _ outcome: Outcome, _ commands: inout [Command]
    ) {
        if case .goodbye = message {
            if dismissed.remove(peer) != nil, let worker = peers[peer] { departed.insert(worker) }
            return
        }
        drop(message, from: peer, reason: outcome.sentence, &commands)
        if keepsWorkers(after: outcome) { return }
        commands.append(.send(.goodbye(Goodbye(reason: outcome.sentence)), to: peer))
    }

    private func drop(
        _ message: Message, from peer: PeerID, reason: String, _ commands: inout [Command]
    ) {
        guard case .restored(let body) = message else { return }
        commands.append(.discard(body.work, from: peer, reason: reason))
    }

    // MARK: Nonsense

    mutating func receiveNonsense(
        _ what: String, from peer: PeerID, _ commands: inout [Command]
    ) {
        statistics.nonsenseCount += 1
        commands.append(.note(.nonsense(peer, what)))
        if let worker = peers[peer] {
            heard(worker)
            workers[worker]?.nonsenseCount += 1
            if let count = workers[worker]?.nonsenseCount, count >= policy.nonsenseMaximum {
                let reason = "\(count) messages made no sense, the last one: \(what)"
                refuse(worker, Refused(.misbehaviour, reason: reason), &commands)
                return
            }
        }
        commands.append(.send(.refused(Refused(.unreadable, reason: what)), to: peer))
    }

    mutating func refuseVersion(_ seen: Int, from peer: PeerID, _ commands: inout [Command]) {
        statistics.refusedCount += 1
        let reason =
            "the coordinator speaks protocol version \(WireLimits.protocolVersion), "
            + "the worker speaks \(seen)"
        commands.append(.note(.nonsense(peer, reason)))
        let refusal = Refused(.protocolVersion, reason: reason)
        commands.append(.send(.refused(refusal), to: peer))
        if let worker = peers[peer] { remove(worker, .refused(reason: reason), &commands) }
    }

    /// Lets a worker go for good; it is told so again whenever it comes back.
    ///
    /// - Parameter peer: where it has just spoken; else where it is known to be.
    mutating func refuse(
        _ worker: WorkerID, _ refusal: Refused, at peer: PeerID? = nil,
        _ commands: inout [Command]
    ) {
        statistics.refusedCount += 1
        bidFarewell(to: worker, .refused(refusal), at: peer, &commands)
        commands.append(.note(.workerRefused(worker, reason: refusal.reason)))
        remove(worker, .refused(reason: refusal.reason), &commands)
    }

    /// Tells a worker that it is let go, now and whenever it comes back.
    mutating func bidFarewell(
        to worker: WorkerID, _ farewell: Message, at peer: PeerID? = nil,
        _ commands: inout [Command]
    ) {
        if farewells.updateValue(farewell, forKey: worker) == nil { farewellOrder.append(worker) }
        if farewellOrder.count > policy.refusalsRememberedMaximum {
            farewells[farewellOrder.removeFirst()] = nil
        }
        if let peer = peer ?? workers[worker]?.peer {
            commands.append(.send(farewell, to: peer))
        }
    }

    // MARK: Losing touch

    /// The transport cannot reach a peer. A worker that has begun a tile may come back under
    /// another connection before it counts as silent; one that has not is forgotten.
    mutating func lose(_ peer: PeerID, _ commands: inout [Command]) {
        dismissed.remove(peer)
        guard let worker = peers[peer] else { return }
        guard lease(of: worker)?.beganAt != nil else {
            remove(worker, .neverBegan, &commands)
            return
        }
        peers[peer] = nil
        workers[worker]?.peer = nil
        commands.append(.forget(peer))
    }

    /// Forgets a worker, and ends its lease for `reason`.
    mutating func remove(
        _ worker: WorkerID, _ reason: LeaseEnd, _ commands: inout [Command]
    ) {
        guard workers[worker] != nil else { return }
        idle.remove(worker)
        let peer = workers[worker]?.peer
        if let peer {
            peers[peer] = nil
            dismissed.remove(peer)
        }
        workers[worker]?.peer = nil
        endLease(of: worker, reason, &commands)
        if let peer { commands.append(.forget(peer)) }
        if let token = workers[worker]?.hello.launchToken { launchTokens[token] = nil }
        workers[worker] = nil
        if bystanders.remove(worker) == nil, ableCount == 0 { absentSince = now }
        let sentence =
            switch reason {
            // It has done what it was told.
            case _ where outcome != nil: "the job is over"
            case .neverBegan: "cannot be reached"
            default: reason.description
            }
        commands.append(.note(.workerGone(worker, reason: sentence)))
    }
}
