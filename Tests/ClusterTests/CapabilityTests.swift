import Testing
import Wire

@testable import Cluster

/// Workers that cannot do everything.
struct CapabilityTests {
    private func refusal(_ names: String) -> Message {
        .refused(
            Refused(.capabilities, reason: "the job needs what this worker cannot do: \(names)"))
    }

    @Test func `a worker that lacks what the job needs is refused at its greeting`() {
        var bench = CoordinatorBench(tiles: 1, requires: [.upscale, .guide, .measuresStop])
        let able = hello("a", can: [.measuresStop, .guide, .upscale])
        #expect(
            bench.hear(.hello(able), from: peer("a")).first
                == .send(
                    welcome(requires: [.upscale, .guide, .measuresStop]), to: peer("a")))
        // Who names nothing can do all.
        #expect(
            bench.join("b").first
                == .send(
                    welcome(requires: [.upscale, .guide, .measuresStop]), to: peer("b")))
        let unable = hello("c", can: [.state, .guide])
        let answer = [
            Coordinator.Command.send(refusal("measuresStop, upscale"), to: peer("c"))
        ]
        #expect(bench.hear(.hello(unable), from: peer("c")) == answer)
        #expect(bench.coordinator.workerCount == 2)
        #expect(bench.coordinator.statistics.refusedCount == 1)
        // Said again, it is answered again and not counted again.
        #expect(bench.hear(.hello(unable), from: peer("c", 2)).count == 1)
        #expect(bench.coordinator.statistics.refusedCount == 1)
        #expect(
            bench.notes.contains {
                $0
                    == .workerRefused(
                        name("c"),
                        reason: "the job needs what this worker cannot do: measuresStop, upscale")
            })
    }

    @Test func `who can do the job after this one waits for it, and no tile waits for him`() {
        var bench = CoordinatorBench(
            tiles: 2, requires: [.upscale, .measuresStop], requiresAfterwards: [.upscale])
        let tilesAlone = hello("a", can: [.upscale])
        #expect(
            bench.hear(.hello(tilesAlone), from: peer("a"))
                == [.send(welcome(requires: [.upscale]), to: peer("a"))])
        #expect(
            bench.notes.last
                == .workerWaits(
                    name("a"),
                    reason: "this part of the job needs what it cannot do: measuresStop"))
        #expect(bench.beat("a", nil) == [])
        // A try that it cannot have is not its own.
        #expect(bench.beat("a", fitting(0, iteration: 9)) == [])
        let neither = bench.hear(.hello(hello("b", can: [])), from: peer("b"))
        #expect(neither == [.send(refusal("measuresStop, upscale"), to: peer("b"))])
        #expect(bench.join("c").last == .dispatch(work(0), to: peer("c")))
        #expect(bench.coordinator.workerCount == 2)
        #expect(bench.coordinator.statistics.workerCount == 1)
        // With more, it comes as another.
        let able = hello("a", 2, can: [.upscale, .measuresStop])
        #expect(
            bench.hear(.hello(able), from: peer("a", 2)).last
                == .dispatch(work(1), to: peer("a", 2)))
    }

    @Test func `those who wait for the next job keep none alive, and are kept for it`() {
        var bench = CoordinatorBench(
            tiles: 1, requires: [.measuresStop], requiresAfterwards: []
        ) {
            $0.workerWait = .seconds(60)
            $0.dismissesWorkers = false
        }
        bench.hear(.hello(hello("a", can: [])), from: peer("a"), at: 1)
        bench.join("b", at: 2)
        bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("b"), at: 30)
        for second in stride(from: 30.0, to: 90, by: 5) { bench.beat("a", nil, at: second) }
        #expect(bench.coordinator.outcome == nil)
        #expect(bench.tell(.tick, at: 90).summary?.outcome == .everybodyLeft)

        var other = CoordinatorBench(tiles: 1, requires: [.measuresStop], requiresAfterwards: []) {
            $0.dismissesWorkers = false
        }
        other.hear(.hello(hello("a", can: [])), from: peer("a"))
        other.hear(.goodbye(Goodbye(reason: "bored")), from: peer("a"))
        #expect(other.coordinator.workerCount == 0)
        other.hear(.hello(hello("a", 2, can: [])), from: peer("a", 2))
        other.join("b")
        other.finish("b", 0)
        #expect(other.coordinator.outcome == .complete)
        // Its next word is answered by the next job.
        #expect(other.hear(.heartbeat(Heartbeat(work: nil)), from: peer("a", 2)) == [])
    }

    @Test func `a job that needs nothing takes a worker that can do nothing`() {
        var bench = CoordinatorBench(tiles: 1)
        let commands = bench.hear(.hello(hello("a", can: [])), from: peer("a"))
        #expect(commands == [.send(welcome(), to: peer("a")), .dispatch(work(0), to: peer("a"))])
    }

    @Test func `a job to which only unable workers come waits in vain`() {
        var bench = CoordinatorBench(tiles: 1, requires: [.upscale]) {
            $0.workerWait = .seconds(60)
        }
        bench.hear(.hello(hello("a", can: [])), from: peer("a"), at: 30)
        #expect(bench.tell(.tick, at: 60).summary?.outcome == .nobodyCame)
    }

    @Test func `a worker that sends no states is not asked for any, nor given one`() {
        var bench = CoordinatorBench(tiles: 2, checkpointByteCount: 100)
        bench.join("a")
        bench.hear(.hello(hello("b", can: [.preview])), from: peer("b"))
        let busy: [(Character, WorkReport?)] = [
            ("a", fitting(0, iteration: 5)), ("b", fitting(1, iteration: 5)),
        ]
        for (worker, report) in busy { bench.beat(worker, report, at: 1) }
        #expect(bench.pass(until: 70, busy) == [.send(wanted(0), to: peer("a"))])
        bench.keep("a", 0, iteration: 40)
        // The tile whose state is on disk comes to the one that could not use it.
        bench.finish("b", 1)
        bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("a"))
        #expect(bench.beat("b", nil) == [.dispatch(work(0, 2), to: peer("b"))])
        // To whoever can use it, it goes with the tile.
        bench.beat("b", fitting(0, 2, iteration: 1))
        bench.hear(.goodbye(Goodbye(reason: "drained")), from: peer("b"))
        #expect(bench.join("c").last == .dispatch(work(0, 3), to: peer("c"), checkpoint: 40))
    }

    @Test func `pictures are asked of fits that run, and of workers that send some`() {
        var bench = CoordinatorBench(tiles: 4)
        for worker in ["a", "b"] as [Character] { bench.join(worker) }
        bench.hear(.hello(hello("c", can: [.state])), from: peer("c"))
        bench.join("d")
        bench.beat("a", fitting(0, iteration: 5))
        bench.beat("b", fitting(1))
        bench.beat("c", fitting(2, iteration: 5))
        bench.beat("d", delivering(3))
        let fits = bench.coordinator.picturableFits
        #expect(fits.values.map(\.work) == [work(0)] && fits[TileID(0)]?.peer == peer("a"))
    }

    @Test func `an end does not wait for the states of workers that send none`() {
        var bench = CoordinatorBench(tiles: 2, checkpointByteCount: 100)
        bench.hear(.hello(hello("a", can: [])), from: peer("a"))
        bench.beat("a", fitting(0, iteration: 30), at: 1)
        #expect(bench.tell(.interrupted).summary?.outcome == .interrupted)
    }

    @Test func `a worker leaves a job that needs what it does not know`() {
        var bench = WorkerBench()
        bench.tell(.started)
        let reason = "the job needs what this worker cannot do: levitation"
        #expect(
            bench.hear(welcome(requires: [.upscale, Capability(rawValue: "levitation")])) == [
                .send(.goodbye(Goodbye(reason: reason))), .leave(.refused(reason: reason)),
            ])
    }

    @Test func `a worker that is refused for what it cannot do leaves`() {
        var bench = WorkerBench()
        bench.tell(.started)
        let commands = bench.hear(refusal("guide"))
        #expect(
            commands == [
                .leave(.refused(reason: "the job needs what this worker cannot do: guide"))
            ])
    }
}
