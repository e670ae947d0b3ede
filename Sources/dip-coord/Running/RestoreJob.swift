// A restoration as it is decided before anything runs: all that can be checked has been checked.

import Dashboard
import DeepImagePrior
import FoundationEssentials
import Glibc
import Imaging
import JobStore
import Restoration
import Transport
import Wire

/// The facts of one restoration.
struct RestoreJob: Sendable {
    let input: String
    var output: String
    /// Whether the folder's tiles stay after success.
    var keepsFolder: Bool
    let isVerbose: Bool
    /// Of what is restored: the image, or its region; enlarged where that is the task.
    let header: ImageHeader
    var plan: TilePlan
    /// What the last pass makes of the tiles.
    var blend: BlendFacts
    var preset: Preset
    /// Of the guide; 0 where there is none.
    let guideBands: Int
    var manifest: JobManifest
    /// Where pilots have found that fits stop; nil where none looked for it.
    var stop: StopFact?
    /// The file of the weights that fits begin with; nil for random ones.
    var start: [UInt8]?
    /// (height, width, bands) of a result that is weights; nil where it is pixels.
    var weightsShape: [Int]?
    /// Of a phase: the folder of the job that it comes before; else nil.
    var wholeFolder: String?
    /// Workers to start on this host, not more than there are tiles.
    var localWorkerCount: Int
    let threadsPerWorker: Int
    let workerProgram: String
    /// Whether workers of others can come.
    let othersMayJoin: Bool
    /// nil waits for ever.
    let workerWait: Duration?
    /// Whether workers of others are to wait for another job.
    var keepsWorkers: Bool
    /// Whether workers of others are to wait for the next coordinator after an interrupt.
    let keepsWorkersWhenInterrupted: Bool
    /// Which page of the input it is, where all are restored.
    var page: JobDescription.Page?
    /// Silence after which a worker is taken for gone.
    let leaseSilence: Duration
    /// How often a fit's state is stored; nil only when its worker leaves.
    let checkpointInterval: Duration?
    /// Bytes of the largest state of a fit.
    var stateByteCountMaximum: Int
    /// Where a report goes; nil where none is wanted.
    var reportFolder: String?
    var warnings: [String]
    /// What is fitted after this one: by the job that it is a phase of, and for later pages.
    var later: [Forecast.Later] = []
    /// What the program had taken before it began with the page that this is.
    var began = Spent()

    /// Whether the state of a fit is small enough to travel.
    var hasCheckpoints: Bool { stateByteCountMaximum <= WireLimits.stateByteCountMaximum }

    var configuration: FitConfiguration { preset.configuration }
    var folder: String { output + ".dip" }
    var job: JobID { JobID(rawValue: manifest.jobID) }
    var bands: Int { header.colorBands }
    /// Pixels of the output for each of the input, along both axes.
    var factor: Int { configuration.factor }
    /// Column and row of the restored part in the image, which is enlarged where that is the task.
    var originX: Int { blend.region?.x ?? 0 }
    var originY: Int { blend.region?.y ?? 0 }

    /// A tile's window in the restored image.
    func region(of tile: Int) -> PixelRegion {
        let tile = plan.tile(tile)
        return PixelRegion(
            x: originX + tile.x, y: originY + tile.y, width: tile.width, height: tile.height)
    }

    /// The restored part of the input in the input's own pixels; nil for all of it.
    var givenRegion: PixelRegion? { blend.region?.reduced(by: factor) }

    /// The facts, the image that they are about, and what there is of the job already.
    struct Prepared: ~Copyable {
        let job: RestoreJob
        let source: any ImageSource
        let guide: Guide?
        let standing: JobStanding
        /// What must be found out before; nil where nothing is.
        let phase: Phase?
        let retriesFailed: Bool

        /// Opens the job's folder, made if need be, and checks that the disk can take the tiles.
        consuming func openStore() throws -> StorageWork {
            if let folder = job.wholeFolder {
                try JobStore.makeFolder(folder, fileSystem: PosixFileSystem())
            }
            let store =
                switch standing {
                case .new:
                    try JobStore.create(
                        folder: job.folder, manifest: job.manifest, fileSystem: PosixFileSystem())
                case .begun(let former), .complete(let former, _):
                    try JobStore.resume(
                        folder: job.folder, manifest: former, retryingFailed: retriesFailed,
                        fileSystem: PosixFileSystem())
                }
            // Nobody knows how many workers of others will come; one at least.
            let isReserved = try store.reserveSpace(
                checkpointByteCount: job.stateByteCountMaximum,
                checkpointCount: job.hasCheckpoints && job.checkpointInterval != nil
                    ? max(job.localWorkerCount, 1) : 0)
            // What the output takes beside the fits must not be what these need.
            return StorageWork(
                job: job, source: source, guide: guide, store: store,
                followsFits: isReserved && !job.isPhase && job.hasRoomForOutput)
        }
    }

    /// Checks everything that can be checked, without leaving a trace.
    static func prepare(_ run: RestorationRun) throws -> Prepared {
        let (file, options, workers) = (run.file, run.output, run.workers)
        let (input, jobOptions) = (run.input, run.jobOptions)
        let task = run.task
        let program = try workerProgram(isNeeded: workers.workerCount > 0)
        let given = try input.open(file, task)
        let guide = try input.guide(of: given.header, task)
        var preset = try run.fit.chosen(
            task, run.tiling, run.stop, bands: given.header.colorBands, guide)
        run.fit.loss.setCounts(of: given.header, in: &preset.configuration)
        let output = options.path(forInput: file)
        try checkOutput(output, input: file)
        if let folder = options.report.folder {
            try ReportFolder(path: folder).check(jobFolder: output + ".dip")
        }
        let written = [output] + options.maps.files.map(\.path)
        if let path = run.fit.begin.saveStart { try checkMaySaveStart(path, others: written) }
        for file in written { try task.checkIsNotRead(file) }
        if let compression = options.compression { given.header.tiffCompression = compression }
        given.header.jpegQuality = options.quality
        given.header.hasOverviews = options.pyramid
        let source = try task.enlarged(given)
        try checkKind(output, source.header)
        let region = try input.part(of: file, given.header)
        let restarts = run.fit.repeats.restarts ?? preset.restarts
        let blend = try blendFacts(
            file, source.header, output, options, region, task, preset, restarts: restarts)
        let header = blend.partHeader
        let plan = blend.plan
        let missing =
            task.task == .inpaint
            ? try MissingPixels(
                in: source, blend.region, plan, file: file, keepsNodata: !blend.fillsMissing) : nil
        let stopping = run.stop.resolved(task, run.fit, preset, tileCount: plan.tileCount)
        let part = blend.region.map { RegionView(source, $0) } ?? source
        let noiseDeviation = try run.stop.noiseDeviation(part, plan, task)
        try run.fit.suit(
            &preset, task, part, plan, noiseDeviation: noiseDeviation)
        let iterations = preset.configuration.iterations
        preset.configuration = preset.configuration.stopping(
            stopping, noiseDeviation: noiseDeviation, mayExtend: run.fit.mayExtend(preset))
        let configuration = preset.configuration
        try configuration.validate()
        let workerCount = min(workers.workerCount, plan.tileCount * restarts)
        let stateByteCount = try Fit.stateByteCountMaximum(
            configuration, height: plan.windowHeight, width: plan.windowWidth,
            bands: header.colorBands)
        try checkOpenFiles(workerCount)
        var job = RestoreJob(
            input: file, output: output,
            keepsFolder: jobOptions.keepJob, isVerbose: options.verbose, header: header,
            plan: plan, blend: blend, preset: preset, guideBands: guide?.bands ?? 0,
            manifest: try Self.makeManifest(
                file, region.map(given.header.cropped) ?? given.header, region, blend, missing,
                guide, preset, stopping, restarts, run.input.page),
            stop: nil, start: nil, weightsShape: nil, wholeFolder: nil,
            localWorkerCount: workerCount,
            threadsPerWorker: workers.threads,
            workerProgram: program,
            othersMayJoin: workers.listen != nil,
            workerWait: workers.workerWait > 0 ? .seconds(workers.workerWait) : nil,
            keepsWorkers: run.keepsWorkers,
            keepsWorkersWhenInterrupted: workers.keepWorkers, page: run.page,
            leaseSilence: .seconds(workers.leaseSilence),
            checkpointInterval: workers.checkpointInterval > 0
                ? .seconds(workers.checkpointInterval) : nil,
            stateByteCountMaximum: stateByteCount, reportFolder: options.report.folder,
            warnings: source.warnings + (missing?.warnings ?? [])
                + orientationWarnings(
                    given.header, isTold: region != nil || missing != nil || guide != nil)
                + (try checkMemory(
                    configuration, plan, header, workerCount, threads: workers.threads,
                    othersMayJoin: workers.listen != nil))
                + (try checkFileSize(plan, restarts, header)) + stateWarnings(stateByteCount)
                + (try spaceWarnings(output, plan, restarts, blend.outputHeader)))
        let begin = run.fit.begin.resolved(preset, tileCount: plan.tileCount)
        try JobStanding.check(
            folder: job.folder, output: output, wanted: job.manifest,
            undecided: Self.undecided(begin, stopping), jobOptions)
        var phase = try job.takeStart(
            begin, iterations: startIterations(iterations), found: run.foundStart,
            where: { try part.knowsHalf(of: $0) }, jobOptions)
        if phase == nil, case .pilots(let rule) = stopping {
            phase = try job.takeStop(
                rule, noiseDeviation: noiseDeviation, found: run.found, jobOptions)
        }
        let kind = phase?.kind
        let later = job.laterFits(
            after: kind, begin, stopping, iterations: iterations, most: configuration.iterations,
            pagesLeft: run.pagesLeft)
        if kind == nil { job.later = later } else { phase?.job.later = later }
        job.began = run.began
        let standing = try JobStanding(
            folder: job.folder, output: output, wanted: job.manifest, jobOptions)
        job.blend.replacesOutput = try standing.replacesOutput(
            output, overwrites: options.overwrite)
        job.manifest = standing.manifest ?? job.manifest
        return Prepared(
            job: job, source: source, guide: guide, standing: standing, phase: phase,
            retriesFailed: jobOptions.retryFailed)
    }

    private static func workerProgram(isNeeded: Bool) throws -> String {
        guard isNeeded else { return "" }
        let searchPath = ProcessEnvironment.all()["PATH"] ?? ""
        guard let path = ProgramLocator.find("dip-worker", searchPath: searchPath) else {
            throw ProgramError(
                .unavailable,
                "dip-worker was found neither beside dip-coord nor in PATH; install it there, or "
                    + "use --workers 0 with --listen and start workers yourself")
        }
        return path
    }

    /// Whether the output may take the place of a former one is not asked here.
    private static func checkOutput(_ output: String, input: String) throws {
        do throws(ImageError) {
            try ImageFormats.checkOutput(output, input: input, overwrite: true)
        } catch {
            // The extension is the user's choice, not the input's fault.
            throw error.kind == .unsupported
                ? ProgramError(.usage, error.message) : ProgramError(error)
        }
    }

    /// What the last pass is to make of the tiles.
    private static func blendFacts(
        _ file: String, _ header: ImageHeader, _ output: String, _ options: OutputOptions,
        _ region: PixelRegion?, _ task: TaskOptions, _ preset: Preset, restarts: Int
    ) throws -> BlendFacts {
        let region = region?.enlarged(by: preset.configuration.factor)
        guard region != nil || !options.crop else {
            throw ProgramError(.usage, "--crop is given without --region: there is nothing to crop")
        }
        let part = region.map(header.cropped) ?? header
        var facts = BlendFacts(
            plan: try preset.plan(for: part), header: header, output: output,
            replacesOutput: false)
        facts.region = region
        facts.isCropped = options.crop
        facts.strength = options.strength
        facts.fillsMissing = (options.nodata ?? (task.task == .inpaint ? .fill : .keep)) == .fill
        facts.keepsKnown = task.task == .inpaint && !task.refitKnown
        guard !facts.keepsKnown || options.strength == 1 else {
            throw ProgramError(
                .usage,
                "--strength mixes with the input, but with --task inpaint known pixels stay as "
                    + "they are and missing ones have none; leave it out, or add --refit-known")
        }
        facts.disagreementSideMaximum =
            options.report.folder == nil ? nil : ReportPictures.sideMaximum
        try options.maps.apply(to: &facts, file: file, restarts: restarts)
        return facts
    }

    private static func checkKind(_ output: String, _ header: ImageHeader) throws {
        do throws(ImageError) {
            try ImageFormats.checkKind(output, like: header)
        } catch {
            throw ProgramError(.usage, error.message)
        }
    }
}
