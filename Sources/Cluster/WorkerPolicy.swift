/// Every number that a worker decides by, and how it waits between tries.

/// When a worker loses patience. Heartbeats and silence are the coordinator's to say, in `welcome`.
public struct WorkerPolicy: Equatable, Sendable {
    /// How long to wait for an answer to a greeting before it is repeated. Short, since a greeting
    /// is lost while the connection is not yet made, and repeating one costs nothing.
    public var helloInterval: Duration = .milliseconds(500)
    /// Greetings without an answer after which the connection is made anew.
    public var helloCountMaximum = 10
    /// The first pause before a connection is made anew; it doubles with each further one.
    public var reconnectPauseMinimum: Duration = .seconds(1)
    /// The longest such pause.
    public var reconnectPauseMaximum: Duration = .seconds(30)
    /// The worker leaves when it has not been welcome for this long.
    public var reconnectTimeout: Duration = .seconds(300)
    /// How long to wait for the receipt of a result before it is sent again the first time.
    public var resendPauseMinimum: Duration = .seconds(30)
    /// That pause doubles each time, up to this one.
    public var resendPauseMaximum: Duration = .seconds(60)
    /// How long a worker that was asked to end may take to hand over what it holds: a finished
    /// result, or the state of its fit. Less than the 30 seconds that Slurm and Kubernetes give.
    public var grace: Duration = .seconds(25)
    /// How long to wait for the receipt of the last state before it is sent again; doubles.
    public var handOverPause: Duration = .seconds(5)
    /// The worker ends as if it had been asked to after this long; nil works on.
    public var lifetime: Duration?

    /// The defaults.
    public init() {}

    /// The numbers make sense together. Checked once, when a worker is made.
    func check() {
        precondition(helloInterval > .zero && helloCountMaximum > 0)
        precondition(reconnectPauseMinimum > .zero)
        precondition(reconnectPauseMaximum >= reconnectPauseMinimum)
        precondition(resendPauseMaximum >= resendPauseMinimum)
        precondition(
            reconnectTimeout > .zero && resendPauseMinimum > .zero && handOverPause > .zero)
        precondition(grace >= .zero && lifetime ?? .zero >= .zero)
    }
}

/// Pauses that double up to a maximum, each shortened by chance to between half and all of itself,
/// so that a thousand workers do not come back at one moment.
public struct BackOff: Sendable {
    private let minimum: Duration
    private let maximum: Duration
    private var pause: Duration
    private var state: UInt64

    /// Pauses from `minimum` to `maximum`; `seed` decides by how much each is shortened.
    public init(minimum: Duration, maximum: Duration, seed: UInt64) {
        precondition(minimum > .zero && maximum >= minimum, "pauses are positive")
        self.minimum = minimum
        self.maximum = maximum
        pause = minimum
        state = seed
    }

    /// The next pause.
    public mutating func next() -> Duration {
        let share = 0.5 + 0.5 * random()
        let chosen = pause * share
        pause = min(pause * 2, maximum)
        return chosen
    }

    /// Begins again with the shortest pause.
    public mutating func reset() {
        pause = minimum
    }

    /// A number in [0, 1): SplitMix64 (Steele, Lea, Flood 2014).
    private mutating func random() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        bits ^= bits >> 31
        return Double(bits >> 11) * 0x1p-53
    }
}
