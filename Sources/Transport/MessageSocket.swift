// What a ROUTER and a DEALER share: options, frames in, frames out.

internal import CZeroMQ
internal import Glibc

/// What became of a message that was to be sent.
public enum SendOutcome: Sendable, Equatable {
    /// It is queued for the peer.
    case sent
    /// The peer is not connected; only a router says so.
    case unreachable
    /// The peer's queue is full, or (for a dealer) nobody is connected: nothing was sent, and
    /// the same message may be sent later.
    case full
}

/// One message as it came in.
public enum ReceivedMessage: Sendable, Equatable {
    /// Its frames, one at least.
    case frames([[UInt8]])
    /// It had more frames than are kept; they were read and dropped.
    case tooManyFrames(count: Int)
}

/// A socket that a ``Poller`` can wait for. It belongs to the thread that uses it.
public class MessageSocket {
    private var openHandle: UnsafeMutableRawPointer?
    /// What becomes of its handshakes; nil for a socket that is connected to and does not encrypt.
    public private(set) var handshakes: HandshakeMonitor?
    private let context: MessagingContext
    private let options: SocketOptions
    /// The frame being received. A `zmq_msg_t` must not be moved, so it has a place of its own.
    private let frame = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)

    init(type: Int32, context: MessagingContext, options: SocketOptions) throws(TransportError) {
        self.context = context
        self.options = options
        let handle = try context.makeSocket(type)
        openHandle = handle
        for (option, value) in options.values(type: type) {
            var value = value
            let status = zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size)
            guard status == 0 else { throw .messaging("cannot set socket option \(option)") }
        }
        var frameByteCountMax = Int64(options.frameByteCountMax)
        let status = zmq_setsockopt(
            handle, ZMQ_MAXMSGSIZE, &frameByteCountMax, MemoryLayout<Int64>.size)
        guard status == 0 else { throw .messaging("cannot limit the size of messages") }
        try options.curve?.apply(to: handle)
        // A dealer without keys wants to know that the other side has some.
        if options.curve != nil || type == ZMQ_DEALER {
            handshakes = try HandshakeMonitor(of: handle, context: context)
        }
    }

    deinit {
        close()
        frame.deallocate()
    }

    /// Closes the socket; messages on their way out have the linger time. Closing again does
    /// nothing, and any other use of a closed socket is an error.
    public func close() {
        guard let handle = openHandle else { return }
        openHandle = nil
        handshakes?.close()
        zmq_close(handle)
    }

    /// Closes the socket and drops what is on its way out. A connection on which nobody reads any
    /// more must not linger: libzmq 4.3.4 stops the process when it breaks and is tried then.
    public func abandon() {
        guard let openHandle else { return }
        var linger: Int32 = 0
        zmq_setsockopt(openHandle, ZMQ_LINGER, &linger, MemoryLayout<Int32>.size)
        close()
    }

    /// The socket as libzmq knows it.
    func handle() throws(TransportError) -> UnsafeMutableRawPointer {
        guard let openHandle else { throw TransportError(.system, "the socket has been closed") }
        return openHandle
    }

    /// Receives the next message without waiting: nil when there is none. Of the `count` frames
    /// that it had, those within the limit are in `frames`.
    func receiveFrames() throws(TransportError) -> (frames: [[UInt8]], count: Int)? {
        guard var current = try receiveFrame() else { return nil }
        var frames: [[UInt8]] = [current.bytes]
        var count = 1
        // Once a frame is there, so is the whole message: libzmq delivers all of it or nothing.
        while current.more {
            let wanted = count < options.frameCountMax
            guard let next = try receiveFrame(keeping: wanted) else { break }
            current = next
            count += 1
            if wanted {
                frames.append(current.bytes)
            }
        }
        return (frames, count)
    }

    private func receiveFrame(
        keeping: Bool = true
    ) throws(TransportError) -> (bytes: [UInt8], more: Bool)? {
        let handle = try handle()
        zmq_msg_init(frame)
        defer { zmq_msg_close(frame) }
        guard retryingInterrupts({ zmq_msg_recv(frame, handle, ZMQ_DONTWAIT) }) != -1 else {
            if zmq_errno() == EAGAIN { return nil }
            throw .messaging("cannot receive")
        }
        let content = UnsafeRawBufferPointer(start: zmq_msg_data(frame), count: zmq_msg_size(frame))
        return (keeping ? [UInt8](content) : [], zmq_msg_more(frame) != 0)
    }

    /// Queues a message, or nothing of it.
    func sendMessage(_ frames: [[UInt8]]) throws(TransportError) -> SendOutcome {
        precondition(!frames.isEmpty, "a message has one frame at least")
        let handle = try handle()
        var isRefused = false
        for (index, bytes) in frames.enumerated() {
            let flags = ZMQ_DONTWAIT | (index + 1 < frames.count ? ZMQ_SNDMORE : 0)
            let status = bytes.withUnsafeBytes { bytes in
                retryingInterrupts { zmq_send(handle, bytes.baseAddress, bytes.count, flags) }
            }
            if status != -1 { continue }
            switch zmq_errno() {
            // Refused with the first frame, and then nothing more may be sent: a router would
            // take the next frame for a routing id.
            case EAGAIN where index == 0: return .full
            case EHOSTUNREACH where index == 0: return .unreachable
            // A dealer's connection ended between two frames: libzmq takes back those before,
            // and drops those that follow.
            case EAGAIN: isRefused = true
            default: throw .messaging("cannot send")
            }
        }
        return isRefused ? .full : .sent
    }

    /// Calls `attempt`, a bind or a connect, with the endpoint as libzmq wants it.
    func withEndpoint(
        _ endpoint: String, action: String, anyPort: Bool,
        _ attempt: (UnsafeMutableRawPointer, UnsafePointer<CChar>) -> Int32
    ) throws(TransportError) {
        let handle = try handle()
        guard Endpoint.isWellFormed(endpoint, anyPort: anyPort) else {
            throw .endpoint(endpoint.filter { $0 != "\0" }, action: action, EINVAL)
        }
        // Holds for this endpoint, not for those before it.
        var usesIPv6: Int32 = options.usesIPv6 || Endpoint.hasIPv6Address(endpoint) ? 1 : 0
        zmq_setsockopt(handle, ZMQ_IPV6, &usesIPv6, MemoryLayout<Int32>.size)
        guard retryingInterrupts({ endpoint.withCString { attempt(handle, $0) } }) == 0 else {
            throw .endpoint(endpoint, action: action)
        }
    }
}
