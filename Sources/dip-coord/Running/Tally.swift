// How the work stands, for the progress line and the summary.

import Cluster
import Wire

struct Tally {
    private let tileCount: Int
    private let iterationsPerTile: Int
    /// What is counted.
    private let unit: String
    /// The latest report on each tile that is being fitted.
    private var latest: [TileID: Progress] = [:]
    private var finishedPSNRSum = 0.0
    private var finishedPSNRCount = 0
    /// Iterations of finished tiles, and the seconds that workers spent on them.
    private(set) var iterationCount = 0
    private(set) var fitSeconds = 0.0

    init(tileCount: Int, iterationsPerTile: Int, unit: String) {
        self.tileCount = tileCount
        self.iterationsPerTile = iterationsPerTile
        self.unit = unit
    }

    mutating func progressed(_ progress: Progress) {
        latest[progress.tile] = progress
    }

    mutating func restored(_ result: Restored) {
        latest[result.tile] = nil
        iterationCount += result.iterations
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

    /// tiles 3/12, 41.2 iterations/s, PSNR to input 24.3 dB, 2 workers, 5 min left
    func line(_ coordinator: Coordinator) -> String {
        let leases = coordinator.leases
        let active = leases.compactMap(report)
        let rate = active.compactMap(\.iterationsPerSecond).reduce(0, +)
        var parts = ["\(unit)s \(coordinator.storedCount)/\(tileCount)"]
        if coordinator.setAsideCount > 0 { parts.append("\(coordinator.setAsideCount) set aside") }
        parts.append(
            rate > 0 ? "\(Text.fixed(rate, rate < 10 ? 2 : 1)) iterations/s" : "- iterations/s")
        let psnrs = active.compactMap(\.psnrToInput)
        let sum = psnrs.reduce(finishedPSNRSum, +)
        let count = psnrs.count + finishedPSNRCount
        if count > 0 {
            parts.append("PSNR to input \(Text.fixed(sum / Double(count), 1)) dB")
        }
        parts.append(Text.count(coordinator.workerCount, "worker"))
        if let seconds = secondsLeft(coordinator, leases, rate: rate) {
            parts.append("\(Text.time(seconds)) left")
        }
        return parts.joined(separator: ", ")
    }

    private func secondsLeft(
        _ coordinator: Coordinator, _ leases: [Coordinator.LeaseView], rate: Double
    ) -> Double? {
        guard rate > 0 else { return nil }
        let unfinished = tileCount - coordinator.storedCount - coordinator.setAsideCount
        let done = leases.reduce(0) { $0 + min($1.iteration, iterationsPerTile) }
        let remaining = Double(max(unfinished * iterationsPerTile - done, 0))
        // At the end the slowest tile decides.
        let slowest = leases.compactMap { lease -> Double? in
            guard let own = report(lease)?.iterationsPerSecond, own > 0 else { return nil }
            return Double(max(iterationsPerTile - lease.iteration, 0)) / own
        }.max()
        return max(remaining / rate, slowest ?? 0)
    }
}
