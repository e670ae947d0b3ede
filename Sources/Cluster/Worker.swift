/// A worker's mind: its session with the coordinator and the one tile it may hold.
///
/// A pure value, like `Coordinator`. Two things vary independently: the link (is there a session?)
/// and the work (idle, fitting, delivering): a fit goes on while the link is down, and the next
/// greeting says so.
public import Wire

public struct Worker: Sendable {
    /// The session with the coordinator.
    enum Link: Equatable {
        /// Not begun.
        case new
        /// Greeted, and waiting for the answer; greeted `count` times on this connection.
        case greeting(count: Int, repeatAt: Duration)
        /// Welcome.
        case welcomed(heartbeatAt: Duration, silentAt: Duration)
        /// The connection is given up; the next one is made then.
        case pausing(until: Duration)
        /// Left.
        case closed
    }

    /// The tile in hand.
    enum Work: Equatable {
        case idle
        case fitting(TileAttempt, iteration: Int)
        /// Done and not known to be stored; the pause before it is sent again.
        case delivering(TileAttempt, iteration: Int, resendAt: Duration, pause: Duration)

        var attempt: TileAttempt? {
            switch self {
            case .idle: nil
            case .fitting(let work, _), .delivering(let work, _, _, _): work
            }
        }
    }

    let identity: Identity
    let policy: WorkerPolicy
    var link = Link.new
    var work = Work.idle
    /// The job that `work` belongs to and the session is about.
    var job: JobID?
    var incarnation: IncarnationID = 0
    var heartbeatInterval: Duration = .seconds(5)
    var silenceTimeout: Duration = .seconds(30)
    /// When this worker was last welcome, or began.
    var welcomeUntil: Duration = .zero
    /// When to leave although a result is still in hand; set when asked to end.
    var drainDeadline: Duration?
    var backOff: BackOff
    var now: Duration
    /// Messages that made no sense at their time.
    public internal(set) var nonsenseCount = 0

    /// A worker that has not begun.
    ///
    /// - Parameters:
    ///   - identity: what it says of itself.
    ///   - policy: when to lose patience.
    ///   - seed: decides the pauses between connections.
    ///   - now: time since the origin of all times given to this value.
    public init(identity: Identity, policy: WorkerPolicy, seed: UInt64, now: Duration) {
        policy.check()
        self.identity = identity
        self.policy = policy
        self.now = now
        backOff = BackOff(
            minimum: policy.reconnectPauseMinimum, maximum: policy.reconnectPauseMaximum,
            seed: seed)
    }

    /// When to tell `tick`, if nothing else happens before; nil when only events matter.
    public var nextDeadline: Duration? {
        var deadlines: [Duration] = []
        switch link {
        case .new, .closed: return nil
        case .greeting(_, let repeatAt): deadlines = [repeatAt, giveUpAt]
        case .pausing(let until): deadlines = [until, giveUpAt]
        case .welcomed(let heartbeatAt, let silentAt):
            deadlines = [heartbeatAt, silentAt]
            if case .delivering(_, _, let resendAt, _) = work { deadlines.append(resendAt) }
        }
        if let drainDeadline { deadlines.append(drainDeadline) }
        return deadlines.min()
    }

    /// The tile in hand, if any.
    public var currentWork: TileAttempt? { work.attempt }

    /// Whether the worker is in a session.
    public var isWelcome: Bool {
        if case .welcomed = link { true } else { false }
    }

    var giveUpAt: Duration { welcomeUntil + policy.reconnectTimeout }

    /// Takes a fact and appends what is to be done about it.
    ///
    /// - Parameters:
    ///   - event: what happened.
    ///   - time: when; earlier than an earlier event's counts as that event's time.
    ///   - commands: orders are appended, to be carried out in this order.
    public mutating func handle(
        _ event: Event, at time: Duration, into commands: inout [Command]
    ) {
        now = max(now, time)
        guard link != .closed else { return }
        switch event {
        case .started: start(&commands)
        case .received(let message): receive(message, &commands)
        case .heard: heard()
        case .protocolMismatch(let seen):
            let reason =
                "this worker speaks protocol version \(WireLimits.protocolVersion), "
                + "the coordinator speaks \(seen)"
            leave(.refused(reason: reason), &commands)
        case .configurationRejected(let reason):
            commands.append(.send(.goodbye(Goodbye(reason: reason))))
            leave(.refused(reason: reason), &commands)
        case .progressed(let done, let iteration):
            if case .fitting(done, _) = work { work = .fitting(done, iteration: iteration) }
        case .fitFinished(let done): deliver(done, &commands)
        case .fitFailed(let done, let reason): report(done, reason, &commands)
        case .terminated: drain(&commands)
        case .parentGone: leave(.parentGone, &commands)
        case .tick: break
        }
        keepTime(&commands)
    }

    // MARK: The end

    /// Asked to end: at once, unless a finished result waits for its receipt.
    private mutating func drain(_ commands: inout [Command]) {
        if drainDeadline != nil {
            leave(.killed, &commands)
        } else if case .delivering = work {
            drainDeadline = now + policy.drainTimeout
        } else {
            sayGoodbye(&commands)
        }
    }

    mutating func sayGoodbye(_ commands: inout [Command]) {
        if isWelcome {
            commands.append(.send(.goodbye(Goodbye(reason: "the worker was asked to end"))))
        }
        leave(.drained, &commands)
    }

    mutating func leave(_ reason: ExitReason, _ commands: inout [Command]) {
        dropWork(&commands)
        link = .closed
        commands.append(.leave(reason))
    }

    /// Empties the worker's hands.
    mutating func dropWork(_ commands: inout [Command]) {
        switch work {
        case .idle: break
        case .fitting(let dropped, _): commands.append(.stopFit(dropped))
        case .delivering(let dropped, _, _, _): commands.append(.dropResult(dropped))
        }
        work = .idle
    }

    // MARK: Checks

    /// Stops the process where the worker contradicts itself. Called by tests after every event.
    public func checkInvariants() {
        var story: String { "link \(link), work \(work), job \(job?.rawValue ?? "none")" }
        precondition(work == .idle || job != nil, "work without a job. \(story)")
        precondition(!isWelcome || job != nil, "welcome without a job. \(story)")
        precondition(link != .closed || work == .idle, "left with work. \(story)")
        precondition(link == .new || link == .closed || incarnation > 0, "no session. \(story)")
        precondition((nextDeadline == nil) == (link == .new || link == .closed), story)
        if drainDeadline != nil, link != .closed {
            guard case .delivering = work else {
                preconditionFailure("draining with nothing to deliver. \(story)")
            }
        }
    }
}
