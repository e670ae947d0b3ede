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
    /// - Parameter unlessIgnored: Signals that are left alone where the process was started to
    ///   ignore them, as `nohup` does with SIGHUP; a blocked signal would be read all the same.
    /// - Throws: `TransportError` when the process has no descriptors left.
    public init(
        blocking signals: [Int32], unlessIgnored: [Int32] = []
    ) throws(TransportError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals + unlessIgnored.filter({ !Self.isIgnored($0) }) {
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

    private static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(signal, nil, &action) == 0 else { return false }
        // Functions cannot be compared; SIG_IGN is the address 1.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
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
