import Testing
import Wire

@testable import Cluster

/// Workers that come back to a coordinator that was started again.
struct AdoptionTests {
    private func bench(
        tiles: Int = 3, _ restored: [TileID: Coordinator.RestoredTile] = [:]
    ) -> CoordinatorBench {
        CoordinatorBench(tiles: tiles, restored: restored, checkpointByteCount: 100) {
            $0.adoptionWait = .seconds(40)
        }
    }

    private func begun(_ attempts: Int, checkpoint: Int? = nil) -> Coordinator.RestoredTile {
        .init(story: .init(attempts: attempts), checkpointIteration: checkpoint)
    }

    @Test func `a worker goes on with the very iteration that it is at`() {
        for restored in [[:], [TileID(1): begun(2)], [TileID(1): begun(2, checkpoint: 60)]] {
            var bench = bench(restored)
            #expect(
                bench.hear(.hello(hello("a", 5, fitting(1, 2, iteration: 70))), from: peer("a"))
                    == [.send(welcome(5, checkpointByteCount: 100), to: peer("a"))])
            #expect(bench.coordinator.leases.map(\.work) == [work(1, 2)])
            #expect(bench.coordinator.leases.map(\.iteration) == [70])
            #expect(bench.coordinator.statistics.adoptedCount == 1)
            #expect(bench.coordinator.statistics.lostIterationCount == 0)
            bench.join("b")
            bench.finish("a", 1, 2)
            #expect(bench.coordinator.storedCount == 1)
        }
    }

    @Test func `a finished result that nobody had received is delivered`() {
        var bench = bench()
        bench.hear(.hello(hello("a", 5, delivering(1, 3))), from: peer("a"))
        bench.join("b")
        bench.join("c")
        #expect(bench.join("d").last == .send(welcome(checkpointByteCount: 100), to: peer("d")))
        #expect(
            bench.hear(restored(1, 3), from: peer("a")) == [.store(work(1, 3), from: peer("a"))])
        #expect(bench.tell(.tileStored(work(1, 3))) == [.send(stored(1, 3), to: peer("a"))])
    }

    @Test func `a result that is told of before anything else is taken too`() {
        var bench = bench()
        bench.join("a")
        #expect(
            bench.hear(restored(2, 9), from: peer("a")).last
                == .store(work(2, 9), from: peer("a")))
        bench.tell(.tileStored(work(2, 9)))
        #expect(bench.coordinator.storedCount == 1)
    }

    @Test func `begun tiles are kept for a while for those who may come back with them`() {
        var bench = bench(tiles: 2, [TileID(0): begun(1, checkpoint: 500)])
        #expect(bench.join("a", at: 0).last == .dispatch(work(1), to: peer("a")))
        bench.beat("a", fitting(1))
        #expect(bench.join("b", at: 1).count == 1)
        #expect(bench.pass(until: 39, [("a", fitting(1)), ("b", nil)]) == [])
        #expect(
            bench.pass(until: 41, [("a", fitting(1)), ("b", nil)]) == [
                .dispatch(work(0, 2), to: peer("b"), checkpoint: 500)
            ])
    }

    @Test func `a worker that is further takes the tile from one that began since`() {
        var bench = bench(tiles: 1)
        bench.join("b")
        bench.beat("b", fitting(0, 1, iteration: 20))
        #expect(
            bench.hear(.hello(hello("a", 5, fitting(0, 4, iteration: 70))), from: peer("a")) == [
                .send(welcome(5, checkpointByteCount: 100), to: peer("a")),
                .send(cancel(0), to: peer("b")),
            ])
        #expect(bench.coordinator.leases.map(\.work) == [work(0, 4)])
        #expect(bench.coordinator.statistics.failureCount == 0)
        // And the other one does not get it back.
        #expect(
            bench.beat("b", fitting(0, 1, iteration: 80)) == [.send(cancel(0), to: peer("b"))])
        #expect(bench.beat("b", nil) == [])
    }

    @Test func `a worker that is behind what the disk has is told to stop`() {
        var bench = bench(tiles: 1, [TileID(0): begun(2, checkpoint: 80)])
        #expect(
            bench.hear(.hello(hello("a", 5, fitting(0, 1, iteration: 70))), from: peer("a")).last
                == .send(cancel(0), to: peer("a")))
    }

    @Test func `a try that no former run can have handed out is not taken on`() {
        var bench = bench(tiles: 1)
        for foreign in [fitting(1), fitting(0, 1_000_001)] {
            #expect(
                bench.hear(.hello(hello("a", foreign.attempt + 1, foreign)), from: peer("a")).last
                    == .send(.cancel(Cancel(job: job, work: foreign.work)), to: peer("a")))
        }
        var fresh = CoordinatorBench(tiles: 2)
        #expect(
            fresh.hear(.hello(hello("a", 5, fitting(1))), from: peer("a")).last
                == .send(cancel(1), to: peer("a")))
    }

    @Test func `a coordinator that dies again and again loses nobody's work`() {
        var reached = 0
        for life in 1...20 {
            var bench = bench(tiles: 1, life == 1 ? [:] : [TileID(0): begun(1)])
            if life == 1 {
                bench.join("a")
            } else {
                bench.hear(
                    .hello(hello("a", life, fitting(0, iteration: reached))), from: peer("a"))
            }
            #expect(bench.coordinator.leases.map(\.iteration) == [reached])
            bench.beat("a", fitting(0, iteration: reached + 10), at: 5)
            reached += 10
        }
    }
}
