// Between two threads of a program: the one that owns a socket, and the one that fits or stores.

internal import Synchronization

/// A queue that any thread posts to and one thread drains, when its descriptor says so.
///
/// It has no bound of its own: what is posted must be bounded by what was asked for.
public final class Mailbox<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])
    private let event: EventFD

    /// - Throws: `TransportError` when the process has no descriptors left.
    public init() throws(TransportError) {
        event = try EventFD()
    }

    /// Readable while values wait.
    public var fileDescriptor: Int32 { event.fileDescriptor }

    /// Adds a value behind the others and wakes the thread that drains.
    public func post(_ value: Value) {
        let wasEmpty = values.withLock { values in
            values.append(value)
            return values.count == 1
        }
        if wasEmpty {
            event.signal()
        }
    }

    /// Takes all values, oldest first. May be empty although the descriptor was readable.
    public func drain() -> [Value] {
        // Lowered before the values are taken: a value posted in between raises it again.
        event.clear()
        return values.withLock { values in
            let taken = values
            values = []
            return taken
        }
    }
}
