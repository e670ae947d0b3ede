/// A worker's session: greeting, signs of life, silence, and making the connection anew.
internal import Wire

extension Worker {
    mutating func start(_ commands: inout [Command]) {
        guard link == .new else { return }
        welcomeUntil = now
        greet(&commands)
    }

    /// Opens a session on the present connection.
    mutating func greet(_ commands: inout [Command]) {
        incarnation += 1
        link = .greeting(count: 1, repeatAt: now + policy.helloInterval)
        commands.append(.send(.hello(hello)))
    }

    private var hello: Hello {
        Hello(
            worker: identity.worker, incarnation: incarnation, host: identity.host,
            processID: identity.processID, threadCount: identity.threadCount,
            version: identity.version, processor: identity.processor,
            launchToken: identity.launchToken, capabilities: identity.capabilities, work: report)
    }

    /// What the worker holds, as it says it.
    var report: WorkReport? {
        guard let job else { return nil }
        switch work {
        case .idle:
            return nil
        case .fitting(let held, let iteration), .handingOver(let held, let iteration, _):
            return WorkReport(job: job, work: held, iteration: iteration, phase: .fitting)
        case .delivering(let held, let iteration, _, _):
            return WorkReport(job: job, work: held, iteration: iteration, phase: .delivering)
        }
    }

    mutating func receive(_ message: Message, _ commands: inout [Command]) {
        heard()
        switch (link, message) {
        case (.new, _), (.closed, _):
            break
        case (_, .goodbye(let body)):
            // The coordinator waits for the answer before it ends its connections.
            commands.append(.send(.goodbye(Goodbye(reason: "the worker leaves as it was told"))))
            leave(.jobOver(reason: body.reason), &commands)
        case (.pausing, _):
            break
        case (_, .refused(let body)):
            takeRefusal(body, &commands)
        case (.greeting, .welcome(let body)):
            if body.incarnation == incarnation { begin(body, &commands) }
        case (.welcomed, .assign(let body)):
            if body.job == job { take(body, &commands) }
        case (.welcomed, .cancel(let body)):
            if body.job == job, body.work == work.attempt { becomeIdle(&commands) }
        case (.welcomed, .stored(let body)):
            if body.job == job { takeReceipt(body.work, &commands) }
        case (.welcomed, .checkpointWanted(let body)):
            if body.job == job, case .fitting(body.work, _) = work {
                commands.append(.takeCheckpoint(body.work, isLast: false))
            }
        case (.welcomed, .previewWanted(let body)):
            if body.job == job, case .fitting(body.work, _) = work {
                commands.append(.takePreview(body.work, sidePixels: body.sidePixels))
            }
        case (.welcomed, .checkpointStored(let body)):
            if body.job == job { takeReceipt(ofState: body, &commands) }
        case (.welcomed, .welcome), (_, .heartbeat), (_, .checkpoint):
            break
        case (.greeting, .assign), (.greeting, .cancel), (.greeting, .stored),
            (.greeting, .checkpointWanted), (.greeting, .checkpointStored),
            (.greeting, .previewWanted):
            // Meant for the session before this one; where it matters the coordinator repeats it.
            break
        case (_, .hello), (_, .progress), (_, .restored), (_, .failed), (_, .preview):
            nonsenseCount += 1
        }
    }

    /// Any bytes are a sign of life.
    mutating func heard() {
        guard case .welcomed(let heartbeatAt, _) = link else { return }
        welcomeUntil = now
        link = .welcomed(heartbeatAt: heartbeatAt, silentAt: now + silenceTimeout)
    }

    private mutating func begin(_ welcome: Welcome, _ commands: inout [Command]) {
        let lacking = (welcome.requires ?? []).filter { !hello.can($0) }
        guard lacking.isEmpty else {
            let reason = "the job needs what this worker cannot do: \(lacking.words)"
            commands.append(.send(.goodbye(Goodbye(reason: reason))))
            return leave(.refused(reason: reason), &commands)
        }
        heartbeatInterval = .seconds(welcome.heartbeatSeconds)
        silenceTimeout = .seconds(welcome.silenceSeconds)
        welcomeUntil = now
        takesCheckpoints = welcome.checkpointByteCountMaximum != nil
        backOff.reset()
        link = .welcomed(
            heartbeatAt: now + heartbeatInterval, silentAt: now + silenceTimeout)
        if welcome.job != job {
            dropWork(&commands)
            job = welcome.job
            commands.append(.configure(welcome.job))
        }
        switch work {
        case .delivering(let held, _, _, let pause): send(held, nextPause: pause, &commands)
        case .handingOver(let held, let iteration, .sending(_, let pause)):
            sendState(of: held, iteration: iteration, nextPause: pause, &commands)
        case .idle, .fitting, .handingOver(_, _, .taking): break
        }
    }

    private mutating func takeRefusal(_ refusal: Refused, _ commands: inout [Command]) {
        switch refusal.code {
        case .helloWanted:
            if isWelcome { greet(&commands) }
        case .unreadable:
            nonsenseCount += 1
        case .protocolVersion, .capabilities, .failures, .misbehaviour:
            leave(.refused(reason: refusal.reason), &commands)
        }
    }

    // MARK: Time

    /// Does whatever is due.
    mutating func keepTime(_ commands: inout [Command]) {
        guard link != .closed else { return }
        if drain == nil, let lifetimeEndsAt, now >= lifetimeEndsAt {
            beginToEnd(.lifetimeOver, &commands)
        }
        if let drain, now >= drain.deadline || work == .idle {
            sayGoodbye(drain.reason, &commands)
            return
        }
        switch link {
        case .new, .closed:
            break
        case .greeting(let count, let repeatAt):
            if giveUp(&commands) || now < repeatAt { return }
            if count < policy.helloCountMaximum {
                link = .greeting(count: count + 1, repeatAt: now + policy.helloInterval)
                commands.append(.send(.hello(hello)))
            } else {
                link = .pausing(until: now + backOff.next())
            }
        case .pausing(let until):
            if giveUp(&commands) || now < until { return }
            commands.append(.reconnect)
            greet(&commands)
        case .welcomed(let heartbeatAt, let silentAt):
            if now >= silentAt {
                link = .pausing(until: now + backOff.next())
                return
            }
            if now >= heartbeatAt { beat(&commands) }
            resendIfDue(&commands)
        }
    }

    /// Leaves when no session came about for too long.
    private mutating func giveUp(_ commands: inout [Command]) -> Bool {
        guard now >= giveUpAt else { return false }
        let seconds = Int(policy.reconnectTimeout.inSeconds)
        let reason =
            job == nil
            ? "no coordinator answered within \(seconds) s"
            : "the coordinator has not been heard for \(seconds) s"
        leave(.coordinatorLost(reason: reason), &commands)
        return true
    }

    /// Says that the worker lives and what it holds.
    mutating func beat(_ commands: inout [Command]) {
        guard case .welcomed(_, let silentAt) = link else { return }
        link = .welcomed(heartbeatAt: now + heartbeatInterval, silentAt: silentAt)
        commands.append(.send(.heartbeat(Heartbeat(work: report))))
        switch work {
        case .fitting(let held, _): commands.append(.sendProgress(held))
        case .idle, .handingOver, .delivering: break
        }
    }
}
