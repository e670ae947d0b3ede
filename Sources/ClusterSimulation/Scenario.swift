/// What one run is: how large, how patient, and what goes wrong. All of it follows from a seed, and
/// all of it can be set by hand.
public import Cluster

/// The facts of a run that the seed decides about before it begins.
public struct Scenario: Sendable, CustomStringConvertible {
    /// Tiles of the job.
    public var tileCount: Int
    /// Workers that somebody keeps running; one that ends is followed by another.
    public var workerCount: Int
    /// Share of the workers that are children of the coordinator and end with it.
    public var localShare: Double
    /// Iterations of a fit.
    public var iterations: Int
    /// Mean seconds of an iteration on a worker that is not slow.
    public var secondsPerIteration: Double
    /// What goes wrong until `healAt`.
    public var faults: Faults
    /// When all faults end that do not last.
    public var healAt: Duration
    /// The coordinator's patience.
    public var coordinatorPolicy: CoordinatorPolicy
    /// The workers' patience.
    public var workerPolicy: WorkerPolicy

    /// How many times slower a slow worker is.
    static let slowness = 4.0

    /// The scenario of a seed.
    ///
    /// - Parameter kinds: the kinds of faults that may be drawn.
    init(using generator: inout SeededGenerator, kinds: Set<Fault>) {
        tileCount = Int.random(in: 1...10, using: &generator)
        workerCount = Int.random(in: 1...5, using: &generator)
        localShare = generator.chance(0.5) ? 0 : generator.upTo(1)
        iterations = Int.random(in: 3...40, using: &generator)
        secondsPerIteration = 0.05 * Double.random(in: 1...40, using: &generator)
        faults = Faults(using: &generator, kinds: kinds)
        healAt = .seconds(Double.random(in: 60...1800, using: &generator))
        coordinatorPolicy = CoordinatorPolicy()
        coordinatorPolicy.workerWait = generator.chance(0.8) ? nil : .seconds(120)
        coordinatorPolicy.firstIterationTimeout = .seconds(200)
        workerPolicy = WorkerPolicy()
    }

    /// When the run must be over: everything that was wrong at `healAt` has been noticed, and each
    /// tile has been fitted as often as it may be, one after the other on one slow worker.
    public var deadline: Duration {
        let fit = Double(iterations) * secondsPerIteration * Self.slowness * 1.5
        let tries = Double(coordinatorPolicy.tileFailuresMaximum)
        return healAt + .seconds(2000 + Double(tileCount) * tries * (fit + 200))
    }

    public var description: String {
        "\(tileCount) tiles of \(iterations) iterations, \(workerCount) workers, healed at "
            + "\(Int(healAt / .seconds(1))) s; faults: \(faults)"
    }
}
