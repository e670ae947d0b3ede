/// A worker's tile: from its assignment to the receipt for its result.
internal import Wire

extension Worker {
    /// An assignment. Work in hand is never given up for another tile: whoever wants that says
    /// `cancel` first.
    mutating func take(_ assigned: TileAttempt, _ commands: inout [Command]) {
        guard work == .idle else {
            if assigned != work.attempt { nonsenseCount += 1 }
            return
        }
        work = .fitting(assigned, iteration: 0)
        commands.append(.startFit(assigned))
        beat(&commands)
    }

    /// The fit is done: keep the result until its receipt.
    mutating func deliver(_ done: TileAttempt, _ commands: inout [Command]) {
        guard case .fitting(done, let iteration) = work else { return }
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
        guard case .delivering(let done, _, let resendAt, let pause) = work, now >= resendAt
        else { return }
        send(done, nextPause: pause, &commands)
    }

    /// The fit came to nothing: say so, and be ready for another tile.
    mutating func report(
        _ failed: TileAttempt, _ reason: String, _ commands: inout [Command]
    ) {
        guard case .fitting(failed, _) = work, let job else { return }
        work = .idle
        guard isWelcome else { return }
        commands.append(.send(.failed(Failed(job: job, work: failed, reason: reason))))
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
        if drainDeadline == nil { beat(&commands) }
    }
}
