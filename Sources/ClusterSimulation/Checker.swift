/// What must hold whatever happens, seen from outside: the checker remembers over all lives of the
/// coordinator what each of them has promised.
import Cluster
import JobStore
import Wire

struct Checker {
    /// Time that everything wrong needs after the healing to be noticed: silence, standing fits,
    /// pauses between connections.
    private static let settling = Duration.seconds(1000)
    /// Events of a machine between two looks at its collections, which take long.
    private static let eventsBetweenSizes = 64

    private let scenario: Scenario
    /// Tiles on which every fit fails.
    var poisonTiles: Set<TileID> = []
    /// Tiles of which every worker dies.
    var killerTiles: Set<TileID> = []
    /// Seeds, by their numbers, with which every fit of a tile comes to nothing.
    var divergingSeeds: [TileID: Set<Int>] = [:]
    /// Tiles that a coordinator knew to be on disk: they stay.
    private(set) var confirmed: Set<TileID> = []
    /// Tries that were ever handed out.
    private var handedOut: Set<TileAttempt> = []
    /// Tiles that are being stored in this life.
    private var storing: Set<TileID> = []
    /// The iteration of the latest state of each tile that a coordinator knew to be on disk, and
    /// when it did.
    private var checkpoints: [TileID: (iteration: Int, at: Duration)] = [:]
    /// How often the latest state of a tile was sent to a worker, and of which iteration.
    private var sent: [TileID: (iteration: Int, count: Int)] = [:]
    /// Tiles whose state has just been found useless.
    private var useless: Set<TileID> = []
    /// Tiles that this coordinator runs twice because a worker is slow.
    private var ranTwice: Set<TileID> = []
    private var settledDispatches: [TileID: Int] = [:]
    /// Some coordinator has told its workers that the job is over.
    private(set) var hasAnyJobEnded = false
    private var eventsUntilSizes = 0
    /// The number of the latest try of each tile, and of the latest with a seed that has failed.
    private var latestAttempts: [TileID: Attempt] = [:]
    private var failedSeedAttempts: [TileID: Attempt] = [:]

    init(scenario: Scenario) {
        self.scenario = scenario
    }

    /// A coordinator begins: what former ones knew to be on disk is there, nothing is under way.
    mutating func beginLife(_ state: JobState, at now: Duration) throws(Flaw) {
        storing = []
        ranTwice = []
        latestAttempts = [:]
        failedSeedAttempts = [:]
        for (tile, history) in state.histories {
            latestAttempts[TileID(tile)] = history.attempts
            failedSeedAttempts[TileID(tile)] = history.lastAttemptOfFailedSeed
        }
        for tile in confirmed.sorted() where !state.stored.contains(tile.rawValue) {
            throw Flaw("\(tile) was on disk and is not any more")
        }
        for tile in state.stored { confirmed.insert(TileID(tile)) }
        for (tile, known) in checkpoints.sorted(by: { $0.key < $1.key })
        where !confirmed.contains(tile) && state.histories[tile.rawValue]?.isSetAside != true {
            let iteration = state.checkpoints[tile.rawValue]?.iteration
            guard let iteration, iteration >= known.iteration else {
                throw Flaw(
                    "\(tile) had a state at iteration \(known.iteration) on disk and now has "
                        + (iteration.map { "one at \($0)" } ?? "none"))
            }
        }
        for (tile, stored) in state.checkpoints {
            checkpoints[TileID(tile)] = (stored.iteration, now)
        }
    }

    /// Counts on a tile's being on disk.
    mutating func trust(_ tile: TileID) {
        confirmed.insert(tile)
    }

    mutating func note(
        _ event: Coordinator.Event, told coordinator: SimulatedCoordinator, at now: Duration
    ) {
        switch event {
        case .checkpointStored(let work, let iteration, _):
            if iteration > checkpoints[work.tile]?.iteration ?? -1,
                work.attempt > failedSeedAttempts[work.tile] ?? 0
            {
                checkpoints[work.tile] = (iteration, now)
            }
        case .received(_, let peer), .pieceReceived(_, let peer), .nonsense(_, let peer),
            .checkpointPieceReceived(_, let peer), .protocolMismatch(_, let peer):
            coordinator.met.insert(peer)
        case .tileStored(let work):
            confirmed.insert(work.tile)
            storing.remove(work.tile)
        case .storingFailed(let work, _): storing.remove(work.tile)
        default: break
        }
    }

    mutating func check(
        _ command: Coordinator.Command, of coordinator: SimulatedCoordinator, at now: Duration
    ) throws(Flaw) {
        switch command {
        case .send(let message, let peer):
            guard coordinator.met.contains(peer) else {
                throw Flaw("\(message.kind) is sent to peer \(peer), who never spoke")
            }
            if case .stored(let receipt) = message, !confirmed.contains(receipt.tile) {
                throw Flaw("a receipt for \(receipt.work), which is not on disk")
            }
            if case .checkpointStored(let receipt) = message,
                receipt.iteration > checkpoints[receipt.tile]?.iteration ?? -1
            {
                throw Flaw("a receipt for a state of \(receipt.work), which is not on disk")
            }
        case .dispatch(let work, let peer, let checkpoint, let retry):
            guard !coordinator.machine.isPaused else { throw Flaw("\(work) during a pause") }
            latestAttempts[work.tile] = work.attempt
            guard (0..<retry).allSatisfy({ divergingSeeds[work.tile]?.contains($0) == true }) else {
                throw Flaw("\(work) has seed \(retry), although one before it does not fail")
            }
            guard checkpoint ?? 0 >= checkpoints[work.tile]?.iteration ?? 0 else {
                throw Flaw("\(work) begins at \(checkpoint ?? 0), behind the state on disk")
            }
            guard coordinator.welcomed.contains(peer) else {
                throw Flaw("\(work) goes to peer \(peer), who has no session")
            }
            try checkDispatch(work, at: now)
            if let checkpoint {
                let before = sent[work.tile].map { $0.iteration == checkpoint ? $0.count : 0 } ?? 0
                sent[work.tile] = (checkpoint, before + 1)
            }
        case .store(let work, _):
            guard !confirmed.contains(work.tile), storing.insert(work.tile).inserted else {
                throw Flaw("\(work) is stored a second time")
            }
        case .setAside(let tile, let story):
            let policy = scenario.coordinatorPolicy
            let others = story.filter { !$0.isDivergence }
            let seedCount = story.count - others.count
            guard
                others.count(where: { !$0.isDeath }) >= policy.tileFailuresMaximum
                    || others.count >= policy.tileDeathsMaximum
                    || seedCount >= policy.tileSeedsMaximum && soundSeed(of: tile) == nil
            else {
                throw Flaw("\(tile) is given up after \(story)")
            }
            guard !isQuiet else {
                throw Flaw("\(tile) is given up although nothing goes wrong")
            }
        case .finished: hasAnyJobEnded = true
        case .storeCheckpoint(let work, let iteration, _):
            guard iteration > checkpoints[work.tile]?.iteration ?? -1 else {
                throw Flaw("the state on disk of \(work) would go back to \(iteration)")
            }
        case .removeCheckpoint(let tile):
            guard confirmed.contains(tile) || useless.remove(tile) != nil else {
                throw Flaw("\(tile) still needs its state")
            }
        case .note(.checkpointUseless(let tile, let iteration)):
            let count = sent[tile].map { $0.iteration == iteration ? $0.count : 0 } ?? 0
            guard count >= scenario.coordinatorPolicy.uselessStartsMaximum else {
                throw Flaw("\(tile) loses a state that was sent \(count) times")
            }
            checkpoints[tile] = nil
            useless.insert(tile)
        case .note(.secondTry(let work, _, _)): ranTwice.insert(work.tile)
        case .note(.leaseResumed(let work, _, _)):
            latestAttempts[work.tile] = max(work.attempt, latestAttempts[work.tile] ?? 0)
        case .note(.leaseEnded(let work, _, .diverged)):
            try giveUpSeed(of: work)
        case .discard, .forget, .note: break
        }
    }

    /// The first seed with which a tile's fit comes to something; nil where none does.
    func soundSeed(of tile: TileID) -> Int? {
        (0..<scenario.coordinatorPolicy.tileSeedsMaximum).first {
            divergingSeeds[tile]?.contains($0) != true
        }
    }

    /// States of a seed that fails are of no use any more.
    private mutating func giveUpSeed(of work: TileAttempt) throws(Flaw) {
        guard work.attempt > failedSeedAttempts[work.tile] ?? 0 else {
            throw Flaw("\(work) fails with a seed that has failed before")
        }
        failedSeedAttempts[work.tile] = latestAttempts[work.tile]
        checkpoints[work.tile] = nil
        sent[work.tile] = nil
        useless.insert(work.tile)
    }

    private mutating func checkDispatch(_ work: TileAttempt, at now: Duration) throws(Flaw) {
        guard !confirmed.contains(work.tile), !storing.contains(work.tile) else {
            throw Flaw("\(work) is handed out although its result is here")
        }
        guard !isQuiet || work.attempt == 1 || ranTwice.contains(work.tile) else {
            throw Flaw("\(work) although nothing goes wrong")
        }
        guard now > scenario.healAt + Self.settling else { return }
        settledDispatches[work.tile, default: 0] += 1
        let bound = scenario.triesMaximum(killsWorkers: killerTiles.contains(work.tile))
        guard settledDispatches[work.tile, default: 0] <= bound else {
            throw Flaw("\(work) is handed out again and again although all has healed")
        }
    }

    /// Whether nothing can be wrong, and nobody leaves.
    private var isQuiet: Bool {
        scenario.faults.kinds.isEmpty && scenario.workerPolicy.lifetime == nil
    }

    /// An assignment is sent: a worker may know of this try from now on.
    mutating func checkAssignment(
        _ work: TileAttempt, _ retry: Int, from stored: StoredCheckpoint?
    ) throws(Flaw) {
        if let stored {
            let state = SimulatedFit(bytes: stored.bytes)
            guard let state, state.isSound, state.tile == work.tile,
                state.seed == retry, state.iteration == stored.iteration
            else { throw Flaw("\(work) is to go on from a state that is not its own") }
        }
        guard stored?.iteration ?? 0 >= checkpoints[work.tile]?.iteration ?? 0 else {
            throw Flaw("\(work) begins behind the state on disk")
        }
        guard handedOut.insert(work).inserted else {
            throw Flaw("\(work) is handed out a second time")
        }
    }

    /// A worker crashes: what it did since the state on disk is lost, and that is not much.
    func checkLoss(of worker: SimulatedWorker, at now: Duration) throws(Flaw) {
        guard let fit = worker.fit, worker.iterationTimes.count > 1,
            let maximum = scenario.lossMaximum(secondsPerIteration: worker.secondsPerIteration)
        else { return }
        let known = checkpoints[fit.work.tile]?.iteration ?? 0
        let safe = worker.iterationTimes.filter { $0.key <= known }.values.max()
        let begin = safe ?? worker.iterationTimes.values.min() ?? now
        guard now - begin <= maximum else {
            let seconds = Int((now - begin) / .seconds(1))
            throw Flaw("\(fit.work) loses \(seconds) s when \(worker.name) crashes")
        }
    }

    /// Leases and sizes of a coordinator between two events.
    mutating func checkState(of coordinator: SimulatedCoordinator) throws(Flaw) {
        let leases = coordinator.machine.leases
        for (index, lease) in leases.enumerated() {
            let allowed = ranTwice.contains(lease.work.tile) ? 2 : 1
            guard index >= allowed, leases[index - allowed].work.tile == lease.work.tile else {
                continue
            }
            throw Flaw("more than \(allowed) have leases on \(lease.work.tile) that count")
        }
        for lease in leases where confirmed.contains(lease.work.tile) {
            throw Flaw("\(lease.worker) has a lease on \(lease.work), which is stored")
        }
        eventsUntilSizes -= 1
        guard eventsUntilSizes < 0 else { return }
        eventsUntilSizes = Self.eventsBetweenSizes
        // Some collections have a bound of their own, below a hundred.
        let bound = 100 + 6 * (scenario.tileCount + scenario.workerCount)
        if let largest = CollectionSizes(of: coordinator.machine).largest, largest.count > bound {
            throw Flaw("the coordinator's \(largest.path) holds \(largest.count) elements")
        }
    }

    func checkSizes(of worker: SimulatedWorker) throws(Flaw) {
        let bound = 16
        guard worker.number % 8 == 0 else { return }
        if let largest = CollectionSizes(of: worker.machine).largest, largest.count > bound {
            throw Flaw("\(worker.name)'s \(largest.path) holds \(largest.count) elements")
        }
    }
}
