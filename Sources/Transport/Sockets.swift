// The coordinator's and the worker's end of every connection.

internal import CZeroMQ

/// The coordinator's socket: one that many workers connect to.
///
/// libzmq still understands the first version of its protocol, in which nearly any bytes are a
/// message: what a port scanner sends may arrive as messages of an unknown peer. Nor does it
/// limit the frames of a message before the last of them is there.
///
/// Not `Sendable`: it is used by the thread that owns it and by no other.
public final class RouterSocket: MessageSocket {
    /// - Throws: `TransportError` when the process has no descriptors or sockets left.
    public init(
        context: MessagingContext, options: SocketOptions = SocketOptions()
    ) throws(TransportError) {
        // One frame more than a peer sends: its routing id stands in front.
        var options = options
        options.frameCountMax += 1
        try super.init(type: ZMQ_ROUTER, context: context, options: options)
    }

    /// Listens at an endpoint; port 0 or `*` is any free one.
    ///
    /// - Returns: The endpoint with the port that was chosen, as a worker connects to it (where
    ///   the host is not `0.0.0.0` or `[::]`).
    /// - Throws: `TransportError` of kind `.addressInUse`, `.badEndpoint` or `.system`.
    public func bind(_ endpoint: String) throws(TransportError) -> String {
        try withEndpoint(endpoint, action: "listen at", anyPort: true) { zmq_bind($0, $1) }
        return try lastEndpoint()
    }

    /// Listens there no more; connections that there are stay. To be called with what ``bind(_:)``
    /// returned.
    public func unbind(_ endpoint: String) throws(TransportError) {
        try withEndpoint(endpoint, action: "stop listening at", anyPort: false) {
            zmq_unbind($0, $1)
        }
    }

    private func lastEndpoint() throws(TransportError) -> String {
        let handle = try handle()
        var text = [CChar](repeating: 0, count: 1024)
        var count = text.count
        guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else {
            throw .messaging("cannot tell the endpoint")
        }
        return String(
            decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The next message without waiting, with the routing id of the peer that sent it; nil when
    /// there is none. An id is valid as long as its connection: a worker that reconnects has
    /// another.
    ///
    /// - Throws: `TransportError` when the socket cannot be used any more.
    public func receive() throws(TransportError) -> (peer: [UInt8], message: ReceivedMessage)? {
        guard let (frames, count) = try receiveFrames() else { return nil }
        return (
            frames[0],
            frames.count == count
                ? .frames(Array(frames.dropFirst())) : .tooManyFrames(count: count - 1)
        )
    }

    /// Queues a message of one frame at least for a peer, without waiting.
    ///
    /// - Throws: `TransportError` when the socket cannot be used any more.
    public func send(_ frames: [[UInt8]], to peer: [UInt8]) throws(TransportError) -> SendOutcome {
        try sendMessage([peer] + frames)
    }
}

/// A worker's socket: one that connects to one coordinator, and connects again by itself after
/// a loss. After a refused handshake it does not; then it is closed and another one made.
///
/// Not `Sendable`: it is used by the thread that owns it and by no other.
public final class DealerSocket: MessageSocket {
    /// Begins to connect; the host's name is resolved at every attempt.
    ///
    /// - Throws: `TransportError` of kind `.badEndpoint` for what is not an endpoint, else of kind
    ///   `.system`. That nobody listens there is no error.
    public init(
        connectingTo endpoint: String, context: MessagingContext,
        options: SocketOptions = SocketOptions()
    ) throws(TransportError) {
        try super.init(type: ZMQ_DEALER, context: context, options: options)
        try withEndpoint(endpoint, action: "connect to", anyPort: false) { zmq_connect($0, $1) }
    }

    /// The next message without waiting; nil when there is none.
    ///
    /// - Throws: `TransportError` when the socket cannot be used any more.
    public func receive() throws(TransportError) -> ReceivedMessage? {
        guard let (frames, count) = try receiveFrames() else { return nil }
        return frames.count == count ? .frames(frames) : .tooManyFrames(count: count)
    }

    /// Queues a message of one frame at least, without waiting; `.full` while nobody is connected.
    ///
    /// - Throws: `TransportError` when the socket cannot be used any more.
    public func send(_ frames: [[UInt8]]) throws(TransportError) -> SendOutcome {
        try sendMessage(frames)
    }
}
