// The one zmq context of the process.

internal import CZeroMQ
internal import Glibc
internal import Synchronization

/// A hold on the process's messaging context, its I/O thread and its sockets' last messages.
///
/// There is one context, however many holds: several contexts that use CURVE crash one another
/// (libzmq issue 4242). Every socket keeps its hold, so that the context ends after the last
/// socket, whatever the order in which they go; the end waits for each socket's linger time, and
/// no longer than ``endMaximum``. A program makes one, after its ``SignalFD``, and keeps it.
public final class MessagingContext: Sendable {
    private struct Shared: ~Copyable {
        var handle: UnsafeMutableRawPointer?
        var holds = 0
    }

    private static let shared = Mutex(Shared())

    /// The longest that the end may take. libzmq looks names up on its I/O thread, and a name that
    /// no server answers for keeps that thread for half a minute: it is left behind then.
    static let endMaximum = Duration.seconds(4)

    /// Takes hold of the context, and makes it when nobody else does.
    ///
    /// Also lets the process ignore SIGPIPE, since libzmq writes to sockets without asking not to
    /// be sent it.
    ///
    /// - Throws: `TransportError` when the process has no descriptors left.
    public init() throws(TransportError) {
        let code: Int32 = Self.shared.withLock { shared in
            if shared.handle == nil {
                signal(SIGPIPE, SIG_IGN)
                guard let handle = zmq_ctx_new() else { return zmq_errno() }
                zmq_ctx_set(handle, ZMQ_BLOCKY, 0)
                shared.handle = handle
            }
            shared.holds += 1
            return 0
        }
        guard code == 0 else { throw .messaging("cannot start messaging", code) }
    }

    deinit {
        // Under the lock, so that no second context begins before this one has ended.
        Self.shared.withLock { shared in
            shared.holds -= 1
            guard shared.holds == 0, let handle = shared.handle else { return }
            Self.end(handle)
            shared.handle = nil
        }
    }

    /// Ends a context, on a thread of its own so that it can be left behind.
    private static func end(_ handle: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: handle)
        let end: @Sendable () -> Void = {
            let handle = UnsafeMutableRawPointer(bitPattern: address)
            while zmq_ctx_term(handle) == -1, zmq_errno() == EINTR {}
        }
        if let thread = try? DedicatedThread(name: "messaging's end", body: end) {
            _ = thread.join(atMost: endMaximum)
        } else {
            end()
        }
    }

    func makeSocket(_ type: Int32) throws(TransportError) -> UnsafeMutableRawPointer {
        let made = Self.shared.withLock { shared in
            let socket = zmq_socket(shared.handle, type)
            return (address: UInt(bitPattern: socket), code: socket == nil ? zmq_errno() : 0)
        }
        guard let socket = UnsafeMutableRawPointer(bitPattern: made.address) else {
            throw .messaging("cannot make a socket", made.code)
        }
        return socket
    }
}
