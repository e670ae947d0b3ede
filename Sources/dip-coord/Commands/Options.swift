// Options that several commands share, by group of the help text.

public import ArgumentParser
public import DeepImagePrior
import Imaging

extension NetworkPreset {
    /// What `--network` names; the parser would make a list of many lines of the known ones.
    static func named(_ name: String) throws -> NetworkPreset {
        guard let preset = NetworkPreset(rawValue: name) else {
            let known = allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("known are \(known)")
        }
        return preset
    }
}

extension PrecisionChoice: ExpressibleByArgument {}

struct TilingOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The longest side that a tile may have, in pixels; 64 to 8192.", valueName: "pixels"))
    var tile = 256

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The least that neighbouring tiles share, in pixels; 0 to below the tile.",
            valueName: "pixels"))
    var overlap = 32

    func validate() throws {
        guard (64...8192).contains(tile) else {
            throw ValidationError("--tile is \(tile); 64 to 8192 pixels are wanted")
        }
        guard (0..<tile).contains(overlap) else {
            throw ValidationError(
                "--overlap is \(overlap); 0 to below the tile of \(tile) pixels is wanted")
        }
    }

    func plan(for header: ImageHeader, _ configuration: FitConfiguration) throws -> TilePlan {
        try TilePlan(
            width: header.width, height: header.height, tile: tile, overlap: overlap,
            alignment: configuration.alignment, minimum: configuration.minimumSide,
            unit: configuration.factor)
    }
}

struct FitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The network that is fitted: paper as published, or thin with a thirteenth of the \
            arithmetic. As published for inpainting: paper-inpaint-text for text and scratches, \
            paper-hole for large holes, with tiles of 192 or more pixels, and paper-half for \
            single pixels that are missing everywhere; for upscaling paper-upscale; for what JPEG \
            leaves paper-dejpeg; for a guide paper-guided. (default: paper-dejpeg with --task \
            dejpeg, paper-guided with guided, else thin, because paper takes days for a large \
            image on a few cores)
            """, valueName: "name"), transform: NetworkPreset.named)
    var network: NetworkPreset?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Iterations of each tile's fit; 1 to 1000000. (default: the network's; 1800 for thin \
            and paper, 6001 for paper-inpaint-text, 3001 for paper-hole, 11000 for paper-half, \
            2000 for paper-upscale, 4000 with --factor 8, 2400 for paper-dejpeg, 601 for \
            paper-guided)
            """, valueName: "count"))
    var iterations: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Seed of all random numbers: the same seed gives the same image.", valueName: "number"))
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            """
            The format that large products' factors are rounded to: float32, bfloat16, which new \
            CPUs compute faster and others slower, or auto, which is float32.
            """, valueName: "format"))
    var precision = PrecisionChoice.auto

    @Option(
        help: ArgumentHelp(
            """
            What the network is given: noise, the image itself, or meshgrid, the place of each \
            pixel in the image, which was published for a large hole. (default: noise, with --task \
            guided the guide)
            """, valueName: "noise|image|meshgrid"))
    var input: InputChoice?

    func validate() throws {
        if let iterations, !(1...1_000_000).contains(iterations) {
            throw ValidationError("--iterations is \(iterations); 1 to 1000000 is wanted")
        }
    }

    /// The network that is asked for, or the task's own.
    func preset(for task: TaskOptions) -> NetworkPreset { network ?? task.task.preset }

    /// - Parameters:
    ///   - bands: colour bands of the image.
    ///   - guide: nil where there is none.
    func configuration(_ task: TaskOptions, bands: Int, _ guide: Guide?) throws -> FitConfiguration
    {
        var configuration = FitConfiguration(
            preset: preset(for: task), factor: task.outputFactor)
        configuration.task = task.task
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
        case .image: configuration.inputChannels = bands
        case .meshgrid: configuration.inputChannels = 2
        case .guide: configuration.inputChannels = guide?.bands ?? 0
        }
        if let iterations { configuration.iterations = iterations }
        configuration.seed = seed
        configuration.precision = precision.resolved
        try configuration.validate()
        return configuration
    }
}

/// What a user may give the network.
enum InputChoice: String, ExpressibleByArgument {
    case noise, image, meshgrid

    var networkInput: NetworkInput {
        switch self {
        case .noise: .noise
        case .image: .image
        case .meshgrid: .meshgrid
        }
    }
}

struct WorkerOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, parsing: .unconditional,
        help: ArgumentHelp(
            """
            Workers to start on this host; 0 to 1024, 0 to wait for those of others. (default: as \
            many as have their --threads on cores of their own)
            """, valueName: "count"))
    var workers: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Threads that share the fit of one tile in each of this host's workers, for few large \
            tiles; 1 to 64, of which more than 8 bring nothing. Many workers with one thread each \
            get more done. The pixels do not depend on it.
            """, valueName: "count"))
    var threads = 1

    @Option(
        help: ArgumentHelp(
            """
            Let workers of other hosts join at this address: tcp://ADDRESS:PORT (port 0 takes any \
            free one) or ipc://PATH. (default: only this host's own)
            """, valueName: "endpoint"))
    var listen: String?

    @Flag(
        help: """
            Allow --listen at an address that other hosts can reach, although nothing is encrypted \
            and anybody who reaches it can join.
            """)
    var insecure = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Give up when there has been no worker for so long, in seconds; 0 waits for ever.",
            valueName: "seconds"))
    var workerWait = 120

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How often the state of each fit is stored, so that no more is lost when its worker \
            dies, in seconds; less often where that would be too many bytes; 0 only \
            when a worker leaves.
            """, valueName: "seconds"))
    var checkpointInterval = 60.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Take a worker for dead that has not been heard for so long, in seconds.",
            valueName: "seconds"))
    var leaseSilence = 30

    /// Workers to start on this host.
    var workerCount: Int { workers ?? max(1, Processors.availableCount / threads) }

    func validate() throws {
        if let workers, !(0...1024).contains(workers) {
            throw ValidationError("--workers is \(workers); 0 to 1024 is wanted")
        }
        guard (1...64).contains(threads) else {
            throw ValidationError("--threads is \(threads); 1 to 64 is wanted")
        }
        guard workers != 0 || listen != nil else {
            throw ValidationError("--workers 0 needs --listen: nobody else could join")
        }
        guard (0...100_000_000).contains(workerWait) else {
            throw ValidationError("--worker-wait is \(workerWait); 0 or more seconds are wanted")
        }
        guard checkpointInterval == 0 || (0.1...1_000_000).contains(checkpointInterval) else {
            throw ValidationError(
                "--checkpoint-interval is \(checkpointInterval); 0, or 0.1 or more seconds "
                    + "are wanted"
            )
        }
        guard (1...86_400).contains(leaseSilence) else {
            throw ValidationError(
                "--lease-silence is \(leaseSilence); 1 to 86400 seconds are wanted")
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
        help: ArgumentHelp(
            """
            Also write how far neighbouring tiles disagree where they overlap: a TIFF of one \
            float32 band, 0 to 1. It is replaced if it exists.
            """, valueName: "file"))
    var disagreement: String?

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
