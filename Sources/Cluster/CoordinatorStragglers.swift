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
        guard demand == .run, !idle.isEmpty, let iterations = facts.iterations,
            tiles.hasNothingWaiting
        else {
            return
        }
        let stragglers = stragglers(iterations)
        guard !stragglers.isEmpty else { return }
        var helpers = idleWorkersByPace()[...]
        for straggler in stragglers {
            guard mayAssignMore, let fastest = helpers.first else { return }
            let tile = straggler.work.tile
            let wanted = straggler.restSeconds / policy.stragglerGain
            func seconds(_ seconds: Double, from checkpoint: Int?) -> Double {
                Double(max(iterations - (checkpoint ?? 0), 0)) * seconds
            }
            // When the fastest would not do from the latest state, nobody would.
            guard seconds(fastest.seconds, from: tiles[tile].latestCheckpoint) < wanted,
                let index = helpers.firstIndex(where: {
                    mayHave(tile, $0.worker)
                        && seconds($0.seconds, from: usableCheckpoint(tile, for: $0.worker))
                            < wanted
                })
            else { continue }
            let helper = helpers.remove(at: index).worker
            let work = tiles.leaseSecond(tile, to: helper)
            statistics.secondTryCount += 1
            commands.append(.note(.secondTry(work, helper, slow: straggler.worker)))
            dispatch(work, to: helper, &commands)
        }
    }

    /// Idle workers and the seconds that they are likely to take for an iteration, the fastest
    /// first; none while nothing is known of that.
    private func idleWorkersByPace() -> [(worker: WorkerID, seconds: Double)] {
        let median = pace.medianSeconds
        return idle.workers.compactMap { worker in
            (workers[worker]?.secondsPerIteration ?? median).map { (worker, $0) }
        }
        .sorted { ($0.seconds, $0.worker) < ($1.seconds, $1.worker) }
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
}
