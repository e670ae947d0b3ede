// Options that several commands share, by group of the help text.

public import ArgumentParser
public import DeepImagePrior
import Glibc
import Imaging

extension PrecisionChoice: ExpressibleByArgument {}

struct TilingOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The longest side that a tile may have, in pixels; 64 to 8192. (default: the preset's)
            """, valueName: "pixels"))
    var tile: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The least that neighbouring tiles share, in pixels; 0 to below the tile. (default: the \
            preset's)
            """, valueName: "pixels"))
    var overlap: Int?

    func validate() throws {
        if let tile, !Preset.Tiling.tileRange.contains(tile) {
            throw ValidationError("--tile is \(tile); 64 to 8192 pixels are wanted")
        }
    }

    /// What a preset's tiles become.
    func tiling(of preset: Preset) throws -> Preset.Tiling {
        let tiling = Preset.Tiling(
            tile: tile ?? preset.tiling.tile, overlap: overlap ?? preset.tiling.overlap)
        guard (0..<tiling.tile).contains(tiling.overlap) else {
            throw ProgramError(
                .usage,
                "\(overlap == nil ? "the overlap of preset \(preset.name)" : "--overlap") is "
                    + "\(tiling.overlap); 0 to below the tile of \(tiling.tile) pixels is wanted")
        }
        return tiling
    }
}

extension Preset {
    /// The preset that an option or an argument names.
    init(asked nameOrFile: String, factor: Int = 1) throws {
        guard !nameOrFile.hasSuffix(".json") || access(nameOrFile, F_OK) == 0 else {
            throw ProgramError(.noInput, "there is no file \(nameOrFile), which is to be a preset")
        }
        try self.init(nameOrFile: nameOrFile, factor: factor)
    }

    func plan(for header: ImageHeader) throws -> TilePlan {
        try TilePlan(
            width: header.width, height: header.height, tile: tiling.tile, overlap: tiling.overlap,
            alignment: configuration.alignment, minimum: configuration.minimumSide,
            unit: configuration.factor)
    }
}

struct FitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Network, hyperparameters and tiles: fast, balanced or best; thin, of few channels \
            outside and many inside; as published: paper-denoise, for inpainting \
            paper-inpaint-text (text and scratches), paper-hole (large holes; tiles of 192 or more \
            pixels) and paper-half (single pixels that are missing everywhere), paper-upscale, \
            paper-dejpeg and paper-guided; or a file of your own, whose name ends in \
            .json. What they are and cost: dip-coord presets. (default: balanced, with --task \
            dejpeg and guided the published one)
            """, valueName: "name|file"),
        completion: .presets)
    var preset: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Iterations of each tile's fit; 1 to 1000000. (default: the preset's)",
            valueName: "count"))
    var iterations: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Seed of all random numbers: the same seed gives the same image. (default: the \
            preset's, 0 but in files)
            """, valueName: "number"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            """
            The format that large products' factors are rounded to: float32, bfloat16, which new \
            CPUs compute faster and others slower, or auto, which is float32. (default: the \
            preset's, float32 but in files)
            """, valueName: "format"))
    var precision: PrecisionChoice?

    @OptionGroup
    var repeats: RestartOptions

    @OptionGroup
    var begin: StartOptions

    @OptionGroup
    var loss: LossOptions

    @Option(
        help: ArgumentHelp(
            """
            What the network is given: noise; masked, which is noise and the image, of which \
            each iteration hides a part and asks for it; coarse, which is noise and the image at \
            a lower resolution; the image itself; or meshgrid, the place of each pixel in the \
            image, which was published for a large hole. (default: with fast, balanced and best \
            masked to denoise and inpaint, coarse for all else and with --sigma; with --task \
            guided the guide; else the preset's)
            """, valueName: "noise|masked|coarse|image|meshgrid"))
    var input: InputChoice?

    func validate() throws {
        if let iterations, !(1...1_000_000).contains(iterations) {
            throw ValidationError("--iterations is \(iterations); 1 to 1000000 is wanted")
        }
    }

    /// The preset that is asked for, or the task's own, with what the other options say.
    ///
    /// - Parameters:
    ///   - bands: colour bands of the image.
    ///   - guide: nil where there is none.
    func chosen(
        _ task: TaskOptions, _ tiling: TilingOptions, _ stop: StopOptions, bands: Int,
        _ guide: Guide?
    ) throws -> Preset {
        var chosen = try Preset(
            asked: preset ?? task.task.preset.rawValue, factor: task.outputFactor)
        chosen.tiling = try tiling.tiling(of: chosen)
        chosen.configuration.task = task.task
        chosen.configuration.factor = task.outputFactor
        chosen.suitTask(knowsNoise: stop.asksForNoiseLevel)
        if chosen.isOurs, let input { chosen.take(input.networkInput) }
        try setInput(of: &chosen.configuration, bands: bands, guide)
        if stop.asksForNoiseLevel, chosen.configuration.input == .masked {
            throw ProgramError(
                .usage,
                "the network input masked never comes down to the noise that --sigma tells; leave "
                    + "--sigma out, or take another --input")
        }
        if let iterations { chosen.configuration.iterations = iterations }
        if let seed { chosen.configuration.seed = seed }
        if let precision { chosen.configuration.precision = precision.resolved }
        try loss.apply(to: &chosen.configuration)
        if stop.asksForNoiseLevel, chosen.configuration.noiseModel == .poisson {
            throw ProgramError(
                .usage,
                "--sigma is one deviation for all brightnesses, but with --noise poisson it "
                    + "follows them; leave one of both out")
        }
        try chosen.configuration.validate()
        return chosen
    }

    /// Whether pilots and tiles by themselves may go on for longer than the preset's iterations.
    func mayExtend(_ preset: Preset) -> Bool {
        iterations == nil && !preset.ownFields.contains("iterations")
    }

    /// Fits one of our presets to the noise that is measured in the image.
    ///
    /// - Parameters:
    ///   - part: of the image, what is restored.
    ///   - noiseDeviation: as the user knows it, 1 being the range.
    func suit(
        _ preset: inout Preset, _ task: TaskOptions, _ part: any ImageSource, _ plan: TilePlan,
        noiseDeviation: Double?
    ) throws {
        guard preset.isOurs, task.task == .denoise, preset.configuration.input.isPictureInNoise
        else { return }
        if let noiseDeviation {
            preset.suitNoise(
                deviation: noiseDeviation, bandsShareIt: false, reach: 0, levels: [noiseDeviation])
            return
        }
        guard let noise = try part.noiseEstimate(plan) else { return }
        preset.suitNoise(
            deviation: noise.deviation, bandsShareIt: noise.isSharedByBands, reach: noise.reach,
            levels: noise.levels)
    }

    private func setInput(
        of configuration: inout FitConfiguration, bands: Int, _ guide: Guide?
    ) throws {
        if let input {
            guard guide == nil else {
                throw ProgramError(
                    .usage,
                    "--input is \(input.rawValue), but with --task guided the guide is what the "
                        + "network is given")
            }
            configuration.input = input.networkInput
        }
        if guide != nil { configuration.input = .guide }
        switch configuration.input {
        case .noise: break
        case .coarse, .masked: configuration.makeRoom(bands: bands)
        case .image: configuration.inputChannels = bands
        case .meshgrid: configuration.inputChannels = 2
        case .guide: configuration.inputChannels = guide?.bands ?? 0
        }
    }
}

/// What a user may give the network.
enum InputChoice: String, ExpressibleByArgument, CaseIterable {
    case noise, masked, coarse, image, meshgrid

    var networkInput: NetworkInput {
        switch self {
        case .noise: .noise
        case .coarse: .coarse
        case .masked: .masked
        case .image: .image
        case .meshgrid: .meshgrid
        }
    }
}

struct JobOptions: ParsableArguments {
    @Flag(help: "Start over: throw away what an earlier run has left in the job's folder.")
    var fresh = false

    @Flag(
        help: """
            Try tiles again that earlier runs have given up; they come through unrestored \
            otherwise.
            """)
    var retryFailed = false

    @Flag(help: "Keep the job's folder with its tiles after success.")
    var keepJob = false

    func validate() throws {
        guard !(fresh && retryFailed) else {
            throw ValidationError("--fresh and --retry-failed exclude each other: choose one")
        }
    }
}
