// What the job's log is told, and what each event is about.

import Cluster
import Dashboard
import Glibc
import Imaging
import JobStore
import Logging
import Transport
import Wire

extension CoordinatorLoop {
    /// An event: a line on standard error, if its level is wanted, and one in the job's log.
    func log(
        _ event: String, _ sentence: String, _ subject: EventLine.Subject? = nil,
        level: Logger.Level = .info, fit: EventLine.FitFacts? = nil
    ) {
        console.log(
            level, sentence, event: event,
            subject ?? EventLine.Subject(job: job.job.rawValue))
        record(event, sentence, subject, fit: fit)
    }

    /// A line in the job's log alone.
    func record(
        _ event: String, _ sentence: String, _ subject: EventLine.Subject? = nil,
        _ reason: String? = nil, fit: EventLine.FitFacts? = nil,
        about: EventLine.WorkerFacts? = nil, isFailure: Bool? = nil
    ) {
        guard !ending.isOrderedToEnd else { return }
        let line = EventLine(
            time: Console.secondsSince1970(), event: event, message: sentence,
            subject: subject ?? EventLine.Subject(job: job.job.rawValue), reason: reason, fit: fit,
            about: about, isFailure: isFailure)
        guard let bytes = try? Text.json(line, indented: false) else { return }
        storage.order(.log(String(decoding: bytes, as: UTF8.self)))
    }

    /// A result is here and will be stored: with all that a later run needs to show its fit. This
    /// comes before the tile is on the disk, so that none of those is without it.
    func logReceived(_ result: Restored, _ worker: WorkerID?) {
        let number = result.tile.rawValue
        var curve = console.watch.read { $0.fits[number].curve } ?? Curve(pointsMaximum: 4)
        curve.add(
            Curve.Point(
                iteration: result.iterations, loss: result.finalLoss,
                psnrToInput: result.psnrToInput),
            isLast: true)
        log(
            "received", "the result of \(result.work.words(naming: job.name)) has arrived",
            subject(result.work, worker), level: .debug,
            fit: EventLine.FitFacts(
                iterations: result.iterations, seconds: result.seconds,
                curve: CurveColumns(curve)))
    }

    /// The host of a worker; nil where nobody knows it (any more).
    func host(of worker: WorkerID) -> String? {
        console.watch.read { $0.host(ofWorker: worker.rawValue) } ?? nil
    }

    // MARK: Subjects

    func subject(of fit: TileID) -> EventLine.Subject {
        // A peer may name any number.
        let isKnown = (0..<job.fitCount).contains(fit.rawValue)
        let window = isKnown ? job.tile(of: fit).index : fit.rawValue
        return EventLine.Subject(
            job: job.job.rawValue, tile: fit.rawValue,
            window: window == fit.rawValue ? nil : window)
    }

    func subject(_ work: TileAttempt, _ worker: WorkerID? = nil) -> EventLine.Subject {
        var subject = subject(of: work.tile)
        subject.attempt = work.attempt
        subject.worker = worker?.rawValue
        subject.host = worker.flatMap(host)
        return subject
    }

    func subject(ofWorker worker: WorkerID) -> EventLine.Subject {
        EventLine.Subject(
            job: job.job.rawValue, worker: worker.rawValue, host: host(of: worker))
    }

    func subject(of note: Coordinator.Note) -> EventLine.Subject {
        switch note {
        case .workerJoined(let hello):
            EventLine.Subject(
                job: job.job.rawValue, worker: hello.worker.rawValue, host: hello.host)
        case .workerReturned(let worker), .workerGone(let worker, _),
            .workerRefused(let worker, _), .workerWaits(let worker, _):
            subject(ofWorker: worker)
        case .leaseEnded(let work, let worker, _), .leaseResumed(let work, let worker, _),
            .secondTry(let work, let worker, _), .lateResult(let work, let worker):
            subject(work, worker)
        case .checkpointFailed(let work, _), .storingFailed(let work, _): subject(work)
        case .checkpointMissing(let tile), .checkpointUseless(let tile, _): subject(of: tile)
        case .paused, .resumed: EventLine.Subject(job: job.job.rawValue)
        case .nonsense(let peer, _):
            coordinator.worker(at: peer).map { subject(ofWorker: $0) }
                ?? EventLine.Subject(job: job.job.rawValue)
        }
    }
}

extension Coordinator.Note {
    /// Why it has happened.
    var reason: String? {
        switch self {
        case .workerGone(_, let reason), .workerRefused(_, let reason),
            .workerWaits(_, let reason), .checkpointFailed(_, let reason),
            .storingFailed(_, let reason), .nonsense(_, let reason):
            reason
        case .leaseEnded(_, _, let end): end.description
        case .workerJoined, .workerReturned, .leaseResumed, .secondTry, .lateResult,
            .checkpointMissing, .checkpointUseless, .paused, .resumed:
            nil
        }
    }

    /// Of a try that has ended: whether it counts against its tile.
    var isFailure: Bool? {
        guard case .leaseEnded(_, _, let end) = self else { return nil }
        return end.countsAgainstTile
    }

    /// What a worker that has joined says of itself.
    var about: EventLine.WorkerFacts? {
        guard case .workerJoined(let hello) = self else { return nil }
        return EventLine.WorkerFacts(
            processor: hello.processor, version: hello.version, threads: hello.threadCount,
            isLocal: hello.launchToken != nil)
    }
}
