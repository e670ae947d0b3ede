// The phase of a job whose tiles begin with the same weights: a job of its own, of one window,
// whose output is start.safetensors.

import DeepImagePrior
import FoundationEssentials
import Glibc
import Imaging
import JobStore
import Transport

extension RestoreJob {
    static let startName = "start.safetensors"
    /// More than any network has.
    private static let startByteCountMaximum = 1 << 30

    /// Lets fits begin with shared weights.
    ///
    /// - Parameters:
    ///   - iterations: of the fit that makes them, if it is made.
    ///   - found: what it came to in this run; else what a former one wrote counts.
    /// - Returns: the fit that is still to be made; nil for none.
    mutating func takeStart(
        _ starting: Starting, iterations: Int, found: StartWeights?, _ options: JobOptions
    ) throws -> Phase? {
        switch starting {
        case .random: return nil
        case .file(let path): try begin(with: try Self.readStart(path), from: path)
        case .shared:
            var found = found
            if found == nil {
                let job = try startFit(iterations)
                let standing = try JobStanding(
                    folder: job.folder, output: job.output, wanted: job.manifest, options)
                guard case .complete = standing else {
                    return Phase(kind: .start, job: job, standing: standing)
                }
                found = try Self.readStart(job.output)
            }
            if let found { try begin(with: found, from: "the start fit") }
        }
        return nil
    }

    private mutating func begin(with weights: StartWeights, from place: String) throws {
        do throws(FitError) {
            try weights.validate(
                for: configuration, height: plan.windowHeight, width: plan.windowWidth,
                bands: bands)
        } catch {
            throw ProgramError(.badInput, "\(place): \(error)")
        }
        start = weights.encoded()
        preset.configuration.start = weights.identity
        manifest.configuration = configuration.json
    }

    static func readStart(_ path: String) throws -> StartWeights {
        guard
            let bytes = try PosixFileSystem().contents(path, byteCountMax: startByteCountMaximum)
        else { throw ProgramError(.noInput, "\(path) is not there; start weights are wanted") }
        do throws(FitError) {
            return try StartWeights(bytes: bytes)
        } catch {
            throw ProgramError(.badInput, "\(path): \(error)")
        }
    }

    /// The job whose output the weights are: a fit of a window in the middle, which is no pilot's.
    private func startFit(_ iterations: Int) throws -> RestoreJob {
        var job = self
        job.output = "\(folder)/\(Self.startName)"
        job.plan = plan.middle(otherThan: Self.pilotPlan(plan))
        job.preset.configuration.iterations = iterations
        job.preset.configuration.stopRule = .fixed
        job.preset.configuration.givesWeights = true
        job.stateByteCountMaximum = try Fit.stateByteCountMaximum(
            job.configuration, height: plan.windowHeight, width: plan.windowWidth, bands: bands)
        let shape = try StartWeights.resultShape(
            job.configuration, height: plan.windowHeight, width: plan.windowWidth, bands: bands)
        job.weightsShape = shape
        job.localWorkerCount = min(localWorkerCount, 1)
        (job.keepsFolder, job.keepsWorkers, job.warnings) = (false, true, [])
        job.reportFolder = nil
        job.manifest.jobID += "-start"
        job.manifest.plan.columns = job.plan.columns
        job.manifest.plan.rows = job.plan.rows
        (job.manifest.plan.windowHeight, job.manifest.plan.windowWidth) = (shape[0], shape[1])
        job.manifest.image.bands = shape[2]
        job.manifest.plan.restarts = nil
        job.manifest.configuration = job.configuration.json
        return job
    }

    /// The last pass of the start fit.
    func writeStart(_ store: JobStore) throws {
        guard let tile = try store.openTile(0) else {
            throw ProgramError(.failed, "the start fit has no result; the same command tries again")
        }
        var samples = [Float](repeating: 0, count: tile.height * tile.width * tile.bands)
        try samples.withUnsafeMutableBufferPointer { buffer throws(JobStoreError) in
            try tile.readRows(0..<tile.height, into: buffer)
        }
        let weights = try StartWeights(
            configuration, height: plan.windowHeight, width: plan.windowWidth, bands: bands,
            inPlaceOf: samples)
        try writeFact(weights.encoded(), store)
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
    /// Makes the weights that all fits begin with.
    func makeStart(
        _ prepared: consuming sending RestoreJob.Prepared, _ phase: RestoreJob.Phase,
        at desk: CoordinatorDesk, clock: MonotonicClock, _ console: inout Console
    ) throws -> StartWeights {
        let job = phase.job
        console.note(
            "making the weights that all fits begin with: one tile, "
                + "\(job.configuration.iterations) iterations")
        try runPhase(prepared, phase, at: desk, clock: clock, &console)
        return try RestoreJob.readStart(job.output)
    }

    /// Copies the weights that the fits begin with to where the user wants them.
    static func saveStart(_ bytes: [UInt8], to path: String) throws {
        let files = PosixFileSystem()
        let partial = path + ".partial"
        do {
            try files.write(bytes, to: partial)
            try files.rename(partial, to: path)
        } catch {
            throw ProgramError(.unwritable, "--save-start: \(path) cannot be written: \(error)")
        }
    }
}
