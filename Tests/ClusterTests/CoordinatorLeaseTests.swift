import Testing
import Wire

@testable import Cluster

/// Handing out tiles, and the ends of leases.
struct CoordinatorLeaseTests {
    @Test func `tiles are handed out in order and one to a worker`() {
        var bench = CoordinatorBench(tiles: 3)
        #expect(
            bench.join("a") == [.send(welcome(), to: peer("a")), .dispatch(work(0), to: peer("a"))])
        #expect(
            bench.join("b") == [.send(welcome(), to: peer("b")), .dispatch(work(1), to: peer("b"))])
        #expect(bench.beat("a", fitting(0)) == [])
        #expect(bench.hear(restored(0), from: peer("a")) == [.store(work(0), from: peer("a"))])
        #expect(bench.tell(.tileStored(work(0))) == [.send(stored(0), to: peer("a"))])
        #expect(bench.beat("a", nil) == [.dispatch(work(2), to: peer("a"))])
        #expect(bench.coordinator.leases.map(\.work) == [work(1), work(2)])
    }

    @Test func `a silent worker loses its lease to another one`() {
        var bench = CoordinatorBench(tiles: 2)
        bench.join("a")
        bench.beat("a", fitting(0))
        bench.join("b")
        bench.finish("b", 1)
        let commands = bench.pass(until: 31, [("b", nil)])
        #expect(commands == [.forget(peer("a")), .dispatch(work(0, 2), to: peer("b"))])
        #expect(bench.notes.contains(.leaseEnded(work(0), name("a"), .silent(.seconds(30)))))
        #expect(bench.coordinator.workerCount == 1)
    }

    @Test func `heartbeats keep a lease for hours`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        for step in 1...2000 {
            #expect(bench.beat("a", fitting(0, iteration: step), at: Double(step) * 5) == [])
        }
        #expect(bench.coordinator.leases.map(\.iteration) == [2000])
    }

    @Test func `an iteration that stands still ends the lease although the worker speaks`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        for step in 1...10 { bench.beat("a", fitting(0, iteration: step * 10), at: Double(step)) }
        #expect(bench.pass(until: 129, [("a", fitting(0, iteration: 100))]) == [])
        #expect(
            bench.pass(until: 130, [("a", fitting(0, iteration: 100))]) == [
                .send(cancel(0), to: peer("a")), .send(cancel(0), to: peer("a")),
            ])
        #expect(bench.beat("a", nil) == [.dispatch(work(0, 2), to: peer("a"))])
    }

    @Test func `a slow job waits twenty of its own iterations`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        _ = bench.pass(until: 5, [("a", fitting(0))])
        _ = bench.pass(until: 105, [("a", fitting(0))])
        bench.beat("a", fitting(0, iteration: 10))
        #expect(bench.pass(until: 304, [("a", fitting(0, iteration: 10))]) == [])
        #expect(
            bench.pass(until: 306, [("a", fitting(0, iteration: 10))]).first
                == .send(cancel(0), to: peer("a")))
    }

    @Test func `the first iteration of a job may take long`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        #expect(bench.pass(until: 1199, [("a", fitting(0))]) == [])
        #expect(
            bench.pass(until: 1200, [("a", fitting(0))]).first == .send(cancel(0), to: peer("a")))
    }

    @Test func `an assignment that is never named counts against nobody`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        #expect(
            bench.pass(until: 120, [("a", nil)]) == [
                .send(cancel(0), to: peer("a")), .dispatch(work(0, 2), to: peer("a")),
            ])
        #expect(bench.coordinator.statistics.failureCount == 0)
    }

    @Test func `an assignment that cannot be sent goes to another worker`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.join("b")
        #expect(
            bench.tell(.unreachable(peer("a"))) == [
                .forget(peer("a")), .dispatch(work(0, 2), to: peer("b")),
            ])
        #expect(bench.coordinator.statistics.failureCount == 0)
    }

    @Test func `a worker that says goodbye gives its tile back at once and is not blamed`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        bench.join("b")
        #expect(
            bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("a")) == [
                .forget(peer("a")), .dispatch(work(0, 2), to: peer("b")),
            ])
        #expect(bench.coordinator.statistics.failureCount == 0)
    }

    @Test func `a local child that ended gives its tile back at once`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        bench.join("b")
        #expect(
            bench.tell(.childExited(launchToken: "child-a", reason: "signal 9")) == [
                .forget(peer("a")), .dispatch(work(0, 2), to: peer("b")),
            ])
        #expect(bench.tell(.childExited(launchToken: "child-c", reason: "signal 9")) == [])
    }

    @Test func `a worker that restarts under its name loses what it no longer holds`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        #expect(
            bench.hear(.hello(hello("a", 2)), from: peer("a", 2)) == [
                .forget(peer("a")), .send(welcome(2), to: peer("a", 2)),
                .send(cancel(0), to: peer("a", 2)), .dispatch(work(0, 2), to: peer("a", 2)),
            ])
        #expect(bench.coordinator.statistics.failureCount == 1)
    }

    @Test func `a worker that reconnects goes on with its lease`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 10))
        #expect(bench.tell(.unreachable(peer("a"))) == [.forget(peer("a"))])
        #expect(
            bench.hear(.hello(hello("a", 2, fitting(0, iteration: 20))), from: peer("a", 2)) == [
                .send(welcome(2), to: peer("a", 2))
            ])
        #expect(bench.coordinator.leases.map(\.iteration) == [20])
    }

    @Test func `a worker that comes back after silence goes on with a tile that still waits`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 10))
        #expect(bench.pass(until: 40) == [.forget(peer("a"))])
        let refusal = bench.hear(
            .heartbeat(Heartbeat(work: fitting(0, iteration: 15))), from: peer("a"))
        guard case .send(.refused(let refused), peer("a")) = refusal.first else {
            Issue.record("wanted a refusal, saw \(refusal)")
            return
        }
        #expect(refused.code == .helloWanted)
        #expect(
            bench.hear(.hello(hello("a", 2, fitting(0, iteration: 15))), from: peer("a")) == [
                .send(welcome(2), to: peer("a"))
            ])
        #expect(bench.notes.last == .leaseResumed(work(0), name("a"), iteration: 15))
        bench.finish("a", 0)
        #expect(bench.coordinator.outcome == .complete)
    }

    @Test func `a worker that comes back after its tile went to another one is told to stop`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        _ = bench.pass(until: 20)
        bench.join("b")
        _ = bench.pass(until: 31, [("b", nil)])
        bench.beat("b", fitting(0, 2, iteration: 16))
        #expect(
            bench.hear(.hello(hello("a", 2, fitting(0, iteration: 15))), from: peer("a")) == [
                .send(welcome(2), to: peer("a")), .send(cancel(0), to: peer("a")),
            ])
        #expect(bench.beat("a", nil) == [])
    }

    @Test func `time in which the coordinator itself was stopped is nobody's silence`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        #expect(bench.tell(.tick, at: 1000) == [])
        #expect(bench.pass(until: 1029) == [])
        #expect(bench.pass(until: 1031) == [.forget(peer("a"))])
    }

    @Test func `a greeting that was delayed or repeated changes nothing`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        #expect(bench.join("a") == [.send(welcome(), to: peer("a"))])
        bench.hear(.hello(hello("a", 2, fitting(0))), from: peer("a", 2))
        #expect(bench.join("a") == [])
        #expect(bench.coordinator.leases.map(\.work) == [work(0)])
    }
}
