// All that a page and a report show of a job, gathered from the events and snapshots that programs
// get (docs/PROGRESS.md).

/// A job's past and present. Its size is set by the number of fits and does not grow with time.
public struct JobRecord: Sendable {
    /// What has become of a fit.
    public enum State: String, Codable, Sendable, CaseIterable {
        case waiting
        case fitting
        case stored
        /// It is given up.
        case setAside
    }

    /// A try that came to nothing.
    public struct Failure: Codable, Equatable, Sendable {
        /// Seconds since 1970.
        public var time: Double
        public var fit, attempt: Int
        public var worker: String
        public var reason: String
    }

    /// One fit of a tile. What is not known is nil.
    public struct Fit: Codable, Equatable, Sendable {
        public var state = State.waiting
        /// The latest try, from 1.
        public var attempt: Int?
        /// Done so far.
        public var iteration = 0
        /// The latest loss, and PSNR to the given pixels in dB.
        public var loss, psnrToInput: Double?
        /// That its fit took.
        public var seconds: Double?
        /// Who has it, or had it last.
        public var worker, host: String?
        /// Tries that failed, and why the latest of them did.
        public var failureCount = 0
        public var reason: String?
        public var curve: Curve
        /// The record's revision at its latest change.
        public var revision = 0
    }

    /// A worker, present or gone.
    public struct WorkerStory: Codable, Equatable, Sendable {
        public var name, host: String
        /// As it says; nil where nothing has been heard of it but its name.
        public var processor, version: String?
        public var threads: Int?
        /// Whether its coordinator has started it.
        public var isLocal: Bool?
        /// Seconds since 1970.
        public var joinedAt: Double
        /// Seconds since 1970, and why; nil while it is here.
        public var leftAt: Double?
        public var reason: String?
        public var fitsFinished = 0
        /// Of the fits that it has finished.
        public var iterations = 0
        public var seconds = 0.0
        /// The latest ones.
        public var failures: [Failure] = []
        public var failureCount = 0
    }

    /// Something that has happened.
    public struct Event: Codable, Equatable, Sendable {
        /// From 1.
        public var number: Int
        /// Seconds since 1970.
        public var time: Double
        public var kind: ProgressEvent.Kind
        /// One sentence.
        public var sentence: String
    }

    public static let eventsMaximum = 500
    public static let failuresPerWorkerMaximum = 20
    /// Workers that have gone are forgotten, the earliest first, beyond so many.
    public static let workersMaximum = 2000

    public let description: JobDescription
    /// By number.
    public private(set) var fits: [Fit]
    /// By the order in which they came.
    public private(set) var workers: [WorkerStory] = []
    /// The latest ones, the oldest first.
    public private(set) var events: [Event] = []
    /// The latest one.
    public internal(set) var snapshot: ProgressSnapshot?
    /// Grows with every change.
    public private(set) var revision = 0
    private var eventCount = 0
    private var workerIndices: [String: Int] = [:]
    private var atWork: Set<Int> = []

    public init(_ description: JobDescription) {
        self.description = description
        let curve = Curve(pointsMaximum: Curve.pointsMaximum(curveCount: description.fitCount))
        fits = Array(repeating: Fit(curve: curve), count: description.fitCount)
    }

    /// Fits that have changed since a revision.
    public func fits(changedSince revision: Int) -> [(number: Int, fit: Fit)] {
        fits.indices.lazy.filter { fits[$0].revision > revision }.map { ($0, fits[$0]) }
    }

    /// The host of a worker that is known.
    public func host(ofWorker name: String) -> String? {
        workerIndices[name].map { workers[$0].host }
    }

    /// Fits that the latest snapshot has shown at work, by number.
    public var fitting: [Int] { atWork.filter { fits[$0].state == .fitting }.sorted() }

    /// How many fits are in each state.
    public var counts: [State: Int] {
        fits.reduce(into: [:]) { $0[$1.state, default: 0] += 1 }
    }

    // MARK: Gathering

    /// What earlier runs have come to.
    public mutating func restore(stored: Set<Int>, setAside: Set<Int>) {
        change(stored.sorted()) { $0.state = .stored }
        change(setAside.sorted()) { $0.state = .setAside }
    }

    /// What an earlier run knew of a fit that is stored.
    public mutating func restore(
        fit: Int, curve: [Curve.Point], iterations: Int, seconds: Double?, worker: String?,
        host: String?, attempt: Int? = nil
    ) {
        change([fit]) {
            $0.iteration = iterations
            $0.attempt = attempt
            ($0.loss, $0.psnrToInput) = (curve.last?.loss, curve.last?.psnrToInput)
            ($0.seconds, $0.worker, $0.host) = (seconds, worker, host)
            for point in curve { $0.curve.add(point, isLast: point == curve.last) }
        }
    }

    /// How things stand.
    public mutating func take(_ snapshot: ProgressSnapshot) {
        revision += 1
        self.snapshot = snapshot
        var working: Set<Int> = []
        for worker in snapshot.workers {
            describe(worker)
            guard let number = worker.tile, fits.indices.contains(number),
                fits[number].state != .stored
            else { continue }
            // Of two tries at once the further one is shown.
            if working.contains(number), (worker.iteration ?? 0) < fits[number].iteration {
                continue
            }
            working.insert(number)
            var fit = fits[number]
            fit.state = .fitting
            fit.attempt = worker.attempt
            (fit.worker, fit.host) = (worker.name, worker.host)
            fit.iteration = worker.iteration ?? 0
            if worker.loss != nil || worker.psnrToInput != nil {
                (fit.loss, fit.psnrToInput) = (worker.loss, worker.psnrToInput)
                fit.curve.add(
                    Curve.Point(
                        iteration: fit.iteration, loss: worker.loss,
                        psnrToInput: worker.psnrToInput))
            }
            put(fit, at: number)
        }
        change(atWork.subtracting(working).sorted()) {
            if $0.state == .fitting { $0.state = .waiting }
        }
        atWork = working
    }

    /// Something has happened.
    public mutating func take(_ event: ProgressEvent) {
        revision += 1
        switch event.facts.event {
        case .tileFinished: finish(event)
        case .tileFailed: fail(event)
        case .tileSetAside:
            change([event.tile].compactMap(\.self)) {
                $0.state = .setAside
                $0.reason = event.reason
            }
        case .workerJoined: join(event)
        case .workerLeft:
            changeWorker(event.worker) {
                ($0.leftAt, $0.reason) = (event.time, event.reason)
            }
        case .failed: end(unrestored: nil)
        case .begun, .progress, .message, .done: break
        }
        if event.isLast { dismissWorkers(at: event.time) }
        if let snapshot = event.snapshot { take(snapshot) }
        guard let sentence = event.sentence(restarts: description.restarts) else { return }
        eventCount += 1
        events.append(
            Event(
                number: eventCount, time: event.time, kind: event.facts.event, sentence: sentence))
        if events.count > Self.eventsMaximum { events.removeFirst() }
    }

    private mutating func finish(_ event: ProgressEvent) {
        guard let number = event.tile, fits.indices.contains(number) else { return }
        var fit = fits[number]
        fit.state = .stored
        fit.attempt = event.attempt
        fit.iteration = event.iterations ?? fit.iteration
        fit.seconds = event.seconds
        fit.worker = event.worker ?? fit.worker
        fit.host = event.host ?? fit.host
        fit.loss = event.loss ?? fit.loss
        fit.psnrToInput = event.psnr ?? fit.psnrToInput
        fit.curve.add(
            Curve.Point(iteration: fit.iteration, loss: fit.loss, psnrToInput: fit.psnrToInput),
            isLast: true)
        put(fit, at: number)
        changeWorker(fit.worker) {
            $0.fitsFinished += 1
            $0.iterations += event.iterations ?? 0
            $0.seconds += event.seconds ?? 0
        }
    }

    private mutating func fail(_ event: ProgressEvent) {
        guard let number = event.tile, fits.indices.contains(number) else { return }
        noteFailure(
            Failure(
                time: event.time, fit: number, attempt: event.attempt ?? 0,
                worker: event.worker ?? "", reason: event.reason ?? ""))
    }

    mutating func noteFailure(_ failure: Failure) {
        change([failure.fit]) {
            if $0.state == .fitting { $0.state = .waiting }
            $0.failureCount += 1
            $0.reason = failure.reason
        }
        changeWorker(failure.worker) {
            $0.failureCount += 1
            $0.failures.append(failure)
            if $0.failures.count > Self.failuresPerWorkerMaximum { $0.failures.removeFirst() }
        }
    }

    private mutating func join(_ event: ProgressEvent) {
        guard let name = event.worker else { return }
        addWorker(name, host: event.host ?? "", at: event.time)
    }

    /// A worker has come, or come back.
    mutating func addWorker(_ name: String, host: String, at time: Double) {
        if workerIndices[name] != nil {
            changeWorker(name) { ($0.leftAt, $0.reason) = (nil, nil) }
            return
        }
        workerIndices[name] = workers.count
        workers.append(WorkerStory(name: name, host: host, joinedAt: time))
        guard workers.count > Self.workersMaximum,
            let gone = workers.firstIndex(where: { $0.leftAt != nil })
        else { return }
        workers.remove(at: gone)
        workerIndices = Dictionary(
            uniqueKeysWithValues: workers.enumerated().map { ($1.name, $0) })
    }

    private mutating func describe(_ worker: ProgressSnapshot.Worker) {
        guard let index = workerIndices[worker.name], workers[index].processor == nil else {
            return
        }
        workers[index].processor = worker.processor
        workers[index].version = worker.version
        workers[index].threads = worker.threads
        workers[index].isLocal = worker.isLocal
    }

    mutating func change(_ numbers: [Int], _ change: (inout Fit) -> Void) {
        revision += 1
        for number in numbers where fits.indices.contains(number) {
            var fit = fits[number]
            change(&fit)
            put(fit, at: number)
        }
    }

    private mutating func put(_ fit: Fit, at number: Int) {
        guard fit != fits[number] else { return }
        fits[number] = fit
        fits[number].revision = revision
    }

    mutating func changeWorker(_ name: String?, _ change: (inout WorkerStory) -> Void) {
        guard let name, let index = workerIndices[name] else { return }
        change(&workers[index])
    }
}
