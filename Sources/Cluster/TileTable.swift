/// Where every tile stands, and which one is next. Holds no worker's state and no time; only the
/// coordinator changes it, and every change names the state it starts from.
internal import Wire

struct TileTable {
    enum State: Equatable {
        /// To be handed out, for the first time or again.
        case waiting
        /// A worker has it; so has a second one, where the first is slow.
        case leased(to: WorkerID, second: WorkerID?)
        /// A result is on its way to disk; the worker may have gone by now.
        case storing(Attempt, from: WorkerID)
        /// On disk.
        case stored
        /// Given up; a late result is still welcome.
        case setAside
    }

    struct Record {
        var state = State.waiting
        /// Tries handed out so far; the latest one's number.
        var attempts = 0
        /// Tries that came to nothing and count, the oldest first; none once the tile is stored.
        var failures: [Coordinator.AttemptFailure] = []
        /// Seeds that have failed: the number of the present one.
        var seedsFailed = 0
        /// Tries up to this one had a seed that has failed.
        var lastAttemptOfFailedSeed = 0
        /// The iteration of the state on disk; nil without one.
        var checkpoint: Int?
        /// Tries in a row that began before the state that they were given.
        var uselessStartCount = 0
        /// The iteration of the latest state on its way to disk.
        var checkpointUnderWay: Int?
        /// The furthest iteration of the tries that ended since the latest one began.
        var abandonedIteration = 0
        /// Whether a worker of a former run may come back with it.
        var isReserved = false

        /// The iteration from which the next try goes on; nil where it begins anew.
        var latestCheckpoint: Int? {
            [checkpoint, checkpointUnderWay].compactMap { $0 }.max()
        }

        /// Workers that died with it since its latest state.
        var deathCount: Int { failures.count(where: \.isDeath) }

        /// Whether this worker has it.
        func isHeld(by worker: WorkerID) -> Bool {
            guard case .leased(let first, let second) = state else { return false }
            return worker == first || worker == second
        }
    }

    private(set) var records: [Record]
    /// Tiles that were handed out and wait again, in tile order.
    private(set) var returned: [TileID] = []
    /// No tile before this one is waiting without ever having been handed out.
    private var freshCursor = 0
    private(set) var storedCount = 0
    private(set) var setAsideCount = 0

    init(
        tileCount: Int, restored: [TileID: Coordinator.RestoredTile],
        isGivenUp: ([Coordinator.AttemptFailure]) -> Bool
    ) {
        records = Array(repeating: Record(), count: tileCount)
        for (tile, known) in restored.sorted(by: { $0.key < $1.key }) {
            precondition(records.indices.contains(tile.rawValue), "there is no \(tile)")
            let (index, story) = (tile.rawValue, known.story)
            records[index].attempts = story.attempts
            records[index].seedsFailed = story.seedsFailed
            records[index].lastAttemptOfFailedSeed = story.lastAttemptOfFailedSeed
            if known.isStored {
                records[index].state = .stored
                storedCount += 1
                continue
            }
            records[index].failures = story.failures
            records[index].checkpoint = known.checkpointIteration
            if story.isSetAside || isGivenUp(story.failures) {
                giveUp(tile)
            } else if story.attempts > 0 {
                records[index].isReserved = !story.isAtRest
                returned.append(tile)
            }
        }
    }

    var isOver: Bool { storedCount + setAsideCount == records.count }

    /// Whether nothing is left to be handed out.
    var hasNothingWaiting: Bool { firstFresh() == nil && returned.isEmpty }

    /// The first tile that waits and was never handed out.
    mutating func nextFresh() -> TileID? {
        let fresh = firstFresh()
        freshCursor = fresh?.rawValue ?? records.count
        return fresh
    }

    private func firstFresh() -> TileID? {
        records[freshCursor...].firstIndex { $0.state == .waiting && $0.attempts == 0 }.map {
            TileID($0)
        }
    }

    var setAside: [TileID] {
        records.indices.filter { records[$0].state == .setAside }.map { TileID($0) }
    }

    /// Tiles that are not on disk, in tile order.
    var unstored: [TileID] {
        records.indices.filter { records[$0].state != .stored }.map { TileID($0) }
    }

    subscript(tile: TileID) -> Record { records[tile.rawValue] }

    /// Whether the job has such a tile.
    func contains(_ tile: TileID) -> Bool { records.indices.contains(tile.rawValue) }

    /// Whether this try was ever handed out.
    func knows(_ work: TileAttempt) -> Bool {
        contains(work.tile) && (1...).contains(work.attempt)
            && work.attempt <= self[work.tile].attempts
    }

    /// Whether this try had a seed that has failed since.
    func isOfFailedSeed(_ work: TileAttempt) -> Bool {
        work.attempt <= self[work.tile].lastAttemptOfFailedSeed
    }

    // MARK: Changes

    /// waiting -> leased, as the next attempt.
    mutating func lease(_ tile: TileID, to worker: WorkerID) -> TileAttempt {
        take(tile)
        records[tile.rawValue].state = .leased(to: worker, second: nil)
        records[tile.rawValue].attempts += 1
        return TileAttempt(tile, attempt: self[tile].attempts)
    }

    /// leased -> leased to a second worker too, as the next attempt.
    mutating func leaseSecond(_ tile: TileID, to worker: WorkerID) -> TileAttempt {
        guard case .leased(let first, nil) = self[tile].state, first != worker else {
            preconditionFailure("no second try is due. \(story(of: tile))")
        }
        records[tile.rawValue].state = .leased(to: first, second: worker)
        records[tile.rawValue].attempts += 1
        return TileAttempt(tile, attempt: self[tile].attempts)
    }

    /// waiting -> leased, as an attempt that its worker has had before; if that had been counted as
    /// a failure, it is not.
    mutating func adopt(_ work: TileAttempt, at worker: WorkerID) {
        take(work.tile)
        accept(work)
        records[work.tile.rawValue].state = .leased(to: worker, second: nil)
        records[work.tile.rawValue].failures.removeAll { $0.attempt == work.attempt }
    }

    /// leased -> leased to the other one who has it, or waiting. Returns whether it waits.
    mutating func release(_ tile: TileID, from worker: WorkerID) -> Bool {
        guard case .leased(let first, let second) = self[tile].state else {
            preconditionFailure("\(worker) does not have it. \(story(of: tile))")
        }
        require(worker == first || worker == second, tile)
        guard let remaining = worker == first ? second : first else {
            putBack(tile)
            return true
        }
        records[tile.rawValue].state = .leased(to: remaining, second: nil)
        return false
    }

    /// The failure is remembered, once for each try.
    mutating func fail(_ tile: TileID, _ failure: Coordinator.AttemptFailure) {
        records[tile.rawValue].failures.removeAll { $0.attempt == failure.attempt }
        records[tile.rawValue].failures.append(failure)
    }

    /// All tries so far had a seed that fails: later ones have another, and begin anew. Returns
    /// whether the disk has a state, or will have, that is of no use.
    mutating func giveUpSeed(of tile: TileID) -> Bool {
        let hadCheckpoint = self[tile].latestCheckpoint != nil
        records[tile.rawValue].seedsFailed += 1
        records[tile.rawValue].lastAttemptOfFailedSeed = self[tile].attempts
        records[tile.rawValue].checkpoint = nil
        records[tile.rawValue].checkpointUnderWay = nil
        records[tile.rawValue].uselessStartCount = 0
        return hadCheckpoint
    }

    /// waiting -> set aside.
    mutating func setAside(_ tile: TileID) {
        take(tile)
        giveUp(tile)
    }

    /// waiting, leased or set aside -> storing.
    mutating func beginStoring(_ work: TileAttempt, from worker: WorkerID) {
        switch self[work.tile].state {
        case .waiting: take(work.tile)
        case .leased: break
        case .setAside: setAsideCount -= 1
        case .storing, .stored: require(false, work.tile)
        }
        accept(work)
        records[work.tile.rawValue].state = .storing(work.attempt, from: worker)
    }

    /// storing -> stored. Returns whose result it is, and whether the disk has a checkpoint that is
    /// not needed any more.
    mutating func finishStoring(_ work: TileAttempt) -> (WorkerID, hadCheckpoint: Bool) {
        let worker = storer(of: work)
        let hadCheckpoint = self[work.tile].latestCheckpoint != nil
        records[work.tile.rawValue].state = .stored
        records[work.tile.rawValue].failures = []
        records[work.tile.rawValue].checkpoint = nil
        records[work.tile.rawValue].abandonedIteration = 0
        storedCount += 1
        return (worker, hadCheckpoint)
    }

    /// storing -> leased: the worker still holds the result.
    mutating func keepAfterStoring(_ work: TileAttempt) {
        records[work.tile.rawValue].state = .leased(to: storer(of: work), second: nil)
    }

    /// storing -> waiting: the result is lost.
    mutating func loseAfterStoring(_ work: TileAttempt) {
        _ = storer(of: work)
        putBack(work.tile)
    }

    /// Who delivered the try that is being stored.
    func storer(of work: TileAttempt) -> WorkerID {
        require(knows(work), work.tile)
        guard case .storing(work.attempt, let worker) = self[work.tile].state else {
            preconditionFailure("\(work) is not being stored. \(story(of: work.tile))")
        }
        return worker
    }

    // MARK: Checkpoints and iterations

    /// A state is on its way to disk.
    mutating func beginCheckpoint(_ tile: TileID, iteration: Int) {
        records[tile.rawValue].checkpointUnderWay = max(
            iteration, self[tile].checkpointUnderWay ?? 0)
    }

    /// A state is on disk, or could not be written. One that is stored shows that the tile gets on:
    /// workers that died with it are forgotten. One of a seed that has failed is as good as gone.
    mutating func endCheckpoint(_ work: TileAttempt, iteration: Int, isStored: Bool) {
        let tile = work.tile
        guard !isOfFailedSeed(work) else { return }
        if self[tile].checkpointUnderWay == iteration {
            records[tile.rawValue].checkpointUnderWay = nil
        }
        guard isStored, self[tile].state != .stored else { return }
        if iteration > self[tile].checkpoint ?? -1 {
            records[tile.rawValue].checkpoint = iteration
            records[tile.rawValue].uselessStartCount = 0
            records[tile.rawValue].failures.removeAll(where: \.isDeath)
        }
    }

    /// A try has begun that was given the state at iteration `checkpoint`. A state that served
    /// `uselessMaximum` tries in a row for nothing is forgotten, so that one of an earlier
    /// iteration can take its place. Returns whether it was, and is to be removed.
    mutating func noteStart(
        _ tile: TileID, at iteration: Int, from checkpoint: Int, uselessMaximum: Int
    ) -> Bool {
        records[tile.rawValue].uselessStartCount =
            iteration < checkpoint ? self[tile].uselessStartCount + 1 : 0
        guard self[tile].uselessStartCount >= uselessMaximum, self[tile].checkpoint == checkpoint,
            self[tile].checkpointUnderWay == nil
        else { return false }
        records[tile.rawValue].uselessStartCount = 0
        forgetCheckpoint(tile)
        return true
    }

    /// There is no usable state on disk.
    mutating func forgetCheckpoint(_ tile: TileID) {
        records[tile.rawValue].checkpoint = nil
    }

    /// A try ended at this iteration without a result.
    mutating func abandon(_ tile: TileID, at iteration: Int) {
        records[tile.rawValue].abandonedIteration = max(
            iteration, self[tile].abandonedIteration)
    }

    /// The next try begins at this iteration, or there will be none. Returns how many iterations
    /// are to be done again.
    mutating func takeLostIterations(_ tile: TileID, beginningAt iteration: Int) -> Int {
        let lost = max(0, self[tile].abandonedIteration - iteration)
        records[tile.rawValue].abandonedIteration = 0
        return lost
    }

    // MARK: The parts of changes

    private mutating func accept(_ work: TileAttempt) {
        records[work.tile.rawValue].attempts = max(work.attempt, self[work.tile].attempts)
    }

    private mutating func giveUp(_ tile: TileID) {
        records[tile.rawValue].state = .setAside
        setAsideCount += 1
    }

    private mutating func putBack(_ tile: TileID) {
        records[tile.rawValue].state = .waiting
        returned.insert(tile, at: placeAmongReturned(tile))
    }

    private mutating func take(_ tile: TileID) {
        require(self[tile].state == .waiting, tile)
        records[tile.rawValue].isReserved = false
        guard self[tile].attempts > 0 else { return }
        let index = placeAmongReturned(tile)
        require(index < returned.count && returned[index] == tile, tile)
        returned.remove(at: index)
    }

    /// The index of the first tile that is not before this one.
    private func placeAmongReturned(_ tile: TileID) -> Int {
        var (low, high) = (0, returned.count)
        while low < high {
            let middle = (low + high) / 2
            if returned[middle] < tile { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

// MARK: - Checks

extension TileTable {
    private func require(_ condition: Bool, _ tile: TileID) {
        precondition(condition, "impossible change of a tile. \(story(of: tile))")
    }

    /// Everything known about a tile, for the message of a failed check.
    func story(of tile: TileID) -> String {
        guard contains(tile) else { return "There is no \(tile)." }
        let record = self[tile]
        let failures = record.failures.map(\.description).joined(separator: "; ")
        let checkpoint = record.latestCheckpoint.map { "\($0)" } ?? "none"
        return "\(tile): \(record.state), \(record.attempts) attempts, checkpoint \(checkpoint); "
            + "failures: \(failures)"
    }

    func checkInvariants() {
        var stored = 0
        var setAside = 0
        for (index, record) in records.enumerated() {
            let tile = TileID(index)
            stored += record.state == .stored ? 1 : 0
            setAside += record.state == .setAside ? 1 : 0
            let isFresh = record.state == .waiting && record.attempts == 0
            require(!isFresh || index >= freshCursor, tile)
            let attempts = record.failures.map(\.attempt)
            require(attempts.count < 2 || Set(attempts).count == attempts.count, tile)
            require(!record.isReserved || record.state == .waiting, tile)
            require(record.lastAttemptOfFailedSeed <= record.attempts, tile)
            require((record.seedsFailed == 0) == (record.lastAttemptOfFailedSeed == 0), tile)
            if case .leased(let first, let second) = record.state { require(first != second, tile) }
            guard record.state == .stored else { continue }
            require(record.failures.isEmpty && record.checkpoint == nil, tile)
        }
        precondition(stored == storedCount && setAside == setAsideCount, "counts of tiles")
        precondition(zip(returned, returned.dropFirst()).allSatisfy { $0 < $1 }, "tile order")
        let waiting = records.indices.filter {
            records[$0].attempts > 0 && records[$0].state == .waiting
        }
        precondition(waiting.map { TileID($0) } == returned, "tiles that wait again")
    }
}
