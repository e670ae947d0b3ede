/// A worker's tile: from its assignment to the receipt for its result.
internal import Wire

extension Worker {
    /// An assignment. Work in hand is never given up for another tile: whoever wants that says
    /// `cancel` first.
    mutating func take(_ assignment: Assign, _ commands: inout [Command]) {
        let assigned = assignment.work
        guard work == .idle else {
            if assigned != work.attempt { nonsenseCount += 1 }
            return
        }
        work = .fitting(assigned, iteration: assignment.checkpointIteration ?? 0)
        commands.append(.startFit(assigned))
        beat(&commands)
    }

    /// The fit is done: keep the result until its receipt.
    mutating func deliver(_ done: TileAttempt, _ commands: inout [Command]) {
        guard let iteration = iteration(ofFit: done) else { return }
        work = .delivering(
            done, iteration: iteration, resendAt: now, pause: policy.resendPauseMinimum)
        if isWelcome { send(done, nextPause: policy.resendPauseMinimum, &commands) }
    }

    /// Sends the result, and waits longer for its receipt each time.
    mutating func send(
        _ done: TileAttempt, nextPause pause: Duration, _ commands: inout [Command]
    ) {
        guard case .delivering(done, let iteration, _, _) = work else { return }
        work = .delivering(
            done, iteration: iteration, resendAt: now + pause,
            pause: min(pause * 2, policy.resendPauseMaximum))
        commands.append(.sendResult(done))
    }

    mutating func resendIfDue(_ commands: inout [Command]) {
        switch work {
        case .delivering(let done, _, let resendAt, let pause) where now >= resendAt:
            send(done, nextPause: pause, &commands)
        case .handingOver(let held, let iteration, .sending(let resendAt, let pause))
        where now >= resendAt:
            sendState(of: held, iteration: iteration, nextPause: pause, &commands)
        case .idle, .fitting, .delivering, .handingOver: break
        }
    }

    /// The iteration of a fit that has not been done so far; nil when this is not its tile.
    private func iteration(ofFit wanted: TileAttempt) -> Int? {
        switch work {
        case .fitting(wanted, let iteration), .handingOver(wanted, let iteration, .taking):
            iteration
        case .idle, .fitting, .delivering, .handingOver: nil
        }
    }

    // MARK: States

    /// The state that was asked for is at hand: one that was granted is sent once, if there still
    /// is a session; the last one until its receipt.
    mutating func takeState(
        of taken: TileAttempt, iteration: Int, _ commands: inout [Command]
    ) {
        switch work {
        case .fitting(taken, _):
            if isWelcome { commands.append(.sendCheckpoint(taken)) }
        case .handingOver(taken, _, .taking):
            work = .handingOver(
                taken, iteration: iteration,
                .sending(resendAt: now, pause: policy.handOverPause))
            if isWelcome {
                sendState(
                    of: taken, iteration: iteration, nextPause: policy.handOverPause, &commands)
            }
        case .idle, .fitting, .delivering, .handingOver: break
        }
    }

    /// Sends the last state, and waits longer for its receipt each time.
    mutating func sendState(
        of held: TileAttempt, iteration: Int, nextPause pause: Duration,
        _ commands: inout [Command]
    ) {
        work = .handingOver(
            held, iteration: iteration, .sending(resendAt: now + pause, pause: pause * 2))
        commands.append(.sendCheckpoint(held))
    }

    /// The coordinator has a state on disk. When it is the last one, nothing is left to stay for.
    mutating func takeReceipt(ofState stored: CheckpointStored, _ commands: inout [Command]) {
        guard case .handingOver(stored.work, let iteration, .sending) = work,
            stored.iteration >= iteration
        else { return }
        dropWork(&commands)
    }

    /// The fit came to nothing: say so, and be ready for another tile.
    mutating func report(
        _ failed: TileAttempt, _ reason: String, diverged: Bool, _ commands: inout [Command]
    ) {
        guard iteration(ofFit: failed) != nil, let job else { return }
        work = .idle
        guard isWelcome else { return }
        commands.append(
            .send(.failed(Failed(job: job, work: failed, reason: reason, diverged: diverged))))
        beat(&commands)
    }

    /// The coordinator has the tile on disk.
    mutating func takeReceipt(_ stored: TileAttempt, _ commands: inout [Command]) {
        guard stored == work.attempt else { return }
        becomeIdle(&commands)
    }

    /// Empties the worker's hands and says so, unless that was all it stayed for.
    mutating func becomeIdle(_ commands: inout [Command]) {
        dropWork(&commands)
        if drain == nil { beat(&commands) }
    }
}
