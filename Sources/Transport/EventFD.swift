// Descriptors that wake a poller: from another thread, and for signals.

internal import CSystem
internal import Glibc

/// A flag with a file descriptor: raised by any thread, polled and cleared by one.
public final class EventFD: Sendable {
    /// Readable while the flag is raised.
    public let fileDescriptor: Int32

    /// - Throws: `TransportError` when the process has no descriptors left.
    public init() throws(TransportError) {
        fileDescriptor = csystem_eventfd()
        guard fileDescriptor >= 0 else { throw .system("cannot make an event descriptor") }
    }

    deinit {
        Glibc.close(fileDescriptor)
    }

    /// Raises the flag; raising it twice is raising it once.
    public func signal() {
        // A full counter (EAGAIN) is raised already.
        retryingInterrupts { eventfd_write(fileDescriptor, 1) }
    }

    /// Lowers the flag.
    public func clear() {
        var count: eventfd_t = 0
        retryingInterrupts { eventfd_read(fileDescriptor, &count) }
    }
}

/// Signals as something to poll instead of something that interrupts.
///
/// To be made on the main thread before any other thread, and before the messaging context,
/// whose threads inherit the mask: a signal that one thread does not block may go to it.
public final class SignalFD {
    /// Readable while a signal is pending.
    public let fileDescriptor: Int32

    /// Blocks `signals` in the calling thread, and so in all threads that it makes.
    ///
    /// - Throws: `TransportError` when the process has no descriptors left.
    public init(blocking signals: [Int32]) throws(TransportError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals {
            sigaddset(&set, signal)
        }
        let code = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard code == 0 else { throw .system("cannot block signals", code) }
        fileDescriptor = csystem_signalfd(&set)
        guard fileDescriptor >= 0 else { throw .system("cannot make a signal descriptor") }
    }

    deinit {
        Glibc.close(fileDescriptor)
    }

    /// The next pending signal, or nil when there is none.
    public func next() -> Int32? {
        let signal = csystem_signalfd_read(fileDescriptor)
        return signal > 0 ? signal : nil
    }
}

/// Calls again while a signal interrupts; the result is that of the last call.
@discardableResult
func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}
