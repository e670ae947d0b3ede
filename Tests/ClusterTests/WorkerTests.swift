import Testing
import Wire

@testable import Cluster

/// A worker's session and its tile.
struct WorkerTests {
    private func beat(_ report: WorkReport?) -> Worker.Command {
        .send(.heartbeat(Heartbeat(work: report)))
    }

    private let farewell = Worker.Command.send(
        .goodbye(Goodbye(reason: "the worker was asked to end")))

    @Test func `a worker greets, is welcome, fits, delivers and is free again`() {
        var bench = WorkerBench()
        #expect(bench.tell(.started) == [.send(.hello(hello("a")))])
        #expect(bench.hear(welcome()) == [.configure(job)])
        #expect(
            bench.hear(WorkerBench.assign(0)) == [
                .startFit(work(0)), beat(fitting(0)), .sendProgress(work(0)),
            ])
        #expect(bench.tell(.progressed(work(0), iteration: 7), at: 4) == [])
        #expect(
            bench.tell(.tick, at: 5) == [beat(fitting(0, iteration: 7)), .sendProgress(work(0))])
        #expect(bench.tell(.fitFinished(work(0))) == [.sendResult(work(0))])
        #expect(bench.hear(stored(0)) == [.dropResult(work(0)), beat(nil)])
        #expect(bench.worker.currentWork == nil)
    }

    @Test func `a greeting is repeated, then the connection is made anew`() {
        var bench = WorkerBench { $0.helloCountMaximum = 2 }
        bench.tell(.started)
        #expect(bench.tell(.tick, at: 0.5) == [.send(.hello(hello("a")))])
        #expect(bench.tell(.tick, at: 1) == [])
        #expect(bench.pass(until: 2) == [.reconnect, .send(.hello(hello("a", 2)))])
    }

    @Test func `a worker that nobody answers leaves in time`() {
        var bench = WorkerBench { $0.reconnectTimeout = .seconds(60) }
        bench.tell(.started)
        let commands = bench.pass(until: 100)
        #expect(
            commands.last
                == .leave(.coordinatorLost(reason: "no coordinator answered within 60 s")))
        #expect(bench.worker.nextDeadline == nil)
    }

    @Test func `silence makes a worker reconnect while its fit goes on`() {
        var bench = WorkerBench.fitting(0)
        let commands = bench.pass(until: 31.2)
        #expect(commands.contains(.reconnect))
        #expect(commands.last == .send(.hello(hello("a", 2, fitting(0)))))
        #expect(bench.tell(.progressed(work(0), iteration: 9)) == [])
        #expect(bench.hear(welcome(2)) == [])
        #expect(bench.worker.currentWork == work(0))
    }

    @Test func `any word of the coordinator ends its silence`() {
        var bench = WorkerBench.welcomed()
        for second in stride(from: 20.0, through: 200, by: 20) {
            let commands = bench.pass(until: second)
            #expect(!commands.contains(.reconnect))
            bench.hear(.heartbeat(Heartbeat()))
        }
    }

    @Test func `pauses between connections double, vary and are bounded`() {
        var backOff = BackOff(minimum: .seconds(1), maximum: .seconds(30), seed: 3)
        var longest = 1.0
        for _ in 0..<100 {
            let pause = backOff.next().inSeconds
            #expect(pause >= longest / 2 && pause < longest)
            longest = min(longest * 2, 30)
        }
        backOff.reset()
        #expect(backOff.next() < .seconds(1))
    }

    @Test func `a fit that ends while the coordinator is away is delivered on return`() {
        var bench = WorkerBench.fitting(0)
        _ = bench.pass(until: 32)
        #expect(bench.tell(.fitFinished(work(0))) == [])
        #expect(bench.hear(welcome(2)) == [.sendResult(work(0))])
    }

    @Test func `a result is sent again after longer and longer pauses until its receipt`() {
        var bench = WorkerBench.fitting(0)
        bench.tell(.fitFinished(work(0)))
        var times: [Double] = []
        for second in stride(from: 1.0, through: 300, by: 1) {
            if bench.tell(.tick, at: second).contains(.sendResult(work(0))) { times.append(second) }
            bench.tell(.heard)
        }
        #expect(times == [30, 90, 150, 210, 270])
        #expect(bench.hear(stored(0, 2)) == [])
        #expect(bench.hear(stored(0)).first == .dropResult(work(0)))
    }

    @Test func `a failed fit is reported and the worker is free`() {
        var bench = WorkerBench.fitting(0)
        #expect(
            bench.tell(.fitFailed(work(0), reason: "no result")) == [.send(failed(0)), beat(nil)])
    }

    @Test func `a cancelled fit stops, and news of it are ignored`() {
        var bench = WorkerBench.fitting(0)
        #expect(bench.hear(cancel(0, 2)) == [])
        #expect(bench.hear(cancel(0)) == [.stopFit(work(0)), beat(nil)])
        #expect(bench.tell(.progressed(work(0), iteration: 5)) == [])
        #expect(bench.tell(.fitFinished(work(0))) == [])
        #expect(bench.tell(.fitFailed(work(0), reason: "stopped")) == [])
    }

    @Test func `work in hand is not given up for another assignment`() {
        var bench = WorkerBench.fitting(0)
        #expect(bench.hear(WorkerBench.assign(1)) == [])
        #expect(bench.hear(WorkerBench.assign(0)) == [])
        #expect(bench.worker.currentWork == work(0))
        #expect(bench.worker.nonsenseCount == 1)
    }

    @Test func `a worker that is not known says hello once and keeps its tile`() {
        var bench = WorkerBench.fitting(0)
        let wanted = Message.refused(Refused(.helloWanted, reason: "say hello"))
        #expect(bench.hear(wanted) == [.send(.hello(hello("a", 2, fitting(0))))])
        #expect(bench.hear(wanted) == [])
        #expect(bench.hear(welcome(1)) == [])
        #expect(bench.hear(welcome(2)) == [])
        #expect(bench.worker.isWelcome)
    }

    @Test func `a coordinator with another job ends the old work`() {
        var bench = WorkerBench.fitting(0)
        bench.hear(.refused(Refused(.helloWanted, reason: "say hello")))
        let other = Welcome(
            incarnation: 2, job: JobID(rawValue: "other"), configuration: "{}",
            heartbeatSeconds: 5, silenceSeconds: 30, payloadByteCountMaximum: 1000)
        #expect(
            bench.hear(.welcome(other)) == [.stopFit(work(0)), .configure(other.job)])
    }

    @Test(arguments: [
        Refused.Code.protocolVersion, .capabilities, .failures, .misbehaviour,
    ])
    func `a refusal for good ends the worker with the coordinator's sentence`(code: Refused.Code) {
        var bench = WorkerBench.fitting(0)
        #expect(
            bench.hear(.refused(Refused(code, reason: "go away"))) == [
                .stopFit(work(0)), .leave(.refused(reason: "go away")),
            ])
        #expect(bench.hear(welcome()) == [])
    }

    @Test func `another protocol version ends the worker with both versions named`() {
        var bench = WorkerBench()
        bench.tell(.started)
        let reason = "this worker speaks protocol version 2, the coordinator speaks 7"
        #expect(bench.tell(.protocolMismatch(seen: 7)) == [.leave(.refused(reason: reason))])
    }

    @Test func `a configuration that it cannot follow ends the worker with a goodbye`() {
        var bench = WorkerBench.welcomed()
        #expect(
            bench.tell(.configurationRejected(reason: "unknown field")) == [
                .send(.goodbye(Goodbye(reason: "unknown field"))),
                .leave(.refused(reason: "unknown field")),
            ])
    }

    @Test func `a coordinator's goodbye is answered and ends the worker`() {
        var bench = WorkerBench.fitting(0)
        let answer = Goodbye(reason: "the worker leaves as it was told")
        #expect(
            bench.hear(.goodbye(Goodbye(reason: "done"))) == [
                .send(.goodbye(answer)), .stopFit(work(0)), .leave(.jobOver(reason: "done")),
            ])
    }

    @Test func `a worker whose parent has gone leaves at once`() {
        var bench = WorkerBench.fitting(0)
        #expect(bench.tell(.parentGone) == [.stopFit(work(0)), .leave(.parentGone)])
    }

    @Test func `a worker that is asked to end says goodbye and leaves`() {
        var idle = WorkerBench.welcomed()
        #expect(idle.tell(.terminated) == [farewell, .leave(.drained)])
        var busy = WorkerBench.fitting(0)
        #expect(busy.tell(.terminated) == [.stopFit(work(0)), farewell, .leave(.drained)])
        var alone = WorkerBench()
        alone.tell(.started)
        #expect(alone.tell(.terminated) == [.leave(.drained)])
    }

    @Test func `a finished result is waited for a little when the worker is asked to end`() {
        var bench = WorkerBench.fitting(0)
        bench.tell(.fitFinished(work(0)))
        var late = bench
        var hasty = bench
        #expect(bench.tell(.terminated) == [])
        #expect(bench.hear(stored(0)) == [.dropResult(work(0)), farewell, .leave(.drained)])
        late.tell(.terminated)
        #expect(
            late.pass(until: 25).suffix(3) == [
                farewell, .dropResult(work(0)), .leave(.drained),
            ])
        hasty.tell(.terminated)
        #expect(hasty.tell(.terminated) == [.dropResult(work(0)), .leave(.killed)])
    }
}
