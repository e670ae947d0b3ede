import Testing

@testable import Cluster

/// Both machines together, under faults drawn from seeds.
struct SimulationTests {
    @Test func `every job finishes with each tile stored once, whatever happens on the way`() {
        var totals = Coordinator.Statistics()
        for seed in 1...200 as ClosedRange<UInt64> {
            var simulation = Simulation(seed: seed)
            do {
                try simulation.run()
            } catch {
                Issue.record("seed \(seed): \(error); \(simulation.faults)")
            }
            let seen = simulation.coordinator.statistics
            totals.resumedCount += seen.resumedCount
            totals.lateResultCount += seen.lateResultCount
            totals.duplicateResultCount += seen.duplicateResultCount
            totals.failureCount += seen.failureCount
        }
        // The seeds do reach the paths that they are there for.
        #expect(totals.resumedCount > 0 && totals.lateResultCount > 0)
        #expect(totals.duplicateResultCount > 0 && totals.failureCount > 0)
    }

    @Test func `the same seed gives the same run`() throws {
        for seed in [3, 14] as [UInt64] {
            var first = Simulation(seed: seed)
            var second = Simulation(seed: seed)
            try first.run()
            try second.run()
            #expect(first.now == second.now && first.eventCount == second.eventCount)
            #expect(first.coordinator.statistics == second.coordinator.statistics)
        }
    }
}
