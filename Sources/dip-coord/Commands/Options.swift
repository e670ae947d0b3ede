// Options that several commands share, by group of the help text.

public import ArgumentParser
public import DeepImagePrior
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
            Network, hyperparameters and tiles: fast, balanced or best; thin, balanced in larger \
            tiles; as published: paper-denoise, for inpainting paper-inpaint-text (text and \
            scratches), paper-hole (large holes; tiles of 192 or more pixels) and paper-half \
            (single pixels that are missing everywhere), paper-upscale, paper-dejpeg and \
            paper-guided; or a file of your own, whose name ends in .json. What they are and \
            cost: dip-coord presets. (default: balanced, with --task dejpeg and guided the \
            published one)
            """, valueName: "name|file"))
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
            What the network is given: noise, coarse, which is noise and the image at a lower \
            resolution, the image itself, or meshgrid, the place of each pixel in the image, which \
            was published for a large hole. (default: the preset's, with --task guided the guide)
            """, valueName: "noise|coarse|image|meshgrid"))
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
        _ task: TaskOptions, _ tiling: TilingOptions, bands: Int, _ guide: Guide?
    ) throws -> Preset {
        var chosen = try Preset(
            nameOrFile: preset ?? task.task.preset.rawValue, factor: task.outputFactor)
        chosen.tiling = try tiling.tiling(of: chosen)
        chosen.configuration.task = task.task
        chosen.configuration.factor = task.outputFactor
        try setInput(of: &chosen.configuration, bands: bands, guide)
        if let iterations { chosen.configuration.iterations = iterations }
        if let seed { chosen.configuration.seed = seed }
        if let precision { chosen.configuration.precision = precision.resolved }
        try loss.apply(to: &chosen.configuration)
        try chosen.configuration.validate()
        return chosen
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
        case .noise, .coarse: break
        case .image: configuration.inputChannels = bands
        case .meshgrid: configuration.inputChannels = 2
        case .guide: configuration.inputChannels = guide?.bands ?? 0
        }
    }
}

/// What a user may give the network.
enum InputChoice: String, ExpressibleByArgument {
    case noise, coarse, image, meshgrid

    var networkInput: NetworkInput {
        switch self {
        case .noise: .noise
        case .coarse: .coarse
        case .image: .image
        case .meshgrid: .meshgrid
        }
    }
}

enum NodataChoice: String, ExpressibleByArgument { case keep, fill }

struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            """
            The restored image, PNG, TIFF or JPEG by its extension. (default: \
            NAME.restored.EXTENSION beside the input)
            """, valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            """
            How a TIFF is compressed, without loss: none, lzw, deflate, zstd or packBits. \
            (default: as the input is, deflate where that is JPEG or no TIFF)
            """, valueName: "name"))
    var compression: TIFFCompression?

    @Flag(help: "With --region: the output is that part alone.")
    var crop = false

    @Option(
        help: ArgumentHelp(
            """
            What becomes of missing samples (not finite, or the file's nodata value), which no fit \
            sees: keep them bit for bit, or fill them with what the fit makes of their \
            surroundings. (default: keep; fill with --task inpaint)
            """, valueName: "keep|fill"))
    var nodata: NodataChoice?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How much of the output is restored, 0 to 1; the rest is the input, whose grain and \
            noise it keeps in that share.
            """, valueName: "share"))
    var strength = 1.0

    @OptionGroup
    var maps: MapOptions

    @OptionGroup
    var report: ReportOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How finely a JPEG is written, which loses something at every value; 1 to 100. From 90 \
            on, colours have the full resolution.
            """, valueName: "number"))
    var quality = 95

    @Flag(
        help: """
            Write a TIFF in tiles with smaller copies of the image (overviews), for viewers of \
            large images.
            """)
    var pyramid = false

    @Flag(help: "Replace the output if it exists.")
    var overwrite = false

    @Flag(name: .shortAndLong, help: "Print errors only.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Print what becomes of each worker.")
    var verbose = false

    func validate() throws {
        guard (1...100).contains(quality) else {
            throw ValidationError("--quality is \(quality); 1 to 100 is wanted")
        }
        guard (0...1).contains(strength) else {
            throw ValidationError("--strength is \(strength); 0 to 1 is wanted")
        }
    }

    /// big.tif becomes big.restored.tif.
    func path(forInput input: String) -> String {
        if let output { return output }
        let nameStart = input.lastIndex(of: "/").map(input.index(after:)) ?? input.startIndex
        guard let dot = input[nameStart...].lastIndex(of: "."), dot > nameStart else {
            return input + ".restored"
        }
        return "\(input[..<dot]).restored\(input[dot...])"
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
