/// The coordinator's process: how it begins, ends well, and dies.
import Cluster
import FoundationEssentials
import JobStore
import Wire

extension Simulation {
    static let folder = "/output.dip"

    // MARK: The beginning

    func startCoordinator() throws(Flaw) {
        guard coordinator == nil, !isComplete else { return }
        let store: JobStore
        do throws(JobStoreError) {
            if try JobStore.manifest(inFolder: Self.folder, fileSystem: disk)?.completion != nil {
                return complete()
            }
            store = try openStore()
        } catch {
            if disk.isDead {
                count(.tornWrite, "the coordinator dies before it begins")
                endProcess(losesPower: generator.chance(0.5))
            } else {
                remark("the coordinator cannot begin: \(error.message)")
                endProcess(losesPower: false)
            }
            return
        }
        coordinatorLives += 1
        tally.coordinatorCount += 1
        remark("coordinator \(coordinatorLives) begins")
        try checker.beginLife(store.stateAtOpening, at: now)
        let clockOffset = generator.seconds(upTo: 1000)
        let facts = JobFacts(
            job: Self.job, configuration: "{}", payloadByteCountMaximum: 1000,
            checkpointByteCountMaximum: scenario.checkpointByteCount,
            iterations: scenario.iterations,
            requires: scenario.bystanderShare > 0 ? [.measuresStop] : [], requiresAfterwards: [])
        let machine = Coordinator(
            facts: facts, tileCount: scenario.tileCount,
            restored: coordinatorLives == 1 ? nil : restored(store.stateAtOpening),
            policy: scenario.coordinatorPolicy,
            now: now + clockOffset)
        let begun = SimulatedCoordinator(
            life: coordinatorLives, machine: machine, store: store, clockOffset: clockOffset)
        coordinator = begun
        try tell(begun, .tick)
    }

    private func restored(_ state: JobState) -> [TileID: Coordinator.RestoredTile] {
        var tiles: [TileID: Coordinator.RestoredTile] = [:]
        for (tile, history) in state.histories {
            let failures = history.failures.map {
                Coordinator.AttemptFailure(
                    attempt: $0.attempt, worker: WorkerID(rawValue: $0.worker), reason: $0.reason,
                    isDeath: $0.isDeath, isDivergence: $0.isDivergence ?? false)
            }
            let story = Coordinator.TileStory(
                attempts: history.attempts, failures: failures, isSetAside: history.isSetAside,
                seedsFailed: history.seedsFailed ?? 0,
                lastAttemptOfFailedSeed: history.lastAttemptOfFailedSeed ?? 0)
            tiles[TileID(tile)] = Coordinator.RestoredTile(story: story)
        }
        for (tile, checkpoint) in state.checkpoints {
            tiles[TileID(tile), default: .init()].checkpointIteration = checkpoint.iteration
        }
        for tile in state.stored { tiles[TileID(tile), default: .init()].isStored = true }
        return tiles
    }

    private func openStore() throws(JobStoreError) -> JobStore {
        if let manifest = try JobStore.manifest(inFolder: Self.folder, fileSystem: disk) {
            return try JobStore.resume(
                folder: Self.folder, manifest: manifest, fileSystem: disk)
        }
        return try JobStore.create(
            folder: Self.folder,
            manifest: try Self.manifest(tileCount: scenario.tileCount, disk), fileSystem: disk)
    }

    static func manifest(
        tileCount: Int, _ disk: SimulatedDisk
    ) throws(JobStoreError) -> JobManifest {
        let plan = JobManifest.Plan(
            tile: SimulatedFit.width, overlap: 0, windowWidth: SimulatedFit.width,
            windowHeight: SimulatedFit.height,
            columns: (0..<tileCount).map { $0 * SimulatedFit.width }, rows: [0])
        let image = JobManifest.Image(
            width: tileCount * SimulatedFit.width, height: SimulatedFit.height,
            bands: SimulatedFit.bands, sampleType: "uint16", precision: .float32,
            header: "simulated")
        return JobManifest(
            jobID: job.rawValue,
            input: try FileFingerprint(path: SimulatedDisk.input, fileSystem: disk), image: image,
            plan: plan, preset: "thin", configuration: "{}",
            createdAt: 0)
    }

    // MARK: The end

    func begin(ending summary: Coordinator.Summary, of coordinator: SimulatedCoordinator)
        throws(Flaw)
    {
        coordinator.summary = summary
        switch summary.outcome {
        case .complete, .incomplete, .stopped: try order(.conclude, of: coordinator)
        case .nobodyCame, .everybodyLeft, .interrupted, .storingFailed, .broken:
            try order(.exit, of: coordinator)
        }
    }

    /// The blend: every tile's pixels must be those of an undisturbed fit. Then the folder goes.
    func conclude(_ coordinator: SimulatedCoordinator) throws(Flaw) {
        guard let summary = coordinator.summary else { return }
        let setAside = Set(summary.setAside)
        guard summary.storedCount + setAside.count == scenario.tileCount else {
            throw Flaw("the job ends with \(summary.storedCount) tiles and \(setAside) given up")
        }
        for tile in (0..<scenario.tileCount).map({ TileID($0) }) {
            if setAside.contains(tile) {
                guard !checker.confirmed.contains(tile) else {
                    throw Flaw("\(tile) was stored and is given up")
                }
            } else {
                try checkPixels(of: tile, coordinator)
            }
        }
        // The output takes its place here.
        do throws(JobStoreError) {
            try coordinator.store.finish(
                report: Data("{}".utf8),
                completion: .init(endedAt: 1, unrestored: [], keepsBulk: false))
        } catch {
            // The output is there; that bulk may be left is worth a warning.
            if disk.isDead { return }
        }
        tally.add(coordinator.machine.statistics)
        complete()
    }

    func complete() {
        isComplete = true
        remark("the job is complete")
    }

    private func checkPixels(
        of tile: TileID, _ coordinator: SimulatedCoordinator
    ) throws(Flaw) {
        let pixels: [Float]?
        do throws(JobStoreError) {
            pixels = try Self.readTile(tile, coordinator.store)
        } catch {
            throw Flaw("\(tile) cannot be read: \(error.message)")
        }
        guard let pixels else { throw Flaw("\(tile) counts as stored and has no file") }
        guard let seed = checker.soundSeed(of: tile) else {
            throw Flaw("\(tile) is stored, but no fit of it can come to anything")
        }
        let wanted = SimulatedFit.result(of: tile, seed: seed, iterations: scenario.iterations)
        guard pixels == wanted.pixels else {
            throw Flaw("\(tile) has other pixels than an undisturbed fit")
        }
    }

    private static func readTile(
        _ tile: TileID, _ store: JobStore
    ) throws(JobStoreError) -> [Float]? {
        guard let stored = try store.openTile(tile.rawValue) else { return nil }
        var pixels = [Float](
            repeating: 0, count: SimulatedFit.height * SimulatedFit.width * SimulatedFit.bands)
        try pixels.withUnsafeMutableBufferPointer { buffer throws(JobStoreError) in
            try stored.readRows(0..<SimulatedFit.height, into: buffer)
        }
        return pixels
    }

    /// The process ends in good order, without having completed the job.
    func exit(_ coordinator: SimulatedCoordinator) {
        coordinator.store.close()
        endProcess(losesPower: false)
    }

    // MARK: Death

    func killCoordinator(losesPower: Bool) {
        guard coordinator != nil else { return }
        endProcess(losesPower: losesPower)
    }

    /// Whatever the end was: children end too, and somebody starts a coordinator again.
    private func endProcess(losesPower: Bool) {
        if let coordinator { tally.add(coordinator.machine.statistics) }
        let life = coordinator?.life
        coordinator = nil
        if losesPower {
            remark("power is lost")
            disk.losePower(using: &generator)
        } else {
            disk.restart()
        }
        for number in workers.keys.sorted() {
            guard let worker = workers[number], let life, worker.parentLife == life else {
                continue
            }
            if losesPower {
                end(worker, replacedWithin: 30)
            } else {
                let time = now + generator.seconds(upTo: 0.1)
                agenda.add(.parentEnded(worker: number), at: time)
            }
        }
        let absence = scenario.coordinatorAbsence / .seconds(1)
        agenda.add(.startCoordinator, at: now + generator.seconds(upTo: absence))
    }
}
