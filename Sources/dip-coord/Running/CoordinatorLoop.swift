// The thread that owns the socket: it waits, tells the state machine what happened, and carries out
// what that orders. Files beside this one hold what comes in (CoordinatorIncoming), what is ordered
// (CoordinatorOrders) and how it ends (CoordinatorEnding).

import Cluster
import Dashboard
import DeepImagePrior
import Glibc
import Imaging
import JobStore
import Transport
import Wire

final class CoordinatorLoop {
    /// How soon a connection that took no more is tried again. A router does not tell.
    private static let sendRetryInterval: Duration = .milliseconds(20)
    /// Children are looked after this often, should a signal have been lost.
    private static let childInterval: Duration = .seconds(1)
    private static let previewByteCountMaximum =
        WireLimits.previewSideMaximum * WireLimits.previewSideMaximum
        * WireLimits.previewBandCountMaximum * MemoryLayout<Float>.size
    /// How often the record learns how things stand.
    private static let recordInterval: Duration = .seconds(1)

    let job: RestoreJob
    let router: RouterSocket
    /// Who answers for keys; nil where nothing is encrypted.
    let authenticator: Authenticator?
    let connectionLimit: ConnectionLimit?
    var strangers = Strangers()
    let signals: SignalFD
    let storage: StorageThread
    let clock: MonotonicClock
    let localWorkers: LocalWorkers
    var console: Console

    var coordinator: Coordinator
    private var pendingEvents: [Coordinator.Event] = []
    var assembler: PayloadAssembler
    /// States of fits have room of their own: they never hold up a result.
    var stateAssembler: PayloadAssembler
    /// So have pictures, which nothing depends on.
    var previewAssembler: PayloadAssembler
    var outboxes = PeerOutboxes()
    /// Connections that belong to a session.
    var welcomed: Set<PeerID> = []
    /// The result that is being told to the state machine.
    var arrived: (body: Restored, payload: PixelPayload)?
    /// The state that is being told to the state machine.
    var arrivedState: (body: Checkpoint, bytes: [UInt8])?
    /// Reports of results that are being stored, and who made them.
    var storing: [TileID: (body: Restored, worker: WorkerID?)] = [:]
    var tally: Tally
    var storingError: ProgramError?
    var brokenError: ProgramError?
    /// Tiles that were given up, with their stories.
    var setAsideStories: [TileID: [Coordinator.AttemptFailure]] = [:]

    /// Tiles that earlier runs have restored.
    let storedBeforeCount: Int
    /// When tiles could begin.
    let beganAt: Duration

    var ending = Ending()

    private var poller = Poller()
    private let routerToken: Poller.Token
    private let signalToken: Poller.Token
    private let storageToken: Poller.Token
    /// Raised when somebody at a page wants something.
    let controlEvent: EventFD
    private var statusAt: Duration
    /// When the record is to learn how things stand.
    private var recordAt: Duration

    /// - Parameters:
    ///   - state: how far the job is already.
    ///   - goesOn: whether former coordinators have worked on it.
    ///   - socket: where workers connect.
    ///   - clock: started with the program.
    init(
        job: RestoreJob, state: JobState, goesOn: Bool, socket: CoordinatorDesk.Open,
        signals: SignalFD, storage: StorageThread, console: Console, clock: MonotonicClock
    ) throws {
        self.job = job
        router = socket.router
        authenticator = socket.authenticator
        connectionLimit = socket.connectionLimit
        self.signals = signals
        self.storage = storage
        self.console = console
        self.clock = clock
        storedBeforeCount = state.stored.count
        beganAt = clock.now()
        let unfinishedCount = job.fitCount - state.stored.count - state.setAside.count
        localWorkers = LocalWorkers(
            count: min(job.localWorkerCount, unfinishedCount), threads: job.threadsPerWorker,
            program: job.workerProgram, endpoint: socket.endpoint, keys: socket.childKeys,
            logOptions: console.logOptionsOfWorkers
        ) { [console] in console.workerSaid($0) }
        tally = Tally(job, storedBefore: state.stored.count)

        let policy = Self.policy(job)
        let stateByteCount = job.hasCheckpoints ? job.stateByteCountMaximum : nil
        coordinator = Coordinator(
            facts: JobFacts(
                job: job.job, configuration: job.configuration.json,
                payloadByteCountMaximum: max(
                    job.resultByteCount, job.assignedByteCount, job.start?.count ?? 0),
                checkpointByteCountMaximum: stateByteCount,
                iterations: job.configuration.iterations,
                requires: job.requiredCapabilities,
                requiresAfterwards: job.capabilitiesRequiredAfterwards),
            tileCount: job.fitCount,
            restored: goesOn ? state.restoredTiles : nil, policy: policy, now: clock.now())
        for index in state.setAside {
            setAsideStories[TileID(index)] = coordinator.story(of: TileID(index)).failures
        }
        // Results arrive one after the other; a sender without room sends again later.
        assembler = PayloadAssembler(
            payloadByteCountMaximum: [.restored: job.resultByteCount],
            totalByteCountMaximum: max(256 << 20, 16 * job.resultByteCount))
        stateAssembler = PayloadAssembler(
            payloadByteCountMaximum: [.checkpoint: stateByteCount ?? 0],
            totalByteCountMaximum: max(
                policy.checkpointBytesUnderWayMaximum, stateByteCount ?? 0))
        previewAssembler = PayloadAssembler(
            payloadByteCountMaximum: [.preview: Self.previewByteCountMaximum],
            totalByteCountMaximum: 64 * Self.previewByteCountMaximum)

        routerToken = poller.add(router)
        signalToken = poller.add(fileDescriptor: signals.fileDescriptor)
        storageToken = poller.add(fileDescriptor: storage.fileDescriptor)
        controlEvent = try EventFD()
        _ = poller.add(fileDescriptor: controlEvent.fileDescriptor)
        if let authenticator { _ = poller.add(fileDescriptor: authenticator.fileDescriptor) }
        if let handshakes = router.handshakes { _ = poller.add(handshakes) }
        statusAt = clock.now() + console.firstStatusDelay
        recordAt = clock.now() + Self.recordInterval
        console.watch.begin(record(of: state))
        console.watch.wake = { [controlEvent] in controlEvent.signal() }
    }

    private func record(of state: JobState) -> JobRecord {
        job.record(
            stored: Set(state.stored), setAside: Set(state.setAside),
            beganAt: Console.secondsSince1970() - clock.now().inSeconds,
            withPast: console.watch.showsPast)
    }

    private static func policy(_ job: RestoreJob) -> CoordinatorPolicy {
        var policy = CoordinatorPolicy()
        // As often as a person at the terminal wants to see the iterations go on.
        policy.heartbeatInterval = min(.seconds(2), job.leaseSilence / 4)
        policy.silenceTimeout = job.leaseSilence
        policy.workerWait = job.workerWait
        policy.dismissesWorkers = !job.keepsWorkers
        policy.dismissesWorkersWhenInterrupted = !job.keepsWorkersWhenInterrupted
        policy.wantsCheckpoints = job.checkpointInterval != nil
        if let interval = job.checkpointInterval {
            policy.checkpointInterval = interval
            policy.sweepInterval = min(policy.sweepInterval, interval / 2)
        }
        // Workers notice that their coordinator has gone by the same silence, and come back soon
        // after it. This host's own ones have ended with the coordinator that had them.
        policy.adoptionWait = job.othersMayJoin ? job.leaseSilence + .seconds(10) : .zero
        return policy
    }

    /// Restores the image; the exit code.
    func run() throws -> Int32 {
        logBeginning()
        announceBeginning()
        // There may be nothing left to do.
        try tell(.tick)
        while !isOver {
            localWorkers.startDue(at: clock.now(), &poller)
            let ready = try poller.wait(timeout: timeout())
            for entry in ready { try attend(to: entry) }
            try collectChildren()
            try attendToControls()
            noteStrangers()
            try limitConnections()
            for peer in try outboxes.flush(to: router) { try tell(.unreachable(peer)) }
            try tell(.tick)
            endChildrenInTime()
            endStorageInTime()
            try showStatus()
        }
        storage.join()
        return try conclude()
    }

    private func timeout() -> Duration {
        let now = clock.now()
        var deadlines = [now + Self.childInterval]
        if ending.summary == nil {
            if let deadline = coordinator.nextDeadline { deadlines.append(deadline) }
            if let deadline = localWorkers.nextDeadline { deadlines.append(deadline) }
        }
        if let deadline = endingDeadline { deadlines.append(deadline) }
        deadlines.append(statusAt)
        deadlines.append(recordAt)
        if outboxes.isWaiting { deadlines.append(now + Self.sendRetryInterval) }
        return max((deadlines.min() ?? now) - now, .zero)
    }

    private func attend(to entry: Poller.Readiness) throws {
        switch entry.token {
        case signalToken:
            while let signal = signals.next() {
                switch signal {
                case SIGCHLD: break
                case SIGCONT: console.wasStopped()
                default: try interrupt(by: signal)
                }
            }
        case storageToken:
            for reply in storage.takeReplies() { try take(reply) }
        case routerToken:
            // Not without end: children, files and the user want to be heard too.
            for _ in 0..<256 {
                guard let (peer, message) = try router.receive() else { return }
                try take(message, from: PeerID(bytes: peer))
            }
        default:
            _ = localWorkers.read(entry.token, &poller)
        }
    }

    private func collectChildren() throws {
        for exit in localWorkers.collect(at: clock.now(), &poller) {
            if ending.summary == nil {
                note("a local worker ended: \(exit.reason)", event: "childExited")
            }
            try tell(.childExited(launchToken: exit.token, reason: exit.reason))
        }
        if let reason = localWorkers.exhaustion, ending.summary == nil, !job.othersMayJoin {
            brokenError = ProgramError(.unavailable, reason)
            try tell(.broken(reason: reason))
        }
    }

    /// Tells the state machine what happened, and does what it orders. What happens on the way is
    /// told after that.
    func tell(_ event: Coordinator.Event) throws {
        pendingEvents.append(event)
        guard pendingEvents.count == 1 else { return }
        while let event = pendingEvents.first {
            var commands: [Coordinator.Command] = []
            coordinator.handle(event, at: clock.now(), into: &commands)
            remember(Set(commands.compactMap(\.tileOfStory)))
            for command in commands {
                try carryOut(command)
            }
            pendingEvents.removeFirst()
        }
    }

    private func showStatus() throws {
        let now = clock.now()
        if now >= recordAt {
            recordAt = now + Self.recordInterval
            if ending.summary == nil || ending.isBlending { console.watch.take(snapshot()) }
            try wantPreviews()
        }
        guard now >= statusAt else { return }
        statusAt = now + console.statusInterval
        if ending.summary == nil || ending.isBlending { console.status(of: job.job, snapshot()) }
    }
}
