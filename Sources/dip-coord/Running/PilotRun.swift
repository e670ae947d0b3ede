// The first phase of a job whose tiles stop where pilots are best: a job of its own, a few windows
// of the same plan, whose output is stop.json.

import Dashboard
import DeepImagePrior
import Imaging
import JobStore
import Transport

extension RestoreJob {
    /// Pilots for a plan of so many tiles: few where each of them is a large part of the work.
    private static func pilotCountMaximum(tileCount: Int) -> Int {
        switch tileCount {
        case ..<4: 1
        case ..<16: 2
        case ..<36: 4
        case ..<100: 6
        default: 9
        }
    }

    /// The windows that are pilots.
    static func pilotPlan(_ plan: TilePlan) -> TilePlan {
        plan.spread(atMost: pilotCountMaximum(tileCount: plan.tileCount))
    }

    /// Lets fits stop where pilots have found it.
    ///
    /// - Parameter found: what they have found in this run; else what a former one wrote counts.
    /// - Returns: What is still to be found out; nil for nothing.
    mutating func takeStop(
        _ rule: StopRule, noiseDeviation: Double?, found: StopFact?, _ options: JobOptions
    ) throws -> Phase? {
        var found = found
        if found == nil {
            let pilots = try pilots(rule, noiseDeviation: noiseDeviation)
            if let phase = try Phase(.pilots, pilots, options) { return phase }
            found = try StopFact.read(pilots.output)
        }
        guard let found else { return nil }
        stop = found
        preset.configuration.iterations = found.iteration
        manifest.configuration = configuration.json
        return nil
    }

    /// The job whose output says where this one's fits stop.
    func pilots(_ rule: StopRule, noiseDeviation: Double?) throws -> RestoreJob {
        try configuration.checkCurve(sampleCount: plan.windowHeight * plan.windowWidth * bands)
        return try phase(
            PhaseOutput.stop, word: "pilots", plan: Self.pilotPlan(plan),
            configuration.measuring(rule, noiseDeviation: noiseDeviation))
    }
}

extension RestorationRun {
    /// Lets pilots find where fits stop. They are fitted to be looked at alone; their tiles are
    /// fitted again with all others, so that no tile differs from another in anything but pixels.
    func findStop(
        _ prepared: consuming sending RestoreJob.Prepared, _ phase: RestoreJob.Phase,
        at desk: CoordinatorDesk,
        clock: MonotonicClock, _ console: inout Console
    ) throws -> StopFact {
        let job = phase.job
        console.note(
            "looking for the point to stop at: \(Text.count(job.plan.tileCount, "pilot")) of "
                + "\(Text.count(prepared.job.plan.tileCount, "tile")), at most "
                + "\(job.configuration.iterations) iterations each")
        try runPhase(prepared, phase, at: desk, clock: clock, &console)
        let fact = try StopFact.read(job.output)
        console.note("all fits stop \(fact.words)")
        return fact
    }
}
