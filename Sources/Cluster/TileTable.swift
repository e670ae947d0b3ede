/// Where every tile stands, and which one is next. Holds no worker's state and no time; only the
/// coordinator changes it, and every change names the state it starts from.
internal import Wire

struct TileTable {
    enum State: Equatable {
        /// To be handed out, for the first time or again.
        case waiting
        /// A worker has it.
        case leased(to: WorkerID)
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
        /// Tries that came to nothing and count, the oldest first.
        var failures: [Coordinator.AttemptFailure] = []
        /// Whether the latest try may go on where its worker is.
        var isResumable = false
    }

    private(set) var records: [Record]
    /// Tiles that were handed out and wait again, in tile order.
    private(set) var returned: [TileID] = []
    /// The first tile that was never handed out, or the end; there may be others after it.
    private var firstFresh = 0
    private(set) var storedCount = 0
    private(set) var setAsideCount = 0

    init(
        tileCount: Int, restored: [TileID: Coordinator.RestoredTile] = [:], failuresMaximum: Int
    ) {
        records = Array(repeating: Record(), count: tileCount)
        for (tile, known) in restored.sorted(by: { $0.key < $1.key }) {
            precondition(records.indices.contains(tile.rawValue), "there is no \(tile)")
            let story = known.story
            records[tile.rawValue].attempts = story.attempts
            records[tile.rawValue].failures = story.failures
            if known.isStored {
                records[tile.rawValue].state = .stored
                storedCount += 1
            } else if story.isSetAside || story.failures.count >= failuresMaximum {
                giveUp(tile)
            } else if story.attempts > 0 {
                // A worker that has not heard of the former coordinator's end may go on with it.
                records[tile.rawValue].isResumable =
                    story.failures.last?.attempt != story.attempts
                returned.append(tile)
            }
        }
        passHandedOut()
    }

    var isOver: Bool { storedCount + setAsideCount == records.count }

    /// The first tile that was never handed out.
    var fresh: TileID? { firstFresh < records.count ? TileID(firstFresh) : nil }

    var setAside: [TileID] {
        records.indices.filter { records[$0].state == .setAside }.map { TileID($0) }
    }

    subscript(tile: TileID) -> Record { records[tile.rawValue] }

    /// Whether this try was ever handed out.
    func knows(_ work: TileAttempt) -> Bool {
        records.indices.contains(work.tile.rawValue)
            && (1...).contains(work.attempt) && work.attempt <= self[work.tile].attempts
    }

    // MARK: Changes

    /// waiting -> leased, as the next attempt.
    mutating func lease(_ tile: TileID, to worker: WorkerID) -> TileAttempt {
        take(tile)
        records[tile.rawValue].state = .leased(to: worker)
        records[tile.rawValue].attempts += 1
        records[tile.rawValue].isResumable = false
        return TileAttempt(tile, attempt: self[tile].attempts)
    }

    /// waiting -> leased, as the latest attempt; if it had been counted as a failure, it is not.
    mutating func resume(_ work: TileAttempt, at worker: WorkerID) {
        require(self[work.tile].isResumable && work.attempt == self[work.tile].attempts, work.tile)
        take(work.tile)
        records[work.tile.rawValue].state = .leased(to: worker)
        records[work.tile.rawValue].isResumable = false
        records[work.tile.rawValue].failures.removeAll { $0.attempt == work.attempt }
    }

    /// leased -> waiting.
    mutating func release(_ tile: TileID, from worker: WorkerID, isResumable: Bool) {
        require(self[tile].state == .leased(to: worker), tile)
        putBack(tile, isResumable: isResumable)
    }

    /// leased -> leased; the failure is remembered, once for each try. Returns how many there are.
    mutating func fail(_ tile: TileID, _ failure: Coordinator.AttemptFailure) -> Int {
        require(self[tile].state == .leased(to: failure.worker), tile)
        records[tile.rawValue].failures.removeAll { $0.attempt == failure.attempt }
        records[tile.rawValue].failures.append(failure)
        return self[tile].failures.count
    }

    /// leased -> set aside.
    mutating func setAside(_ tile: TileID, from worker: WorkerID) {
        require(self[tile].state == .leased(to: worker), tile)
        giveUp(tile)
    }

    /// waiting, leased or set aside -> storing.
    mutating func beginStoring(_ work: TileAttempt, from worker: WorkerID) {
        require(knows(work), work.tile)
        switch self[work.tile].state {
        case .waiting: take(work.tile)
        case .leased: break
        case .setAside: setAsideCount -= 1
        case .storing, .stored: require(false, work.tile)
        }
        records[work.tile.rawValue].state = .storing(work.attempt, from: worker)
        records[work.tile.rawValue].isResumable = false
    }

    /// storing -> stored. Returns whose result it is.
    mutating func finishStoring(_ work: TileAttempt) -> WorkerID {
        let worker = storer(of: work)
        records[work.tile.rawValue].state = .stored
        storedCount += 1
        return worker
    }

    /// storing -> leased: the worker still holds the result.
    mutating func keepAfterStoring(_ work: TileAttempt) {
        records[work.tile.rawValue].state = .leased(to: storer(of: work))
    }

    /// storing -> waiting, or set aside again: the result is lost.
    mutating func loseAfterStoring(_ work: TileAttempt, isGivenUp: Bool) {
        _ = storer(of: work)
        if isGivenUp {
            giveUp(work.tile)
        } else {
            putBack(work.tile, isResumable: work.attempt == self[work.tile].attempts)
        }
    }

    /// Who delivered the try that is being stored.
    func storer(of work: TileAttempt) -> WorkerID {
        require(knows(work), work.tile)
        guard case .storing(work.attempt, let worker) = self[work.tile].state else {
            preconditionFailure("\(work) is not being stored. \(story(of: work.tile))")
        }
        return worker
    }

    private mutating func giveUp(_ tile: TileID) {
        records[tile.rawValue].state = .setAside
        setAsideCount += 1
    }

    private mutating func putBack(_ tile: TileID, isResumable: Bool) {
        records[tile.rawValue].state = .waiting
        records[tile.rawValue].isResumable = isResumable
        returned.insert(tile, at: returned.firstIndex { $0 > tile } ?? returned.endIndex)
    }

    private mutating func take(_ tile: TileID) {
        require(self[tile].state == .waiting, tile)
        if tile.rawValue == firstFresh {
            firstFresh += 1
            passHandedOut()
        } else if let index = returned.firstIndex(of: tile) {
            returned.remove(at: index)
        } else {
            require(false, tile)
        }
    }

    private mutating func passHandedOut() {
        while firstFresh < records.count, !isFresh(firstFresh) { firstFresh += 1 }
    }

    private func isFresh(_ index: Int) -> Bool {
        records[index].state == .waiting && records[index].attempts == 0
    }

    // MARK: Checks

    private func require(_ condition: Bool, _ tile: TileID) {
        precondition(condition, "impossible change of a tile. \(story(of: tile))")
    }

    /// Everything known about a tile, for the message of a failed check.
    func story(of tile: TileID) -> String {
        guard records.indices.contains(tile.rawValue) else { return "There is no \(tile)." }
        let record = self[tile]
        let failures = record.failures.map(\.description).joined(separator: "; ")
        return "\(tile): \(record.state), \(record.attempts) attempts; failures: \(failures)"
    }

    func checkInvariants() {
        var stored = 0
        var setAside = 0
        for (index, record) in records.enumerated() {
            let tile = TileID(index)
            stored += record.state == .stored ? 1 : 0
            setAside += record.state == .setAside ? 1 : 0
            require(index >= firstFresh || !isFresh(index), tile)
            let attempts = record.failures.map(\.attempt)
            require(attempts.count < 2 || Set(attempts).count == attempts.count, tile)
            require(!record.isResumable || record.state == .waiting, tile)
        }
        precondition(stored == storedCount && setAside == setAsideCount, "counts of tiles")
        precondition(zip(returned, returned.dropFirst()).allSatisfy { $0 < $1 }, "tile order")
        precondition(firstFresh == records.count || isFresh(firstFresh), "the first fresh tile")
        let waiting = records.indices.filter { records[$0].state == .waiting && !isFresh($0) }
        precondition(waiting.map { TileID($0) } == returned, "tiles that wait again")
    }
}
