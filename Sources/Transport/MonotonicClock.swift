// The one clock of the product; the state machines are told the time and never ask.

internal import Glibc

/// Time since the clock was made: never set back, and standing still while the host sleeps, so
/// that a suspended laptop does not end every lease.
public struct MonotonicClock: Sendable {
    private let origin: Duration

    /// A clock that stands at zero.
    public init() {
        origin = Self.reading
    }

    /// The time since the clock was made.
    public func now() -> Duration {
        Self.reading - origin
    }

    private static var reading: Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

extension Duration {
    /// Whole milliseconds, rounded up so that a wait never ends early, within `Int32`.
    var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < Int64(Int32.max / 1000) else { return .max }
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
        return Int32(
            seconds * 1000
                + (attoseconds + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond)
    }
}
