// The thread that owns the socket: it waits, tells the state machine what happened, and carries out
// what that orders (WorkerOrders).

import Cluster
import DeepImagePrior
import Glibc
import Transport
import Wire

final class WorkerLoop {
    /// Bytes of the largest tile that is taken, whatever a coordinator says.
    static let payloadByteCountMaximum = 1 << 30
    /// Signals that follow one another so soon are one request.
    private static let repetitionTime: Duration = .milliseconds(250)
    /// Everything comes from the one coordinator.
    static let coordinator = PeerID(bytes: [])

    /// Where the coordinator listens, and the file that tells it, if one does.
    var endpoint: String
    let endpointFile: String?
    var console: Console
    private let signals: SignalFD
    private let parent: ParentPipe?
    let clock = MonotonicClock()
    let context: MessagingContext
    private let fitThread: DedicatedThread
    let orders: Mailbox<FitOrder>
    private let reports: Mailbox<FitReport>

    private var worker: Worker
    private var pendingEvents: [Worker.Event] = []
    var exitReason: Worker.ExitReason?
    /// When the latest signal asked for the end.
    private var requestedAt: Duration?

    var poller = Poller()
    var socket: DealerSocket
    var socketToken: Poller.Token
    var socketOptions = SocketOptions()
    /// Of what becomes of handshakes.
    var handshakeToken: Poller.Token?
    /// What was said of handshakes since the latest one that succeeded: one coordinator can make
    /// them fail in turns.
    var saidOfHandshakes: Set<String> = []
    private let signalToken: Poller.Token
    private let parentToken: Poller.Token?
    private let reportToken: Poller.Token

    var outbox = Outbox()
    var assembler = PayloadAssembler(payloadByteCountMaximum: [:], totalByteCountMaximum: 0)
    var configuration: FitConfiguration?
    var job = JobID(rawValue: "")
    /// The message that is being told to the state machine, and its pixels.
    var welcome: Welcome?
    var assignment: (body: Assign, payload: PixelPayload)?
    /// Progress that has not been sent.
    var progress: (work: TileAttempt, measure: FitMeasure)?
    /// The state that came for the assignment after it.
    var arrivedState: (body: Checkpoint, bytes: [UInt8])?
    /// Seconds of work that the state which is asked for may be old.
    var stateToleranceSeconds = 0.0
    /// The state that the fit thread has copied; the last one is kept until the end.
    var takenState: (work: TileAttempt, iteration: Int, bytes: [UInt8])?
    /// Whether the state that is taken next, or was taken, is the last one.
    var isHandingOver = false
    /// Kept until its receipt.
    var result: (work: TileAttempt, measure: FitMeasure, payload: PixelPayload)?

    init(
        endpoint: String, endpointFile: String?, curve: CurveRole?, policy: WorkerPolicy,
        signals: SignalFD,
        parent: ParentPipe?, threads: Int, console: Console
    ) throws {
        (self.endpoint, self.endpointFile) = (endpoint, endpointFile)
        socketOptions.curve = curve
        self.console = console
        self.signals = signals
        self.parent = parent
        context = try MessagingContext()
        socket = try DealerSocket(
            connectingTo: endpoint, context: context, options: socketOptions)

        let (orders, reports) = (try Mailbox<FitOrder>(), try Mailbox<FitReport>())
        (self.orders, self.reports) = (orders, reports)
        fitThread = try DedicatedThread(name: "fit") {
            var thread = FitThread(orders: orders, reports: reports, threads: threads)
            thread.run()
        }

        socketToken = poller.add(socket)
        signalToken = poller.add(fileDescriptor: signals.fileDescriptor)
        reportToken = poller.add(fileDescriptor: reports.fileDescriptor)
        if let parent {
            parentToken = poller.add(fileDescriptor: parent.fileDescriptor)
        } else {
            parentToken = nil
        }

        let identity = Host.identity()
        (self.console.worker, self.console.host) = (identity.worker, identity.host)
        worker = Worker(
            identity: identity, policy: policy, seed: UInt64.random(in: 0...UInt64.max),
            now: clock.now())
        handshakeToken = socket.handshakes.map { poller.add($0) }
    }

    /// Works until the worker leaves.
    func run() throws -> Worker.ExitReason {
        console.note("connecting to \(endpoint)", event: "connecting")
        try tell(.started)
        while true {
            if let exitReason {
                // What is under way to a coordinator is given the time that the socket lingers.
                if exitReason != .parentGone, exitReason != .killed { socket.close() }
                return exitReason
            }
            poller.setWaitsForSending(!outbox.isEmpty, socketToken)
            let timeout = worker.nextDeadline.map { max($0 - clock.now(), .zero) }
            let ready = try poller.wait(timeout: timeout)
            if ready.isEmpty { try tell(.tick) }
            for entry in ready where exitReason == nil {
                try attend(to: entry)
            }
            try outbox.flush(to: socket)
        }
    }

    private func attend(to entry: Poller.Readiness) throws {
        switch entry.token {
        case signalToken:
            while let signal = signals.next() {
                if isRequest(signal) { try tell(.terminated) }
            }
        case reportToken:
            for report in reports.drain() { try take(report) }
        case parentToken:
            try tell(.parentGone)
        case handshakeToken:
            while exitReason == nil, let outcome = socket.handshakes?.next() {
                try take(outcome)
            }
        default:
            guard entry.token == socketToken, entry.canReceive else { return }
            // Not without end: signals and the fit want to be heard too.
            for _ in 0..<64 {
                guard exitReason == nil, entry.token == socketToken,
                    let message = try socket.receive()
                else { return }
                try take(message)
            }
        }
    }

    /// Whether a signal is a request to end, and not the repetition of one: `timeout` sends two
    /// at once, and a terminal that closes may say so several times.
    private func isRequest(_ signal: Int32) -> Bool {
        let now = clock.now()
        if let requestedAt, signal == SIGHUP || now - requestedAt < Self.repetitionTime {
            return false
        }
        requestedAt = now
        return true
    }

    /// Tells the state machine what happened, and does what it orders. What happens on the way is
    /// told after that.
    func tell(_ event: Worker.Event) throws {
        pendingEvents.append(event)
        guard pendingEvents.count == 1 else { return }
        while let event = pendingEvents.first {
            var commands: [Worker.Command] = []
            worker.handle(event, at: clock.now(), into: &commands)
            for command in commands {
                try carryOut(command)
            }
            pendingEvents.removeFirst()
        }
    }

    // MARK: What comes in

    private func take(_ received: ReceivedMessage) throws {
        guard case .frames(let frames) = received else { return try tell(.heard) }
        let decoded: DecodedMessage
        do {
            decoded = try MessageCodec.decode(frames)
        } catch .protocolMismatch(let seen) {
            return try tell(.protocolMismatch(seen: seen))
        } catch {
            console.note("a message was not understood: \(error)", event: "nonsense")
            return try tell(.heard)
        }
        switch decoded.message {
        case .welcome(let body):
            welcome = body
            try tell(.received(decoded.message))
            welcome = nil
        case .assign(let body):
            guard let payload = try assemble(decoded, .assign, body.work)?.pixels else { return }
            let begun = takeArrivedState(for: body)
            assignment = (begun, payload)
            try tell(.received(.assign(begun)))
            assignment = nil
            arrivedState = nil
        case .checkpointWanted(let body):
            stateToleranceSeconds = body.toleranceSeconds ?? 0
            try tell(.received(decoded.message))
        case .checkpoint(let body):
            guard let bytes = try assemble(decoded, .checkpoint, body.work)?.state else { return }
            arrivedState = (body, bytes)
            try tell(.heard)
        default:
            try tell(.received(decoded.message))
        }
    }

    /// The whole payload, when this was its last missing piece.
    private func assemble(
        _ decoded: DecodedMessage, _ kind: PayloadKind, _ work: TileAttempt
    ) throws -> Payload? {
        guard let piece = decoded.piece else { return nil }
        let payload: Payload?
        do throws(WireError) {
            payload = try assembler.add(piece, of: kind, for: work, from: Self.coordinator)
        } catch {
            console.error(work, " did not arrive as described: \(error)")
            payload = nil
        }
        if payload == nil { try tell(.heard) }
        return payload
    }

    /// The assignment as it can be carried out: without its state, if that has not come.
    private func takeArrivedState(for body: Assign) -> Assign {
        if let arrivedState, arrivedState.body.job == body.job, arrivedState.body.work == body.work
        {
            return body.going(onFrom: arrivedState.body.iteration)
        }
        arrivedState = nil
        return body.going(onFrom: nil)
    }

    private func take(_ report: FitReport) throws {
        switch report {
        case .progressed(let work, let measure):
            guard work == worker.currentWork else { return }
            progress = (work, measure)
            try tell(.progressed(work, iteration: measure.iteration))
        case .note(let work, let sentence):
            console.note(work, sentence, event: "anew")
        case .state(let work, let state):
            guard work == worker.currentWork else { return }
            takenState = (work, state.iteration, state.encoded())
            try tell(.checkpointTaken(work, iteration: state.iteration))
        case .preview(let work, let iteration, let picture):
            guard work == worker.currentWork else { return }
            takenPreview = (work, iteration, picture)
            try tell(.previewTaken(work))
            takenPreview = nil
        case .finished(let work, let measure, let shape, let pixels):
            guard work == worker.currentWork, shape.count == 3 else { return }
            console.note(
                work,
                "is restored: \(measure.iteration) iterations in "
                    + "\(Int(measure.seconds.rounded())) s", event: "restored")
            let pixelShape = PixelShape(height: shape[0], width: shape[1], bands: shape[2])
            result = (work, measure, try PixelPayload(shape: pixelShape, pixels: pixels))
            try tell(.progressed(work, iteration: measure.iteration))
            try tell(.fitFinished(work))
        case .failed(let work, let reason, let diverged):
            guard work == worker.currentWork else { return }
            console.error(work, ": \(reason)")
            try tell(.fitFailed(work, reason: reason, diverged: diverged))
        }
    }

    /// The picture that is being told to the state machine.
    var takenPreview: (work: TileAttempt, iteration: Int, picture: FitPreview)?
}
