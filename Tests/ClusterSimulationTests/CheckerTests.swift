import Cluster
import Testing
import Wire

@testable import ClusterSimulation

/// The simulation against what it is there to find: a checker that finds nothing would pass unseen.
struct CheckerTests {
    /// A quiet job, so that only what the test does to it can be wrong.
    private func quiet(
        _ adjust: @escaping (inout Scenario) -> Void = { _ in }
    ) -> Simulation {
        Simulation(seed: 7, kinds: []) { scenario in
            scenario.tileCount = 4
            scenario.workerCount = 2
            scenario.localShare = 0
            scenario.bystanderShare = 0
            adjust(&scenario)
        }
    }

    private func reason(_ simulation: Simulation) -> String? {
        do {
            try simulation.run()
            return nil
        } catch {
            return error.reason
        }
    }

    @Test func `a quiet job is found to be right`() {
        #expect(reason(quiet()) == nil)
    }

    @Test func `a job without workers is found not to finish`() {
        func idle(_ wait: Duration?) -> Simulation {
            quiet {
                $0.workerCount = 0
                $0.coordinatorPolicy.workerWait = wait
            }
        }
        #expect(reason(idle(nil))?.hasPrefix("nothing more happens") == true)
        #expect(reason(idle(.seconds(60)))?.hasPrefix("not finished after") == true)
    }

    @Test func `pixels that another fit would have are found`() {
        let simulation = quiet()
        simulation.tamper = { $0.step() }
        #expect(reason(simulation)?.hasSuffix("other pixels than an undisturbed fit") == true)
    }

    @Test func `a tile that vanishes from the disk is found`() {
        let simulation = quiet()
        simulation.checker.trust(TileID(3))
        #expect(reason(simulation) == "tile 3 was on disk and is not any more")
    }

    @Test func `orders that must not be given are found`() throws {
        let simulation = quiet()
        try simulation.run()
        let coordinator = try #require(simulation.coordinator)
        let stranger = PeerID(bytes: [9, 9])
        let known = try #require(coordinator.met.first)
        let job = JobID(rawValue: "job")
        let work = TileAttempt(TileID(9), attempt: 1)
        coordinator.welcomed = [known]
        func isFound(_ commands: Coordinator.Command...) -> Bool {
            var checker = simulation.checker
            do {
                for command in commands {
                    try checker.check(command, of: coordinator, at: .zero)
                }
                return false
            } catch {
                return true
            }
        }
        #expect(!isFound(.send(.heartbeat(Heartbeat()), to: known)))
        #expect(isFound(.send(.heartbeat(Heartbeat()), to: stranger)))
        #expect(isFound(.send(.stored(Stored(job: job, work: work)), to: known)))
        #expect(!isFound(.dispatch(work, to: known)))
        #expect(isFound(.dispatch(work, to: stranger)))
        #expect(isFound(.dispatch(work, to: known, retry: 1)))
        #expect(isFound(.dispatch(TileAttempt(TileID(0), attempt: 2), to: known)))
        #expect(isFound(.dispatch(TileAttempt(TileID(9), attempt: 2), to: known)))
        #expect(!isFound(.store(work, from: known)))
        #expect(isFound(.store(work, from: known), .store(work, from: known)))
        #expect(isFound(.setAside(TileID(9), story: [])))
        var checker = simulation.checker
        try checker.checkAssignment(work, 0, from: nil)
        #expect(throws: Flaw.self) { try checker.checkAssignment(work, 0, from: nil) }
    }

    @Test func `sizes count every collection by its path`() {
        struct Inner {
            var numbers = [1, 2, 3]
        }
        struct Outer {
            var inner = [Inner(), Inner()]
            var names: [String: Int] = ["a": 1]
            var nothing: [Int]? = nil
        }
        let sizes = CollectionSizes(of: Outer())
        #expect(sizes.counts == ["inner": 2, "inner.numbers": 6, "names": 1])
        #expect(sizes.largest?.path == "inner.numbers" && sizes.total == 9)
    }
}
