import Testing
import Wire

@testable import Cluster

/// A slow tile near the end is run a second time.
struct StragglerTests {
    /// Two workers of a job of two tiles with 1000 iterations: b is done after 100 s, a has come to
    /// iteration 100 by then.
    private func slow(
        checkpointAt iteration: Int? = nil, _ adjust: (inout CoordinatorPolicy) -> Void = { _ in }
    ) -> CoordinatorBench {
        var bench = CoordinatorBench(
            tiles: 2, checkpointByteCount: 100, iterations: 1000, adjust)
        bench.join("a", at: 0)
        bench.join("b")
        for step in 0...20 {
            bench.beat("a", fitting(0, iteration: step * 5), at: Double(step) * 5)
            bench.beat("b", fitting(1, iteration: step * 50))
        }
        if let iteration { bench.keep("a", 0, iteration: iteration) }
        bench.finish("b", 1)
        return bench
    }

    private let second = [Coordinator.Command.dispatch(work(0, 2), to: peer("b"))]

    @Test func `an idle worker gets a second try at a slow tile, and the first result wins`() {
        for isSecondFirst in [false, true] {
            var bench = slow()
            #expect(bench.beat("b", nil, at: 101) == second)
            #expect(bench.notes.last == .secondTry(work(0, 2), name("b"), slow: name("a")))
            bench.beat("b", fitting(0, 2))
            let (winner, attempt): (Character, Int) = isSecondFirst ? ("b", 2) : ("a", 1)
            let (loser, lost): (Character, Int) = isSecondFirst ? ("a", 1) : ("b", 2)
            #expect(
                bench.hear(restored(0, attempt), from: peer(winner)) == [
                    .send(cancel(0, lost), to: peer(loser)),
                    .store(work(0, attempt), from: peer(winner)),
                ])
            let statistics = bench.tell(.tileStored(work(0, attempt))).summary?.statistics
            #expect(statistics?.secondTryCount == 1)
            #expect(statistics?.secondTryWonCount == (isSecondFirst ? 1 : 0))
            #expect(statistics?.failureCount == 0 && statistics?.lostIterationCount == 0)
            #expect(statistics?.lateResultCount == 0)
        }
    }

    @Test func `the second try goes on from the first one's state`() {
        var bench = slow(checkpointAt: 90)
        #expect(
            bench.beat("b", nil, at: 101) == [
                .dispatch(work(0, 2), to: peer("b"), checkpoint: 90)
            ])
        bench.beat("b", fitting(0, 2, iteration: 90))
        #expect(bench.coordinator.statistics.lostIterationCount == 0)
    }

    @Test func `when one of two ends, the other goes on alone`() {
        for (gone, stays, attempt) in [("a", "b", 2), ("b", "a", 1)]
            as [(Character, Character, Int)]
        {
            var bench = slow()
            bench.beat("b", nil, at: 101)
            bench.beat("b", fitting(0, 2))
            #expect(
                bench.tell(.childExited(launchToken: "child-\(gone)", reason: "signal 9"))
                    == [.forget(peer(gone))])
            #expect(bench.coordinator.leases.map(\.worker) == [name(stays)])
            #expect(bench.finish(stays, 0, attempt).summary?.outcome == .complete)
        }
    }

    @Test func `an idle worker of unknown pace is taken for a usual one`() {
        var bench = CoordinatorBench(tiles: 1, iterations: 1000)
        bench.join("a", at: 0)
        for step in 0...20 {
            bench.beat("a", fitting(0, iteration: step * 5), at: Double(step) * 5)
        }
        bench.join("b", at: 101)
        // The usual pace is a's own, and with that a second try would not be sooner.
        #expect(bench.coordinator.leases.count == 1)
    }

    @Test func `a tile that both tries fail on is set aside after the second`() {
        var bench = slow { $0.tileFailuresMaximum = 2 }
        bench.beat("b", nil, at: 101)
        bench.beat("b", fitting(0, 2))
        #expect(bench.hear(failed(0), from: peer("a")) == [])
        #expect(bench.coordinator.setAsideCount == 0)
        #expect(bench.hear(failed(0, 2), from: peer("b")).summary?.setAside == [TileID(0)])
    }

    @Test func `no tile is run twice when that would hardly be sooner, or while others wait`() {
        // The rest is 900 s; from the beginning it takes b 100 s.
        var unlikely = slow { $0.stragglerGain = 9.5 }
        #expect(unlikely.beat("b", nil, at: 101) == [])
        var nearly = slow { $0.stragglerRestMinimum = .seconds(950) }
        #expect(nearly.beat("b", nil, at: 101) == [])
        var unknown = CoordinatorBench(tiles: 1)
        unknown.join("a")
        unknown.beat("a", fitting(0))
        unknown.beat("a", fitting(0, iteration: 1), at: 20)
        unknown.join("b")
        #expect(unknown.pass(until: 30, [("a", fitting(0, iteration: 1)), ("b", nil)]) == [])
    }

    @Test func `a third worker gets nothing of it`() {
        var bench = slow()
        bench.beat("b", nil, at: 101)
        bench.beat("b", fitting(0, 2))
        bench.join("c", at: 102)
        #expect(
            bench.pass(
                until: 120,
                [("a", fitting(0, iteration: 110)), ("b", fitting(0, 2, iteration: 100))]) == [])
    }
}
