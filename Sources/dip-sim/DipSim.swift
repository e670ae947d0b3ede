// dip-sim: runs jobs with all that can go wrong in virtual time, by seed.

import ArgumentParser
import ClusterSimulation
import Glibc
import Version

@main
struct DipSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dip-sim",
        abstract: "Simulate whole jobs, with all that can go wrong, in virtual time.",
        discussion: """
            A seed decides what goes wrong and when: coordinator, workers and job folder are the \
            real ones, network, disk, clocks and fits are simulated. A run that fails prints its \
            seed; the same seed gives the same run.

            Kinds of faults: \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).

            Exit codes: 0 all runs are as they have to be; 1 one is not; 64 usage.

            Examples:
              dip-sim --seeds 1-1000
              dip-sim --seeds 1-1000 --only-fault loss --only-fault workerCrash
              dip-sim --trace 42
              dip-sim --scale
            """,
        version: ProgramVersion.report("dip-sim", []))

    @Option(
        help: ArgumentHelp(
            "The seeds to run, one or from the first to the last.", valueName: "first-last"))
    var seeds = SeedRange(first: 1, last: 1000)

    @Option(
        help: ArgumentHelp(
            "Draw this kind of fault and no other; may be repeated.", valueName: "kind"),
        transform: DipSim.kind)
    var onlyFault: [Fault] = []

    @Option(
        help: ArgumentHelp("Never draw this kind of fault; may be repeated.", valueName: "kind"),
        transform: DipSim.kind)
    var withoutFault: [Fault] = []

    @Option(help: ArgumentHelp("Run this seed and print all that happens.", valueName: "seed"))
    var trace: UInt64?

    @Flag(
        help: "Measure the coordinator with up to 10,000 workers and 100,000 tiles (two minutes).")
    var scale = false

    @Flag(help: "Go on after a run that fails, and print the seeds of all that do.")
    var keepGoing = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    func run() throws {
        var kinds = onlyFault.isEmpty ? Set(Fault.allCases) : Set(onlyFault)
        kinds.subtract(withoutFault)
        LastSeed.reportOnTrap()
        if scale {
            try measureScale()
        } else if let trace {
            try follow(trace, kinds)
        } else {
            try runSeeds(kinds)
        }
    }

    private func follow(_ seed: UInt64, _ kinds: Set<Fault>) throws {
        let simulation = Simulation(seed: seed, kinds: kinds)
        LastSeed.note(seed)
        write("seed \(seed): \(simulation.scenario)\n", to: STDOUT_FILENO)
        // At once: the last lines before a trap are the ones that matter.
        simulation.follow { write($0 + "\n", to: STDOUT_FILENO) }
        do {
            try simulation.run()
        } catch {
            write("seed \(seed): \(error.reason)\n", to: STDOUT_FILENO)
            throw ExitCode.failure
        }
        print(Report(tally: simulation.tally, seeds: "\(seed)").text)
    }

    private func measureScale() throws {
        var report = ScaleReport()
        if !json { write(ScaleReport.title + "\n", to: STDOUT_FILENO) }
        try Scale.run { row in
            report.add(row)
            if !json { write(ScaleReport.line(row) + "\n", to: STDOUT_FILENO) }
        }
        print(json ? try report.json() : report.growth)
    }

    private func runSeeds(_ kinds: Set<Fault>) throws {
        var report = Report(tally: SimulationTally(), seeds: "\(seeds)")
        for seed in seeds.first...seeds.last {
            LastSeed.note(seed)
            let simulation = Simulation(seed: seed, kinds: kinds)
            do {
                try simulation.run()
            } catch {
                report.failedSeeds.append(seed)
                let story = keepGoing ? "seed \(seed): \(error.reason)" : "\(error)"
                write("dip-sim: \(story)\n", to: STDERR_FILENO)
            }
            report.runCount += 1
            report.tally.add(simulation.tally)
            if !report.failedSeeds.isEmpty, !keepGoing { break }
        }
        print(try json ? report.json() : report.text)
        if !report.failedSeeds.isEmpty { throw ExitCode.failure }
    }

    private static func kind(_ name: String) throws -> Fault {
        guard let kind = Fault(rawValue: name) else {
            let known = Fault.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("there is no kind of fault '\(name)'; the kinds are \(known)")
        }
        return kind
    }

    private func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(descriptor, bytes, bytes.count)
    }
}

/// `1-1000` or `7`.
struct SeedRange: ExpressibleByArgument, CustomStringConvertible {
    let first: UInt64
    let last: UInt64

    init(first: UInt64, last: UInt64) {
        self.first = first
        self.last = last
    }

    init?(argument: String) {
        let parts = argument.split(separator: "-", omittingEmptySubsequences: false)
            .map { UInt64($0) }
        guard parts.count <= 2, let first = parts.first ?? nil, let last = parts.last ?? nil,
            first <= last, last < .max
        else { return nil }
        self.init(first: first, last: last)
    }

    var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
    var defaultValueDescription: String { description }
}
