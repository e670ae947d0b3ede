// dip-bench blend: memory and throughput of the coordinator's path of files, beside a copy.

import ArgumentParser
import DeepImagePrior
import FoundationEssentials
import Glibc
import Imaging

struct BlendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blend",
        abstract: "Measure the coordinator's memory and throughput without any fit.",
        discussion: """
            Makes a TIFF of smooth waves and grain, reads each tile's window, stores it as if it \
            had been restored, and blends the tiles into the output, in a process of its own; then \
            lets another program copy the same file, in turn, and prints medians. Exits with 1 \
            when the output is not the input, with 65 when a file cannot be read or written.
            """)

    @Option(help: ArgumentHelp("Size of the image.", valueName: "width x height"))
    var size = "4096x4096"

    @Option(help: "Bands of 8 bits.")
    var bands = 3

    @Option(help: ArgumentHelp("The longest side of a tile.", valueName: "pixels"))
    var tile = 256

    @Option(help: ArgumentHelp("The least that tiles share.", valueName: "pixels"))
    var overlap = 32

    @Option(help: "Compression of input and output: none, lzw, deflate, zstd.")
    var compression = "none"

    @Option(help: ArgumentHelp("Memory for decoded pixels of the input.", valueName: "MB"))
    var cache = 128

    @Option(help: "Tiles that are stored at a time, and read meanwhile: as many results wait.")
    var together = 32

    @Option(help: "The program that copies: vips, gdal_translate or none.")
    var against = "vips"

    @Option(help: "Rounds, of which each runs both programs.")
    var rounds = 3

    @Option(help: "Where temporary files go. (default: TMPDIR, else /tmp)")
    var folder: String?

    @Flag(help: "Print JSON.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Where the image lies, and stays; it is made where nothing is.", valueName: "file"))
    var input: String?

    @Option(help: ArgumentHelp("One run alone, from the input to here.", visibility: .hidden))
    var output: String?

    func validate() throws {
        guard against == "none" || BlendMeasurement.programs[against] != nil else {
            throw ValidationError("--against is \(against); vips, gdal_translate or none work.")
        }
        guard ["none", "lzw", "deflate", "zstd"].contains(compression) else {
            throw ValidationError("--compression is \(compression).")
        }
        guard (1...256).contains(bands), rounds >= 1, cache >= 1, together >= 1 else {
            throw ValidationError(
                "--bands is 1 to 256, --rounds, --cache and --together at least 1.")
        }
        _ = try pixels()
    }

    private func pixels() throws -> (width: Int, height: Int) {
        let parts = size.split(separator: "x").map { Int($0) ?? 0 }
        guard parts.count == 2, parts.allSatisfy({ (1...1_000_000).contains($0) }) else {
            throw ValidationError("--size is \(size); WIDTHxHEIGHT is wanted.")
        }
        return (parts[0], parts[1])
    }

    func run() throws {
        try reportingErrors {
            if let input, let output {
                let configuration = FitConfiguration(preset: .thin)
                let path = PassThrough(
                    input: input, output: output, tile: tile, overlap: overlap,
                    alignment: configuration.alignment, minimumSide: configuration.minimumSide,
                    cacheByteCount: cache << 20, together: together)
                return try printJSON(try path.run())
            }
            let (width, height) = try pixels()
            let picture = TestPicture(width: width, height: height, bands: bands)
            let place = folder ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            var measurement = BlendMeasurement(
                picture: picture, input: input, compression: compression, against: against,
                folder: "\(place)/dip-bench-blend-\(getpid())", options: options)
            defer { measurement.removeFiles() }
            try measurement.run(rounds: rounds)
            if json { try printJSON(measurement.summary) } else { print(measurement.summary.text) }
            guard measurement.summary.isOutputEqual else {
                report("the output differs from the input")
                throw ExitCode(1)
            }
        }
    }

    /// What the process of one run is told besides its files.
    private var options: [String] {
        ["--tile", "\(tile)", "--overlap", "\(overlap)", "--cache", "\(cache)"]
            + ["--together", "\(together)"]
    }
}
