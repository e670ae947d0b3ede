// Phases before a job: jobs of their own, of a few windows of the same plan, whose outputs are
// facts of that job.

import Dashboard
import DeepImagePrior
import Imaging
import JobStore
import Transport

extension RestoreJob {
    /// The phase before a job, which is not complete.
    struct Phase {
        enum Kind {
            /// Makes the weights that fits begin with.
            case start
            /// Finds where fits stop: a `StopFact`.
            case pilots
        }

        let kind: Kind
        var job: RestoreJob
        let standing: JobStanding

        /// nil where the job is complete. One that was begun before goes on by its own name, which
        /// workers know it by.
        init?(_ kind: Kind, _ job: RestoreJob, _ options: JobOptions) throws {
            var job = job
            standing = try JobStanding(
                folder: job.folder, output: job.output, wanted: job.manifest,
                part: kind == .start ? "in its start" : "in its pilots", options)
            if case .complete = standing { return nil }
            job.manifest = standing.manifest ?? job.manifest
            (self.kind, self.job) = (kind, job)
        }
    }

    /// Iterations of the fit that makes the weights: half as many as a tile's. Later ones learn the
    /// noise of that one tile.
    static func startIterations(_ iterations: Int) -> Int { max(1, iterations / 2) }

    /// Fields of a job's configuration that are known when the phases before it are done.
    static func undecided(_ begin: Starting, _ stopping: Stopping) -> Set<String> {
        var fields: Set<String> = begin == .random ? [] : ["start"]
        if case .pilots = stopping { fields.insert("iterations") }
        return fields
    }

    /// What is fitted after a phase of this job, or after the job itself. Later pages are taken to
    /// be as this one is.
    ///
    /// - Parameters:
    ///   - phase: nil for the job itself.
    ///   - iterations: of the preset.
    ///   - most: of a fit that a rule stops.
    func laterFits(
        after phase: Phase.Kind?, _ begin: Starting, _ stopping: Stopping, iterations: Int,
        most: Int, pagesLeft: Int
    ) -> [Forecast.Later] {
        var open = Forecast.Iterations(atMost: most, likely: stop?.iteration ?? iterations)
        open.low = stop.map { Double($0.iteration) }
        let tiles = Forecast.Later(
            fits: fitCount, workers: localWorkerCount,
            iterations: stopping == .fixed ? Forecast.Iterations(most) : open)
        var phases: [(kind: Phase.Kind?, fits: Forecast.Later)] = [(nil, tiles)]
        if case .pilots = stopping {
            var pilots = tiles
            pilots.fits = Self.pilotPlan(plan).tileCount
            pilots.workers = min(localWorkerCount, pilots.fits)
            phases.insert((.pilots, pilots), at: 0)
        }
        if begin == .shared {
            let start = Forecast.Later(
                fits: 1, workers: 1,
                iterations: Forecast.Iterations(Self.startIterations(iterations)))
            phases.insert((.start, start), at: 0)
        }
        let place = phases.firstIndex { $0.kind == phase } ?? 0
        let ofThisPage = phases[(place + 1)...].map(\.fits)
        guard pagesLeft > 0 else { return ofThisPage }
        return ofThisPage
            + phases.map { phase in
                var fits = phase.fits
                fits.times = pagesLeft
                return fits
            }
    }

    /// The job that a phase before this one is.
    ///
    /// - Parameters:
    ///   - output: its name in this job's folder.
    ///   - word: what its id ends in.
    ///   - plan: windows of this one's.
    func phase(
        _ output: String, word: String, plan part: TilePlan, _ configuration: FitConfiguration
    ) throws -> RestoreJob {
        var job = self
        job.wholeFolder = folder
        job.output = "\(folder)/\(output)"
        job.plan = part
        job.preset.configuration = configuration
        job.stateByteCountMaximum = try Fit.stateByteCountMaximum(
            configuration, height: plan.windowHeight, width: plan.windowWidth, bands: bands)
        job.localWorkerCount = min(localWorkerCount, part.tileCount)
        (job.keepsFolder, job.keepsWorkers, job.warnings) = (false, true, [])
        job.reportFolder = nil
        job.manifest.jobID += "-\(word)"
        // A fact's numbers, and no pixels of so many bits.
        job.manifest.image.precision = .float32
        (job.manifest.plan.columns, job.manifest.plan.rows) = (part.columns, part.rows)
        // One fit a window: where a tile is best, and what it teaches, the seed hardly matters to.
        job.manifest.plan.restarts = nil
        job.manifest.configuration = configuration.json
        return job
    }

    /// Puts the output of a phase in its place, which is known to be the job's own before.
    func writeFact(_ bytes: [UInt8], _ store: JobStore) throws {
        let files = PosixFileSystem()
        let partial = output + ".partial"
        try files.write(bytes, to: partial)
        var fingerprint = try FileFingerprint(path: partial, fileSystem: files)
        fingerprint.path = output
        try store.recordOutput(fingerprint)
        try files.rename(partial, to: output)
        try files.sync(directory: String(output[..<(output.lastIndex(of: "/") ?? output.endIndex)]))
    }
}

extension RestorationRun {
    /// Runs the phase before a job as a job of its own, in the folder of the other one.
    func runPhase(
        _ prepared: consuming sending RestoreJob.Prepared, _ phase: RestoreJob.Phase,
        at desk: CoordinatorDesk, clock: MonotonicClock, _ console: inout Console
    ) throws {
        _ = try work(
            RestoreJob.Prepared(
                job: phase.job, source: prepared.source, guide: prepared.guide,
                standing: phase.standing, phase: nil, retriesFailed: jobOptions.retryFailed),
            at: desk, clock: clock, &console)
    }
}
