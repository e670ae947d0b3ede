// Who may connect to this process's encrypted sockets (ZAP, rfc.zeromq.org/spec/27).

internal import CZeroMQ
internal import Glibc
internal import Synchronization

/// Answers libzmq's question for every connection, on a thread of its own, until the last
/// reference goes. It must be made before a socket is bound.
public final class Authenticator {
    /// A connection that was refused.
    public struct Refusal: Equatable, Sendable {
        /// Of its host.
        public let address: String
        /// nil where it is no key.
        public let key: CurvePublicKey?
    }

    /// How long the list may be out of date.
    private static let renewalInterval: Duration = .milliseconds(200)

    private let stop: EventFD
    private let thread: DedicatedThread
    private let refusals: Refusals

    /// - Parameters:
    ///   - folder: holds the keys of those who may connect, as it is at that moment.
    ///   - local: keys that may connect from this host besides.
    /// - Throws: `TransportError` where the process has one already.
    public init(
        context: MessagingContext, folder: KeyFolder, local: Set<CurvePublicKey>
    ) throws(TransportError) {
        let (stop, refusals) = (try EventFD(), try Refusals())
        let socket = try ReplySocket(context: context)
        try socket.bind("inproc://zeromq.zap.01")
        let work = Work(
            socket: socket, door: Door(workers: folder.workers, local: local), stop: stop)
        self.stop = stop
        self.refusals = refusals
        thread = try DedicatedThread(name: "zap", stackByteCount: 1 << 20) {
            work.run { refusals.add($0) }
        }
    }

    deinit {
        stop.signal()
        thread.join()
    }

    /// Readable while refusals wait.
    public var fileDescriptor: Int32 { refusals.event.fileDescriptor }

    /// The connections that were refused since the last time, the oldest first; of very many some.
    public func takeRefusals() -> [Refusal] { refusals.takeAll() }

    private final class Refusals: Sendable {
        private static let countMaximum = 64
        let event: EventFD
        private let waiting = Mutex<[Refusal]>([])

        init() throws(TransportError) { event = try EventFD() }

        func add(_ refusal: Refusal) {
            waiting.withLock { if $0.count < Self.countMaximum { $0.append(refusal) } }
            event.signal()
        }

        func takeAll() -> [Refusal] {
            event.clear()
            return waiting.withLock { refusals in
                let taken = refusals
                refusals = []
                return taken
            }
        }
    }

    /// What the thread owns.
    private final class Work {
        private let socket: ReplySocket
        private var door: Door
        private let stop: EventFD
        private let clock = MonotonicClock()

        init(socket: ReplySocket, door: Door, stop: EventFD) {
            self.socket = socket
            self.door = door
            self.stop = stop
        }

        func run(_ report: (Refusal) -> Void) {
            var poller = Poller()
            _ = poller.add(socket)
            let stopToken = poller.add(fileDescriptor: stop.fileDescriptor)
            while let ready = try? poller.wait(timeout: nil) {
                if ready.contains(where: { $0.token == stopToken }) { break }
                while let frames = try? socket.receive() {
                    let (reply, refusal) = door.answer(frames, now: clock.now())
                    if let refusal { report(refusal) }
                    _ = try? socket.send(reply)
                }
            }
            socket.close()
        }
    }

    /// The decision, without sockets and threads.
    struct Door {
        private let workers: () -> Set<CurvePublicKey>?
        private let local: Set<CurvePublicKey>
        /// Who may enter; nil where that could not be told yet.
        private var listed: Set<CurvePublicKey>?
        private var renewAt: Duration?

        /// - Parameter workers: those who may enter at the moment; nil where that cannot be told.
        init(workers: @escaping () -> Set<CurvePublicKey>?, local: Set<CurvePublicKey>) {
            self.workers = workers
            self.local = local
        }

        /// - Parameter request: version, request id, domain, address, identity, mechanism, and the
        ///   key as 32 bytes.
        mutating func answer(
            _ request: [[UInt8]], now: Duration
        ) -> (reply: [[UInt8]], refusal: Refusal?) {
            let text = { (index: Int) in
                String(
                    decoding: request.indices.contains(index) ? request[index] : [], as: UTF8.self)
            }
            let key = request.count == 7 ? CurvePublicKey(bytes: request[6]) : nil
            let isOfThisKind = text(0) == "1.0" && text(5) == "CURVE"
            // A worker that is refused leaves for good; one that hears of a trouble that may pass
            // tries again.
            let isWelcome: Bool? =
                isOfThisKind ? key.map { mayEnter($0, from: text(3), now: now) } ?? false : false
            let id = request.indices.contains(1) ? request[1] : []
            let words =
                switch isWelcome {
                case true?: ["200", "OK", key?.text ?? ""]
                case false?: ["400", "unknown key", ""]
                case nil: ["300", "the list of keys cannot be read", ""]
                }
            return (
                [Array("1.0".utf8), id] + words.map { Array($0.utf8) } + [[]],
                isWelcome == false ? Refusal(address: text(3), key: key) : nil
            )
        }

        /// nil where it cannot be told for now. A list that cannot be read does not empty the one
        /// that was read before: whoever takes the last descriptors would lock all others out.
        private mutating func mayEnter(
            _ key: CurvePublicKey, from address: String, now: Duration
        ) -> Bool? {
            if local.contains(key), address == "127.0.0.1" { return true }
            if renewAt.map({ now >= $0 }) ?? true {
                listed = workers() ?? listed
                renewAt = now + Authenticator.renewalInterval
            }
            return listed?.contains(key)
        }
    }
}

/// Answers one request after the other.
private final class ReplySocket: MessageSocket {
    init(context: MessagingContext) throws(TransportError) {
        try super.init(type: ZMQ_REP, context: context, options: SocketOptions())
    }

    func bind(_ endpoint: String) throws(TransportError) {
        try withEndpoint(endpoint, action: "listen at", anyPort: false) { zmq_bind($0, $1) }
    }

    func receive() throws(TransportError) -> [[UInt8]]? { try receiveFrames()?.frames }

    func send(_ frames: [[UInt8]]) throws(TransportError) -> SendOutcome {
        try sendMessage(frames)
    }
}
