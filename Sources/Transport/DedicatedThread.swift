// A thread of its own for what blocks or computes: a fit, a socket's loop, the store.

internal import CSystem
internal import Glibc

/// A thread that runs one closure.
public final class DedicatedThread {
    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    private var handle: pthread_t?

    /// Starts a thread. What a `SignalFD` reads never goes to it, also where that is made later: a
    /// signal to the process that the main thread blocks would be taken here, and end the program.
    ///
    /// - Parameters:
    ///   - name: Shown by debuggers and `top -H`; 15 bytes of it count.
    ///   - stackByteCount: The size of its stack, reserved and not filled.
    /// - Throws: `TransportError` when the system makes no more threads.
    public init(
        name: String, stackByteCount: Int = 8 << 20, body: sending @escaping () -> Void
    ) throws(TransportError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        var code = pthread_attr_setstacksize(&attributes, stackByteCount)
        guard code == 0 else {
            throw .system("cannot give a thread a stack of \(stackByteCount) bytes", code)
        }
        let context = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let formerSignals = Self.blockSignals()
        code = pthread_create(
            &thread, &attributes,
            { context in
                guard let context else { return nil }
                Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        Self.restore(formerSignals)
        guard code == 0 else {
            context.release()
            throw .system("cannot start the thread '\(name)'", code)
        }
        var shortName = Array(name.utf8.prefix(15)).map(CChar.init(bitPattern:))
        shortName.append(0)
        csystem_name_thread(thread, shortName)
        handle = thread
    }

    /// Blocks the signals that programs here read in the calling thread; what it blocked before.
    private static func blockSignals() -> sigset_t {
        var (signals, former) = (sigset_t(), sigset_t())
        sigemptyset(&signals)
        for signal in [SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGCONT] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, &former)
        return former
    }

    private static func restore(_ signals: sigset_t) {
        var signals = signals
        pthread_sigmask(SIG_SETMASK, &signals, nil)
    }

    deinit {
        if let handle {
            pthread_detach(handle)
        }
    }

    /// Waits until the closure has returned. To be called on one thread only.
    public func join() {
        guard let thread = handle else { return }
        handle = nil
        pthread_join(thread, nil)
    }

    /// Waits until the closure has returned, and no longer than `maximum`: whether it has. A thread
    /// that goes on can be waited for again.
    func join(atMost maximum: Duration) -> Bool {
        guard let thread = handle else { return true }
        guard csystem_join_thread(thread, maximum.wholeMilliseconds) == 0 else { return false }
        handle = nil
        return true
    }
}
