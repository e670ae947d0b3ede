// What the worker's state machine orders, carried out.

import Cluster
import DeepImagePrior
import Transport
import Wire

extension WorkerLoop {
    func carryOut(_ command: Worker.Command) throws {
        switch command {
        case .send(let message):
            for frames in try MessageCodec.encode(message) { outbox.add(message.kind, frames) }
            try outbox.flush(to: socket)
        case .configure: try configure()
        case .startFit(let work): try startFit(work)
        case .stopFit(let work):
            orders.post(.stop(work))
            takenState = nil
            outbox.clearPieces()
            if !isHandingOver { console.note(work, "is not wanted any more", event: "cancelled") }
        case .takeCheckpoint(let work, let isLast):
            let tolerance = isLast ? 0 : stateToleranceSeconds
            orders.post(.takeState(work, isLast: isLast, toleranceSeconds: tolerance))
            guard isLast else { return }
            isHandingOver = true
            console.note(work, "is handed over", event: "handedOver")
        case .sendCheckpoint(let work): try sendState(of: work)
        case .takePreview(let work, let sidePixels):
            orders.post(.takePreview(work, sidePixels: sidePixels))
        case .sendPreview(let work): try sendPreview(of: work)
        case .sendProgress(let work): try sendProgress(of: work)
        case .sendResult(let work): try sendResult(of: work)
        case .dropResult:
            result = nil
            outbox.clearPieces()
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
        let stateLimit = min(
            welcome.checkpointByteCountMaximum ?? 0, Self.payloadByteCountMaximum)
        assembler = PayloadAssembler(
            // Weights to begin with come like a state, where the job has no states too.
            payloadByteCountMaximum: [.assign: limit, .checkpoint: max(stateLimit, limit)],
            totalByteCountMaximum: limit + max(stateLimit, limit))
        console.job = welcome.job
        console.note("joined \(endpoint), job \(welcome.job)", event: "joined")
    }

    private func startFit(_ work: TileAttempt) throws {
        guard let assignment, assignment.body.work == work, var configuration else {
            return try tell(.fitFailed(work, reason: "the assignment came without its pixels"))
        }
        let problem: FitProblem
        do throws(FitError) {
            problem = try FitProblem(
                assignment.body, assignment.payload, factor: configuration.factor)
        } catch {
            return try tell(.fitFailed(work, reason: "\(error)"))
        }
        configuration.seed = assignment.body.seed ?? configuration.seed
        progress = nil
        let start = assignment.body.checkpointIteration
        let beginning = start.flatMap { $0 == 0 ? nil : "goes on at iteration \($0)" } ?? "begins"
        let enlarging = problem.factor > 1 ? ", enlarged \(problem.factor) times" : ""
        console.window = assignment.body.windowIndex
        console.note(
            work, "\(beginning): \(problem.width) x \(problem.height) pixels\(enlarging)",
            event: "begun")
        orders.post(
            .start(
                FitAssignment(
                    work: work, problem: problem, configuration: configuration,
                    state: start == nil ? nil : arrivedState?.bytes)))
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

    /// A message of one piece, which overtakes the pieces of states.
    private func sendPreview(of work: TileAttempt) throws {
        guard let takenPreview, takenPreview.work == work else { return }
        let picture = takenPreview.picture
        var pieces = try MessagePieces(
            .preview(Preview(job: job, work: work, iteration: takenPreview.iteration)),
            .pixels(
                PixelPayload(
                    shape: PixelShape(
                        height: picture.height, width: picture.width, bands: picture.bands),
                    pixels: picture.pixels)))
        while let frames = try pieces.next() { outbox.add(.preview, frames) }
        try outbox.flush(to: socket)
    }

    private func sendResult(of work: TileAttempt) throws {
        guard let result, result.work == work else { return }
        let measure = result.measure
        let message = Message.restored(
            Restored(
                job: job, work: work, iterations: measure.iteration, seconds: measure.seconds,
                psnrToInput: measure.psnrToInput, finalLoss: measure.loss))
        outbox.setResult(try MessagePieces(message, .pixels(result.payload)))
        try outbox.flush(to: socket)
    }

    private func sendState(of work: TileAttempt) throws {
        guard let takenState, takenState.work == work else { return }
        let message = Message.checkpoint(
            Checkpoint(job: job, work: work, iteration: takenState.iteration))
        outbox.setState(try MessagePieces(message, .state(takenState.bytes)))
        // Only the last one may have to be sent again.
        if !isHandingOver { self.takenState = nil }
        try outbox.flush(to: socket)
    }

    private func reconnect() throws {
        // The next coordinator of the job may be at another place.
        endpoint = endpointFile.flatMap(EndpointFile.read) ?? endpoint
        console.note("connecting to \(endpoint) again", event: "connecting")
        outbox.clear()
        // libzmq tries one kind of a name's addresses. The one that has led to a coordinator stays.
        if job.rawValue.isEmpty, Endpoint.hasName(endpoint) { socketOptions.usesIPv6.toggle() }
        assembler.forget(Self.coordinator)
        arrivedState = nil
        poller.remove(socketToken)
        if let handshakeToken { poller.remove(handshakeToken) }
        socket.abandon()
        socket = try DealerSocket(
            connectingTo: endpoint, context: context, options: socketOptions)
        socketToken = poller.add(socket)
        handshakeToken = socket.handshakes.map { poller.add($0) }
    }
}

extension FitProblem {
    /// The tile of an assignment; its pixels and its guide's lie in one payload.
    fileprivate init(
        _ body: Assign, _ payload: PixelPayload, factor: Int
    ) throws(FitError) {
        let shape = payload.shape
        let guideBands = body.guideBands ?? 0
        let bands = shape.bands - guideBands
        guard bands > 0 else {
            throw .invalid("\(guideBands) bands of \(shape.bands) cannot be the guide's")
        }
        let all = payload.pixels
        var (pixels, guide) = (all, [Float]())
        if guideBands > 0 {
            pixels = []
            pixels.reserveCapacity(all.count / shape.bands * bands)
            guide.reserveCapacity(all.count / shape.bands * guideBands)
            for first in stride(from: 0, to: all.count, by: shape.bands) {
                pixels += all[first..<first + bands]
                guide += all[first + bands..<first + shape.bands]
            }
        }
        self.init(
            pixels: pixels, height: shape.height, width: shape.width, bands: bands, factor: factor,
            originX: body.originX, originY: body.originY,
            tile: body.windowIndex ?? body.tile.rawValue)
        (self.guide, self.guideBands) = (guide, guideBands)
        (imageWidth, imageHeight) = (body.imageWidth, body.imageHeight)
    }
}
