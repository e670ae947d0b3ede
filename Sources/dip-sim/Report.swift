// What many runs came to, for people and for programs.

import ClusterSimulation
import FoundationEssentials

struct Report {
    var tally: SimulationTally
    let seeds: String
    var runCount = 0
    var failedSeeds: [UInt64] = []

    init(tally: SimulationTally, seeds: String) {
        self.tally = tally
        self.seeds = seeds
    }

    var text: String {
        let hours = (tally.virtualSeconds / 360).rounded() / 10
        var lines = [
            "\(runCount) runs (seeds \(seeds)), \(failedSeeds.count) failed; "
                + "\(tally.eventCount) events in \(hours) virtual hours, "
                + "\(tally.coordinatorCount) coordinators"
        ]
        let faults = Fault.allCases.map { ($0.rawValue, tally.faults[$0] ?? 0) }
        lines += Self.columns("what went wrong", faults)
        lines += Self.columns(
            "what coordinators counted", tally.counts.sorted { $0.key < $1.key }.map { ($0, $1) })
        return lines.joined(separator: "\n")
    }

    private static func columns(_ title: String, _ counts: [(String, Int)]) -> [String] {
        ["\(title):"]
            + counts.map { name, count in
                "  \(name)\(String(repeating: " ", count: max(1, 28 - name.count)))\(count)"
            }
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let faults = Fault.allCases.map { ($0.rawValue, tally.faults[$0] ?? 0) }
        let value = Encoded(
            seeds: seeds, runs: runCount, failedSeeds: failedSeeds, events: tally.eventCount,
            virtualSeconds: tally.virtualSeconds, coordinators: tally.coordinatorCount,
            faults: Dictionary(uniqueKeysWithValues: faults), counts: tally.counts)
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private struct Encoded: Encodable {
        let seeds: String
        let runs: Int
        let failedSeeds: [UInt64]
        let events: Int
        let virtualSeconds: Double
        let coordinators: Int
        let faults: [String: Int]
        let counts: [String: Int]
    }
}
