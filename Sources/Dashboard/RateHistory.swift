// How fast workers have been, and how steadily.

/// The rates that workers report, by worker: a mean that follows them, and how far reports lie from
/// it. Bounded by the workers that are kept.
public struct RateHistory: Equatable, Sendable {
    /// Reports that a mean remembers: about ten seconds, so that it follows a host whose load
    /// changes.
    private static let memory = 5.0
    /// Reports, of all workers, that the spread remembers.
    private static let spreadMemory = 256.0
    /// What is expected before anything is seen, and the reports that this is worth.
    private static let priorSpread = 0.25
    private static let priorCount = 4.0

    private struct Mean: Equatable {
        var value: Double
        var count = 1.0
    }

    private var means: [String: Mean] = [:]
    private var squareSum = 0.0
    private var count = 0.0

    public init() {}

    /// A worker says how many iterations a second it does.
    public mutating func report(_ rate: Double, of worker: String) {
        guard rate > 0, rate.isFinite else { return }
        guard var mean = means[worker] else {
            means[worker] = Mean(value: rate)
            return
        }
        let deviation = rate / mean.value - 1
        // A worker that has become ten times as fast is no measure of how steady it is.
        squareSum += min(deviation * deviation, 1)
        count += 1
        if count > Self.spreadMemory {
            squareSum *= Self.spreadMemory / count
            count = Self.spreadMemory
        }
        mean.count = min(mean.count + 1, Self.memory)
        mean.value += (rate - mean.value) / mean.count
        means[worker] = mean
    }

    /// Forgets all other workers.
    public mutating func keep(_ workers: Set<String>) {
        guard means.count > workers.count || !means.keys.allSatisfy(workers.contains) else {
            return
        }
        means = means.filter { workers.contains($0.key) }
    }

    /// Iterations a second; nil where the worker has said nothing.
    public func rate(of worker: String) -> Double? { means[worker]?.value }

    /// One standard deviation of a report from its worker's mean, as a share of that; 0 to 1. Few
    /// reports count for little: it begins at 0.25.
    public var spread: Double {
        let prior = Self.priorCount * Self.priorSpread * Self.priorSpread
        return ((prior + squareSum) / (Self.priorCount + count)).squareRoot()
    }
}
