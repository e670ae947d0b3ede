import Testing
import Wire

@testable import Cluster

/// States that nobody can use, and more of them than anybody wants.
struct SuspectStateTests {
    private func bench(_ adjust: (inout CoordinatorPolicy) -> Void = { _ in }) -> CoordinatorBench {
        CoordinatorBench(tiles: 1, checkpointByteCount: 100, adjust)
    }

    @Test func `a state that nobody can use is forgotten, and an earlier one takes its place`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 5))
        bench.keep("a", 0, iteration: 900)
        // One that begins anew may have lost what it was sent; two have not.
        for attempt in 2...3 {
            bench.tell(.childExited(launchToken: "child-a", reason: "signal 9"))
            #expect(
                bench.join("a").last
                    == .dispatch(work(0, attempt), to: peer("a"), checkpoint: 900))
            bench.beat("a", fitting(0, attempt, iteration: 1))
            bench.beat("a", fitting(0, attempt, iteration: 2))
        }
        bench.keep("a", 0, 3, iteration: 60)
        bench.tell(.childExited(launchToken: "child-a", reason: "signal 9"))
        #expect(bench.join("a").last == .dispatch(work(0, 4), to: peer("a"), checkpoint: 60))
    }

    @Test func `a state that served a try counts however it came to others`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 5))
        bench.keep("a", 0, iteration: 900)
        for (attempt, iteration) in [(2, 1), (3, 900), (4, 1), (5, 900)] {
            bench.tell(.childExited(launchToken: "child-a", reason: "signal 9"))
            #expect(
                bench.join("a").last
                    == .dispatch(work(0, attempt), to: peer("a"), checkpoint: 900))
            bench.beat("a", fitting(0, attempt, iteration: iteration))
            bench.beat("a", fitting(0, attempt, iteration: iteration + 1))
        }
    }

    @Test func `states that nobody asked for are taken once a second`() {
        var bench = bench()
        bench.join("a", at: 0)
        bench.beat("a", fitting(0, iteration: 1), at: 1)
        var stored: [Int] = []
        for iteration in 2...101 {
            let commands = bench.hear(
                checkpoint(0, iteration: iteration), from: peer("a"), at: 1 + Double(iteration) / 16
            )
            if commands.contains(.storeCheckpoint(work(0), iteration: iteration, from: peer("a"))) {
                stored.append(iteration)
                bench.tell(.checkpointStored(work(0), iteration: iteration, from: peer("a")))
            }
        }
        #expect(stored == [2, 18, 34, 50, 66, 82, 98])
    }
}
