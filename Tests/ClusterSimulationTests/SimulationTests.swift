import Cluster
import ClusterSimulation
import Testing

@testable import dip_sim

/// Jobs with all that can go wrong. `dip-sim --trace SEED` shows a run event by event.
@Suite(.serialized) struct SimulationTests {
    /// Runs seeds; what happened in all of them.
    @discardableResult
    private func run(
        _ seeds: some Sequence<UInt64>, _ kinds: Set<Fault> = Set(Fault.allCases),
        adjust: (inout Scenario) -> Void = { _ in }
    ) -> SimulationTally {
        LastSeed.reportOnTrap()
        var tally = SimulationTally()
        for seed in seeds {
            LastSeed.note(seed)
            let simulation = Simulation(seed: seed, kinds: kinds, adjust: adjust)
            do {
                try simulation.run()
            } catch {
                Issue.record("\(error)")
            }
            tally.add(simulation.tally)
        }
        return tally
    }

    @Test func `every job finishes with the right pixels, whatever happens on the way`() {
        let tally = run(CommitSeeds.base..<CommitSeeds.base + 150)
        // The seeds do reach the paths that they are there for.
        for fault in Fault.allCases {
            #expect(tally.faults[fault, default: 0] > 0, "\(fault) never happened")
        }
        for name in [
            "resumedCount", "adoptedCount", "duplicateResultCount", "failureCount",
            "checkpointCount", "checkpointUseCount", "secondTryCount", "secondTryWonCount",
        ] {
            #expect(tally.counts[name, default: 0] > 0, "\(name) stayed 0")
        }
    }

    @Test func `nothing is done twice when nothing goes wrong`() {
        let tally = run(CommitSeeds.base..<CommitSeeds.base + 20, [], adjust: Self.withoutRivals)
        #expect(tally.faults.isEmpty)
        #expect(tally.counts["failureCount"] == 0 && tally.counts["duplicateResultCount"] == 0)
        #expect(tally.coordinatorCount == 20)
        #expect(tally.iterationCount == tally.neededIterationCount)
    }

    /// Workers of somebody else that stay, and no second tries, which cost iterations on purpose.
    private static func withoutRivals(_ scenario: inout Scenario) {
        scenario.localShare = 0
        scenario.bystanderShare = 0
        scenario.workerPolicy.lifetime = nil
        scenario.coordinatorPolicy.stragglerRestMinimum = .seconds(1_000_000)
        // Long enough that something happens in every run.
        scenario.iterations = 40
        scenario.secondsPerIteration = max(scenario.secondsPerIteration, 0.5)
    }

    @Test func `a coordinator that dies and comes back costs its workers no iteration`() {
        let seeds = CommitSeeds.base..<CommitSeeds.base + 40
        let tally = run(seeds, []) { scenario in
            Self.withoutRivals(&scenario)
            scenario.faults[.coordinatorCrash] = 60
            scenario.faults[.powerLoss] = 60
            scenario.coordinatorAbsence = .seconds(5)
        }
        #expect(tally.coordinatorCount > 90)
        #expect(tally.counts["adoptedCount", default: 0] > 30)
        #expect(tally.iterationCount == tally.neededIterationCount)
    }

    @Test func `a worker that is asked to end hands over all that it has done`() {
        let seeds = CommitSeeds.base..<CommitSeeds.base + 40
        let tally = run(seeds, []) { scenario in
            Self.withoutRivals(&scenario)
            scenario.faults[.workerLeave] = 60
            scenario.checkpointByteCount = 1 << 20
        }
        #expect(tally.counts["checkpointUseCount", default: 0] > 30)
        #expect(tally.iterationCount == tally.neededIterationCount)
    }

    @Test func `a worker that crashes loses no more than a checkpoint interval`() {
        // The checker measures each loss; here it is seen that there are any to be measured.
        let seeds = CommitSeeds.base..<CommitSeeds.base + 40
        let tally = run(seeds, []) { scenario in
            Self.withoutRivals(&scenario)
            scenario.faults[.workerCrash] = 60
            scenario.checkpointByteCount = 1 << 20
        }
        #expect(tally.counts["checkpointUseCount", default: 0] > 30)
        #expect(tally.counts["lostIterationCount", default: 0] > 30)
        // The coordinator counts those that it had heard of.
        let repeated = tally.iterationCount - tally.neededIterationCount
        #expect(repeated >= tally.counts["lostIterationCount", default: 0])
    }

    @Test(arguments: Fault.allCases)
    func `one kind of fault alone is survived`(kind: Fault) {
        let tally = run(CommitSeeds.base..<CommitSeeds.base + 12, [kind])
        #expect(tally.faults.keys.allSatisfy { $0 == kind })
    }

    @Test func `the same seed gives the same run`() throws {
        for seed in 1...2 as ClosedRange<UInt64> {
            var traces: [[String]] = []
            for _ in 0..<2 {
                var lines: [String] = []
                let simulation = Simulation(seed: seed)
                simulation.follow { lines.append($0) }
                try simulation.run()
                traces.append(lines)
            }
            #expect(traces[0] == traces[1] && traces[0].count > 100, "seed \(seed)")
        }
    }

    @Test func `a range of seeds is read as it is written`() {
        #expect(SeedRange(argument: "3-7")?.description == "3-7")
        #expect(SeedRange(argument: "7").map { [$0.first, $0.last] } == [7, 7])
        for wrong in ["", "-", "7-3", "1-2-3", "a", "1-", "-1", "18446744073709551615"] {
            #expect(SeedRange(argument: wrong) == nil, "\(wrong)")
        }
    }
}
