import Testing
import Wire

@testable import Cluster

/// Results on time, late, twice and unwanted; and tiles that never come to one.
struct CoordinatorResultTests {
    @Test func `a job ends when its last tile is stored`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        bench.hear(restored(0), from: peer("a"))
        let commands = bench.tell(.tileStored(work(0)))
        let goodbye = Goodbye(reason: "the job is done")
        #expect(
            commands.dropLast() == [
                .send(stored(0), to: peer("a")), .send(.goodbye(goodbye), to: peer("a")),
            ])
        #expect(commands.summary?.outcome == .complete)
        #expect(commands.summary?.storedCount == 1)
        #expect(bench.coordinator.nextDeadline == nil)
        #expect(bench.join("b") == [.send(.goodbye(goodbye), to: peer("b"))])
        // Nobody is to read that a worker was lost which has done all that it was told.
        bench.tell(.unreachable(peer("a")))
        #expect(
            bench.notes.contains {
                if case .workerGone(_, reason: "the job is over") = $0 { true } else { false }
            })
    }

    @Test func `a late result is stored and the try that runs is cancelled`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.beat("a", fitting(0))
        _ = bench.pass(until: 20)
        bench.join("b")
        _ = bench.pass(until: 31, [("b", nil)])
        bench.beat("b", fitting(0, 2))
        let greeting = bench.hear(.hello(hello("a", 2, delivering(0))), from: peer("a"))
        #expect(greeting == [.send(welcome(2), to: peer("a"))])
        #expect(
            bench.hear(restored(0), from: peer("a")) == [
                .send(cancel(0, 2), to: peer("b")), .store(work(0), from: peer("a")),
            ])
        #expect(bench.tell(.tileStored(work(0))).first == .send(stored(0), to: peer("a")))
        #expect(bench.coordinator.outcome == .complete)
        #expect(bench.coordinator.statistics.lateResultCount == 1)
    }

    @Test func `a result for a stored tile is dropped and acknowledged`() {
        var bench = CoordinatorBench(tiles: 2)
        bench.join("a")
        bench.finish("a", 0)
        #expect(
            bench.hear(restored(0), from: peer("a")) == [
                .discard(work(0), from: peer("a"), reason: "the tile is stored already"),
                .send(stored(0), to: peer("a")),
            ])
        #expect(bench.beat("a", delivering(0)) == [.send(stored(0), to: peer("a"))])
        #expect(bench.beat("a", nil) == [.dispatch(work(1), to: peer("a"))])
    }

    @Test func `a result that comes again while it is being stored is dropped`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.hear(restored(0), from: peer("a"))
        #expect(
            bench.hear(restored(0), from: peer("a")) == [
                .discard(work(0), from: peer("a"), reason: "the tile is being stored")
            ])
        #expect(bench.beat("a", delivering(0)) == [])
    }

    @Test func `a worker may die while its result is being stored`() {
        var bench = CoordinatorBench(tiles: 2)
        bench.join("a")
        bench.hear(restored(0), from: peer("a"))
        #expect(
            bench.tell(.childExited(launchToken: "child-a", reason: "signal 9")) == [
                .forget(peer("a"))
            ])
        #expect(bench.tell(.tileStored(work(0))) == [])
        #expect(bench.coordinator.storedCount == 1)
        #expect(bench.join("b").last == .dispatch(work(1), to: peer("b")))
    }

    @Test func `a result that cannot be stored is stored when it comes again`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.join("b")
        bench.hear(restored(0), from: peer("a"))
        #expect(bench.tell(.storingFailed(work(0), reason: "disk full")) == [])
        #expect(bench.beat("a", delivering(0)) == [])
        #expect(bench.hear(restored(0), from: peer("a")) == [.store(work(0), from: peer("a"))])
        #expect(bench.tell(.tileStored(work(0))).summary?.outcome == .complete)
    }

    @Test func `a result that cannot be stored and whose worker has gone is fitted again`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.hear(restored(0), from: peer("a"))
        bench.tell(.unreachable(peer("a")))
        bench.tell(.childExited(launchToken: "child-a", reason: "signal 9"))
        bench.join("b")
        #expect(
            bench.tell(.storingFailed(work(0), reason: "disk full")) == [
                .dispatch(work(0, 2), to: peer("b"))
            ])
    }

    @Test func `the job ends when storing fails again and again`() {
        var bench = CoordinatorBench(tiles: 2)
        bench.join("a")
        for _ in 1...2 {
            bench.hear(restored(0), from: peer("a"))
            bench.tell(.storingFailed(work(0), reason: "disk full"))
        }
        bench.hear(restored(0), from: peer("a"))
        let commands = bench.tell(.storingFailed(work(0), reason: "disk full"))
        #expect(commands.summary?.outcome == .storingFailed(reason: "disk full"))
    }

    @Test func `a tile that failed three times on different workers is set aside`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.join("b")
        bench.join("c")
        #expect(bench.hear(failed(0), from: peer("a")) == [.dispatch(work(0, 2), to: peer("b"))])
        bench.beat("a", nil)
        #expect(
            bench.hear(failed(0, 2), from: peer("b")) == [.dispatch(work(0, 3), to: peer("c"))])
        bench.beat("b", nil)
        let commands = bench.hear(failed(0, 3), from: peer("c"))
        guard case .setAside(TileID(0), let story) = commands.first else {
            Issue.record("wanted the tile set aside, saw \(commands)")
            return
        }
        #expect(story.map(\.worker) == [name("a"), name("b"), name("c")])
        #expect(commands.summary?.outcome == .incomplete)
        #expect(commands.summary?.setAside == [TileID(0)])
    }

    @Test func `a failed tile waits for another worker while there is one`() {
        var bench = CoordinatorBench(tiles: 2)
        bench.join("a")
        bench.join("b")
        bench.hear(failed(0), from: peer("a"))
        #expect(bench.beat("a", nil) == [])
        bench.finish("b", 1)
        #expect(bench.beat("b", nil) == [.dispatch(work(0, 2), to: peer("b"))])
    }

    @Test func `a failed tile goes to the same worker when it is the only one`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.hear(failed(0), from: peer("a"))
        #expect(bench.beat("a", nil) == [.dispatch(work(0, 2), to: peer("a"))])
    }

    @Test func `a tile that was set aside is still taken from a worker that comes back with it`() {
        var bench = CoordinatorBench(tiles: 2) {
            ($0.tileFailuresMaximum, $0.tileDeathsMaximum) = (1, 1)
        }
        bench.join("a")
        bench.beat("a", fitting(0))
        _ = bench.pass(until: 20)
        bench.join("b")
        bench.beat("b", fitting(1))
        let aside = bench.pass(until: 31, [("b", fitting(1))])
        #expect(aside.contains { if case .setAside(TileID(0), _) = $0 { true } else { false } })
        bench.hear(.hello(hello("a", 2, delivering(0))), from: peer("a"))
        #expect(bench.hear(restored(0), from: peer("a")) == [.store(work(0), from: peer("a"))])
        bench.tell(.tileStored(work(0)))
        bench.finish("b", 1)
        #expect(bench.coordinator.outcome == .complete)
    }

    @Test func `a late result that is lost in storing leaves its tile set aside`() {
        var bench = CoordinatorBench(tiles: 2) { $0.tileFailuresMaximum = 1 }
        bench.join("a")
        bench.hear(failed(0), from: peer("a"))
        #expect(bench.coordinator.setAsideCount == 1)
        bench.hear(restored(0), from: peer("a"))
        bench.tell(.childExited(launchToken: "child-a", reason: "signal 9"))
        let commands = bench.tell(.storingFailed(work(0), reason: "disk full"))
        guard case .setAside(TileID(0), let story) = commands.first else {
            Issue.record("wanted the tile set aside, saw \(commands)")
            return
        }
        #expect(story.count == 1 && bench.coordinator.setAsideCount == 1)
    }

    @Test func `a worker on which several different tiles failed is refused for good`() {
        var bench = CoordinatorBench(tiles: 9)
        bench.join("a")
        bench.join("b")
        bench.hear(failed(0), from: peer("a"))
        bench.beat("a", nil)
        bench.hear(failed(2), from: peer("a"))
        bench.beat("a", nil)
        let commands = bench.hear(failed(3), from: peer("a"))
        let reason = "3 different tiles failed on this worker"
        let refusal = Message.refused(Refused(.failures, reason: reason))
        #expect(commands == [.send(refusal, to: peer("a")), .forget(peer("a"))])
        #expect(
            bench.hear(.hello(hello("a", 2)), from: peer("a")) == [.send(refusal, to: peer("a"))])
        #expect(bench.coordinator.workerCount == 1)
    }

    @Test func `a success between failures speaks for the worker`() {
        var bench = CoordinatorBench(tiles: 9)
        bench.join("a")
        bench.join("b")
        for tile in [0, 2] {
            bench.hear(failed(tile), from: peer("a"))
            bench.beat("a", nil)
        }
        bench.finish("a", 3)
        bench.beat("a", nil)
        bench.hear(failed(4), from: peer("a"))
        #expect(bench.coordinator.workerCount == 2)
    }
}
