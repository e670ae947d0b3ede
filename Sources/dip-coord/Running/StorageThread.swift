// The thread that touches files: the input image, the job's folder, the output.

import JobStore
import Restoration
import Synchronization
import Transport
import Wire

/// What the storage thread is asked for; answered in the same order.
enum StorageOrder: Sendable {
    /// Read a tile's pixels, and the state of its fit where there shall be one, and make the
    /// messages that carry them; the fit's seed is that of its restart after so many that failed.
    case read(TileAttempt, for: PeerID, withState: Bool, retry: Int)
    /// Store a result.
    case store(TileAttempt, PixelPayload)
    /// Write down the tries at tiles. Answered only when that fails.
    case remember([Int: TileHistory])
    /// Store the state of a fit.
    case storeState(TileAttempt, iteration: Int, from: PeerID, [UInt8])
    /// Remove the state of a tile's fit. Not answered.
    case removeState(TileID)
    /// Add a line to the job's event log. Not answered.
    case log(String)
    /// Make the output from the stored tiles; those that are set aside come from the input.
    case blend(setAside: Set<Int>)
    /// Store the report, and remove the tiles unless some came through unrestored or the user
    /// wants to keep them.
    case finish(report: [UInt8], unrestored: [Int])
    /// Reduce input and output to pictures of the report.
    case takePictures
    /// End the thread.
    case end
}

extension StorageOrder {
    /// Whether it is one to store a result, which is done beside the others.
    var isResult: Bool {
        if case .store = self { true } else { false }
    }

    /// Whether it is one to add a line to the event log.
    var isLine: Bool {
        if case .log = self { true } else { false }
    }

    /// Whether it touches nothing that storing a result touches.
    var mayOvertakeResults: Bool {
        switch self {
        case .read, .remember, .log: true
        default: false
        }
    }
}

/// What comes of it.
enum StorageReply: Sendable {
    case read(TileAttempt, for: PeerID, transfers: [MessagePieces], lacksState: Bool)
    /// The input cannot be read any more.
    case readingFailed(ProgramError)
    case stored(TileAttempt)
    case storingFailed(TileAttempt, ProgramError)
    case rememberingFailed(ProgramError)
    case stateStored(TileAttempt, iteration: Int, from: PeerID)
    case storingStateFailed(TileAttempt, iteration: Int, from: PeerID, ProgramError)
    case blended(BlendResult)
    case blendingFailed(ProgramError)
    /// With what could not be done about the report or the tiles.
    case finished(ProgramError?)
    case pictures(ReportPictures)
    case ended
}

/// Owns the thread; used by the main thread.
final class StorageThread {
    private let orders: Mailbox<StorageOrder>
    private let replies: Mailbox<StorageReply>
    private let isCancelled: Flag
    private let thread: DedicatedThread

    /// Raised by one thread, seen by another.
    final class Flag: Sendable {
        private let value = Atomic(false)
        var isRaised: Bool { value.load(ordering: .relaxed) }
        func raise() { value.store(true, ordering: .relaxed) }
    }

    init(_ work: sending StorageWork) throws {
        let (orders, replies) = (try Mailbox<StorageOrder>(), try Mailbox<StorageReply>())
        let flag = Flag()
        (self.orders, self.replies, isCancelled) = (orders, replies, flag)
        thread = try DedicatedThread(name: "storage") {
            work.run(orders, replies, isCancelled: flag)
        }
    }

    /// Readable while replies wait.
    var fileDescriptor: Int32 { replies.fileDescriptor }

    func order(_ order: StorageOrder) { orders.post(order) }

    func takeReplies() -> [StorageReply] { replies.drain() }

    /// Lets a blend that is under way end without an output.
    func cancelBlend() { isCancelled.raise() }

    /// Waits for the thread, which was ordered to end.
    func join() { thread.join() }
}
