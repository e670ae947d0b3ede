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
    /// Share of the workers that cannot do the job, and wait for the one after it; one can always.
    public var bystanderShare: Double
    /// Iterations of a fit.
    public var iterations: Int
    /// Mean seconds of an iteration on a worker that is not slow.
    public var secondsPerIteration: Double
    /// Bytes of the state of a fit, as the policy counts them; nil where the job takes no
    /// checkpoints.
    public var checkpointByteCount: Int?
    /// The longest time that a coordinator which ended is away.
    public var coordinatorAbsence: Duration
    /// What goes wrong until `healAt`.
    public var faults: Faults
    /// When all faults end that do not last.
    public var healAt: Duration
    /// Whether everything is checked after every event, and told to the trace. Checks look at every
    /// tile and worker, so a run that measures time goes without them.
    public var isChecked = true
    /// Whether results lie on the simulated disk. Without it they are as good as stored at once.
    public var usesDisk = true
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
        checkpointByteCount = generator.chance(0.85) ? 1 << 20 : nil
        coordinatorAbsence = .seconds(
            generator.chance(0.6) ? 5.0 : generator.chance(0.8) ? 60 : 400)
        faults = Faults(using: &generator, kinds: kinds)
        healAt = .seconds(Double.random(in: 60...1800, using: &generator))
        coordinatorPolicy = CoordinatorPolicy()
        coordinatorPolicy.workerWait = generator.chance(0.8) ? nil : .seconds(120)
        coordinatorPolicy.firstIterationTimeout = .seconds(200)
        coordinatorPolicy.checkpointInterval = .seconds(
            Double.random(in: 1...40, using: &generator))
        if generator.chance(0.2) {
            // Room for one state at a time, and for one in some seconds.
            coordinatorPolicy.checkpointBytesUnderWayMaximum = 1 << 20
            coordinatorPolicy.checkpointBytesPerSecond = 1 << 17
        }
        coordinatorPolicy.stragglerRestMinimum = .seconds(
            Double.random(in: 1...30, using: &generator))
        workerPolicy = WorkerPolicy()
        if generator.chance(0.2) {
            workerPolicy.lifetime = .seconds(Double.random(in: 30...600, using: &generator))
        }
        coordinatorPolicy.dismissesWorkersWhenInterrupted = generator.chance(0.5)
        bystanderShare = generator.chance(0.75) ? 0 : generator.upTo(0.6)
    }

    /// How often a tile may be handed out after everything has healed. One that kills its workers
    /// may get on by an iteration, and store it, before each last of its deaths.
    func triesMaximum(killsWorkers: Bool) -> Int {
        killsWorkers
            ? coordinatorPolicy.tileDeathsMaximum * (1 + iterations / 2)
            : coordinatorPolicy.tileFailuresMaximum + coordinatorPolicy.tileSeedsMaximum
    }

    /// When the run must be over: everything that was wrong at `healAt` has been noticed, and each
    /// tile has been fitted as often as it may be, one after the other on one slow worker.
    public var deadline: Duration {
        let fit = Double(iterations) * secondsPerIteration * Self.slowness * 1.5
        let tries = Double(triesMaximum(killsWorkers: faults[.killerTile] > 0))
        return healAt + .seconds(2000 + Double(tileCount) * tries * (fit + 200))
    }

    /// How long a worker may have gone on after the state from which the next try begins, when
    /// that worker crashes; nil where something else goes wrong that takes longer.
    func lossMaximum(secondsPerIteration: Double) -> Duration? {
        let calm: Set<Fault> = [
            .workerCrash, .workerLeave, .slowWorker, .poisonTile, .killerTile,
        ]
        let usual = CoordinatorPolicy()
        guard calm.isSuperset(of: faults.kinds), checkpointByteCount != nil,
            coordinatorPolicy.checkpointBytesPerSecond == usual.checkpointBytesPerSecond
        else { return nil }
        // Until the iteration is heard of, the sweep, the end of an iteration whose state may be
        // the one before, and the disk.
        return coordinatorPolicy.checkpointInterval + coordinatorPolicy.heartbeatInterval
            + coordinatorPolicy.sweepInterval + .seconds(3 * 1.5 * secondsPerIteration + 4)
    }

    public var description: String {
        let interval = coordinatorPolicy.checkpointInterval / .seconds(1)
        let checkpoints =
            checkpointByteCount == nil ? "no checkpoints" : "checkpoints every \(Int(interval)) s"
        return "\(tileCount) tiles of \(iterations) iterations, \(workerCount) workers, "
            + "\(checkpoints), healed at "
            + "\(Int(healAt / .seconds(1))) s; faults: \(faults)"
    }
}
