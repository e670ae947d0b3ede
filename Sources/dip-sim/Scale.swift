// How the coordinator bears many workers and tiles: its time for an event, its memory, and how
// both grow.

import CSystem
import Cluster
import ClusterSimulation
import FoundationEssentials
import Glibc

/// The measurement of one size of a job.
struct ScaleRow: Encodable {
    let workers: Int
    let tiles: Int
    /// Whether all workers vanish at once when half of the tiles are stored, and others come.
    let isDisturbed: Bool
    /// Events told to the coordinator.
    let events: Int
    /// The coordinator's time for all of them.
    let seconds: Double
    let microsecondsPerEvent: Double
    let longestEventMilliseconds: Double
    /// Bytes that the state machine holds on the heap when half of the tiles are stored.
    let heapBytes: Int
    /// Elements of all its collections then.
    let elements: Int
}

enum Scale {
    /// A hundred times as many workers and tiles in two steps, quiet; then the last one disturbed.
    static func run(_ report: (ScaleRow) -> Void) throws {
        for factor in [1, 10, 100] {
            report(try measure(workers: 100 * factor, tiles: 1000 * factor, isDisturbed: false))
        }
        report(try measure(workers: 10_000, tiles: 100_000, isDisturbed: true))
    }

    static func measure(workers: Int, tiles: Int, isDisturbed: Bool) throws -> ScaleRow {
        let (heapBytes, elements) = try memory(workers, tiles)
        let simulation = simulation(workers, tiles)
        var ticks = timespec()
        simulation.stopwatch = {
            // This thread's own time: others may want the processor too.
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ticks)
            return UInt64(ticks.tv_sec) * 1_000_000_000 + UInt64(ticks.tv_nsec)
        }
        if isDisturbed {
            try simulation.run(untilStored: tiles / 2)
            simulation.endAllWorkers()
        }
        try simulation.run()
        let tally = simulation.tally
        let seconds = Double(tally.coordinatorNanoseconds) / 1e9
        return ScaleRow(
            workers: workers, tiles: tiles, isDisturbed: isDisturbed,
            events: tally.coordinatorEventCount, seconds: seconds,
            microsecondsPerEvent: seconds * 1e6 / Double(tally.coordinatorEventCount),
            longestEventMilliseconds: Double(tally.longestEventNanoseconds) / 1e6,
            heapBytes: heapBytes, elements: elements)
    }

    private static func simulation(_ workers: Int, _ tiles: Int) -> Simulation {
        Simulation(seed: 1, kinds: []) { scenario in
            scenario.workerCount = workers
            scenario.tileCount = tiles
            scenario.localShare = 0
            scenario.bystanderShare = 0
            scenario.iterations = 5
            scenario.secondsPerIteration = 20
            scenario.isChecked = false
            scenario.usesDisk = false
            scenario.checkpointByteCount = 27 << 20
            scenario.coordinatorPolicy = CoordinatorPolicy()
            scenario.workerPolicy = WorkerPolicy()
        }
    }

    /// What the heap holds less once the state machine is all that was left, and goes too.
    private static func memory(_ workers: Int, _ tiles: Int) throws -> (bytes: Int, elements: Int) {
        var machine: Coordinator?
        do {
            let simulation = simulation(workers, tiles)
            try simulation.run(untilStored: tiles / 2)
            machine = simulation.machine
        }
        let elements = machine.map { CollectionSizes(of: $0).total } ?? 0
        let before = csystem_heap_byte_count()
        machine = nil
        return (Int(before - csystem_heap_byte_count()), elements)
    }
}

/// The measurements, for people and for programs.
struct ScaleReport {
    private(set) var rows: [ScaleRow] = []

    static let title =
        " workers    tiles     events  us/event  longest ms   heap MB  bytes/(worker+tile)"

    mutating func add(_ row: ScaleRow) { rows.append(row) }

    static func line(_ row: ScaleRow) -> String {
        let entries = Double(row.workers + row.tiles)
        let columns = [
            left(row.workers, 8), left(row.tiles, 9), left(row.events, 11),
            left(rounded(row.microsecondsPerEvent), 10),
            left(rounded(row.longestEventMilliseconds), 12),
            left(rounded(Double(row.heapBytes) / 1e6), 10),
            left(rounded(Double(row.heapBytes) / entries), 21),
        ]
        return columns.joined() + (row.isDisturbed ? "  all workers vanish at once" : "")
    }

    /// How much more an event and an entry cost in the largest quiet job than in the smallest.
    var growth: String {
        let quiet = rows.filter { !$0.isDisturbed }
        guard let first = quiet.first, let last = quiet.last, first.tiles < last.tiles else {
            return ""
        }
        func heap(_ row: ScaleRow) -> Double {
            Double(row.heapBytes) / Double(row.workers + row.tiles)
        }
        return "\(last.tiles / first.tiles) times as many tiles and workers: "
            + "\(rounded(last.microsecondsPerEvent / first.microsecondsPerEvent)) times the time "
            + "for an event, \(rounded(heap(last) / heap(first))) times the memory for each"
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(rows), as: UTF8.self)
    }

    private static func left(_ value: some CustomStringConvertible, _ width: Int) -> String {
        let text = value.description
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
