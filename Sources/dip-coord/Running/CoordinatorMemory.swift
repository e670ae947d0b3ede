// What outlives this process: what the job's folder knew, and what is written down there.

import Cluster
import Dashboard
import Imaging
import JobStore
import Wire

extension CoordinatorLoop {
    /// Writes down the stories of tiles, before orders that rest on them are carried out: the
    /// storage thread keeps the order.
    func remember(_ tiles: Set<TileID>) {
        remember(
            Dictionary(uniqueKeysWithValues: tiles.map { ($0, coordinator.story(of: $0)) }))
    }

    /// Writes down which tiles the next coordinator of the job need not keep for anybody.
    func rememberRest() { remember(coordinator.storiesAtRest) }

    private func remember(_ stories: [TileID: Coordinator.TileStory]) {
        guard !ending.isOrderedToEnd, !stories.isEmpty else { return }
        storage.order(
            .remember(
                Dictionary(
                    uniqueKeysWithValues: stories.map { ($0.rawValue, TileHistory($1)) })))
    }

    /// The first line of a run in the job's log.
    func logBeginning() {
        log(
            "began",
            storedBeforeCount == 0
                ? "begins with \(job.amount)"
                : "goes on; \(storedBeforeCount) of \(job.amount) \(job.done) before")
    }
}

extension JobState {
    /// As a coordinator begins with it.
    var restoredTiles: [TileID: Coordinator.RestoredTile] {
        var tiles: [TileID: Coordinator.RestoredTile] = [:]
        for (index, history) in histories {
            tiles[TileID(index)] = .init(story: Coordinator.TileStory(history))
        }
        for index in stored {
            tiles[TileID(index), default: .init()].isStored = true
        }
        for (index, checkpoint) in checkpoints {
            tiles[TileID(index), default: .init()].checkpointIteration = checkpoint.iteration
        }
        return tiles
    }
}

extension Coordinator.TileStory {
    init(_ history: TileHistory) {
        self.init(
            attempts: history.attempts,
            failures: history.failures.map {
                .init(
                    attempt: $0.attempt, worker: WorkerID(rawValue: $0.worker), reason: $0.reason,
                    isDeath: $0.isDeath, isDivergence: $0.isDivergence ?? false)
            },
            isSetAside: history.isSetAside, seedsFailed: history.seedsFailed ?? 0,
            lastAttemptOfFailedSeed: history.lastAttemptOfFailedSeed ?? 0,
            isAtRest: history.isAtRest ?? false)
    }
}

extension TileHistory {
    init(_ story: Coordinator.TileStory) {
        self.init(
            attempts: story.attempts,
            failures: story.failures.map {
                .init(
                    attempt: $0.attempt, worker: $0.worker.rawValue, reason: $0.reason,
                    isDeath: $0.isDeath, isDivergence: $0.isDivergence)
            },
            isSetAside: story.isSetAside,
            seedsFailed: story.seedsFailed == 0 ? nil : story.seedsFailed,
            lastAttemptOfFailedSeed: story.seedsFailed == 0 ? nil : story.lastAttemptOfFailedSeed,
            isAtRest: story.isAtRest)
    }
}
