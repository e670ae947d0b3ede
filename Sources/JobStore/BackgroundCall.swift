// One thing beside another.

internal import Glibc

/// A call on a thread of its own, which ends with it.
public final class BackgroundCall<Value> {
    private let call: Call<Value>
    private var thread: pthread_t?

    /// Begins the call, which nobody may disturb until it has been waited for. Where the system
    /// gives no thread it is made when it is waited for, and takes the caller's time.
    public init(_ body: @escaping () -> Value) {
        call = Call(body)
        // The thread knows no types but this one.
        let run = Unmanaged.passRetained(Run { [call] in call.make() })
        var started = pthread_t()
        let code = pthread_create(
            &started, nil,
            { context in
                if let context { Unmanaged<Run>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, run.toOpaque())
        if code == 0 { thread = started } else { run.release() }
    }

    deinit { join() }

    private func join() {
        if let thread { pthread_join(thread, nil) }
        thread = nil
    }

    /// Waits for the end of the call.
    public func wait() -> Value {
        join()
        call.make()
        guard let value = call.value else {
            preconditionFailure("a call that has ended has a value")
        }
        return value
    }
}

/// What the thread of a call and its owner share; the owner looks when the thread has ended.
private final class Call<Value> {
    private var body: (() -> Value)?
    private(set) var value: Value?

    init(_ body: @escaping () -> Value) { self.body = body }

    /// Does nothing the second time.
    func make() {
        guard let body else { return }
        value = body()
        // What it held goes with its end.
        self.body = nil
    }
}

private final class Run {
    let body: () -> Void
    init(_ body: @escaping () -> Void) { self.body = body }
}
