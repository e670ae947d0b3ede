// The thread that computes. It knows one fit and two mailboxes, nothing of sockets.

import DeepImagePrior
import Glibc
import Transport
import Wire

/// What the fit thread is asked for.
enum FitOrder: Sendable {
    case start(FitAssignment)
    /// Copy the state of this try's fit between two iterations; the last time it ends there. One to
    /// which a collapse would roll back is half as large: it will do if no more than these seconds
    /// of work lie between them.
    case takeState(TileAttempt, isLast: Bool, toleranceSeconds: Double)
    /// Copy what this try's fit has come to, reduced.
    case takePreview(TileAttempt, sidePixels: Int)
    /// Drop the fit of this try, wherever it is.
    case stop(TileAttempt)
}

/// A tile to restore.
struct FitAssignment: Sendable {
    let work: TileAttempt
    let problem: FitProblem
    let configuration: FitConfiguration
    /// The state to go on from, as another worker wrote it, or the weights to begin with; nil to
    /// begin with random ones.
    let state: [UInt8]?
}

/// What comes of it.
enum FitReport: Sendable {
    case progressed(TileAttempt, FitMeasure)
    /// The state that was asked for.
    case state(TileAttempt, FitState)
    /// The picture that was asked for.
    case preview(TileAttempt, iteration: Int, FitPreview)
    /// Something worth knowing: the end of a sentence about the try.
    case note(TileAttempt, String)
    /// `pixels` has the shape (H, W, C) and lies in [0, 1], unless the configuration asks for
    /// something else in their place.
    case finished(TileAttempt, FitMeasure, shape: [Int], pixels: [Float])
    /// `diverged` when the fit's arithmetic is to blame.
    case failed(TileAttempt, reason: String, diverged: Bool)
}

/// How far a fit is.
struct FitMeasure: Sendable {
    var iteration: Int
    var iterations: Int
    var loss: Double?
    var psnrToInput: Double?
    var iterationsPerSecond: Double?
    /// Spent on the fit, by the tries before this one too where it goes on from their state.
    var seconds: Double
}

/// Carries out orders until the process ends. Reports of progress come a few times a second,
/// however fast the iterations are.
struct FitThread {
    private static let reportInterval: Duration = .milliseconds(250)

    private let orders: Mailbox<FitOrder>
    private let reports: Mailbox<FitReport>
    /// Threads that share a fit.
    private let threads: Int
    private let clock = MonotonicClock()
    private var next: FitAssignment?
    /// The try whose state is wanted.
    private var wantedState: (work: TileAttempt, isLast: Bool, toleranceSeconds: Double)?
    /// The try of which a picture is wanted, and its size.
    private var wantedPreview: (work: TileAttempt, sidePixels: Int)?
    private var memoryCheck: MemoryCheck
    /// The weights that a fit here began with last: a state that is of no use may need them.
    private var start: StartWeights?

    init(orders: Mailbox<FitOrder>, reports: Mailbox<FitReport>, threads: Int) {
        self.threads = threads
        memoryCheck = MemoryCheck(threads: threads)
        self.orders = orders
        self.reports = reports
    }

    mutating func run() -> Never {
        while true {
            takeOrders(during: nil)
            guard let assignment = next else {
                var item = pollfd(fd: orders.fileDescriptor, events: Int16(POLLIN), revents: 0)
                poll(&item, 1, -1)
                continue
            }
            next = nil
            do {
                try fit(assignment)
            } catch {
                let diverged = (error as? FitError)?.isArithmetic ?? false
                reports.post(.failed(assignment.work, reason: "\(error)", diverged: diverged))
            }
        }
    }

    private mutating func fit(_ assignment: FitAssignment) throws {
        let (problem, configuration) = (assignment.problem, assignment.configuration)
        try memoryCheck.check(problem, configuration)
        let begin = clock.now()
        let (fit, secondsBefore) = try makeFit(assignment)
        var measure = FitMeasure(
            iteration: fit.iteration, iterations: configuration.iterations,
            seconds: secondsBefore)
        var reportedAt = begin
        var reportedIteration = fit.iteration
        while !fit.isFinished {
            guard takeOrders(during: assignment.work) else { return }
            guard giveState(of: fit, assignment.work, measure) else { return }
            givePreview(of: fit, assignment.work)
            let progress = try fit.step()
            memoryCheck.noteStep(problem, configuration)
            let now = clock.now()
            measure.iteration = progress.iteration
            measure.loss = progress.loss
            measure.psnrToInput = progress.psnrToInput
            measure.seconds = secondsBefore + (now - begin).inSeconds
            guard now - reportedAt >= Self.reportInterval else { continue }
            // After a roll-back the iteration is smaller than before.
            let done = progress.iteration - reportedIteration
            let rate = Double(max(done, 0)) / (now - reportedAt).inSeconds
            let former = measure.iterationsPerSecond ?? rate
            measure.iterationsPerSecond = (former + rate) / 2
            reportedAt = now
            reportedIteration = progress.iteration
            reports.post(.progressed(assignment.work, measure))
        }
        let pixels = fit.result()
        guard pixels.allSatisfy(\.isFinite) else {
            throw FitError.notFinite(iteration: measure.iteration)
        }
        reports.post(
            .finished(assignment.work, measure, shape: fit.resultShape, pixels: pixels))
    }

    /// The fit at its beginning, or at the state that came with it, and the seconds that it has
    /// taken. A state that is of no use costs iterations, not the tile.
    private mutating func makeFit(
        _ assignment: FitAssignment
    ) throws -> (fit: Fit, seconds: Double) {
        let (problem, configuration) = (assignment.problem, assignment.configuration)
        if let bytes = assignment.state {
            if let start = try? StartWeights(bytes: bytes) {
                self.start = start
                let fit = try Fit(
                    problem: problem, configuration: configuration, start: start,
                    threadCount: threads)
                return (fit, 0)
            }
            do throws(FitError) {
                let state = try FitState(bytes: bytes)
                let fit = try Fit(
                    problem: problem, configuration: configuration, resuming: state,
                    threadCount: threads)
                return (fit, state.seconds)
            } catch {
                reports.post(.note(assignment.work, "begins anew: \(error)"))
            }
        }
        let fit = try Fit(
            problem: problem, configuration: configuration, start: start, threadCount: threads)
        return (fit, 0)
    }

    /// Copies the state if it is wanted. False when that was the last thing to do.
    private mutating func giveState(
        of fit: Fit, _ work: TileAttempt, _ measure: FitMeasure
    ) -> Bool {
        guard let wanted = wantedState else { return true }
        wantedState = nil
        guard wanted.work == work else { return true }
        let iterationsMaximum = (measure.iterationsPerSecond ?? 0) * wanted.toleranceSeconds
        let isRecent = fit.snapshotAge.map { Double($0) <= iterationsMaximum } ?? false
        var state = isRecent ? fit.snapshotState : fit.state
        state.seconds =
            measure.seconds * Double(state.iteration) / Double(max(fit.iteration, 1))
        reports.post(.state(work, state))
        return !wanted.isLast
    }

    private mutating func givePreview(of fit: Fit, _ work: TileAttempt) {
        guard let wanted = wantedPreview else { return }
        wantedPreview = nil
        guard wanted.work == work, let preview = fit.preview(sidePixels: wanted.sidePixels) else {
            return
        }
        reports.post(.preview(work, iteration: fit.iteration, preview))
    }

    /// Takes what has been ordered. False when `work` is not wanted any more.
    @discardableResult
    private mutating func takeOrders(during work: TileAttempt?) -> Bool {
        var isWanted = true
        for order in orders.drain() {
            switch order {
            case .start(let assignment):
                next = assignment
                isWanted = false
            case .takeState(let wanted, let isLast, let seconds):
                wantedState = (wanted, isLast, seconds)
            case .takePreview(let wanted, let sidePixels):
                wantedPreview = (wanted, sidePixels)
            case .stop(let stopped):
                if next?.work == stopped { next = nil }
                if work == stopped { isWanted = false }
            }
        }
        return isWanted
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
