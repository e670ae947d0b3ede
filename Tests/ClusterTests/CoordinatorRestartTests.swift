// A coordinator that begins with what a former one has left.

import Testing
import Wire

@testable import Cluster

@Suite struct CoordinatorRestartTests {
    private func failure(_ attempt: Int, _ worker: Character) -> Coordinator.AttemptFailure {
        Coordinator.AttemptFailure(attempt: attempt, worker: name(worker), reason: "failed: x")
    }

    private func tried(_ attempts: Int, failedOn workers: String = "") -> Coordinator.RestoredTile {
        Coordinator.RestoredTile(
            story: .init(
                attempts: attempts,
                failures: workers.enumerated().map { failure($0.offset + 1, $0.element) }))
    }

    private let stored = Coordinator.RestoredTile(isStored: true)

    @Test func `only what is not stored is handed out, and tries are numbered on`() {
        var bench = CoordinatorBench(
            tiles: 5,
            restored: [TileID(0): stored, TileID(1): tried(2), TileID(3): stored])
        bench.coordinator.checkInvariants()
        #expect(bench.coordinator.storedCount == 2)
        #expect(bench.join("a").last == .dispatch(work(1, 3), to: peer("a")))
        #expect(bench.join("b").last == .dispatch(work(2, 1), to: peer("b")))
        #expect(bench.join("c").last == .dispatch(work(4, 1), to: peer("c")))
        bench.finish("a", 1, 3)
        bench.finish("b", 2)
        #expect(bench.finish("c", 4).summary?.storedCount == 5)
    }

    @Test func `a job of which all is stored is complete at the first look at the time`() {
        var bench = CoordinatorBench(
            tiles: 2, restored: [TileID(0): stored, TileID(1): stored])
        #expect(bench.tell(.tick).summary?.outcome == .complete)
    }

    @Test func `a tile that was set aside stays so, and the job is incomplete`() {
        let story = Coordinator.TileStory(
            attempts: 3, failures: [failure(1, "a")], isSetAside: true)
        var bench = CoordinatorBench(
            tiles: 2, restored: [TileID(0): .init(story: story), TileID(1): stored])
        let summary = bench.tell(.tick).summary
        #expect(summary?.outcome == .incomplete)
        #expect(summary?.setAside == [TileID(0)])
        #expect(bench.coordinator.story(of: TileID(0)) == story)
    }

    @Test func `failures of former runs count`() {
        var bench = CoordinatorBench(tiles: 1, restored: [TileID(0): tried(2, failedOn: "xy")])
        bench.join("a")
        let commands = bench.hear(failed(0, 3), from: peer("a"))
        #expect(commands.summary?.setAside == [TileID(0)])
        #expect(bench.coordinator.story(of: TileID(0)).failures.map(\.attempt) == [1, 2, 3])
        // The run before may have ended between the third failure and its consequence.
        var later = CoordinatorBench(tiles: 1, restored: [TileID(0): tried(3, failedOn: "xyz")])
        #expect(later.tell(.tick).summary?.setAside == [TileID(0)])
    }

    @Test func `tries that ended with their coordinator do not count`() {
        var bench = CoordinatorBench(tiles: 1, restored: [TileID(0): tried(50)])
        #expect(bench.join("a").last == .dispatch(work(0, 51), to: peer("a")))
    }

    @Test func `a worker goes on with the try that a former coordinator gave it`() {
        var bench = CoordinatorBench(tiles: 2, restored: [TileID(0): tried(2)])
        let report = fitting(0, 2, iteration: 70)
        let commands = bench.hear(.hello(hello("a", 2, report)), from: peer("a"))
        #expect(commands == [.send(welcome(2), to: peer("a"))])
        #expect(bench.coordinator.leases.map(\.work) == [work(0, 2)])
        #expect(bench.coordinator.leases.first?.iteration == 70)
        bench.finish("a", 0, 2)
        #expect(bench.coordinator.storedCount == 1)
    }

    @Test func `orders name the tile whose story they may have changed`() {
        var coordinator = CoordinatorBench(tiles: 1).coordinator
        var commands: [Coordinator.Command] = []
        coordinator.handle(
            .received(.hello(hello("a")), from: peer("a")), at: .zero, into: &commands)
        #expect(commands.compactMap(\.tileOfStory) == [TileID(0)])
        #expect(coordinator.story(of: TileID(0)) == .init(attempts: 1))
        commands = []
        coordinator.handle(.received(failed(0), from: peer("a")), at: .zero, into: &commands)
        #expect(commands.compactMap(\.tileOfStory).contains(TileID(0)))
        #expect(coordinator.story(of: TileID(0)).failures.count == 1)
    }

    // MARK: After an orderly end

    private let farewell = Message.goodbye(Goodbye(reason: "the worker leaves as it was told"))

    /// What the next coordinator of the job is told of tiles.
    private func next(_ bench: CoordinatorBench, tiles: Int) -> CoordinatorBench {
        let rest = bench.coordinator.storiesAtRest
        var restored: [TileID: Coordinator.RestoredTile] = [:]
        for tile in (0..<tiles).map({ TileID($0) }) {
            let story = rest[tile] ?? bench.coordinator.story(of: tile)
            if story.attempts > 0 { restored[tile] = .init(story: story) }
        }
        return CoordinatorBench(tiles: tiles, restored: restored) {
            $0.adoptionWait = .seconds(40)
        }
    }

    @Test func `tiles of workers that have answered their goodbye are handed out at once`() {
        var bench = CoordinatorBench(tiles: 3)
        for (tile, worker) in [Character("a"), "b", "c"].enumerated() {
            bench.join(worker)
            bench.beat(worker, fitting(tile))
        }
        // One may still have its tile: it cannot be reached.
        bench.tell(.unreachable(peer("c")))
        bench.tell(.interrupted)
        #expect(bench.coordinator.storiesAtRest.isEmpty)
        bench.hear(farewell, from: peer("b"))
        #expect(
            bench.coordinator.storiesAtRest == [TileID(1): .init(attempts: 1, isAtRest: true)])
        bench.tell(.unreachable(peer("a")))
        #expect(!bench.coordinator.awaitsFarewells)
        #expect(bench.coordinator.storiesAtRest.keys.sorted() == [TileID(1)])

        var next = next(bench, tiles: 3)
        #expect(next.join("d").last == .dispatch(work(1, 2), to: peer("d")))
        // Its story is that of a tile that somebody has, from here on.
        #expect(next.coordinator.story(of: TileID(1)) == .init(attempts: 2))
        #expect(next.join("e") == [.send(welcome(), to: peer("e"))])
        next.beat("d", fitting(1, 2))
        #expect(
            next.pass(until: 40, [("d", fitting(1, 2)), ("e", nil)])
                == [.dispatch(work(0, 2), to: peer("e"))])
    }

    @Test func `workers that are kept hear nothing of an interrupt, and bring their tiles`() {
        var bench = CoordinatorBench(tiles: 3, checkpointByteCount: 100) {
            $0.dismissesWorkersWhenInterrupted = false
        }
        func stranger(_ worker: Character, _ report: WorkReport? = nil) -> Message {
            let known = hello(worker)
            return .hello(
                Hello(
                    worker: known.worker, incarnation: 1, host: known.host, processID: 1,
                    threadCount: 1, version: "1", processor: "cpu", work: report))
        }
        bench.join("a")
        bench.hear(stranger("b"), from: peer("b"))
        bench.beat("a", fitting(0, iteration: 30))
        bench.beat("b", fitting(1, iteration: 30))
        // This host's own worker hands over, the other one is not asked.
        let last = Message.checkpointWanted(CheckpointWanted(job: job, work: work(0)))
        #expect(bench.tell(.interrupted) == [.send(last, to: peer("a"))])
        bench.hear(checkpoint(0, iteration: 31), from: peer("a"))
        let commands = bench.tell(
            .checkpointStored(work(0), iteration: 31, from: peer("a")))
        let goodbye = Message.goodbye(Goodbye(reason: "the coordinator was interrupted"))
        #expect(commands.contains(.send(goodbye, to: peer("a"))))
        #expect(commands.summary?.outcome == .interrupted)
        #expect(
            !commands.contains {
                if case .send(_, to: peer("b")) = $0 { true } else { false }
            })
        let beat = Message.heartbeat(Heartbeat(work: fitting(1, iteration: 31)))
        #expect(bench.hear(beat, from: peer("b")) == [])
        bench.hear(farewell, from: peer("a"))
        #expect(bench.coordinator.storiesAtRest.keys.sorted() == [TileID(0)])

        var next = next(bench, tiles: 3)
        #expect(
            next.hear(stranger("b", fitting(1, iteration: 40)), from: peer("b", 2))
                == [.send(welcome(), to: peer("b", 2))])
        #expect(next.coordinator.leases.map(\.iteration) == [40])
    }

    @Test func `tiles that a coordinator has not handed out again stay as they were`() {
        let crashed = [TileID(0): tried(1), TileID(1): tried(1)]
        var bench = CoordinatorBench(tiles: 2, restored: crashed) {
            $0.adoptionWait = .seconds(40)
        }
        bench.tell(.interrupted, at: 1)
        #expect(bench.coordinator.storiesAtRest.isEmpty)
        #expect(next(bench, tiles: 2).coordinator.story(of: TileID(0)).isAtRest == false)
        // After that time nobody came with them, and a second interrupt does not begin it anew.
        var patient = CoordinatorBench(tiles: 2, restored: crashed) {
            $0.adoptionWait = .seconds(40)
        }
        patient.tell(.interrupted, at: 41)
        #expect(patient.coordinator.storiesAtRest.count == 2)
        var next = next(patient, tiles: 2)
        next.tell(.interrupted)
        #expect(next.coordinator.storiesAtRest.count == 2)
    }
}
