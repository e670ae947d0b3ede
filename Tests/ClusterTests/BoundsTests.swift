import Testing
import Wire

@testable import Cluster

/// What a coordinator keeps does not grow with what has passed.
struct BoundsTests {
    /// A worker by number, and its connection.
    private func greeting(_ number: Int, _ incarnation: Int = 1) -> (Hello, PeerID) {
        let hello = Hello(
            worker: WorkerID(rawValue: "worker-\(number)"), incarnation: incarnation, host: "host",
            processID: 1, threadCount: 1, version: "1", processor: "cpu",
            launchToken: "token-\(number)")
        return (hello, PeerID(bytes: Array("\(number) \(incarnation)".utf8)))
    }

    private func tell(
        _ coordinator: inout Coordinator, _ event: Coordinator.Event, at seconds: Double
    ) -> [Coordinator.Command] {
        var commands: [Coordinator.Command] = []
        coordinator.handle(event, at: .seconds(seconds), into: &commands)
        return commands
    }

    @Test func `ten thousand workers that come and go leave nothing`() {
        var bench = CoordinatorBench(tiles: 10_000, checkpointByteCount: 100, iterations: 100)
        var largest = 0
        for number in 0..<10_000 {
            let (hello, peer) = greeting(number)
            let time = Double(number)
            _ = tell(&bench.coordinator, .received(.hello(hello), from: peer), at: time)
            // Some reconnect first, some are refused, some fall silent.
            if number % 3 == 0 {
                let (again, other) = greeting(number, 2)
                _ = tell(&bench.coordinator, .received(.hello(again), from: other), at: time)
            }
            let current = bench.coordinator.workers[hello.worker]?.peer ?? peer
            switch number % 4 {
            case 0:
                for _ in 0..<20 {
                    _ = tell(&bench.coordinator, .nonsense("noise", from: current), at: time)
                }
            case 1:
                let token = hello.launchToken ?? ""
                _ = tell(
                    &bench.coordinator, .childExited(launchToken: token, reason: "code 1"),
                    at: time)
            case 2:
                let goodbye = Message.goodbye(Goodbye(reason: "drained"))
                _ = tell(&bench.coordinator, .received(goodbye, from: current), at: time)
            default: break
            }
            largest = max(largest, bench.coordinator.entryCount)
            if number % 2000 == 0 { bench.coordinator.checkInvariants() }
        }
        // Those of the latest thirty seconds, and the refusals that are remembered.
        #expect(largest < 2 * bench.coordinator.policy.refusalsRememberedMaximum + 200)
        #expect(bench.coordinator.statistics.workerCount == 10_000)
        for second in 10_000...10_040 { bench.tell(.tick, at: Double(second)) }
        #expect(bench.coordinator.workerCount == 0)
        #expect(bench.coordinator.entryCount == 2 * 1024)
        #expect(bench.coordinator.assigningByteCount == 0)
    }

    @Test func `tiles that are finished leave nothing but their state`() {
        let tileCount = 20_000
        var coordinator = CoordinatorBench(
            tiles: tileCount, checkpointByteCount: 100, iterations: 100
        ).coordinator
        for worker in "ab" {
            _ = tell(&coordinator, .received(.hello(hello(worker)), from: peer(worker)), at: 0)
        }
        var counts: Set<Int> = []
        for round in 0..<tileCount / 2 {
            let time = Double(round)
            for worker in "ab" {
                guard let work = coordinator.workers[name(worker)]?.lease?.work else {
                    Issue.record("\(worker) has nothing to do at \(time)")
                    return
                }
                let report = fitting(work.tile.rawValue, work.attempt, iteration: 50)
                let beat = Message.heartbeat(Heartbeat(work: report))
                _ = tell(&coordinator, .received(beat, from: peer(worker)), at: time)
                let state = checkpoint(work.tile.rawValue, work.attempt, iteration: 50)
                _ = tell(&coordinator, .received(state, from: peer(worker)), at: time)
                _ = tell(
                    &coordinator, .checkpointStored(work, iteration: 50, from: peer(worker)),
                    at: time)
                let result = restored(work.tile.rawValue, work.attempt)
                _ = tell(&coordinator, .received(result, from: peer(worker)), at: time)
                _ = tell(&coordinator, .tileStored(work), at: time)
                _ = tell(
                    &coordinator, .received(.heartbeat(Heartbeat()), from: peer(worker)), at: time)
            }
            if coordinator.outcome == nil { counts.insert(coordinator.entryCount) }
        }
        #expect(coordinator.outcome == .complete)
        #expect((counts.max() ?? 0) <= 8, "\(counts)")
        #expect(coordinator.tiles.returned.isEmpty)
        let isForgotten = coordinator.tiles.records.allSatisfy {
            $0.failures.isEmpty && $0.latestCheckpoint == nil
        }
        #expect(isForgotten)
    }

    @Test func `assignments wait when too many bytes of others are under way`() {
        // An assignment has a thousand bytes, and a hundred more with a state.
        var bench = CoordinatorBench(tiles: 10, checkpointByteCount: 100) {
            $0.assignmentBytesUnderWayMaximum = 3500
        }
        let dispatched = "abcdef".map { bench.join($0).count { $0.isDispatch } }
        #expect(dispatched == [1, 1, 1, 0, 0, 0])
        // One arrives, and there is room for one.
        #expect(bench.beat("b", fitting(1)) == [.dispatch(work(3), to: peer("d"))])
        #expect(
            bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("a")).last
                == .dispatch(work(0, 2), to: peer("e")))
        // A state does not fit in beside them, but alone anything does.
        var narrow = CoordinatorBench(tiles: 2, checkpointByteCount: 100) {
            $0.assignmentBytesUnderWayMaximum = 1
        }
        #expect(narrow.join("a").last == .dispatch(work(0), to: peer("a")))
        #expect(narrow.join("b").last?.isDispatch == false)
        #expect(narrow.beat("a", fitting(0)) == [.dispatch(work(1), to: peer("b"))])
    }
}

extension Coordinator.Command {
    fileprivate var isDispatch: Bool {
        if case .dispatch = self { true } else { false }
    }
}
