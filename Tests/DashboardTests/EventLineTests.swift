// Lines of a job's event log, and what a later run makes of them.

import Foundation
import Testing

@testable import Dashboard

@Suite("A line of the event log")
struct EventLineTests {
    private static var complete: EventLine {
        EventLine(
            time: 2, event: "received", message: "tile 0 restart 1 has arrived",
            subject: .init(
                job: "j", tile: 1, window: 0, attempt: 2, worker: "w", host: "h"),
            reason: "r",
            fit: .init(
                iterations: 100, seconds: 3,
                curve: .init(iterations: [10, 100], losses: [0.5, nil], psnrs: [20, 24])),
            about: .init(processor: "p", version: "0", threads: 2, isLocal: false))
    }

    @Test func `a line comes back as it was, with the ids beside the event`() throws {
        let bytes = try Text.json(Self.complete, indented: false)
        #expect(EventLine(parsing: bytes, job: "j") == Self.complete)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(object["tile"] as? Int == 1 && object["worker"] as? String == "w")
    }

    @Test func `what is torn, foreign or another job's is no line`() throws {
        let bytes = try Text.json(Self.complete, indented: false)
        for count in 0..<bytes.count {
            #expect(EventLine(parsing: bytes.prefix(count), job: "j") == nil, "\(count) bytes")
        }
        #expect(EventLine(parsing: bytes, job: "k") == nil)
        for text in ["", "null", "[]", "{}", #"{"time":1,"event":"stored","message":"no job"}"#] {
            #expect(EventLine(parsing: Array(text.utf8), job: "j") == nil, "\(text)")
        }
    }

    @Test func `a later run knows the curve, seconds and worker of a stored tile`() {
        var record = JobRecord(ReportSample.description())
        record.restore(stored: [1], setAside: [])
        var joined = Self.complete
        (joined.event, joined.fit) = ("workerJoined", nil)
        record.restore(joined)
        record.restore(Self.complete)
        record.endEarlierRun(at: 9)
        let fit = record.fits[1]
        #expect(fit.curve.points.map(\.iteration) == [10, 100])
        #expect(fit.seconds == 3 && fit.worker == "w" && fit.host == "h" && fit.attempt == 2)
        #expect(fit.psnrToInput == 24 && fit.iteration == 100)
        let worker = record.workers[0]
        #expect(worker.fitsFinished == 1 && worker.iterations == 100 && worker.seconds == 3)
        #expect(worker.threads == 2 && worker.isLocal == false)
        #expect(worker.leftAt == 9)
    }

    @Test func `a tile that is to be fitted again keeps nothing of its former fit`() {
        var record = JobRecord(ReportSample.description())
        record.restore(Self.complete)
        #expect(record.fits[1].state == .waiting && record.fits[1].curve.points.isEmpty)
    }

    @Test func `a try that was handed over is no failure, one that nothing is said of is`() {
        var record = JobRecord(ReportSample.description())
        record.restore(stored: Set(0..<4), setAside: [])
        var line = Self.complete
        line.event = "leaseEnded"
        for (isFailure, count) in [(false, 0), (true, 1), (nil, 2)] {
            line.isFailure = isFailure
            record.restore(line)
            #expect(record.fits[1].failureCount == count)
        }
    }

    @Test func `numbers outside the plan and columns of different lengths do no harm`() {
        var record = JobRecord(ReportSample.description())
        record.restore(stored: Set(0..<4), setAside: [])
        for number in [-1, 4, Int.max, Int.min] {
            var line = Self.complete
            line.subject.tile = number
            record.restore(line)
            line.event = "leaseEnded"
            record.restore(line)
        }
        #expect(record.fits.allSatisfy { $0.curve.points.isEmpty && $0.failureCount == 0 })
        var line = Self.complete
        line.fit?.curve = .init(iterations: [5, 3, 9, 9], losses: [1, 2, 3], psnrs: [])
        record.restore(line)
        #expect(record.fits[1].curve.points.isEmpty)
    }

    @Test func `a curve is written with few digits and nothing else is lost`() {
        var curve = Curve(pointsMaximum: 8)
        curve.add(.init(iteration: 1, loss: 0.0123456789, psnrToInput: 21.23456))
        curve.add(.init(iteration: 2, loss: nil, psnrToInput: nil))
        curve.add(.init(iteration: 3, loss: 123456, psnrToInput: -0.5))
        let columns = CurveColumns(curve)
        #expect(columns.losses == [0.012346, nil, 123456])
        #expect(columns.psnrs == [21.235, nil, -0.5])
        #expect(columns.points.map(\.iteration) == [1, 2, 3])
    }
}
