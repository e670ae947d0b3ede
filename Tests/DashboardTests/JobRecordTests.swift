// What pages and reports are told of a job, from events and snapshots.

import Testing

@testable import Dashboard

@Suite("A job's record")
struct JobRecordTests {
    private func makeRecord(tiles: Int = 4, restarts: Int = 1) -> JobRecord {
        JobRecord(.sample(tiles: tiles, restarts: restarts))
    }

    private func snapshot(_ work: [(worker: String, tile: Int, iteration: Int)])
        -> ProgressSnapshot
    {
        var snapshot = ProgressSnapshot(phase: .tiles, tilesTotal: 4, iterationsPerTile: 100)
        snapshot.workers = work.map {
            var worker = ProgressSnapshot.Worker(
                name: $0.worker, host: "h", processID: 1, threads: 1, processor: "p",
                version: "0", isLocal: true)
            (worker.activity, worker.tile, worker.attempt) = (.fitting, $0.tile, 1)
            (worker.iteration, worker.loss) = ($0.iteration, 1 / Double($0.iteration + 1))
            worker.psnrToInput = 20
            return worker
        }
        return snapshot
    }

    private func event(
        _ kind: ProgressEvent.Kind, _ complete: (inout ProgressEvent) -> Void = { _ in }
    ) -> ProgressEvent {
        var event = ProgressEvent(kind, time: 5)
        complete(&event)
        return event
    }

    @Test
    func `a tile is waiting, fitted and stored, and its curve ends with its last iteration`() {
        var record = makeRecord()
        record.take(event(.workerJoined) { ($0.worker, $0.host) = ("w", "h") })
        record.take(snapshot([("w", 1, 10)]))
        #expect(record.fits.map(\.state) == [.waiting, .fitting, .waiting, .waiting])
        record.take(snapshot([("w", 1, 60)]))
        record.take(
            event(.tileFinished) {
                ($0.tile, $0.attempt, $0.iterations) = (1, 1, 100)
                ($0.seconds, $0.psnr) = (3, 24)
            })
        let fit = record.fits[1]
        #expect(fit.state == .stored)
        #expect(fit.curve.points.map(\.iteration) == [10, 60, 100])
        #expect(fit.worker == "w" && fit.seconds == 3 && fit.psnrToInput == 24)
        #expect(record.workers.map(\.fitsFinished) == [1])
        #expect(record.counts == [.waiting: 3, .stored: 1])
        // A snapshot that still names it does not take it back.
        record.take(snapshot([("w", 1, 99)]))
        #expect(record.fits[1].state == .stored)
    }

    @Test
    func `a tile that nobody has any more waits again, and its curve goes on from there`() {
        var record = makeRecord()
        record.take(snapshot([("w", 0, 50)]))
        record.take(
            event(.tileFailed) {
                ($0.tile, $0.attempt, $0.worker, $0.reason) = (0, 1, "w", "it fell silent")
            })
        record.take(snapshot([]))
        #expect(record.fits[0].state == .waiting)
        #expect(record.fits[0].failureCount == 1 && record.fits[0].reason == "it fell silent")
        record.take(snapshot([("v", 0, 20)]))
        #expect(record.fits[0].curve.points.map(\.iteration) == [20])
    }

    @Test
    func `of two tries at a tile the further one is shown`() {
        var record = makeRecord()
        record.take(snapshot([("a", 2, 70), ("b", 2, 10)]))
        #expect(record.fits[2].iteration == 70)
        #expect(record.fits[2].worker == "a")
    }

    @Test
    func `who asks since a revision gets what has changed after it`() {
        var record = makeRecord()
        record.take(snapshot([("w", 0, 5), ("v", 3, 5)]))
        let revision = record.revision
        #expect(record.fits(changedSince: 0).map(\.number) == [0, 3])
        #expect(record.fits(changedSince: revision).isEmpty)
        record.take(snapshot([("w", 0, 5), ("v", 3, 9)]))
        #expect(record.fits(changedSince: revision).map(\.number) == [3])
    }

    /// Tile 0 is stored, tile 1 is being fitted, and two workers are here.
    private func makeHalfDone() -> JobRecord {
        var record = makeRecord()
        for name in ["w", "v"] {
            record.take(event(.workerJoined) { ($0.worker, $0.host) = (name, "h") })
        }
        record.take(event(.tileFinished) { ($0.tile, $0.iterations) = (0, 100) })
        record.take(snapshot([("w", 1, 60), ("v", 2, 10)]))
        record.take(event(.workerLeft) { ($0.worker, $0.reason) = ("v", "goodbye") })
        return record
    }

    @Test
    func `after the end tiles that have no place in the output are given up, and nobody is there`()
    {
        var record = makeHalfDone()
        let region = JobDescription.Window(x: 0, y: 0, width: 1, height: 1)
        record.end(unrestored: [.init(tile: 1, region: region, reasons: ["it was stopped"])])
        record.take(event(.done) { $0.unrestored = 3 })
        #expect(record.fits.map(\.state) == [.stored, .setAside, .setAside, .setAside])
        #expect(record.fits[1].reason == "it was stopped" && record.fits[1].iteration == 60)
        #expect(record.snapshot?.workers.isEmpty == true && record.snapshot?.workerCount == 0)
        #expect(record.snapshot?.tilesStored == 1 && record.snapshot?.tilesSetAside == 3)
        #expect(record.workers.map(\.reason) == ["the program has ended", "goodbye"])
        #expect(record.events.last?.sentence.contains("3 tiles came through unrestored") == true)
    }

    @Test
    func `a stored tile whose file was damaged is given up at the end`() {
        var record = makeHalfDone()
        let region = JobDescription.Window(x: 0, y: 0, width: 1, height: 1)
        record.end(unrestored: [.init(tile: 0, region: region, reasons: ["it was damaged"])])
        #expect(record.fits[0].state == .setAside && record.fits[0].reason == "it was damaged")
    }

    @Test
    func `after an end without an output tiles wait, and nobody is there`() {
        var record = makeHalfDone()
        record.take(event(.failed) { $0.reason = "interrupted" })
        #expect(record.fits.map(\.state) == [.stored, .waiting, .waiting, .waiting])
        #expect(record.snapshot?.workers.isEmpty == true && record.fitting.isEmpty)
        #expect(record.workers.allSatisfy { $0.leftAt != nil })
    }

    @Test(arguments: [(nil, nil), (0, nil), (1, "1 tile came"), (18, "18 tiles came")])
    func `the end says how many tiles came through unrestored, and what restores them`(
        count: Int?, words: String?
    ) throws {
        let end = try #require(
            event(.done) { ($0.output, $0.unrestored) = ("o.png", count) }.ending)
        #expect(end.hasPrefix("The output is in its place: o.png."), "\(end)")
        #expect(end.contains("--retry-failed") == (words != nil), "\(end)")
        if let words { #expect(end.contains(words) && end.contains("exit code 2"), "\(end)") }
        #expect(event(.tileFinished).ending == nil)
    }

    @Test
    func `numbers outside the plan change nothing`() {
        var record = makeRecord()
        for number in [-1, 4, Int.max] {
            record.take(snapshot([("w", number, 5)]))
            record.take(event(.tileFinished) { $0.tile = number })
            record.take(event(.tileFailed) { $0.tile = number })
            record.take(event(.tileSetAside) { $0.tile = number })
        }
        #expect(record.fits.allSatisfy { $0.state == .waiting && $0.failureCount == 0 })
    }

    @Test
    func `events, failures and workers gone are bounded`() {
        var record = makeRecord()
        for index in 0..<(JobRecord.workersMaximum + 300) {
            record.take(event(.workerJoined) { ($0.worker, $0.host) = ("w\(index)", "h") })
            if index > 0 { record.take(event(.workerLeft) { $0.worker = "w\(index)" }) }
        }
        for attempt in 1...100 {
            record.take(
                event(.tileFailed) { ($0.tile, $0.attempt, $0.worker) = (0, attempt, "w0") })
        }
        #expect(record.events.count == JobRecord.eventsMaximum)
        #expect(record.workers.count == JobRecord.workersMaximum)
        let first = record.workers.first { $0.name == "w0" }
        #expect(first?.failures.count == JobRecord.failuresPerWorkerMaximum)
        #expect(first?.failureCount == 100)
    }

    @Test(arguments: [4, 8, 9, 256])
    func `a curve keeps few points, its first and its latest`(maximum: Int) {
        var curve = Curve(pointsMaximum: maximum)
        for iteration in 1...5000 {
            curve.add(.init(iteration: iteration, loss: 1, psnrToInput: nil))
        }
        curve.add(.init(iteration: 5001, loss: 1, psnrToInput: nil), isLast: true)
        let points = curve.points.map(\.iteration)
        #expect(points.count <= maximum && points.count >= maximum / 2 - 1)
        #expect(points.first == 1 && points.last == 5001)
        #expect(zip(points, points.dropFirst()).allSatisfy(<))
    }
}
