// How a network computes, besides what it computes.

/// The format of the factors in the large matrix products.
public enum Precision: String, Codable, Sendable, CaseIterable {
    case float32
    /// Factors of large convolutions' products are rounded to bfloat16 (8 bits of mantissa); sums,
    /// stored values, weights, moments and normalization stay float32.
    case bfloat16
}

/// Which implementation convolutions use.
public enum PathChoice: String, Sendable, CaseIterable {
    /// The faster one for each layer's sizes.
    case automatic
    /// Patches times weights everywhere.
    case general
    /// Winograd's filtering wherever kernel and stride allow it.
    case fast
}

/// How a network computes; the defaults are exact and single-threaded.
public struct NetworkOptions: Sendable {
    public var precision = Precision.float32
    /// Threads that share each iteration's work; at least 1. Results are the same bytes for any
    /// number.
    public var threadCount = 1
    public var paths = PathChoice.automatic

    public init() {}

    public init(precision: Precision, threadCount: Int = 1) {
        self.precision = precision
        self.threadCount = threadCount
    }
}
