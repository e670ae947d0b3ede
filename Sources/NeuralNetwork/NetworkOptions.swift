// How a network computes, besides what it computes.

/// The format of the factors in the large matrix products.
public enum Precision: String, Codable, Sendable, CaseIterable {
    case float32
    /// Factors of large convolutions' products are rounded to bfloat16 (8 bits of mantissa); sums,
    /// stored values, weights, moments and normalization stay float32.
    case bfloat16
}

/// How the convolutions of a network are computed.
public enum PathChoice: String, Sendable, CaseIterable {
    /// Each on the path that is faster for its sizes.
    case automatic
    /// As patches times weights, which works for every kernel, stride and size.
    case general
    /// On the fast path wherever it is possible, also where it does not pay.
    case fast
}

/// How a network computes; the defaults are exact and single-threaded.
public struct NetworkOptions: Sendable {
    public var precision = Precision.float32
    /// Threads that share each iteration's work; at least 1. Results are the same bytes for any
    /// number.
    public var threadCount = 1
    /// For measuring and checking.
    public var paths = PathChoice.automatic
    /// Whether `backward` computes the gradient of the network's input too, which training does
    /// without.
    public var wantsInputGradient = false

    public init(
        precision: Precision = .float32, threadCount: Int = 1, paths: PathChoice = .automatic,
        wantsInputGradient: Bool = false
    ) {
        self.precision = precision
        self.threadCount = threadCount
        self.paths = paths
        self.wantsInputGradient = wantsInputGradient
    }
}
