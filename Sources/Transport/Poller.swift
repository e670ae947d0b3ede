// The place where a loop waits: for sockets, descriptors and the next deadline at once.

internal import CZeroMQ
internal import Glibc

/// A set of sockets and file descriptors to wait for. It belongs to one thread.
public struct Poller {
    /// Names one entry of a poller.
    public struct Token: Hashable, Sendable {
        let value: Int
    }

    /// Why the wait ended.
    public struct Readiness: Sendable, Equatable {
        public let token: Token
        /// Something can be received or read, or the other end has gone.
        public let canReceive: Bool
        /// Something can be sent. For a router it only means that some peer would take it.
        public let canSend: Bool
    }

    private struct Entry {
        let token: Token
        let socket: MessageSocket?
        let fileDescriptor: Int32
        var waitsForSending: Bool
    }

    private var entries: [Entry] = []
    private var tokenCount = 0

    public init() {}

    /// Waits for a socket's messages. The poller keeps the socket until it is removed.
    public mutating func add(_ socket: MessageSocket) -> Token {
        add(socket, -1)
    }

    /// Waits until a descriptor can be read. It must be removed before it is closed.
    public mutating func add(fileDescriptor: Int32) -> Token {
        add(nil, fileDescriptor)
    }

    private mutating func add(_ socket: MessageSocket?, _ fileDescriptor: Int32) -> Token {
        let token = Token(value: tokenCount)
        tokenCount += 1
        entries.append(
            Entry(
                token: token, socket: socket, fileDescriptor: fileDescriptor,
                waitsForSending: false))
        return token
    }

    /// Waits for an entry no more; a token that is not there is ignored.
    public mutating func remove(_ token: Token) {
        entries.removeAll { $0.token == token }
    }

    /// Sets whether the wait also ends when something can be sent to an entry.
    public mutating func setWaitsForSending(_ waits: Bool, _ token: Token) {
        guard let index = entries.firstIndex(where: { $0.token == token }) else { return }
        entries[index].waitsForSending = waits
    }

    /// Waits until an entry is ready or the time is up, whichever comes first.
    ///
    /// - Parameter timeout: nil waits without end, zero not at all.
    /// - Returns: The entries that are ready, in the order of their adding; none when the time is
    ///   up.
    /// - Throws: `TransportError` when a socket or a descriptor has been closed.
    public func wait(timeout: Duration?) throws(TransportError) -> [Readiness] {
        var items: [zmq_pollitem_t] = []
        items.reserveCapacity(entries.count)
        for entry in entries {
            let events = ZMQ_POLLIN | (entry.waitsForSending ? ZMQ_POLLOUT : 0)
            items.append(
                zmq_pollitem_t(
                    socket: try entry.socket?.handle(), fd: entry.fileDescriptor,
                    events: Int16(events), revents: 0))
        }
        let clock = MonotonicClock()
        while true {
            let remaining = timeout.map { Int(($0 - clock.now()).wholeMilliseconds) } ?? -1
            let count = zmq_poll(&items, Int32(items.count), remaining)
            if count > 0 { break }
            if count == 0 {
                // A time beyond what one call can wait for is waited for in several.
                guard let timeout, clock.now() >= timeout else { continue }
                return []
            }
            guard zmq_errno() == EINTR else { throw .messaging("cannot wait for messages") }
        }
        return zip(entries, items).compactMap { entry, item in
            guard item.revents != 0 else { return nil }
            let received = Int32(item.revents) & ~ZMQ_POLLOUT != 0
            let sent = Int32(item.revents) & ZMQ_POLLOUT != 0
            return Readiness(token: entry.token, canReceive: received, canSend: sent)
        }
    }
}
