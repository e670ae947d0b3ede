/// Near the end: a tile whose worker is slow is run a second time on an idle one. The first result
/// wins, and both are the same.
internal import Wire

extension Coordinator {
    private struct Straggler {
        var work: TileAttempt
        var worker: WorkerID
        /// How long the rest of its fit is likely to take.
        var restSeconds: Double
    }

    /// Gives idle workers a second try at the slowest tiles, where that is likely to pay.
    mutating func runStragglersTwice(_ commands: inout [Command]) {
        guard !idle.isEmpty, let iterations = facts.iterations, tiles.hasNothingWaiting else {
            return
        }
        for straggler in stragglers(iterations) {
            guard mayAssignMore else { return }
            let tile = straggler.work.tile
            let wanted = straggler.restSeconds / policy.stragglerGain
            let helper = idle.workers.first { worker in
                mayHave(tile, worker)
                    && secondsFromCheckpoint(tile, on: worker, iterations) ?? .infinity < wanted
            }
            guard let helper else { continue }
            let work = tiles.leaseSecond(tile, to: helper)
            statistics.secondTryCount += 1
            commands.append(.note(.secondTry(work, helper, slow: straggler.worker)))
            dispatch(work, to: helper, &commands)
        }
    }

    /// Tiles that one worker fits and that have long to go, the longest first.
    private func stragglers(_ iterations: Int) -> [Straggler] {
        let least = policy.stragglerRestMinimum.inSeconds
        return workers.compactMap { id, worker -> Straggler? in
            guard let lease = worker.lease, lease.phase == .fitting,
                tiles[lease.work.tile].state == .leased(to: id, second: nil),
                let seconds = lease.secondsPerIteration
            else { return nil }
            let rest = Double(max(iterations - lease.iteration, 0)) * seconds
            guard rest >= least else { return nil }
            return Straggler(work: lease.work, worker: id, restSeconds: rest)
        }
        .sorted { ($1.restSeconds, $0.work.tile) < ($0.restSeconds, $1.work.tile) }
    }

    /// How long the tile is likely to take on this worker; nil while nothing is known.
    private func secondsFromCheckpoint(
        _ tile: TileID, on worker: WorkerID, _ iterations: Int
    ) -> Double? {
        let seconds = workers[worker]?.secondsPerIteration ?? pace.medianSeconds
        let done = tiles[tile].latestCheckpoint ?? 0
        return seconds.map { Double(max(iterations - done, 0)) * $0 }
    }
}
