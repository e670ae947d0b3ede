// The test itself at one end of a connection.

import DeepImagePrior
import Glibc
import Testing
import Transport
import Wire

/// Connects to a coordinator as a worker would, and then says what it likes.
final class StrangeWorker {
    private let context: MessagingContext
    private let socket: DealerSocket

    init(_ endpoint: String) throws {
        context = try MessagingContext()
        socket = try DealerSocket(connectingTo: endpoint, context: context)
    }

    func say(_ frames: [[UInt8]], _ session: Session) throws {
        try session.eventually("a message that can be sent") {
            try socket.send(frames) == .sent
        }
    }

    func say(_ message: Message, _ payload: Payload? = nil, _ session: Session) throws {
        for frames in try MessageCodec.encode(message, payload: payload) {
            try say(frames, session)
        }
    }

    func sayHello(
        _ session: Session, name: String = "stranger", incarnation: Int = 1,
        can capabilities: [Capability]? = nil
    ) throws {
        try say(
            .hello(
                Hello(
                    worker: WorkerID(rawValue: name), incarnation: incarnation, host: "elsewhere",
                    processID: 1, threadCount: 1, version: "0", processor: "none",
                    capabilities: capabilities)), nil, session)
    }

    /// Waits for a tile and gives it back as one that cannot be fitted.
    func fail(_ session: Session) throws -> TileID? {
        guard case .assign(let assigned) = try receive(.assign, session) else { return nil }
        try say(
            .failed(Failed(job: assigned.job, work: assigned.work, reason: "no luck")), nil, session
        )
        return assigned.tile
    }

    /// What has arrived.
    func receive(_ session: Session) throws -> [Message] {
        var messages: [Message] = []
        while case .frames(let frames) = try socket.receive() {
            messages.append(try MessageCodec.decode(frames).message)
        }
        return messages
    }

    /// Waits for a message of a kind; others are dropped.
    func receive(_ kind: MessageKind, _ session: Session) throws -> Message {
        var found: Message?
        try session.eventually("an answer of kind \(kind)") {
            while found == nil, case .frames(let frames) = try socket.receive() {
                let message = try MessageCodec.decode(frames).message
                if message.kind == kind { found = message }
            }
            return found != nil
        }
        return try #require(found)
    }
}

/// Listens as a coordinator would, for one worker.
final class StrangeCoordinator {
    let endpoint: String
    private let context: MessagingContext
    private let socket: RouterSocket
    private var peer: [UInt8] = []

    init() throws {
        context = try MessagingContext()
        // A tile is said in many pieces at once.
        var options = SocketOptions()
        options.sendQueueMax = 1024
        socket = try RouterSocket(context: context, options: options)
        endpoint = try socket.bind("tcp://127.0.0.1:0")
    }

    /// Goes away without a word.
    func vanish() { socket.close() }

    /// Waits for a message of a kind; others are dropped. `worker` is nil for a last word, which
    /// may still be under way when its sender has ended.
    func receive(_ kind: MessageKind, _ worker: RunningProcess?, _ session: Session) throws
        -> Message
    {
        var found: Message?
        try session.eventually("a message of kind \(kind)", of: worker) {
            while found == nil, let (peer, message) = try socket.receive() {
                guard case .frames(let frames) = message else { continue }
                self.peer = peer
                let decoded = try MessageCodec.decode(frames).message
                if decoded.kind == kind { found = decoded }
            }
            return found != nil
        }
        return try #require(found)
    }

    func say(_ frames: [[UInt8]]) throws {
        try #require(try socket.send(frames, to: peer) == .sent)
    }

    func say(_ message: Message, _ payload: Payload? = nil) throws {
        for frames in try MessageCodec.encode(message, payload: payload) { try say(frames) }
    }

    /// Answers a worker's greeting, with short heartbeats.
    func welcome(
        _ worker: RunningProcess, configuration: String, _ session: Session,
        payloadByteCountMaximum: Int = 1 << 20, checkpointByteCountMaximum: Int? = nil
    ) throws {
        guard case .hello(let hello) = try receive(.hello, worker, session) else { return }
        try say(
            .welcome(
                Welcome(
                    incarnation: hello.incarnation, job: JobID(rawValue: "strange"),
                    configuration: configuration, heartbeatSeconds: 0.05, silenceSeconds: 1,
                    payloadByteCountMaximum: payloadByteCountMaximum,
                    checkpointByteCountMaximum: checkpointByteCountMaximum)))
    }

    /// Gives a worker a tile that keeps it busy for long, in a job with checkpoints.
    func busy(_ worker: RunningProcess, _ session: Session) throws {
        var configuration = FitConfiguration(preset: .thin)
        configuration.iterations = 1_000_000
        try welcome(
            worker, configuration: configuration.json, session,
            checkpointByteCountMaximum: 64 << 20)
        let pixels = try PixelPayload(
            shape: PixelShape(height: 64, width: 64, bands: 1),
            pixels: [Float](repeating: 0.5, count: 64 * 64))
        let work = TileAttempt(TileID(0), attempt: 1)
        try say(
            .assign(Assign(job: JobID(rawValue: "strange"), work: work, originX: 0, originY: 0)),
            .pixels(pixels))
        _ = try receive(.progress, worker, session)
    }
}

/// Bytes and messages that mean nothing, the same for the same seed.
enum Nonsense {
    /// What ZeroMQ peers greet each other with (ZMTP 3.0, no security), so that what follows gets
    /// further.
    static let greeting: [UInt8] =
        [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array("NULL".utf8)
        + [UInt8](repeating: 0, count: 48)

    static func bytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in .random(in: 0...255, using: &generator) }
    }

    /// What a plain connection sends.
    static func stream(seed: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        let noise = bytes(.random(in: 1...20_000, using: &generator), &generator)
        switch seed % 4 {
        case 0: return noise
        case 1: return Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        case 2: return greeting + noise
        // A frame of 2^62 bytes.
        default: return greeting + [0x02, 0x40, 0, 0, 0, 0, 0, 0, 0] + noise
        }
    }

    /// What a ZeroMQ peer sends.
    static func frames(seed: Int) -> [[UInt8]] {
        var generator = SeededGenerator(seed: seed)
        let noise = bytes(.random(in: 1...3000, using: &generator), &generator)
        let deep = String(repeating: "[", count: 30_000)
        switch seed % 10 {
        case 0: return [noise]
        case 1: return [[]]
        case 2: return (0..<40).map { _ in noise }
        case 3: return [Array("{}".utf8), noise]
        case 4: return [Array(#"{"protocol":2,"type":"dance"}"#.utf8)]
        case 5: return [Array(#"{"protocol":77,"type":"hello"}"#.utf8)]
        case 6: return [Array(#"{"protocol":2,"type":"hello","worker":5}"#.utf8)]
        case 7: return [Array(deep.utf8)]
        case 8: return [[UInt8](repeating: 0x20, count: 1 << 20)]
        default:
            let header = """
                {"protocol":2,"type":"restored","job":"x","tile":0,"attempt":1,"iterations":1,\
                "payload":{"dtype":"float32","shape":[65536,65536,16],"byteCount":274877906944,\
                "crc32":0,"piece":{"index":0,"count":262144,"offset":0}}}
                """
            return [Array(header.utf8), noise]
        }
    }
}

/// A plain TCP connection to this host, closed with the last reference.
final class PlainConnection {
    private let descriptor: Int32

    init(port: Int) throws { descriptor = try Ports.connect(port) }

    deinit { close(descriptor) }

    /// Sends what the other end takes; one that hangs up is no error.
    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
