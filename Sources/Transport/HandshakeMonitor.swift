// What becomes of a socket's handshakes: libzmq itself goes on in silence.

internal import CZeroMQ
internal import Synchronization

/// How a handshake ended.
public enum HandshakeOutcome: Equatable, Sendable {
    case succeeded
    /// The other side refused this side's key.
    case refused
    /// The other side does not encrypt, or not in this way, or does not speak ZeroMQ.
    case foreign
    /// The connection ended in the middle. A server that cannot read what it is sent, because it
    /// was meant for the holder of another key, does just that.
    case brokenOff
}

/// Reads what libzmq tells of one socket. It belongs to the thread that owns that socket.
public final class HandshakeMonitor: MessageSocket {
    private static let count = Mutex(0)

    /// - Parameter handle: of a socket that is not yet bound or connected.
    init(
        of handle: UnsafeMutableRawPointer, context: MessagingContext
    ) throws(TransportError) {
        let number = Self.count.withLock {
            $0 += 1
            return $0
        }
        let endpoint = "inproc://handshakes-\(number)"
        let events =
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
            | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
            // No outcome, but whoever waits for one may have to see to its descriptors.
            | ZMQ_EVENT_ACCEPTED
        guard zmq_socket_monitor(handle, endpoint, events) == 0 else {
            throw .messaging("cannot watch a socket")
        }
        try super.init(type: ZMQ_PAIR, context: context, options: SocketOptions())
        try withEndpoint(endpoint, action: "connect to", anyPort: false) { zmq_connect($0, $1) }
    }

    /// The next outcome without waiting; nil when there is none.
    public func next() -> HandshakeOutcome? {
        while let (frames, _) = try? receiveFrames() {
            guard let head = frames.first, head.count >= 6 else { continue }
            switch Int32(head[0]) | Int32(head[1]) << 8 {
            case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .succeeded
            case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .refused
            case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return .foreign
            case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .brokenOff
            default: continue
            }
        }
        return nil
    }
}
