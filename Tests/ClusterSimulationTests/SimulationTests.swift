import Cluster
import ClusterSimulation
import Testing

@testable import dip_sim

/// Jobs with all that can go wrong. `dip-sim --trace SEED` shows a run event by event.
@Suite(.serialized) struct SimulationTests {
    /// Runs seeds; what happened in all of them.
    @discardableResult
    private func run(_ seeds: some Sequence<UInt64>, _ kinds: Set<Fault> = Set(Fault.allCases))
        -> SimulationTally
    {
        LastSeed.reportOnTrap()
        var tally = SimulationTally()
        for seed in seeds {
            LastSeed.note(seed)
            let simulation = Simulation(seed: seed, kinds: kinds)
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
        let tally = run(CommitSeeds.base..<CommitSeeds.base + 300)
        // The seeds do reach the paths that they are there for.
        for fault in Fault.allCases {
            #expect(tally.faults[fault, default: 0] > 0, "\(fault) never happened")
        }
        for name in ["resumedCount", "lateResultCount", "duplicateResultCount", "failureCount"] {
            #expect(tally.counts[name, default: 0] > 0, "\(name) stayed 0")
        }
    }

    @Test func `nothing is done twice when nothing goes wrong`() {
        let tally = run(CommitSeeds.base..<CommitSeeds.base + 20, [])
        #expect(tally.faults.isEmpty)
        #expect(tally.counts["failureCount"] == 0 && tally.counts["duplicateResultCount"] == 0)
        #expect(tally.coordinatorCount == 20)
    }

    @Test(arguments: Fault.allCases)
    func `one kind of fault alone is survived`(kind: Fault) {
        let tally = run(CommitSeeds.base..<CommitSeeds.base + 12, [kind])
        #expect(tally.faults.keys.allSatisfy { $0 == kind })
    }

    @Test func `the same seed gives the same run`() throws {
        for seed in 1...5 as ClosedRange<UInt64> {
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
