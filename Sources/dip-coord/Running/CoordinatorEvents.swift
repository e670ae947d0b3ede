// What programs are told while the loop runs (--progress json).

import Cluster
import Dashboard
import Transport
import Wire

extension CoordinatorLoop {
    /// How the job stands.
    func snapshot() -> ProgressSnapshot {
        tally.snapshot(coordinator, elapsed: clock.now(), isBlending: ending.isBlending)
    }

    func announceBeginning() {
        announce(.begun) {
            $0.output = job.output
            $0.snapshot = snapshot()
        }
    }

    func announceFinished(_ result: Restored, _ worker: WorkerID?) {
        announce(.tileFinished) {
            ($0.tile, $0.attempt) = (result.tile.rawValue, result.attempt)
            ($0.worker, $0.host) = (worker?.rawValue, worker.flatMap(host))
            ($0.iterations, $0.seconds) = (result.iterations, result.seconds)
            ($0.psnr, $0.loss) = (result.psnrToInput, result.finalLoss)
        }
    }

    func announceSetAside(_ tile: TileID, _ story: [Coordinator.AttemptFailure]) {
        announce(.tileSetAside) {
            $0.tile = tile.rawValue
            $0.reason = story.last?.reason
        }
    }

    /// What of the state machine's notes is an event of its own.
    func announce(_ what: Coordinator.Note) {
        switch what {
        case .workerJoined(let hello):
            announce(.workerJoined) { ($0.worker, $0.host) = (hello.worker.rawValue, hello.host) }
        case .workerGone(let worker, let reason), .workerRefused(let worker, let reason):
            announce(.workerLeft) { ($0.worker, $0.reason) = (worker.rawValue, reason) }
        case .leaseEnded(let work, let worker, let end):
            guard end.countsAgainstTile else { return }
            announce(.tileFailed) {
                ($0.tile, $0.attempt) = (work.tile.rawValue, work.attempt)
                ($0.worker, $0.reason) = (worker.rawValue, end.description)
            }
        case .paused, .resumed, .workerReturned, .workerWaits, .leaseResumed, .secondTry,
            .lateResult, .checkpointFailed, .checkpointMissing, .checkpointUseless, .storingFailed,
            .nonsense:
            break
        }
    }

    private func announce(
        _ kind: ProgressEvent.Kind, _ complete: (inout ProgressEvent) -> Void
    ) {
        console.tell(kind) { event in
            event.job = job.job.rawValue
            complete(&event)
        }
    }
}
