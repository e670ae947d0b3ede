// The thread that owns the socket: it waits, tells the state machine what happened, and carries out
// what that orders.

import Cluster
import DeepImagePrior
import Glibc
import Transport
import Wire

final class WorkerLoop {
    /// Bytes of the largest tile that is taken, whatever a coordinator says.
    private static let payloadByteCountMaximum = 1 << 30
    /// Signals that follow one another so soon are one request.
    private static let repetitionTime: Duration = .milliseconds(250)
    /// Everything comes from the one coordinator.
    private static let coordinator = PeerID(bytes: [])

    private let endpoint: String
    private let console: Console
    private let signals: SignalFD
    private let parent: ParentPipe?
    private let clock = MonotonicClock()
    private let context: MessagingContext
    private let fitThread: DedicatedThread
    private let orders: Mailbox<FitOrder>
    private let reports: Mailbox<FitReport>

    private var worker: Worker
    private var pendingEvents: [Worker.Event] = []
    private var exitReason: Worker.ExitReason?
    /// When the latest signal asked for the end.
    private var requestedAt: Duration?

    private var poller = Poller()
    private var socket: DealerSocket
    private var socketToken: Poller.Token
    private let signalToken: Poller.Token
    private let parentToken: Poller.Token?
    private let reportToken: Poller.Token

    private var outbox = Outbox()
    private var assembler = PayloadAssembler(payloadByteCountMaximum: [:], totalByteCountMaximum: 0)
    private var configuration: FitConfiguration?
    private var job = JobID(rawValue: "")
    /// The message that is being told to the state machine, and its pixels.
    private var welcome: Welcome?
    private var assignment: (body: Assign, payload: PixelPayload)?
    /// Progress that has not been sent.
    private var progress: (work: TileAttempt, measure: FitMeasure)?
    /// Kept until its receipt.
    private var result: (work: TileAttempt, measure: FitMeasure, payload: PixelPayload)?

    init(
        endpoint: String, reconnectTimeout: Duration, signals: SignalFD, parent: ParentPipe?,
        console: Console
    ) throws {
        self.endpoint = endpoint
        self.console = console
        self.signals = signals
        self.parent = parent
        context = try MessagingContext()
        socket = try DealerSocket(connectingTo: endpoint, context: context)

        let (orders, reports) = (try Mailbox<FitOrder>(), try Mailbox<FitReport>())
        (self.orders, self.reports) = (orders, reports)
        fitThread = try DedicatedThread(name: "fit") {
            var thread = FitThread(orders: orders, reports: reports)
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

        var policy = WorkerPolicy()
        policy.reconnectTimeout = reconnectTimeout
        worker = Worker(
            identity: Host.identity(), policy: policy, seed: UInt64.random(in: 0...UInt64.max),
            now: clock.now())
    }

    /// Works until the worker leaves.
    func run() throws -> Worker.ExitReason {
        console.note("connecting to \(endpoint)")
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
    private func tell(_ event: Worker.Event) throws {
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
            console.note("a message was not understood: \(error)")
            return try tell(.heard)
        }
        switch decoded.message {
        case .welcome(let body):
            welcome = body
            try tell(.received(decoded.message))
            welcome = nil
        case .assign(let body):
            guard let piece = decoded.piece else { return }
            let payload: PixelPayload?
            do {
                payload = try assembler.add(
                    piece, of: .assign, for: body.work, from: Self.coordinator)
            } catch {
                console.error("\(body.work) did not arrive as described: \(error)")
                payload = nil
            }
            guard let payload else { return try tell(.heard) }
            assignment = (body, payload)
            try tell(.received(decoded.message))
            assignment = nil
        default:
            try tell(.received(decoded.message))
        }
    }

    private func take(_ report: FitReport) throws {
        switch report {
        case .progressed(let work, let measure):
            guard work == worker.currentWork else { return }
            progress = (work, measure)
            try tell(.progressed(work, iteration: measure.iteration))
        case .finished(let work, let measure, let pixels):
            guard work == worker.currentWork, let shape = fittedShape else { return }
            console.note(
                "\(work) is restored: \(measure.iteration) iterations in "
                    + "\(Int(measure.seconds.rounded())) s")
            result = (work, measure, try PixelPayload(shape: shape, pixels: pixels))
            try tell(.progressed(work, iteration: measure.iteration))
            try tell(.fitFinished(work))
        case .failed(let work, let reason):
            guard work == worker.currentWork else { return }
            console.error("\(work): \(reason)")
            try tell(.fitFailed(work, reason: reason))
        }
    }

    private var fittedShape: PixelShape?

    // MARK: What is ordered

    private func carryOut(_ command: Worker.Command) throws {
        switch command {
        case .send(let message):
            for frames in try MessageCodec.encode(message) { outbox.add(message.kind, frames) }
            try outbox.flush(to: socket)
        case .configure: try configure()
        case .startFit(let work): try startFit(work)
        case .stopFit(let work):
            orders.post(.stop(work))
            console.note("\(work) is not wanted any more")
        case .sendProgress(let work): try sendProgress(of: work)
        case .sendResult(let work): try sendResult(of: work)
        case .dropResult:
            result = nil
            outbox.setPieces([])
        case .reconnect: try reconnect()
        case .leave(let reason): exitReason = reason
        }
    }

    private func configure() throws {
        guard let welcome else { return }
        do throws(FitError) {
            configuration = try FitConfiguration(json: welcome.configuration)
        } catch {
            try tell(.configurationRejected(reason: "\(error)"))
            return
        }
        job = welcome.job
        let limit = min(welcome.payloadByteCountMaximum, Self.payloadByteCountMaximum)
        assembler = PayloadAssembler(
            payloadByteCountMaximum: [.assign: limit], totalByteCountMaximum: limit)
        console.note("joined \(endpoint), job \(welcome.job)")
    }

    private func startFit(_ work: TileAttempt) throws {
        guard let assignment, assignment.body.work == work, let configuration else {
            return try tell(.fitFailed(work, reason: "the assignment came without its pixels"))
        }
        let shape = assignment.payload.shape
        fittedShape = shape
        progress = nil
        console.note("\(work) begins: \(shape.width) x \(shape.height) pixels")
        let problem = FitProblem(
            pixels: assignment.payload.pixels, height: shape.height, width: shape.width,
            bands: shape.bands, originX: assignment.body.originX,
            originY: assignment.body.originY, tile: work.tile.rawValue)
        orders.post(
            .start(FitAssignment(work: work, problem: problem, configuration: configuration)))
    }

    private func sendProgress(of work: TileAttempt) throws {
        guard let progress, progress.work == work else { return }
        self.progress = nil
        let measure = progress.measure
        let message = Message.progress(
            Progress(
                job: job, work: work, iteration: measure.iteration,
                iterations: measure.iterations, loss: measure.loss,
                psnrToInput: measure.psnrToInput,
                iterationsPerSecond: measure.iterationsPerSecond))
        for frames in try MessageCodec.encode(message) { outbox.add(.progress, frames) }
        try outbox.flush(to: socket)
    }

    private func sendResult(of work: TileAttempt) throws {
        guard let result, result.work == work else { return }
        let measure = result.measure
        let message = Message.restored(
            Restored(
                job: job, work: work, iterations: measure.iteration, seconds: measure.seconds,
                psnrToInput: measure.psnrToInput, finalLoss: measure.loss))
        outbox.setPieces(try MessageCodec.encode(message, payload: result.payload))
        try outbox.flush(to: socket)
    }

    private func reconnect() throws {
        console.note("connecting to \(endpoint) again")
        outbox.clear()
        assembler.forget(Self.coordinator)
        poller.remove(socketToken)
        socket.close()
        socket = try DealerSocket(connectingTo: endpoint, context: context)
        socketToken = poller.add(socket)
    }
}
