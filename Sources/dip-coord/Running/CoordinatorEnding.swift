// How a restoration ends: the blend, the report, the children, the exit code.

import Cluster
import Dashboard
import DeepImagePrior
import Glibc
import Imaging
import JobStore
import Restoration
import Transport
import Wire

/// How far the end is.
struct Ending {
    /// What the state machine came to; nil while the work goes on.
    var summary: Coordinator.Summary?
    var isBlending = false
    /// When the last result was there.
    var fitsEndedAt: Duration?
    var blend: BlendResult?
    /// What the job's folder is told of the run.
    var report: JobReport?
    /// Of the report, where one is wanted.
    var pictures: ReportPictures?
    var warnings: [String] = []
    var error: ProgramError?
    /// Whether nothing is left to be done but to hear what workers say to their goodbyes.
    var isComplete = false
    var isOrderedToEnd = false
    var isStorageOver = false
    /// When a signal asked for the end.
    var interruptedAt: Duration?
    /// How long goodbyes may wait for room in the queues of their connections, and for answers.
    var farewellUntil: Duration = .zero
    /// When children that have not ended by themselves are asked to, and made to.
    var terminateAt: Duration?
    var killAt: Duration?
}

extension CoordinatorLoop {
    private static let farewellTime: Duration = .milliseconds(500)
    private static let patience: Duration = .seconds(3)
    /// Signals that follow one another so soon are one request: `timeout` sends two at once.
    private static let repetitionTime: Duration = .milliseconds(250)

    var isOver: Bool {
        ending.isStorageOver && localWorkers.runningCount == 0
            && (!outboxes.isWaiting && !coordinator.awaitsFarewells
                || clock.now() >= ending.farewellUntil)
    }

    /// The user wants to stop, or the terminal has gone (SIGHUP), which may be said several
    /// times. The second time that the user wants it, it is done at once: children see that their
    /// parent has gone.
    func interrupt(by signal: Int32) throws {
        let now = clock.now()
        if let interruptedAt = ending.interruptedAt {
            guard signal != SIGHUP, now - interruptedAt >= Self.repetitionTime else { return }
            console.clearStatus()
            console.error("interrupted twice, left at once")
            _exit(ProgramError.Code.interrupted.rawValue)
        }
        ending.interruptedAt = now
        if !ending.isComplete {
            console.note(
                ending.summary == nil
                    ? "ending: fits hand over what they have; once more leaves at once"
                    : "ending, what is restored stays; once more leaves at once")
        }
        if ending.summary == nil {
            localWorkers.stopStarting()
            try tell(.interrupted)
        } else if ending.isBlending {
            storage.cancelBlend()
        }
    }

    /// The state machine is done: goodbyes are on their way.
    func begin(ending summary: Coordinator.Summary) {
        ending.summary = summary
        ending.terminateAt = clock.now() + Self.farewellTime
        ending.farewellUntil = clock.now() + Self.patience
        ending.killAt = clock.now() + Self.patience
        localWorkers.stopStarting()
        log("ended", summary.outcome.sentence)
        if let error = error(for: summary) {
            end(with: error)
        } else {
            ending.isBlending = true
            ending.fitsEndedAt = clock.now()
            storage.order(.blend(setAside: Set(summary.setAside.map(\.rawValue))))
        }
    }

    /// Why there is no output; nil when there will be one.
    private func error(for summary: Coordinator.Summary) -> ProgramError? {
        let stored = "\(summary.storedCount) of \(job.fitCount) \(job.unit)s were \(job.done)"
        switch summary.outcome {
        case .complete:
            return nil
        case .incomplete where summary.storedCount > 0, .stopped where summary.storedCount > 0:
            return nil
        case .incomplete, .stopped:
            let reason = summary.setAside.first.flatMap { setAsideStories[$0]?.last?.description }
            return ProgramError(
                .failed,
                "no tile could be restored; \(reason ?? "no reason is known"); --retry-failed "
                    + "tries again")
        case .nobodyCame:
            return ProgramError(
                .unavailable,
                "no worker came within \(Text.time(workerWaitSeconds))"
                    + (summary.statistics.refusedCount == 0
                        ? "" : " that could be taken; \(job.folder)/events.jsonl says why"))
        case .everybodyLeft:
            return ProgramError(
                .unavailable,
                "all workers have left, and none came back within "
                    + "\(Text.time(workerWaitSeconds)); \(stored)")
        case .interrupted where summary.storedCount == 0:
            return ProgramError(
                .interrupted,
                "interrupted before any of \(job.amount) was \(job.done); the same command goes on")
        case .interrupted:
            return ProgramError(.interrupted, "interrupted; \(stored); \(whereTilesStay)")
        case .storingFailed(let reason):
            return storingError ?? ProgramError(.unwritable, reason)
        case .broken(let reason):
            return brokenError ?? ProgramError(.failed, reason)
        }
    }

    private var whereTilesStay: String {
        "what is restored stays in \(job.folder); the same command goes on with it"
    }

    private var workerWaitSeconds: Double { job.workerWait?.inSeconds ?? 0 }

    /// The output is in its place.
    func blended(_ result: BlendResult) {
        ending.isBlending = false
        ending.blend = result
        ending.report = makeReport()
        console.watch.end(unrestored: ending.report?.unrestored ?? [])
        guard let report = ending.report, let bytes = try? Text.json(report, indented: true) else {
            return end(with: nil)
        }
        storage.order(
            .finish(
                report: bytes + [UInt8(ascii: "\n")],
                unrestored: report.unrestored.map(\.tile).sorted()))
    }

    /// There is no output, and the tiles stay.
    func blendingFailed(_ error: ProgramError) {
        end(with: ProgramError(error.code, "\(error.message); \(whereTilesStay)"))
    }

    func end(with error: ProgramError?) {
        guard !ending.isComplete else { return }
        ending.isBlending = false
        ending.error = error
        ending.isComplete = true
        if error != nil { console.watch.end(unrestored: nil) }
        endStorageInTime()
    }

    /// Those who have answered their goodbye will not come back with what they had; that is the
    /// last thing that is written down.
    func endStorageInTime() {
        guard ending.isComplete, !ending.isOrderedToEnd,
            !coordinator.awaitsFarewells || clock.now() >= ending.farewellUntil
        else { return }
        rememberRest()
        ending.isOrderedToEnd = true
        storage.order(.end)
    }

    /// Children got a goodbye; one that had not joined yet, or does not react, is helped.
    func endChildrenInTime() {
        let now = clock.now()
        if let terminateAt = ending.terminateAt, now >= terminateAt {
            ending.terminateAt = nil
            localWorkers.terminate()
        }
        if let killAt = ending.killAt, now >= killAt {
            ending.killAt = nil
            localWorkers.kill()
        }
    }

    /// When children are to be helped.
    var endingDeadline: Duration? {
        [ending.terminateAt, ending.killAt].compactMap { $0 }.min()
    }

    private var warningsAtEnd: [String] { (ending.blend?.warnings ?? []) + ending.warnings }

    /// All that was said, of which the record has the latest.
    var warnings: [String] {
        let prefix = "warning: "
        let told = console.watch.read { record in
            record.events.filter { $0.kind == .message && $0.sentence.hasPrefix(prefix) }
                .map { String($0.sentence.dropFirst(prefix.count)) }
        }
        return job.warnings + (told ?? warningsAtEnd)
    }

    /// The last words; the exit code.
    func conclude() throws -> Int32 {
        console.clearStatus()
        if let error = ending.error { throw error }
        guard let report = ending.report else { return 0 }
        for warning in warningsAtEnd { console.warning(warning) }
        if !job.isPhase { console.text(report.text) }
        guard !report.unrestored.isEmpty else { return 0 }
        if !console.saysResults {
            console.error(
                "\(report.unrestored.count) of \(Text.count(report.tileCount, "tile")) of "
                    + "\(job.output) came through unrestored; --retry-failed tries them again")
        }
        return 2
    }

    private func makeReport() -> JobReport? {
        guard let summary = ending.summary, let blend = ending.blend else { return nil }
        let reasons = reasonsByTile(summary)
        let unrestored = unrestored(summary, blend, reasons)
        var report = JobReport(
            input: job.input, output: job.output, preset: job.preset.name,
            seed: job.configuration.seed)
        (report.tileCount, report.restarts) = (job.plan.tileCount, job.restarts)
        (report.seeds, report.fitCount) = (job.seeds, job.fitCount)
        report.fitCountOfEarlierRuns = storedBeforeCount
        report.windowWidth = job.plan.windowWidth
        report.windowHeight = job.plan.windowHeight
        report.iterationsPerTile = job.configuration.iterations
        report.stop = job.stop?.inReport
        report.stopsEach = job.configuration.stopRule != .fixed
        report.iterations = tally.iterationCount
        report.seconds = clock.now().inSeconds - job.began.wallSeconds
        report.tilesSeconds = ending.fitsEndedAt.map { ($0 - beganAt).inSeconds }
        report.fitSeconds = tally.fitSeconds
        report.restartCount = localWorkers.restartCount
        report.take(summary.statistics)
        report.psnrToInput = tally.finishedPSNR
        report.take(blend)
        report.reseeded = reseeded(without: summary)
        report.thin = blend.resultCounts.sorted { $0.key < $1.key }.map {
            .init(tile: $0.key, resultCount: $0.value, reasons: reasons[$0.key] ?? [])
        }
        report.unrestored = unrestored
        return report
    }

    private func reseeded(without summary: Coordinator.Summary) -> [JobReport.Reseeded] {
        let setAside = Set(summary.setAside)
        return (0..<job.fitCount).map { TileID($0) }.compactMap { fit in
            let count = coordinator.story(of: fit).seedsFailed
            guard count > 0, !setAside.contains(fit) else { return nil }
            let place = job.manifest.plan.place(ofFit: fit.rawValue)
            return JobReport.Reseeded(
                tile: place.tile, restart: place.restart, seedsFailed: count,
                seed: job.configuration.seed(restart: place.restart, retry: count))
        }
    }

    /// Why fits of tiles came to nothing.
    private func reasonsByTile(_ summary: Coordinator.Summary) -> [Int: [String]] {
        var reasons: [Int: [String]] = [:]
        for fit in summary.setAside {
            let tile = job.tile(of: fit).index
            if let story = setAsideStories[fit] {
                reasons[tile, default: []] += story.map(\.description)
            } else if summary.outcome == .stopped {
                reasons[tile, default: []].append("the job was stopped before it was restored")
            }
        }
        return reasons
    }

    /// Tiles of which no fit came to anything, and then those whose files were damaged.
    private func unrestored(
        _ summary: Coordinator.Summary, _ blend: BlendResult, _ reasons: [Int: [String]]
    ) -> [JobReport.Unrestored] {
        job.tiles(withoutResult: summary.setAside).map { tile in
            JobReport.Unrestored(
                tile: tile, region: .init(job.region(of: tile)), reasons: reasons[tile] ?? [])
        }
            + blend.damaged.map { tile in
                JobReport.Unrestored(
                    tile: tile, region: .init(job.region(of: tile)),
                    reasons: ["its file in the job's folder was damaged"])
            }
    }
}
