// Where fits stop, as pilots have found it: a fact of the job, in stop.json.

import Dashboard
import DeepImagePrior
import FoundationEssentials
import Imaging
import JobStore
import Restoration

/// The output of the job that the pilots are.
struct StopFact: Codable, Equatable {
    private static let byteCountMaximum = 64 << 20

    struct Pilot: Codable, Equatable {
        let region: PixelRegion
        /// What the rule watched, every `interval` iterations; -1 where it was not known.
        let values: [Float]
    }

    let rule: StopRule
    /// The iteration at which every tile's fit stops.
    let iteration: Int
    /// Whether the curve has turned; else the iterations that were allowed did not suffice.
    let isConfirmed: Bool
    /// Iterations that were allowed.
    let iterationsMaximum: Int
    /// Of the noise, where the rule asks for it; 1 is the range of values.
    let noiseDeviation: Double
    /// Iterations between two values.
    let interval: Int
    let pilots: [Pilot]

    /// In the settings of the job whose tiles stop there.
    static func words(_ stopping: Stopping) -> String {
        switch stopping {
        case .fixed: "after the iterations given"
        case .perTile(let rule): "each tile by \(rule.rawValue)"
        case .pilots(let rule): "all tiles where pilots found it by \(rule.rawValue)"
        }
    }

    static func read(_ path: String) throws -> StopFact {
        guard
            let bytes = try PosixFileSystem().contents(path, byteCountMax: byteCountMaximum),
            let fact = try? JSONDecoder().decode(StopFact.self, from: Data(bytes))
        else {
            throw ProgramError(
                .badInput, "\(path) is not what pilots write; add --fresh to start over")
        }
        return fact
    }

    /// What the stored curves say.
    ///
    /// - Parameter setAside: pilots that could not be fitted.
    init(_ job: RestoreJob, _ store: JobStore, setAside: Set<Int>) throws {
        let configuration = job.configuration
        var curves: [StopCurve] = []
        var pilots: [Pilot] = []
        for index in 0..<job.plan.tileCount where !setAside.contains(index) {
            guard let tile = try store.openTile(index) else { continue }
            let curve = try StopCurve(configuration.stopRule, inPlaceOf: try tile.samples())
            curves.append(curve)
            pilots.append(Pilot(region: job.region(of: index), values: curve.values))
        }
        let point = StopCurve.mean(of: curves)?.point(configuration)
        rule = configuration.stopRule
        iteration = point?.iteration ?? configuration.iterations
        isConfirmed = point?.isConfirmed ?? false
        iterationsMaximum = configuration.iterations
        noiseDeviation = configuration.noiseDeviation
        interval = StopCurve.interval
        self.pilots = pilots
    }

    /// Puts it in its place, which is known to be the job's own before.
    func write(_ job: RestoreJob, _ store: JobStore) throws {
        try job.writeFact(try Text.json(self, indented: true), store)
    }

    /// What the report of the restoration says of it.
    var inReport: JobReport.Stop {
        JobReport.Stop(
            rule: rule.rawValue, iteration: iteration, isConfirmed: isConfirmed,
            pilotCount: pilots.count, noiseDeviation: noiseDeviation, words: words)
    }

    /// For people.
    var words: String {
        let reached =
            isConfirmed
            ? "" : ", which is all that was allowed: more --iterations may be better"
        return "after \(iteration) iterations, by \(rule.rawValue) on "
            + "\(Text.count(pilots.count, "pilot"))\(reached)"
    }
}
