import Testing
import Wire

@testable import Cluster

/// Fits whose arithmetic comes to nothing, which it would anywhere: the tile gets another seed.
@Suite struct CoordinatorSeedTests {
    private func diverged(_ tile: Int, _ attempt: Int = 1) -> Message {
        .failed(Failed(job: job, work: work(tile, attempt), reason: "collapsed", diverged: true))
    }

    @Test func `a fit that diverged begins anew with another seed, twice, and is set aside`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.hear(diverged(0), from: peer("a"))
        #expect(bench.beat("a", nil) == [.dispatch(work(0, 2), to: peer("a"), retry: 1)])
        bench.hear(diverged(0, 2), from: peer("a"))
        #expect(bench.beat("a", nil) == [.dispatch(work(0, 3), to: peer("a"), retry: 2)])
        let commands = bench.hear(diverged(0, 3), from: peer("a"))
        guard case .setAside(TileID(0), let story) = commands.first else {
            Issue.record("wanted the tile set aside, saw \(commands)")
            return
        }
        #expect(story.map(\.isDivergence) == [true, true, true])
        #expect(commands.summary?.statistics.reseedCount == 3)
    }

    @Test func `other failures and deaths keep the seed`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        bench.join("b")
        #expect(bench.hear(failed(0), from: peer("a")) == [.dispatch(work(0, 2), to: peer("b"))])
        bench.beat("a", nil)
        bench.beat("b", fitting(0, 2))
        let commands = bench.tell(.childExited(launchToken: "child-b", reason: "signal 9"))
        #expect(commands.last == .dispatch(work(0, 3), to: peer("a")))
        bench.join("c")
        #expect(
            bench.hear(diverged(0, 3), from: peer("a"))
                == [.dispatch(work(0, 4), to: peer("c"), retry: 1)])
    }

    @Test func `the states of a seed that failed go, also one that is still being stored`() {
        var bench = CoordinatorBench(tiles: 1, checkpointByteCount: 10)
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 50))
        bench.keep("a", 0, iteration: 50)
        bench.beat("a", fitting(0, iteration: 60))
        bench.tell(.tick, at: 3)
        #expect(
            bench.hear(checkpoint(0, iteration: 60), from: peer("a"))
                == [.storeCheckpoint(work(0), iteration: 60, from: peer("a"))])
        #expect(bench.hear(diverged(0), from: peer("a")) == [.removeCheckpoint(TileID(0))])
        #expect(
            bench.tell(.checkpointStored(work(0), iteration: 60, from: peer("a"))) == [])
        #expect(bench.beat("a", nil) == [.dispatch(work(0, 2), to: peer("a"), retry: 1)])
    }

    @Test func `a second try with the same seed is ended too`() {
        var bench = CoordinatorBench(tiles: 2, iterations: 1000)
        bench.join("a")
        bench.join("b")
        for second in 1...10 {
            bench.beat("a", fitting(0, iteration: second), at: Double(second))
            bench.beat("b", fitting(1, iteration: second * 90), at: Double(second))
        }
        bench.finish("b", 1)
        bench.beat("b", nil)
        bench.tell(.tick, at: 12)
        #expect(bench.coordinator.statistics.secondTryCount == 1)
        let commands = bench.hear(diverged(0), from: peer("a"))
        #expect(commands.first == .send(cancel(0, 2), to: peer("b")))
        // The worker that knows of nothing yet says that it is idle before it gets the tile.
        #expect(bench.beat("b", nil) == [.dispatch(work(0, 3), to: peer("b"), retry: 1)])
        #expect(bench.coordinator.statistics.failureCount == 1)
    }

    @Test func `a coordinator that comes back knows which seeds have failed`() {
        let story = Coordinator.TileStory(
            attempts: 2,
            failures: [
                .init(attempt: 2, worker: name("x"), reason: "failed", isDivergence: true)
            ],
            seedsFailed: 1, lastAttemptOfFailedSeed: 2)
        var bench = CoordinatorBench(tiles: 1, restored: [TileID(0): .init(story: story)])
        // A worker that goes on with a try of that seed is told to drop it.
        #expect(
            bench.hear(.hello(hello("a", 1, fitting(0, 1, iteration: 70))), from: peer("a"))
                .contains(.send(cancel(0, 1), to: peer("a"))))
        #expect(bench.beat("a", nil) == [.dispatch(work(0, 3), to: peer("a"), retry: 1)])
        #expect(bench.coordinator.story(of: TileID(0)).seedsFailed == 1)
    }
}
