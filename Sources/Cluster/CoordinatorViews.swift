/// Workers as others may see them: for people who watch a job, not for decisions.
public import Wire

extension Coordinator {
    /// One worker.
    public struct WorkerView: Equatable, Sendable {
        /// Its latest greeting.
        public let hello: Hello
        /// How long it has not been heard, while anybody could be.
        public let silence: Duration
        /// What it has; nil while it is idle.
        public let lease: LeaseView?
        /// Where it is with that; nil while the assignment is on its way, and without one.
        public let phase: WorkReport.Phase?
    }

    /// Workers that are known and not given up, by host, process and name.
    public var workerViews: [WorkerView] {
        workers.map { id, worker in
            WorkerView(
                hello: worker.hello, silence: attentiveNow - worker.heardAt,
                lease: worker.lease.map {
                    LeaseView(work: $0.work, worker: id, iteration: $0.iteration)
                },
                phase: worker.lease.flatMap { $0.beganAt == nil ? nil : $0.phase })
        }
        .sorted { first, second in
            let (a, b) = (first.hello, second.hello)
            return (a.host, a.processID, a.worker) < (b.host, b.processID, b.worker)
        }
    }

    /// Fits of which a picture can be asked for, and where: they run, and their workers send some.
    public var picturableFits: [TileID: (work: TileAttempt, peer: PeerID)] {
        var fits: [TileID: (work: TileAttempt, peer: PeerID)] = [:]
        for worker in workers.values where worker.hello.can(.preview) {
            guard let lease = worker.lease, lease.phase == .fitting, lease.iteration > 0,
                let peer = worker.peer
            else { continue }
            fits[lease.work.tile] = (lease.work, peer)
        }
        return fits
    }

    /// What a worker has a lease on; nil for nothing.
    public func work(of worker: WorkerID) -> TileAttempt? { workers[worker]?.lease?.work }

    /// A worker's connection; nil where it cannot be reached.
    public func peer(of worker: WorkerID) -> PeerID? { workers[worker]?.peer }

    /// The worker at a connection; nil where there is none, or not any more.
    public func worker(at peer: PeerID) -> WorkerID? { peers[peer] }
}
