import Testing
import Wire

@testable import Cluster

/// States of fits: asked for, stored, used.
struct CoordinatorCheckpointTests {
    private func bench(
        tiles: Int = 1, _ adjust: (inout CoordinatorPolicy) -> Void = { _ in }
    ) -> CoordinatorBench {
        CoordinatorBench(tiles: tiles, checkpointByteCount: 100) {
            // States come at one moment here.
            $0.unaskedCheckpointInterval = .zero
            adjust(&$0)
        }
    }

    // MARK: Asking

    @Test func `the state of a lease is asked for every interval`() {
        var bench = bench()
        bench.join("a", at: 0)
        bench.beat("a", fitting(0, iteration: 1), at: 1)
        #expect(bench.pass(until: 59, [("a", fitting(0, iteration: 50))]) == [])
        #expect(
            bench.pass(until: 60, [("a", fitting(0, iteration: 60))])
                == [.send(wanted(0), to: peer("a"))])
        #expect(
            bench.hear(checkpoint(0, iteration: 60), from: peer("a"))
                == [.storeCheckpoint(work(0), iteration: 60, from: peer("a"))])
        #expect(
            bench.tell(.checkpointStored(work(0), iteration: 60, from: peer("a")))
                == [.send(checkpointStored(0, iteration: 60), to: peer("a"))])
        #expect(bench.pass(until: 119, [("a", fitting(0, iteration: 100))]) == [])
        #expect(
            bench.pass(until: 120, [("a", fitting(0, iteration: 110))])
                == [.send(wanted(0), to: peer("a"))])
        #expect(bench.coordinator.statistics.checkpointCount == 1)
    }

    @Test func `a job that takes no checkpoints asks for none`() {
        var bench = CoordinatorBench(tiles: 1)
        bench.join("a")
        for step in 1...100 {
            #expect(bench.beat("a", fitting(0, iteration: step), at: Double(step) * 5) == [])
        }
    }

    @Test func `a state that does not come is asked for again`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 1), at: 1)
        var wantedAt: [Double] = []
        for second in 2...500 {
            let report = fitting(0, iteration: second)
            let commands = bench.beat("a", report, at: Double(second))
            if commands.contains(.send(wanted(0), to: peer("a"))) { wantedAt.append(bench.seconds) }
            // Its pieces go on for a while, and then no more.
            if (62...100).contains(second) {
                bench.tell(.checkpointPieceReceived(work(0), from: peer("a")))
            }
        }
        #expect(wantedAt == [60, 280, 460])
    }

    @Test func `a new connection is asked anew`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 1))
        _ = bench.pass(until: 60, [("a", fitting(0, iteration: 9))])
        bench.hear(.hello(hello("a", 2, fitting(0, iteration: 10))), from: peer("a", 2))
        #expect(bench.tell(.tick, at: 61) == [.send(wanted(0), to: peer("a", 2))])
    }

    @Test func `a thousand workers are asked for no more bytes a second than allowed`() {
        var bench = bench(tiles: 1000) {
            $0.checkpointBytesPerSecond = 1000
            $0.checkpointBytesUnderWayMaximum = 3000
        }
        let workers = (0..<1000).map { number -> (hello: Hello, peer: PeerID) in
            let name = WorkerID(rawValue: "worker-\(number)")
            return (
                Hello(
                    worker: name, incarnation: 1, host: "host", processID: 1, threadCount: 1,
                    version: "1", processor: "cpu"),
                PeerID(bytes: Array("\(number)".utf8))
            )
        }
        for (number, worker) in workers.enumerated() {
            let commands = bench.hear(.hello(worker.hello), from: worker.peer)
            #expect(commands.contains(.dispatch(work(number), to: worker.peer)))
        }
        var asked: [Int: Int] = [:]
        var askedInSecond: [Int] = []
        for second in stride(from: 5, through: 400, by: 5) {
            var count = 0
            var commands: [Coordinator.Command] = []
            for (number, worker) in workers.enumerated() {
                let beat = Heartbeat(work: fitting(number, iteration: second))
                bench.coordinator.handle(
                    .received(.heartbeat(beat), from: worker.peer), at: .seconds(second),
                    into: &commands)
            }
            for step in 1...4 {
                bench.coordinator.handle(
                    .tick, at: .seconds(second + step), into: &commands)
            }
            for case .send(.checkpointWanted(let body), let peer) in commands {
                count += 1
                asked[body.tile.rawValue, default: 0] += 1
                var ignored: [Coordinator.Command] = []
                bench.coordinator.handle(
                    .received(
                        checkpoint(body.tile.rawValue, iteration: second), from: peer),
                    at: .seconds(second + 4), into: &ignored)
                bench.coordinator.handle(
                    .checkpointStored(body.work, iteration: second, from: peer),
                    at: .seconds(second + 4), into: &ignored)
            }
            bench.coordinator.checkInvariants()
            askedInSecond.append(count)
        }
        // 1000 bytes a second are ten states, and thirty may be under way.
        #expect(askedInSecond.allSatisfy { $0 <= 60 })
        let asking = askedInSecond.drop { $0 == 0 }
        #expect(asking.reduce(0, +) <= 10 * 5 * asking.count + 60)
        // And everybody's turn comes.
        #expect(asked.count == 1000)
        #expect((asked.values.max() ?? 0) - (asked.values.min() ?? 0) <= 1)
    }

    // MARK: Taking

    @Test func `the next try goes on from the latest state`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 70))
        bench.keep("a", 0, iteration: 60)
        bench.join("b")
        #expect(
            bench.tell(.childExited(launchToken: "child-a", reason: "signal 9")) == [
                .forget(peer("a")), .dispatch(work(0, 2), to: peer("b"), checkpoint: 60),
            ])
        bench.beat("b", fitting(0, 2, iteration: 60))
        #expect(bench.coordinator.statistics.checkpointUseCount == 1)
        #expect(bench.coordinator.statistics.lostIterationCount == 10)
        #expect(
            bench.finish("b", 0, 2).prefix(2) == [
                .removeCheckpoint(TileID(0)), .send(stored(0, 2), to: peer("b")),
            ])
    }

    @Test func `a state that is still on its way to disk counts for the next try`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 70))
        bench.join("b")
        bench.hear(checkpoint(0, iteration: 70), from: peer("a"))
        #expect(
            bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("a")).last
                == .dispatch(work(0, 2), to: peer("b"), checkpoint: 70))
        // The result may come before the word that the state is stored.
        bench.beat("b", fitting(0, 2, iteration: 70))
        bench.hear(restored(0, 2), from: peer("b"))
        let commands =
            bench.tell(.tileStored(work(0, 2)))
            + bench.tell(.checkpointStored(work(0), iteration: 70, from: peer("a")))
        #expect(commands.count { $0 == .removeCheckpoint(TileID(0)) } == 2)
    }

    @Test func `an older state is not stored, and acknowledged when the disk has a later one`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 70))
        bench.hear(checkpoint(0, iteration: 70), from: peer("a"))
        #expect(bench.hear(checkpoint(0, iteration: 70), from: peer("a")) == [])
        #expect(bench.hear(checkpoint(0, iteration: 60), from: peer("a")) == [])
        bench.tell(.checkpointStored(work(0), iteration: 70, from: peer("a")))
        #expect(
            bench.hear(checkpoint(0, iteration: 60), from: peer("a"))
                == [.send(checkpointStored(0, iteration: 60), to: peer("a"))])
    }

    @Test func `states wait in memory within their limit only`() {
        var bench = bench(tiles: 3) { $0.checkpointBytesUnderWayMaximum = 200 }
        for (index, worker) in "abc".enumerated() {
            bench.join(worker)
            bench.beat(worker, fitting(index, iteration: 5))
        }
        #expect(bench.hear(checkpoint(0, iteration: 5), from: peer("a")).count == 1)
        #expect(bench.hear(checkpoint(1, iteration: 5), from: peer("b")).count == 1)
        #expect(bench.hear(checkpoint(2, iteration: 5), from: peer("c")) == [])
        bench.tell(.checkpointStored(work(0), iteration: 5, from: peer("a")))
        #expect(bench.hear(checkpoint(2, iteration: 5), from: peer("c")).count == 1)
    }

    @Test func `a state of a tile that is stored or was never handed out is not stored`() {
        var bench = bench(tiles: 2)
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 5))
        bench.finish("a", 0)
        #expect(bench.hear(checkpoint(0, iteration: 5), from: peer("a")) == [])
        bench.hear(checkpoint(1, 7, iteration: 5), from: peer("a"))
        #expect(bench.coordinator.statistics.nonsenseCount == 1)
        let foreign = Checkpoint(job: JobID(rawValue: "other"), work: work(0), iteration: 5)
        bench.hear(.checkpoint(foreign), from: peer("a"))
        #expect(bench.coordinator.statistics.nonsenseCount == 2)
    }

    @Test func `a state that cannot be written is not acknowledged, and the former one stays`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 90))
        bench.keep("a", 0, iteration: 60)
        bench.hear(checkpoint(0, iteration: 90), from: peer("a"))
        #expect(
            bench.tell(
                .checkpointFailed(work(0), iteration: 90, from: peer("a"), reason: "disk full"))
                == [])
        #expect(bench.notes.last == .checkpointFailed(work(0), reason: "disk full"))
        #expect(bench.coordinator.statistics.checkpointFailureCount == 1)
        bench.join("b")
        #expect(
            bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("a")).last
                == .dispatch(work(0, 2), to: peer("b"), checkpoint: 60))
    }

    @Test func `a state that cannot be read is forgotten`() {
        var bench = bench()
        bench.join("a")
        bench.beat("a", fitting(0, iteration: 90))
        bench.keep("a", 0, iteration: 60)
        bench.join("b")
        bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("a"))
        #expect(bench.tell(.checkpointMissing(TileID(0))) == [])
        bench.beat("b", fitting(0, 2))
        #expect(bench.coordinator.statistics.checkpointUseCount == 0)
        #expect(bench.coordinator.statistics.lostIterationCount == 90)
        bench.join("c")
        #expect(
            bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("b")).last
                == .dispatch(work(0, 3), to: peer("c")))
    }

    // MARK: Deaths

    @Test(arguments: [0, 5])
    func `workers that die speak less against a tile than failures`(iteration: Int) {
        var bench = bench { $0.tileDeathsMaximum = 5 }
        var ends: [[Coordinator.Command]] = []
        for (index, worker) in "abcdefg".enumerated() where bench.coordinator.outcome == nil {
            bench.join(worker)
            bench.beat(worker, fitting(0, index + 1))
            bench.beat(worker, fitting(0, index + 1, iteration: iteration))
            ends.append(
                bench.tell(.childExited(launchToken: "child-\(worker)", reason: "signal 9")))
        }
        #expect(ends.count == 5)
        #expect(ends.last?.summary?.setAside == [TileID(0)])
    }

    @Test func `a tile on which two workers died waits until no other does`() {
        var bench = bench(tiles: 4)
        bench.join("z")
        bench.beat("z", fitting(0))
        for (attempt, worker): (Int, Character) in [(1, "a"), (2, "b")] {
            bench.join(worker)
            bench.beat(worker, fitting(1, attempt))
            bench.tell(.childExited(launchToken: "child-\(worker)", reason: "signal 9"))
        }
        #expect(bench.join("c").last == .dispatch(work(2), to: peer("c")))
        #expect(bench.join("d").last == .dispatch(work(3), to: peer("d")))
        #expect(bench.join("e").last == .dispatch(work(1, 3), to: peer("e")))
    }

    @Test func `a tile that gets on is not given up however many workers die`() {
        var bench = bench()
        for attempt in 1...40 {
            bench.join("a")
            bench.beat("a", fitting(0, attempt, iteration: attempt * 10))
            bench.beat("a", fitting(0, attempt, iteration: attempt * 10 + 5))
            bench.keep("a", 0, attempt, iteration: attempt * 10 + 5)
            bench.tell(.childExited(launchToken: "child-a", reason: "signal 9"))
        }
        #expect(bench.coordinator.outcome == nil)
        // But fits that fail do not get better by that.
        for attempt in 41...43 {
            bench.join("a")
            bench.beat("a", fitting(0, attempt, iteration: 500))
            bench.keep("a", 0, attempt, iteration: attempt * 20)
            bench.hear(failed(0, attempt), from: peer("a"))
            bench.tell(.childExited(launchToken: "child-a", reason: "signal 9"))
        }
        #expect(bench.coordinator.outcome == .incomplete)
    }
}
