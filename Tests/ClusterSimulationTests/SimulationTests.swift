import Testing

@testable import ClusterSimulation

/// Jobs with all that can go wrong.
struct SimulationTests {
    @Test func `the same seed gives the same run`() throws {
        let first = Simulation(seed: 3)
        let second = Simulation(seed: 3)
        try first.run()
        try second.run()
        #expect(first.tally == second.tally)
    }
}
