/// What a worker is told (facts) and what it orders (commands). Ids only.
public import Wire

extension Worker {
    /// Something that happened.
    public enum Event: Equatable, Sendable {
        /// The process is ready: begin. The first event.
        case started
        /// A message arrived. `assign` is told when all pieces of its payload are in and the
        /// checksum holds; its `checkpointIteration` is left out unless that state came whole
        /// before it. `checkpoint` is not told, but kept for the assignment.
        case received(Message)
        /// A piece of a payload arrived, or bytes that are no message.
        case heard
        /// A message of another version of the protocol arrived.
        case protocolMismatch(seen: Int)
        /// The coordinator will have nothing to do with this worker's key.
        case keyRefused(reason: String)
        /// The configuration of the job is one that this worker cannot follow.
        case configurationRejected(reason: String)
        /// The fit has come to this iteration.
        case progressed(TileAttempt, iteration: Int)
        /// The state that `takeCheckpoint` ordered is at hand. The loop keeps it until it is sent;
        /// the last one until `leave`.
        case checkpointTaken(TileAttempt, iteration: Int)
        /// The picture that `takePreview` ordered is at hand.
        case previewTaken(TileAttempt)
        /// The fit is done; the loop keeps its result until `dropResult`.
        case fitFinished(TileAttempt)
        /// The fit came to no result; `diverged` when its arithmetic is to blame.
        case fitFailed(TileAttempt, reason: String, diverged: Bool = false)
        /// The process was asked to end (SIGTERM, SIGINT): within the time of grace it hands over
        /// what it holds. The second time it ends at once.
        case terminated
        /// The process that started this one has ended.
        case parentGone
        /// `nextDeadline` has come.
        case tick
    }

    /// Something to do, in this order.
    public enum Command: Equatable, Sendable {
        /// Send a message without payload.
        case send(Message)
        /// Take the configuration and the limits of the `welcome` that was just received; tell
        /// `configurationRejected` if that cannot be.
        case configure(JobID)
        /// Begin the fit of the assignment that was just received.
        case startFit(TileAttempt)
        /// Stop the fit, and drop whatever comes of it.
        case stopFit(TileAttempt)
        /// Copy the state of the fit between two iterations, and tell `checkpointTaken`. The last
        /// time the fit ends there.
        case takeCheckpoint(TileAttempt, isLast: Bool)
        /// Send the state that was taken.
        case sendCheckpoint(TileAttempt)
        /// Copy what the fit has come to, reduced to so many pixels a side; tell `previewTaken`.
        case takePreview(TileAttempt, sidePixels: Int)
        /// Send the picture that was taken.
        case sendPreview(TileAttempt)
        /// Send the latest progress of the fit, if there is any since the last time.
        case sendProgress(TileAttempt)
        /// Send the result of the fit that finished.
        case sendResult(TileAttempt)
        /// The result is not needed any more.
        case dropResult(TileAttempt)
        /// Close the connection and make a new one; what was under way on it is void.
        case reconnect
        /// End the process. Nothing follows.
        case leave(ExitReason)
    }

    /// Why a worker ends.
    public enum ExitReason: Equatable, Sendable, CustomStringConvertible {
        /// The coordinator said goodbye.
        case jobOver(reason: String)
        /// The worker was asked to end, and said goodbye.
        case drained
        /// The worker's time was up, and it said goodbye.
        case lifetimeOver
        /// The worker was asked twice to end.
        case killed
        /// The coordinator will not have this worker, or this worker cannot follow the coordinator.
        case refused(reason: String)
        /// No coordinator answered, or it did not come back in time.
        case coordinatorLost(reason: String)
        /// The process that started this one has ended.
        case parentGone

        public var description: String {
            switch self {
            case .jobOver(let reason): "the coordinator said goodbye: \(reason)"
            case .drained: "ended as asked"
            case .lifetimeOver: "its lifetime is over"
            case .killed: "ended at once as asked"
            case .refused(let reason): "refused: \(reason)"
            case .coordinatorLost(let reason): reason
            case .parentGone: "the process that started this worker has ended"
            }
        }
    }

    /// What a worker is, apart from what it does: the constant part of its greeting.
    public struct Identity: Equatable, Sendable {
        /// Its name, unique to the process.
        public var worker: WorkerID
        /// The host it runs on.
        public var host: String
        /// Its process id.
        public var processID: Int
        /// Threads it computes with.
        public var threadCount: Int
        /// The program's version.
        public var version: String
        /// Processor and kernel path.
        public var processor: String
        /// The word that the coordinator gave to its child.
        public var launchToken: String?
        /// What it can do beyond the messages; nil for all that there is.
        public var capabilities: [Capability]?

        /// The constant part of a greeting.
        public init(
            worker: WorkerID, host: String, processID: Int, threadCount: Int, version: String,
            processor: String, launchToken: String?, capabilities: [Capability]? = nil
        ) {
            self.worker = worker
            self.host = host
            self.processID = processID
            self.threadCount = threadCount
            self.version = version
            self.processor = processor
            self.launchToken = launchToken
            self.capabilities = capabilities
        }
    }
}
