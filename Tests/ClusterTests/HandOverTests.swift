import Testing
import Wire

@testable import Cluster

/// A worker's states: granted ones, and the last one before it leaves.
struct HandOverTests {
    private let farewell = Worker.Command.send(
        .goodbye(Goodbye(reason: "the worker was asked to end")))

    private func report(_ iteration: Int) -> WorkReport {
        WorkReport(job: job, work: work(0), iteration: iteration, phase: .fitting)
    }

    private func fitting(_ adjust: (inout WorkerPolicy) -> Void = { _ in }) -> WorkerBench {
        .fitting(0, checkpointByteCount: 100, adjust)
    }

    @Test func `a state that is granted is taken and sent once`() {
        var bench = fitting()
        #expect(bench.hear(wanted(0)) == [.takeCheckpoint(work(0), isLast: false)])
        bench.tell(.progressed(work(0), iteration: 9))
        #expect(
            bench.tell(.checkpointTaken(work(0), iteration: 8)) == [.sendCheckpoint(work(0))])
        #expect(bench.hear(checkpointStored(0, iteration: 8)) == [])
        #expect(bench.worker.currentWork == work(0))
        // That of another try is none of its business.
        #expect(bench.hear(wanted(0, 2)) == [])
        #expect(bench.hear(wanted(1)) == [])
    }

    @Test func `a state that was taken too late is not sent`() {
        var cancelled = fitting()
        cancelled.hear(wanted(0))
        cancelled.hear(cancel(0))
        #expect(cancelled.tell(.checkpointTaken(work(0), iteration: 8)) == [])
        var alone = fitting()
        alone.hear(wanted(0))
        _ = alone.pass(until: 30.1)
        #expect(alone.tell(.checkpointTaken(work(0), iteration: 8)) == [])
    }

    @Test func `an assignment with a state begins at its iteration`() {
        var bench = WorkerBench.welcomed(checkpointByteCount: 100)
        let assign = Assign(
            job: job, work: work(0, 2), originX: 0, originY: 0, checkpointIteration: 60)
        let report = WorkReport(job: job, work: work(0, 2), iteration: 60, phase: .fitting)
        #expect(
            bench.hear(.assign(assign)) == [
                .startFit(work(0, 2)), .send(.heartbeat(Heartbeat(work: report))),
                .sendProgress(work(0, 2)),
            ])
    }

    @Test func `a worker that is asked to end hands its tile over and leaves`() {
        var bench = fitting()
        #expect(bench.tell(.terminated) == [.takeCheckpoint(work(0), isLast: true)])
        #expect(bench.worker.isHandingOver)
        #expect(
            bench.tell(.checkpointTaken(work(0), iteration: 9)) == [.sendCheckpoint(work(0))])
        // A receipt of an earlier state is not that of the last one.
        #expect(bench.hear(checkpointStored(0, iteration: 8)) == [])
        #expect(
            bench.hear(checkpointStored(0, iteration: 9)) == [
                .stopFit(work(0)), farewell, .leave(.drained),
            ])
    }

    @Test func `the last state is sent again until its receipt, and the grace ends that`() {
        var bench = fitting()
        bench.tell(.terminated)
        bench.tell(.checkpointTaken(work(0), iteration: 9))
        var sent: [Double] = []
        var last: [Worker.Command] = []
        for second in stride(from: 1.0, through: 60, by: 1) {
            last = bench.tell(.tick, at: second)
            if last.contains(.sendCheckpoint(work(0))) { sent.append(second) }
            if last.contains(.leave(.drained)) { break }
            bench.tell(.heard)
        }
        #expect(sent == [5, 15])
        #expect(bench.now == .seconds(25))
        #expect(last == [farewell, .stopFit(work(0)), .leave(.drained)])
    }

    @Test func `a second request ends at once, whatever is under way`() {
        var bench = fitting()
        bench.tell(.terminated)
        #expect(bench.tell(.terminated) == [.stopFit(work(0)), .leave(.killed)])
    }

    @Test func `a coordinator that is away may come back within the grace`() {
        var bench = fitting()
        _ = bench.pass(until: 30.1)
        #expect(!bench.worker.isWelcome)
        bench.tell(.terminated)
        #expect(bench.tell(.checkpointTaken(work(0), iteration: 9)) == [])
        _ = bench.pass(until: 31.5)
        #expect(
            bench.hear(welcome(2, checkpointByteCount: 100)) == [.sendCheckpoint(work(0))])
        #expect(bench.hear(checkpointStored(0, iteration: 9)).last == .leave(.drained))
    }

    @Test func `a fit that ends while its state is wanted is delivered instead`() {
        var bench = fitting()
        bench.tell(.terminated)
        #expect(bench.tell(.fitFinished(work(0))) == [.sendResult(work(0))])
        #expect(bench.hear(stored(0)) == [.dropResult(work(0)), farewell, .leave(.drained)])
        var failing = fitting()
        failing.tell(.terminated)
        #expect(
            failing.tell(.fitFailed(work(0), reason: "no result")).last == .leave(.drained))
    }

    @Test func `without grace, or in a job without checkpoints, a worker leaves at once`() {
        var hasty = fitting { $0.grace = .zero }
        #expect(hasty.tell(.terminated) == [.stopFit(work(0)), farewell, .leave(.drained)])
        var plain = WorkerBench.fitting(0)
        #expect(plain.tell(.terminated) == [.stopFit(work(0)), farewell, .leave(.drained)])
    }

    @Test func `a tile that is not wanted any more is not handed over`() {
        var bench = fitting()
        bench.tell(.terminated)
        #expect(bench.hear(cancel(0)) == [.stopFit(work(0)), farewell, .leave(.drained)])
    }

    @Test func `a worker whose lifetime is over hands its tile over and leaves`() {
        var bench = fitting { $0.lifetime = .seconds(20) }
        #expect(!bench.pass(until: 19.9).contains(.takeCheckpoint(work(0), isLast: true)))
        #expect(
            bench.pass(until: 20) == [
                .takeCheckpoint(work(0), isLast: true),
                .send(.heartbeat(Heartbeat(work: report(0)))),
            ])
        bench.tell(.checkpointTaken(work(0), iteration: 9))
        let end = bench.hear(checkpointStored(0, iteration: 9))
        #expect(end.last == .leave(.lifetimeOver))
        #expect(
            end.contains(.send(.goodbye(Goodbye(reason: "the worker's lifetime is over")))))
        var idle = WorkerBench.welcomed { $0.lifetime = .seconds(20) }
        #expect(idle.pass(until: 20).last == .leave(.lifetimeOver))
        var unheard = WorkerBench { $0.lifetime = .seconds(20) }
        unheard.tell(.started)
        #expect(unheard.pass(until: 20).last == .leave(.lifetimeOver))
    }
}
