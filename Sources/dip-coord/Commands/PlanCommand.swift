// dip-coord plan: what a restoration will take, without doing it.

import ArgumentParser
import Dashboard
import DeepImagePrior
import Imaging
import Restoration

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Print tiles, memory, arithmetic and time of a restoration without running it.")

    @Argument(help: "The image (PNG, TIFF or JPEG).", completion: .file())
    var file: String

    @OptionGroup(title: "Task")
    var task: TaskOptions

    @OptionGroup(title: "Tiles")
    var tiling: TilingOptions

    @OptionGroup(title: "Input")
    var input: InputOptions

    @OptionGroup(title: "Fit")
    var fit: FitOptions

    @OptionGroup(title: "Stopping")
    var stop: StopOptions

    @Option(
        name: .shortAndLong, parsing: .unconditional,
        help: ArgumentHelp("Workers to plan for.", valueName: "count"))
    var workers = Processors.availableCount

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            What a worker is taken to compute, in GFLOP per second; measure it with dip-bench \
            step.
            """, valueName: "rate"))
    var rate = 40.0

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (1...100_000).contains(workers) else {
            throw ValidationError("--workers is \(workers); 1 to 100000 is wanted")
        }
        guard (0.001...1e9).contains(rate) else {
            throw ValidationError("--rate is \(rate); a number above 0 is wanted")
        }
    }

    /// All times in seconds, sizes in bytes, lengths in pixels.
    private struct Plan: Encodable {
        let file: String
        let kind: String
        let width, height, bands: Int
        /// Of what is restored, `factor` times as large where that is the task.
        let outputWidth, outputHeight: Int
        let factor: Int
        let sampleType: String
        /// The values that a fit sees as 0 and 1.
        let low, high: Double
        /// That a mask marks; nil where there is none.
        let missingPixelCount: Int?
        let tileCount, columns, rows: Int
        /// Fits of each tile, and of all.
        let restarts, fitCount: Int
        let windowWidth, windowHeight, overlap: Int
        /// The upper left corners (x, y) in the order in which the tiles are handed out.
        let order: [[Int]]
        let preset: String
        /// What the network is given, and of how many channels.
        let input: String
        let inputChannels: Int
        let iterations: Int
        /// Of a fit that a rule stops; nil where none does.
        let iterationsMaximum: Int?
        /// Tiles that are fitted before, for the weights that all fits begin with; 0 or 1.
        let startCount: Int
        /// Tiles that are fitted before, to find where all stop.
        let pilotCount: Int
        let memoryByteCountPerWorker: Int
        let operationsPerTile, operations: Double
        let assumedOperationsPerSecond: Double
        let workers: Int
        let estimatedSeconds: Double
        let folderByteCount: Int
        let checkpointByteCountPerWorker: Int
    }

    func run() throws {
        let plan = try makePlan()
        if json {
            let line = String(decoding: try Text.json(plan, indented: false), as: UTF8.self)
            try StandardStream.printResult(line + "\n")
        } else {
            try StandardStream.printResult(text(plan))
        }
    }

    private func makePlan() throws -> Plan {
        if case .all = input.page {
            throw ProgramError(
                .usage, "a plan is of one page, as each is a job; choose one with --page NUMBER")
        }
        let given = try input.open(file, task)
        let guide = try input.guide(of: given.header, task)
        var preset = try fit.chosen(task, tiling, stop, bands: given.header.colorBands, guide)
        let source = try task.enlarged(given)
        let part = try input.part(of: file, given.header)
        let region = part?.enlarged(by: preset.configuration.factor)
        let image = part.map(given.header.cropped) ?? given.header
        let header = region.map(source.header.cropped) ?? source.header
        let tiles = try preset.plan(for: header)
        let missing =
            task.task == .inpaint
            ? try MissingPixels(in: source, region, tiles, file: file, keepsNodata: false) : nil
        let restored = region.map { RegionView(source, $0) } ?? source
        try fit.suit(
            &preset, task, restored, tiles,
            noiseDeviation: try stop.noiseDeviation(restored, tiles, task))
        let configuration = preset.configuration
        let bands = header.colorBands
        let perIteration = try Fit.operationsPerIteration(
            configuration, height: tiles.windowHeight, width: tiles.windowWidth, bands: bands)
        let perTile = perIteration * Double(configuration.iterations)
        let stopping = stop.resolved(task, fit, preset, tileCount: tiles.tileCount)
        let stopped = configuration.stopping(
            stopping, noiseDeviation: nil, mayExtend: fit.mayExtend(preset))
        var pilotCount = 0
        if case .pilots = stopping { pilotCount = RestoreJob.pilotPlan(tiles).tileCount }
        let restarts = fit.repeats.restarts ?? preset.restarts
        let startCount =
            fit.begin.resolved(preset, tileCount: tiles.tileCount) == .shared ? 1 : 0
        let fitCount = tiles.tileCount * restarts
        // In fits of a tile.
        let start =
            Double(startCount * RestoreJob.startIterations(configuration.iterations))
            / Double(configuration.iterations)
        // As many rounds as the busiest worker has fits.
        let rounds = [pilotCount, fitCount].reduce(start) {
            $0 + Double(($1 + workers - 1) / workers)
        }
        return Plan(
            file: file, kind: image.kind, width: image.width, height: image.height, bands: bands,
            outputWidth: header.width, outputHeight: header.height, factor: configuration.factor,
            sampleType: header.sampleType.rawValue, low: header.values.low,
            high: header.values.high, missingPixelCount: missing?.count,
            tileCount: tiles.tileCount, columns: tiles.columns.count, rows: tiles.rows.count,
            restarts: restarts, fitCount: fitCount, windowWidth: tiles.windowWidth,
            windowHeight: tiles.windowHeight, overlap: tiles.overlap,
            order: (0..<tiles.tileCount).map { [tiles.tile($0).x, tiles.tile($0).y] },
            preset: preset.name, input: configuration.input.rawValue,
            inputChannels: configuration.inputChannels, iterations: configuration.iterations,
            iterationsMaximum: stopping == .fixed ? nil : stopped.iterations,
            startCount: startCount, pilotCount: pilotCount,
            memoryByteCountPerWorker: try Fit.memoryByteCount(
                configuration, height: tiles.windowHeight, width: tiles.windowWidth, bands: bands),
            operationsPerTile: perTile,
            operations: perTile * (start + Double(pilotCount + fitCount)),
            assumedOperationsPerSecond: rate * 1e9, workers: workers,
            estimatedSeconds: rounds * perTile / (rate * 1e9),
            folderByteCount: restarts
                * tiles.folderByteCount(bands: bands, sampleType: header.sampleType),
            checkpointByteCountPerWorker: try Fit.stateByteCountMaximum(
                configuration, height: tiles.windowHeight, width: tiles.windowWidth, bands: bands))
    }

    private func text(_ plan: Plan) -> String {
        let missing =
            plan.missingPixelCount.map {
                "\nmissing    \($0) of \(plan.width * plan.height) pixels"
            } ?? ""
        let enlarged =
            plan.factor > 1
            ? "\nupscale    \(plan.factor) times, to \(plan.outputWidth) x \(plan.outputHeight) "
                + "pixels" : ""
        let stop =
            plan.iterationsMaximum.map { most in
                plan.pilotCount > 0
                    ? "\nstop       where \(Text.count(plan.pilotCount, "pilot")) find it before, "
                        + "after \(most) iterations at most; taken to be \(plan.iterations)"
                    : "\nstop       where each tile is best, after \(most) iterations at most; "
                        + "taken to be \(plan.iterations)"
            } ?? ""
        let start =
            plan.startCount > 0
            ? "\nstart      with the weights of one tile's fit, which is made before" : ""
        let unit = Text.unit(restarts: plan.restarts)
        let restarts =
            plan.restarts > 1
            ? "\nrestarts   \(plan.restarts) fits a tile, averaged; \(plan.fitCount) fits" : ""
        let share = rate == 40 ? " (an assumption; see --rate)" : ""
        return """
            image      \(plan.kind), \(plan.sampleType), values \(plan.low) to \
            \(plan.high) as 0 to 1\(missing)\(enlarged)
            tiles      \(plan.tileCount) of \(plan.windowWidth) x \(plan.windowHeight) pixels, in \
            \(Text.count(plan.columns, "column")) and \(Text.count(plan.rows, "row")), sharing at \
            least \(plan.overlap) pixels
            order      row by row from the upper left\(restarts)
            fit        preset \(plan.preset), \(plan.iterations) iterations a \(unit), input \
            \(plan.input) of \(Text.count(plan.inputChannels, "channel"))\(start)\(stop)
            memory     \(Text.bytes(plan.memoryByteCountPerWorker)) for each worker
            work       \(Text.operations(plan.operationsPerTile)) a \(unit), \
            \(Text.operations(plan.operations)) in all
            time       about \(Text.time(plan.estimatedSeconds)) with \
            \(Text.count(plan.workers, "worker")) at \(Text.fixed(rate, 0)) GFLOP/s each\(share)
            disk       \(Text.bytes(plan.folderByteCount)) for the job's folder while it runs, and \
            \(Text.bytes(plan.checkpointByteCountPerWorker)) for a checkpoint of each worker

            """
    }
}
