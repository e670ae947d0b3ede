/// What the coordinator is told (facts) and what it orders (commands). Ids only: the loop around it
/// moves the bytes.
public import Wire

extension Coordinator {
    /// Something that happened.
    public enum Event: Equatable, Sendable {
        /// A message arrived. `restored` is told when all pieces of its payload are in, the
        /// checksum holds and shape and samples are those of the tile; where they are not, the loop
        /// tells `failed` in the worker's place.
        case received(Message, from: PeerID)
        /// A piece of a result arrived, and more are missing.
        case pieceReceived(TileAttempt, from: PeerID)
        /// A piece of a checkpoint arrived, and more are missing. The whole one is `received`, when
        /// its checksum holds and it is not larger than the job's limit.
        case checkpointPieceReceived(TileAttempt, from: PeerID)
        /// Bytes arrived that are no message, a payload that is not what it claims, or a message
        /// that makes no sense.
        case nonsense(String, from: PeerID)
        /// A message of another version of the protocol arrived.
        case protocolMismatch(seen: Int, from: PeerID)
        /// The transport knows no connection of that name (any more).
        case unreachable(PeerID)
        /// A child that was given this token ended, whether or not it had said hello.
        case childExited(launchToken: String, reason: String)
        /// A result that `store` ordered is on disk.
        case tileStored(TileAttempt)
        /// A result that `store` ordered could not be written.
        case storingFailed(TileAttempt, reason: String)
        /// A state that `storeCheckpoint` ordered is on disk.
        case checkpointStored(TileAttempt, iteration: Int, from: PeerID)
        /// A state that `storeCheckpoint` ordered could not be written.
        case checkpointFailed(TileAttempt, iteration: Int, from: PeerID, reason: String)
        /// `dispatch` found no usable state of the tile: it was sent without one.
        case checkpointMissing(TileID)
        /// The user wants to stop, and to go on later.
        case interrupted
        /// The user wants to have what is restored so far.
        case stopWanted
        /// The user wants the job to rest.
        case pauseWanted
        /// The user wants a job that rests to go on.
        case resumeWanted
        /// The user wants the worker to leave.
        case drainWanted(WorkerID)
        /// The loop cannot go on: the input has become unreadable, no worker can be started.
        case broken(reason: String)
        /// `nextDeadline` has come.
        case tick
    }

    /// Something to do, in this order.
    public enum Command: Equatable, Sendable {
        /// Send a message without payload.
        case send(Message, to: PeerID)
        /// Read the tile's pixels and send them as `assign`; with a checkpoint (of this iteration,
        /// or a later one of the tile) read the stored state too, and send it before as
        /// `checkpoint`. Where it cannot be read, tell `checkpointMissing` and send the pixels
        /// alone.
        ///
        /// With `retry` above 0 the fit gets another seed, by that number: so many have failed.
        case dispatch(TileAttempt, to: PeerID, checkpoint: Int? = nil, retry: Int = 0)
        /// Write the result that came whole from this peer; answer with `tileStored` or
        /// `storingFailed`.
        case store(TileAttempt, from: PeerID)
        /// Drop the result that came whole from this peer.
        case discard(TileAttempt, from: PeerID, reason: String)
        /// Write the state that came whole from this peer in place of the tile's former one; answer
        /// with `checkpointStored` or `checkpointFailed`.
        case storeCheckpoint(TileAttempt, iteration: Int, from: PeerID)
        /// The tile is stored: its state is not needed any more.
        case removeCheckpoint(TileID)
        /// The tile will come through unrestored, unless a late result still arrives.
        case setAside(TileID, story: [AttemptFailure])
        /// The peer will not be spoken to again: drop whatever is kept for it.
        case forget(PeerID)
        /// Worth a line in the log.
        case note(Note)
        /// The job is over; nothing but goodbyes follows.
        case finished(Summary)
    }

    /// Why a try at a tile came to nothing.
    public struct AttemptFailure: Equatable, Sendable, CustomStringConvertible {
        /// The number of the try.
        public let attempt: Attempt
        /// Who had it.
        public let worker: WorkerID
        /// What happened, as the end of "the worker ...".
        public let reason: String
        /// Whether the worker died or fell silent while its iterations went on: that speaks less
        /// against the tile.
        public let isDeath: Bool
        /// Whether the fit's arithmetic came to nothing: the next try has another seed.
        public let isDivergence: Bool

        /// A try that came to nothing.
        public init(
            attempt: Attempt, worker: WorkerID, reason: String, isDeath: Bool = false,
            isDivergence: Bool = false
        ) {
            self.attempt = attempt
            self.worker = worker
            self.reason = reason
            self.isDeath = isDeath
            self.isDivergence = isDivergence
        }

        public var description: String { "attempt \(attempt) on \(worker): \(reason)" }
    }

    /// Why a lease ended before its tile was stored.
    public enum LeaseEnd: Equatable, Sendable, CustomStringConvertible {
        /// The worker said that the fit failed.
        case failed(reason: String)
        /// The worker said that the fit failed by its arithmetic.
        case diverged(reason: String)
        /// The worker's process ended.
        case exited(reason: String)
        /// Nothing was heard from the worker.
        case silent(Duration)
        /// The iteration did not change, or the result did not arrive.
        case standing(iteration: Int, Duration)
        /// The worker speaks, but no longer of this tile.
        case dropped
        /// The assignment did not reach the worker.
        case neverBegan
        /// The worker left in good order.
        case goodbye(reason: String)
        /// Another try's result came first.
        case superseded
        /// A worker came back with the tile and is further than this one.
        case outpaced
        /// The user wanted it: the state is stored, or there was none to store.
        case handedOver
        /// The worker was refused.
        case refused(reason: String)

        /// Whether the tile may be to blame.
        public var countsAgainstTile: Bool {
            switch self {
            case .failed, .diverged, .exited, .silent, .standing, .dropped: true
            case .neverBegan, .goodbye, .superseded, .outpaced, .handedOver, .refused: false
            }
        }

        /// Whether the worker may be to blame.
        var countsAgainstWorker: Bool {
            switch self {
            case .failed, .diverged, .standing, .dropped: true
            case .exited, .silent, .neverBegan, .goodbye, .superseded, .outpaced, .handedOver,
                .refused:
                false
            }
        }

        /// Whether the worker may still hold the try without knowing that its lease ended.
        var needsCancel: Bool {
            switch self {
            case .standing, .dropped, .neverBegan, .superseded, .outpaced, .handedOver: true
            case .failed, .diverged, .exited, .silent, .goodbye, .refused: false
            }
        }

        /// Whether the fit's arithmetic is to blame.
        var isDivergence: Bool { if case .diverged = self { true } else { false } }

        /// Whether the worker ended in the middle of its work, or may have.
        var isDeath: Bool {
            switch self {
            case .exited, .silent: true
            case .failed, .diverged, .standing, .dropped, .neverBegan, .goodbye, .superseded,
                .outpaced, .handedOver, .refused:
                false
            }
        }

        public var description: String {
            switch self {
            case .failed(let reason), .diverged(let reason): "failed: \(reason)"
            case .exited(let reason): "ended: \(reason)"
            case .silent(let time): "was silent for \(Int(time.inSeconds)) s"
            case .standing(let iteration, let time):
                "stood still at iteration \(iteration) for \(Int(time.inSeconds)) s"
            case .dropped: "no longer had the tile"
            case .neverBegan: "did not get the assignment"
            case .goodbye(let reason): "said goodbye: \(reason)"
            case .superseded: "was overtaken by another try's result"
            case .outpaced: "was behind another worker that came back with the tile"
            case .handedOver: "handed over what it had"
            case .refused(let reason): "was refused: \(reason)"
            }
        }
    }

    /// A line for the log.
    public enum Note: Equatable, Sendable, CustomStringConvertible {
        case workerJoined(Hello)
        case workerReturned(WorkerID)
        case workerGone(WorkerID, reason: String)
        case workerRefused(WorkerID, reason: String)
        /// It cannot do what this job needs, and waits for the one after it.
        case workerWaits(WorkerID, reason: String)
        case leaseEnded(TileAttempt, WorkerID, LeaseEnd)
        case paused, resumed
        case leaseResumed(TileAttempt, WorkerID, iteration: Int)
        /// A second try at a tile whose first one is slow.
        case secondTry(TileAttempt, WorkerID, slow: WorkerID)
        case lateResult(TileAttempt, WorkerID)
        case checkpointFailed(TileAttempt, reason: String)
        case checkpointMissing(TileID)
        /// Tries began anew although they were given the state of this iteration.
        case checkpointUseless(TileID, iteration: Int)
        case storingFailed(TileAttempt, reason: String)
        case nonsense(PeerID, String)

        public var description: String { words { "\($0)" } }

        /// As its description, where tiles have other names.
        public func words(naming name: (TileID) -> String) -> String {
            switch self {
            case .workerJoined(let hello):
                "worker \(hello.worker) joined: \(hello.host), process \(hello.processID), "
                    + "\(hello.threadCount) thread\(hello.threadCount == 1 ? "" : "s"), "
                    + "\(hello.processor), version \(hello.version)"
            case .workerReturned(let worker): "worker \(worker) is back"
            case .workerGone(let worker, let reason): "worker \(worker) \(reason)"
            case .workerRefused(let worker, let reason): "worker \(worker) was refused: \(reason)"
            case .workerWaits(let worker, let reason): "worker \(worker) waits: \(reason)"
            case .leaseEnded(let work, let worker, let end):
                "\(work.words(naming: name)): worker \(worker) \(end)"
            case .paused: "the job is paused: fits hand over what they have"
            case .resumed: "the job goes on"
            case .leaseResumed(let work, let worker, let iteration):
                "\(work.words(naming: name)): worker \(worker) goes on at iteration \(iteration)"
            case .secondTry(let work, let worker, let slow):
                "\(work.words(naming: name)): worker \(worker) runs it too, because "
                    + "worker \(slow) is slow"
            case .checkpointFailed(let work, let reason):
                "the checkpoint of \(work.words(naming: name)) could not be stored: \(reason)"
            case .checkpointMissing(let tile):
                "\(name(tile)) has no usable checkpoint and begins anew"
            case .checkpointUseless(let tile, let iteration):
                "the checkpoint of \(name(tile)) at iteration \(iteration) is removed: no worker "
                    + "could go on from it"
            case .lateResult(let work, let worker):
                "\(work.words(naming: name)): a late result from worker \(worker) is taken"
            case .storingFailed(let work, let reason):
                "\(work.words(naming: name)) could not be stored: \(reason)"
            case .nonsense(let peer, let what): "peer \(peer): \(what)"
            }
        }
    }

    /// How a job ended.
    public enum Outcome: Equatable, Sendable {
        /// Every tile is stored.
        case complete
        /// Every tile is stored or set aside, at least one of them set aside.
        case incomplete
        /// No worker ever came.
        case nobodyCame
        /// All workers have left, and none came back in time.
        case everybodyLeft
        /// The user wanted to stop, and to go on later.
        case interrupted
        /// The user wanted to have what is restored so far.
        case stopped
        /// Results cannot be written.
        case storingFailed(reason: String)
        /// The loop could not go on.
        case broken(reason: String)
    }

    /// What a job came to.
    public struct Summary: Equatable, Sendable {
        /// How it ended.
        public let outcome: Outcome
        /// Tiles on disk.
        public let storedCount: Int
        /// Tiles that come through unrestored, in tile order: those that were given up, and where
        /// the user wanted to have what is there, those that are not done.
        public let setAside: [TileID]
        /// What was counted on the way.
        public let statistics: Statistics
    }

    /// Counts over the whole job, for the summary and the report.
    public struct Statistics: Equatable, Sendable {
        /// Tries handed out.
        public var dispatchCount = 0
        /// Tries that counted against their tile.
        public var failureCount = 0
        /// Fits that got another seed because their arithmetic had come to nothing.
        public var reseedCount = 0
        /// Leases that went on after silence, or after a restart of the coordinator.
        public var resumedCount = 0
        /// Those among them that a worker brought from a former run of the coordinator.
        public var adoptedCount = 0
        /// Checkpoints on disk, each counted when it was stored.
        public var checkpointCount = 0
        /// Tries that went on from a checkpoint.
        public var checkpointUseCount = 0
        /// Checkpoints that could not be written.
        public var checkpointFailureCount = 0
        /// Iterations that were done and had to be done again, because a try ended and the next one
        /// began further back. Not those of a second try at a slow tile.
        public var lostIterationCount = 0
        /// Second tries at slow tiles.
        public var secondTryCount = 0
        /// Those among them whose result came first.
        public var secondTryWonCount = 0
        /// Results that were taken although their lease had ended.
        public var lateResultCount = 0
        /// Results dropped because the tile was stored or being stored.
        public var duplicateResultCount = 0
        /// Workers welcomed for the first time.
        public var workerCount = 0
        /// Workers refused.
        public var refusedCount = 0
        /// Unreadable or senseless messages.
        public var nonsenseCount = 0
    }
}
