import Testing
import Wire

@testable import Cluster

/// What the user wants of a job while it runs: pause, resume, drain, stop, interrupt.
struct DemandTests {
    /// Workers a and b at iteration 30 of tiles 0 and 1.
    private func busyBench(
        tiles: Int = 4, checkpointByteCount: Int? = 100,
        _ adjust: (inout CoordinatorPolicy) -> Void = { _ in }
    ) -> CoordinatorBench {
        var bench = CoordinatorBench(
            tiles: tiles, checkpointByteCount: checkpointByteCount, adjust)
        for (tile, worker) in ["a", "b"].enumerated() {
            bench.join(Character(worker))
            bench.beat(Character(worker), fitting(tile, iteration: 30), at: 1)
        }
        return bench
    }

    /// A grant of the very latest state.
    private func wantedAtOnce(_ tile: Int) -> Message {
        .checkpointWanted(CheckpointWanted(job: job, work: work(tile)))
    }

    private func goodbye(_ reason: String) -> Message { .goodbye(Goodbye(reason: reason)) }

    // MARK: Pause

    @Test func `fits of a paused job hand over their states before they are dropped`() {
        var bench = busyBench()
        #expect(
            bench.tell(.pauseWanted) == [
                .send(wantedAtOnce(0), to: peer("a")), .send(wantedAtOnce(1), to: peer("b")),
            ])
        #expect(bench.coordinator.isPaused)
        #expect(
            bench.hear(checkpoint(0, iteration: 31), from: peer("a"))
                == [.storeCheckpoint(work(0), iteration: 31, from: peer("a"))])
        #expect(
            bench.tell(.checkpointStored(work(0), iteration: 31, from: peer("a"))) == [
                .send(checkpointStored(0, iteration: 31), to: peer("a")),
                .send(cancel(0), to: peer("a")),
            ])
        #expect(bench.coordinator.leases.map(\.work) == [work(1)])
        // Whoever is idle stays so.
        #expect(bench.beat("a", nil, at: 3) == [])
        #expect(bench.join("c") == [.send(welcome(checkpointByteCount: 100), to: peer("c"))])
        #expect(bench.beat("c", nil, at: 4) == [])
        #expect(bench.coordinator.statistics.failureCount == 0)
    }

    @Test func `a job that goes on continues at the states that were handed over`() {
        var bench = busyBench()
        bench.tell(.pauseWanted)
        for (tile, worker) in [Character("a"), "b"].enumerated() {
            bench.hear(checkpoint(tile, iteration: 31), from: peer(worker))
            bench.tell(.checkpointStored(work(tile), iteration: 31, from: peer(worker)))
            bench.beat(worker, nil, at: 2)
        }
        #expect(bench.coordinator.leases.isEmpty)
        #expect(
            bench.tell(.resumeWanted) == [
                .dispatch(work(0, 2), to: peer("a"), checkpoint: 31),
                .dispatch(work(1, 2), to: peer("b"), checkpoint: 31),
            ])
        #expect(bench.coordinator.statistics.lostIterationCount == 0)
        #expect(bench.notes.contains(.paused) && bench.notes.contains(.resumed))
    }

    @Test func `a pause takes away what has not begun, and lets a finished fit deliver`() {
        var bench = CoordinatorBench(tiles: 3, checkpointByteCount: 100)
        bench.join("a")
        bench.join("b")
        bench.beat("b", delivering(1), at: 1)
        #expect(bench.tell(.pauseWanted) == [.send(cancel(0), to: peer("a"))])
        #expect(
            bench.hear(restored(1), from: peer("b")) == [.store(work(1), from: peer("b"))])
        #expect(bench.tell(.tileStored(work(1))) == [.send(stored(1), to: peer("b"))])
        #expect(bench.coordinator.storedCount == 1)
        #expect(bench.beat("b", nil, at: 2) == [])
    }

    @Test func `where states do not travel a pause lets fits end and begins none`() {
        var bench = busyBench(checkpointByteCount: nil)
        #expect(bench.tell(.pauseWanted) == [])
        #expect(bench.pass(until: 200, [("a", fitting(0, iteration: 30))]).isEmpty == false)
        bench.hear(restored(0), from: peer("a"))
        #expect(bench.tell(.tileStored(work(0))) == [.send(stored(0), to: peer("a"))])
        #expect(bench.beat("a", nil) == [])
    }

    @Test func `a state that cannot be stored does not keep the user waiting`() {
        var bench = busyBench()
        bench.tell(.pauseWanted)
        bench.hear(checkpoint(0, iteration: 31), from: peer("a"))
        #expect(
            bench.tell(
                .checkpointFailed(work(0), iteration: 31, from: peer("a"), reason: "it is full"))
                == [.send(cancel(0), to: peer("a"))])
    }

    @Test func `a worker that returns to a paused job hands over too`() {
        var bench = busyBench()
        bench.tell(.pauseWanted)
        let report = WorkReport(job: job, work: work(0), iteration: 90, phase: .fitting)
        let commands = bench.hear(.hello(hello("a", 2, report)), from: peer("a", 2), at: 20)
        #expect(commands.contains(.send(wantedAtOnce(0), to: peer("a", 2))))
    }

    @Test func `a paused job waits for workers for ever, and after it as long as usual`() {
        var bench = CoordinatorBench(tiles: 1) { $0.workerWait = .seconds(100) }
        bench.tell(.pauseWanted, at: 0)
        #expect(bench.coordinator.nextDeadline == nil)
        #expect(bench.tell(.tick, at: 5000) == [])
        bench.tell(.resumeWanted, at: 5000)
        #expect(bench.tell(.tick, at: 5099) == [])
        #expect(bench.tell(.tick, at: 5100).summary?.outcome == .nobodyCame)
    }

    // MARK: Drain

    @Test func `a drained worker hands over, is let go, and its tile goes on elsewhere`() {
        var bench = busyBench(tiles: 2)
        bench.join("c")
        bench.beat("c", nil, at: 1)
        #expect(
            bench.tell(.drainWanted(name("a"))) == [.send(wantedAtOnce(0), to: peer("a"))])
        #expect(bench.coordinator.stayingCount == 2)
        bench.hear(checkpoint(0, iteration: 31), from: peer("a"))
        #expect(
            bench.tell(.checkpointStored(work(0), iteration: 31, from: peer("a"))) == [
                .send(checkpointStored(0, iteration: 31), to: peer("a")),
                .send(cancel(0), to: peer("a")),
                .send(goodbye("the worker was asked to leave"), to: peer("a")),
                .forget(peer("a")),
                .dispatch(work(0, 2), to: peer("c"), checkpoint: 31),
            ])
        #expect(bench.coordinator.workerCount == 2)
    }

    @Test func `a drained worker that did not hear the goodbye gets it again`() {
        var bench = busyBench(tiles: 2)
        bench.tell(.drainWanted(name("a")))
        bench.hear(checkpoint(0, iteration: 31), from: peer("a"))
        bench.tell(.checkpointStored(work(0), iteration: 31, from: peer("a")))
        let goodbye = goodbye("the worker was asked to leave")
        let answer = bench.hear(.heartbeat(Heartbeat()), from: peer("a"))
        #expect(answer.contains { if case .send(.refused, peer("a")) = $0 { true } else { false } })
        #expect(
            bench.hear(.hello(hello("a", 2)), from: peer("a")) == [.send(goodbye, to: peer("a"))])
        #expect(bench.coordinator.workerCount == 1)
    }

    @Test func `an idle worker that is drained is let go at once, an unknown one is nobody`() {
        var bench = busyBench(tiles: 2)
        bench.join("c")
        bench.beat("c", nil, at: 1)
        #expect(
            bench.tell(.drainWanted(name("c"))) == [
                .send(goodbye("the worker was asked to leave"), to: peer("c")),
                .forget(peer("c")),
            ])
        #expect(bench.tell(.drainWanted(name("z"))) == [])
    }

    @Test func `a drained worker that dies is forgotten`() {
        var bench = busyBench(tiles: 2)
        bench.tell(.drainWanted(name("a")))
        bench.tell(.childExited(launchToken: "child-a", reason: "signal 9"))
        #expect(bench.coordinator.workerCount == 1)
        #expect(bench.coordinator.stayingCount == 1)
    }

    // MARK: The end

    @Test func `an interrupted job ends when the states of its fits are on disk`() {
        var bench = busyBench()
        bench.tell(.interrupted)
        bench.hear(checkpoint(0, iteration: 31), from: peer("a"))
        bench.hear(checkpoint(1, iteration: 32), from: peer("b"))
        let early = bench.tell(.checkpointStored(work(0), iteration: 31, from: peer("a")))
        #expect(early.summary == nil)
        let late = bench.tell(.checkpointStored(work(1), iteration: 32, from: peer("b")))
        #expect(late.summary?.outcome == .interrupted)
        #expect(late.summary?.statistics.checkpointCount == 2)
    }

    @Test func `an interrupted job does not wait for states longer than it may`() {
        var bench = busyBench { $0.handOverWait = .seconds(7) }
        bench.tell(.interrupted, at: 2)
        #expect(bench.coordinator.nextDeadline.map { $0 <= .seconds(9) } == true)
        #expect(bench.pass(until: 8).summary == nil)
        #expect(bench.tell(.tick, at: 9).summary?.outcome == .interrupted)
    }

    @Test func `a stopped job ends with what is stored, and names the tiles that are not`() {
        var bench = busyBench()
        bench.hear(restored(0), from: peer("a"))
        bench.tell(.tileStored(work(0)))
        bench.tell(.stopWanted)
        bench.hear(checkpoint(1, iteration: 32), from: peer("b"))
        let commands = bench.tell(.checkpointStored(work(1), iteration: 32, from: peer("b")))
        #expect(commands.summary?.outcome == .stopped)
        #expect(commands.summary?.storedCount == 1)
        #expect(commands.summary?.setAside == [1, 2, 3].map { TileID($0) })
    }

    @Test func `children that leave when the job has ended have not failed`() {
        var bench = busyBench(checkpointByteCount: nil)
        #expect(bench.tell(.interrupted).summary?.outcome == .interrupted)
        bench.tell(.childExited(launchToken: "child-a", reason: "exit code 0"))
        #expect(bench.coordinator.statistics.failureCount == 0)
        #expect(bench.coordinator.workerCount == 1)
    }

    @Test func `whoever wants to end a paused job gets the end at once`() {
        var bench = busyBench()
        bench.tell(.pauseWanted)
        for (tile, worker) in [Character("a"), "b"].enumerated() {
            bench.hear(checkpoint(tile, iteration: 31), from: peer(worker))
            bench.tell(.checkpointStored(work(tile), iteration: 31, from: peer(worker)))
        }
        #expect(bench.tell(.interrupted).summary?.outcome == .interrupted)
    }

    // MARK: Pictures

    @Test func `a worker takes a picture of the tile that it fits, and of no other`() {
        let wish = { (tile: Int) in
            Message.previewWanted(
                PreviewWanted(job: job, work: work(tile), sidePixels: 64))
        }
        var bench = WorkerBench.fitting(3)
        #expect(bench.hear(wish(3)) == [.takePreview(work(3), sidePixels: 64)])
        #expect(bench.hear(wish(4)) == [])
        #expect(bench.tell(.previewTaken(work(3))) == [.sendPreview(work(3))])
        #expect(bench.tell(.previewTaken(work(4))) == [])
    }
}
