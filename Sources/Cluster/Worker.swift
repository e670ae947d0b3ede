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
        /// The fit has to end: its state is taken, sent when there is a session, and sent again
        /// until its receipt comes.
        case handingOver(TileAttempt, iteration: Int, HandOver)
        /// Done and not known to be stored; the pause before it is sent again.
        case delivering(TileAttempt, iteration: Int, resendAt: Duration, pause: Duration)

        var attempt: TileAttempt? {
            switch self {
            case .idle: nil
            case .fitting(let work, _), .handingOver(let work, _, _),
                .delivering(let work, _, _, _):
                work
            }
        }
    }

    /// How far the last state is on its way.
    enum HandOver: Equatable {
        /// The fit thread has not come to the end of its iteration.
        case taking
        /// At hand; the pause before it is sent again.
        case sending(resendAt: Duration, pause: Duration)
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
    /// Whether the job takes checkpoints.
    var takesCheckpoints = false
    /// When to leave whatever is still in hand, and why; set when asked to end.
    var drain: (deadline: Duration, reason: ExitReason)?
    /// When to end as if asked to.
    let lifetimeEndsAt: Duration?
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
        lifetimeEndsAt = policy.lifetime.map { now + $0 }
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
            if let resendAt { deadlines.append(resendAt) }
        }
        if let deadline = drain?.deadline ?? lifetimeEndsAt { deadlines.append(deadline) }
        return deadlines.min()
    }

    private var resendAt: Duration? {
        switch work {
        case .delivering(_, _, let resendAt, _), .handingOver(_, _, .sending(let resendAt, _)):
            resendAt
        case .idle, .fitting, .handingOver(_, _, .taking): nil
        }
    }

    /// The tile in hand, if any.
    public var currentWork: TileAttempt? { work.attempt }

    /// Whether the worker hands its tile over, because it has to end.
    public var isHandingOver: Bool {
        if case .handingOver = work { true } else { false }
    }

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
        case .keyRefused(let reason): leave(.refused(reason: reason), &commands)
        case .configurationRejected(let reason):
            commands.append(.send(.goodbye(Goodbye(reason: reason))))
            leave(.refused(reason: reason), &commands)
        case .progressed(let done, let iteration):
            if case .fitting(done, _) = work { work = .fitting(done, iteration: iteration) }
        case .checkpointTaken(let taken, let iteration):
            takeState(of: taken, iteration: iteration, &commands)
        case .previewTaken(let taken):
            if isWelcome, case .fitting(taken, _) = work { commands.append(.sendPreview(taken)) }
        case .fitFinished(let done): deliver(done, &commands)
        case .fitFailed(let done, let reason, let diverged):
            report(done, reason, diverged: diverged, &commands)
        case .terminated: takeRequestToEnd(&commands)
        case .parentGone: leave(.parentGone, &commands)
        case .tick: break
        }
        keepTime(&commands)
    }

    // MARK: The end

    private mutating func takeRequestToEnd(_ commands: inout [Command]) {
        if drain != nil {
            leave(.killed, &commands)
        } else {
            beginToEnd(.drained, &commands)
        }
    }

    /// At once with empty hands; else the result is waited for, or the state handed over.
    mutating func beginToEnd(_ reason: ExitReason, _ commands: inout [Command]) {
        drain = (now + policy.grace, reason)
        switch work {
        case .idle, .delivering, .handingOver: break
        case .fitting(let held, let iteration):
            guard takesCheckpoints, policy.grace > .zero else {
                dropWork(&commands)
                return
            }
            work = .handingOver(held, iteration: iteration, .taking)
            commands.append(.takeCheckpoint(held, isLast: true))
        }
    }

    mutating func sayGoodbye(_ reason: ExitReason, _ commands: inout [Command]) {
        if isWelcome {
            let sentence =
                reason == .lifetimeOver
                ? "the worker's lifetime is over" : "the worker was asked to end"
            commands.append(.send(.goodbye(Goodbye(reason: sentence))))
        }
        leave(reason, &commands)
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
        case .fitting(let dropped, _), .handingOver(let dropped, _, _):
            commands.append(.stopFit(dropped))
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
        guard link != .closed else { return }
        switch work {
        case .idle, .fitting: precondition(drain == nil, "it stays for nothing. \(story)")
        case .handingOver: precondition(drain != nil, "it gives up for nothing. \(story)")
        case .delivering: break
        }
    }
}
