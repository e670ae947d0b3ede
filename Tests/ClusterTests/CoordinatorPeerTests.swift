import Testing
import Wire

@testable import Cluster

/// Who comes, who does not, and who talks nonsense.
struct CoordinatorPeerTests {
    @Test func `a job to which nobody comes ends in time`() {
        var bench = CoordinatorBench(tiles: 1) { $0.workerWait = .seconds(60) }
        #expect(bench.coordinator.nextDeadline == .seconds(60))
        #expect(bench.tell(.tick, at: 59) == [])
        #expect(bench.tell(.tick, at: 60).summary?.outcome == .nobodyCame)
    }

    @Test func `a job that everybody left waits as long before it ends`() {
        var bench = CoordinatorBench(tiles: 2) { $0.workerWait = .seconds(60) }
        bench.join("a", at: 10)
        bench.finish("a", 0)
        bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("a"), at: 20)
        #expect(bench.tell(.tick, at: 79) == [])
        let summary = bench.tell(.tick, at: 80).summary
        #expect(summary?.outcome == .everybodyLeft)
        #expect(summary?.storedCount == 1)
    }

    @Test func `a job without a limit waits for workers for ever`() {
        var bench = CoordinatorBench(tiles: 1) { $0.workerWait = nil }
        #expect(bench.coordinator.nextDeadline == nil)
        #expect(bench.tell(.tick, at: 1e6) == [])
    }

    @Test func `an interrupt says goodbye to everybody and ends`() {
        var bench = CoordinatorBench(tiles: 3)
        bench.join("b")
        bench.join("a")
        let goodbye = Message.goodbye(Goodbye(reason: "the coordinator was interrupted"))
        let commands = bench.tell(.interrupted)
        #expect(
            commands.dropLast() == [.send(goodbye, to: peer("a")), .send(goodbye, to: peer("b"))])
        #expect(commands.summary?.outcome == .interrupted)
        #expect(bench.tell(.interrupted) == [])
        #expect(bench.idleBeat("a") == [.send(goodbye, to: peer("a"))])

        let answer = Message.goodbye(Goodbye(reason: "the worker leaves as it was told"))
        #expect(bench.coordinator.awaitsFarewells)
        #expect(bench.hear(answer, from: peer("a")) == [])
        #expect(bench.coordinator.awaitsFarewells, "b has not answered")
        bench.tell(.unreachable(peer("b")))
        #expect(!bench.coordinator.awaitsFarewells)
    }

    @Test func `a result that is being stored when the job ends is still counted`() {
        var bench = CoordinatorBench(tiles: 2)
        bench.join("a")
        bench.hear(restored(0), from: peer("a"))
        #expect(bench.tell(.interrupted) == [])
        let commands = bench.tell(.tileStored(work(0)))
        #expect(commands.first == .send(stored(0), to: peer("a")))
        #expect(commands.summary?.outcome == .interrupted)
        #expect(commands.summary?.storedCount == 1)
    }

    @Test func `a loop that cannot go on ends the job with its reason`() {
        var bench = CoordinatorBench(tiles: 2)
        let commands = bench.tell(.broken(reason: "the input is gone"))
        #expect(commands.summary?.outcome == .broken(reason: "the input is gone"))
    }

    @Test func `a state further than a fit can come is not stored, and keeps out no other`() {
        var bench = CoordinatorBench(tiles: 1, checkpointByteCount: 100, iterations: 100)
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 5))
        let answer = bench.hear(checkpoint(0, iteration: 101), from: peer("a"))
        guard case .send(.refused(let refusal), to: peer("a")) = answer.first else {
            Issue.record("\(answer)")
            return
        }
        #expect(refusal.code == .unreadable)
        #expect(bench.coordinator.statistics.nonsenseCount == 1)
        #expect(
            bench.hear(checkpoint(0, iteration: 60), from: peer("a"))
                == [.storeCheckpoint(work(0), iteration: 60, from: peer("a"))])
    }

    @Test func `an unknown connection is told to say hello`() {
        var bench = CoordinatorBench(tiles: 1)
        let wanted = Message.refused(
            Refused(.helloWanted, reason: "this connection is not known: say hello"))
        #expect(bench.idleBeat("a") == [.send(wanted, to: peer("a"))])
        #expect(
            bench.hear(restored(0), from: peer("a")) == [
                .discard(work(0), from: peer("a"), reason: "the worker has to say hello first"),
                .send(wanted, to: peer("a")),
            ])
        #expect(bench.hear(.goodbye(Goodbye(reason: "")), from: peer("a")) == [])
    }

    @Test func `another protocol version is refused with both versions named`() {
        var bench = CoordinatorBench(tiles: 1)
        let reason = "the coordinator speaks protocol version 2, the worker speaks 7"
        #expect(
            bench.tell(.protocolMismatch(seen: 7, from: peer("a"))) == [
                .send(.refused(Refused(.protocolVersion, reason: reason)), to: peer("a"))
            ])
    }

    @Test func `nonsense is counted and answered, and too much of it ends the session`() {
        var bench = CoordinatorBench(tiles: 1) { $0.nonsenseMaximum = 3 }
        bench.join("a")
        let unreadable = Message.refused(Refused(.unreadable, reason: "unreadable"))
        for _ in 1...2 {
            #expect(
                bench.tell(.nonsense("unreadable", from: peer("a"))) == [
                    .send(unreadable, to: peer("a"))
                ])
        }
        let commands = bench.hear(stored(0), from: peer("a"))
        guard case .send(.refused(let refusal), peer("a")) = commands.first else {
            Issue.record("wanted a refusal, saw \(commands)")
            return
        }
        #expect(refusal.code == .misbehaviour)
        #expect(bench.coordinator.workerCount == 0)
        #expect(bench.coordinator.statistics.nonsenseCount == 3)
    }

    @Test func `work that was never handed out is nonsense and is stopped`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        for foreign in [fitting(0, 2), fitting(7), fitting(Int(Int32.max))] {
            #expect(
                bench.beat("a", foreign) == [
                    .send(.cancel(Cancel(job: job, work: foreign.work)), to: peer("a"))
                ])
        }
        #expect(bench.hear(restored(7), from: peer("a")).count == 2)
        let other = WorkReport(
            job: JobID(rawValue: "other"), work: work(0), iteration: 1, phase: .fitting)
        #expect(
            bench.beat("a", other) == [
                .send(.cancel(Cancel(job: other.job, work: other.work)), to: peer("a"))
            ])
    }

    @Test func `a worker that will not drop a tile is refused in the end`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.hear(failed(0), from: peer("a"))
        let cancelled = bench.pass(until: 304, [("a", fitting(0))])
        #expect(
            cancelled
                == [Coordinator.Command](repeating: .send(cancel(0), to: peer("a")), count: 60))
        #expect(bench.tell(.tick, at: 305).last == .forget(peer("a")))
        #expect(bench.coordinator.workerCount == 0)
    }

    @Test func `refusals are remembered for a bounded number of workers`() {
        var bench = CoordinatorBench(tiles: 1) {
            $0.nonsenseMaximum = 1
            $0.refusalsRememberedMaximum = 2
        }
        for worker in "abc" {
            bench.join(worker)
            bench.tell(.nonsense("x", from: peer(worker)))
        }
        #expect(bench.coordinator.farewells.keys.sorted() == [name("b"), name("c")])
    }

    @Test func `a connection that takes another name loses the first one`() {
        var bench = CoordinatorBench(tiles: 2)
        bench.join("a")
        bench.hear(.hello(hello("b")), from: peer("a"))
        #expect(bench.coordinator.workerCount == 1)
        #expect(bench.coordinator.leases.map(\.worker) == [name("b")])
    }
}

extension CoordinatorBench {
    /// A heartbeat of an idle worker, with whatever follows.
    fileprivate mutating func idleBeat(_ worker: Character) -> [Coordinator.Command] {
        hear(.heartbeat(Heartbeat()), from: peer(worker))
    }
}
