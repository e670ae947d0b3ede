// How the work stands: what workers have reported, and the snapshot that is made of it.

import Cluster
import Dashboard
import DeepImagePrior
import Imaging
import Wire

struct Tally {
    private let phase: ProgressSnapshot.Phase
    private let tileCount: Int
    private let tileCountOfEarlierRuns: Int
    private let iterationsPerTile: Int
    private let restarts: Int
    private let mayStopEarlier: Bool
    private let later: [Forecast.Later]
    /// The latest report on each tile that is being fitted.
    private var latest: [TileID: Progress] = [:]
    private var rates = RateHistory()
    private var finishedPSNRSum = 0.0
    private var finishedPSNRCount = 0
    /// Of finished tiles: their number, iterations and the squares of those.
    private var finishedCount = 0
    private var iterationSquareSum = 0.0
    /// Iterations of finished tiles, and the seconds that workers spent on them.
    private(set) var iterationCount = 0
    private(set) var fitSeconds = 0.0

    init(_ job: RestoreJob, storedBefore: Int) {
        phase =
            job.configuration.givesWeights
            ? .start : job.configuration.measuresStop ? .pilots : .tiles
        tileCount = job.fitCount
        restarts = job.restarts
        tileCountOfEarlierRuns = storedBefore
        iterationsPerTile = job.configuration.iterations
        mayStopEarlier = job.configuration.stopRule != .fixed
        later = job.later
    }

    /// - Parameter worker: who says so; nil where it is not known (any more).
    mutating func progressed(_ progress: Progress, of worker: WorkerID?) {
        latest[progress.tile] = progress
        if let worker, let rate = progress.iterationsPerSecond {
            rates.report(rate, of: worker.rawValue)
        }
    }

    /// - Parameter worker: who has done it; nil where it is not known (any more).
    mutating func restored(_ result: Restored, by worker: WorkerID?) {
        // A fit that was done before its first report.
        if let worker, let seconds = result.seconds, seconds > 0,
            latest[result.tile]?.iterationsPerSecond == nil
        {
            rates.report(Double(result.iterations) / seconds, of: worker.rawValue)
        }
        latest[result.tile] = nil
        finishedCount += 1
        iterationCount += result.iterations
        iterationSquareSum += Double(result.iterations) * Double(result.iterations)
        fitSeconds += result.seconds ?? 0
        guard let psnr = result.psnrToInput else { return }
        finishedPSNRSum += psnr
        finishedPSNRCount += 1
    }

    /// The mean over finished tiles, in dB.
    var finishedPSNR: Double? {
        finishedPSNRCount == 0 ? nil : finishedPSNRSum / Double(finishedPSNRCount)
    }

    /// The latest report on a lease, and not on an earlier attempt.
    private func report(_ lease: Coordinator.LeaseView) -> Progress? {
        latest[lease.work.tile].flatMap { $0.work == lease.work ? $0 : nil }
    }

    /// How the job stands.
    ///
    /// - Parameters:
    ///   - elapsed: since the program's start.
    ///   - isBlending: whether the tiles become the output.
    mutating func snapshot(
        _ coordinator: Coordinator, elapsed: Duration, isBlending: Bool
    ) -> ProgressSnapshot {
        let views = coordinator.workerViews
        rates.keep(Set(views.map(\.hello.worker.rawValue)))
        var snapshot = ProgressSnapshot(
            phase: isBlending ? .blending : phase, tilesTotal: tileCount,
            iterationsPerTile: iterationsPerTile)
        snapshot.restarts = restarts
        snapshot.secondsElapsed = elapsed.inSeconds
        snapshot.tilesStored = coordinator.storedCount
        snapshot.tilesSetAside = coordinator.setAsideCount
        snapshot.tilesOfEarlierRuns = tileCountOfEarlierRuns
        snapshot.workerCount = coordinator.workerCount
        snapshot.retries = coordinator.statistics.failureCount
        snapshot.secondTries = coordinator.statistics.secondTryCount
        snapshot.workersRefused = coordinator.statistics.refusedCount
        snapshot.checkpoints = coordinator.statistics.checkpointCount
        snapshot.iterationsLost = coordinator.statistics.lostIterationCount
        snapshot.isPaused = coordinator.isPaused
        snapshot.workers = views.map(worker)
        snapshot.iterationsDone =
            iterationCount + snapshot.workers.reduce(0) { $0 + ($1.iteration ?? 0) }
        // What a silent worker did lately, it may do no more.
        let rate = snapshot.workers.filter { !$0.isSilent }.compactMap(\.iterationsPerSecond)
            .reduce(0, +)
        snapshot.iterationsPerSecond = rate > 0 ? rate : nil
        let psnrs = snapshot.workers.compactMap(\.psnrToInput)
        let count = psnrs.count + finishedPSNRCount
        snapshot.psnrToInput =
            count == 0 ? nil : psnrs.reduce(finishedPSNRSum, +) / Double(count)
        guard !isBlending else { return snapshot }
        let forecast = forecast(snapshot)
        snapshot.secondsLeft = forecast?.likely
        snapshot.secondsLeftLow = forecast?.low
        snapshot.secondsLeftHigh = forecast?.high
        return snapshot
    }

    private func worker(_ view: Coordinator.WorkerView) -> ProgressSnapshot.Worker {
        let hello = view.hello
        var worker = ProgressSnapshot.Worker(
            name: hello.worker.rawValue, host: hello.host, processID: hello.processID,
            threads: hello.threadCount, processor: hello.processor, version: hello.version,
            isLocal: hello.launchToken != nil)
        worker.silentSeconds = view.silence.inSeconds
        guard let lease = view.lease else { return worker }
        worker.activity =
            switch view.phase {
            case nil: .starting
            case .fitting: .fitting
            case .delivering: .delivering
            }
        worker.tile = lease.work.tile.rawValue
        worker.attempt = lease.work.attempt
        let report = report(lease)
        worker.iteration = max(lease.iteration, report?.iteration ?? 0)
        worker.iterations = report?.iterations ?? iterationsPerTile
        worker.iterationsPerSecond =
            report?.iterationsPerSecond ?? rates.rate(of: worker.name)
        worker.loss = report?.loss
        worker.psnrToInput = report?.psnrToInput
        return worker
    }

    private func forecast(_ snapshot: ProgressSnapshot) -> Forecast? {
        let hands = snapshot.workers.map { worker in
            Forecast.Hand(
                tile: worker.tile, iteration: worker.iteration ?? 0,
                rate: rates.rate(of: worker.name))
        }
        let iterations =
            mayStopEarlier
            ? Forecast.Iterations(
                atMost: iterationsPerTile, count: finishedCount, sum: Double(iterationCount),
                squareSum: iterationSquareSum)
            : Forecast.Iterations(iterationsPerTile)
        return Forecast(
            hands: hands, tilesLeft: snapshot.tilesLeft, iterations: iterations, later: later,
            spread: rates.spread,
            lostShare: Double(snapshot.iterationsLost) / Double(max(snapshot.iterationsDone, 1)))
    }
}
