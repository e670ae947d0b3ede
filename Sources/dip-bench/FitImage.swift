// dip-bench fit: how a fit of a picture's middle comes along.

import ArgumentParser
import DeepImagePrior
import Glibc
import Imaging
import NeuralNetwork

struct FitImage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fit",
        abstract: "Fit the middle tile of an image: seconds and PSNR on the way.",
        discussion: """
            Reports after 100, 200, 400, ... iterations and after the last: the time so far \
            without that of reporting, the PSNR of the network's output to the image, and with \
            --clean that of the averaged output, which is what a restoration delivers, to the \
            clean image. Exits with 64 for a tile that does not fit, with 65 for an image that \
            cannot be read, with 66 where there is none.
            """)

    @Argument(
        help: ArgumentHelp("PNG, TIFF or JPEG.", valueName: "image"), completion: .file())
    var image: String

    @Option(
        help: "Preset: a name that dip-coord presets lists, or a file that ends in .json.",
        completion: .list(NetworkPreset.allCases.map(\.rawValue)))
    var preset = "balanced"

    @Option(
        help: ArgumentHelp("Side of the tile. (default: the preset's)", valueName: "pixels"))
    var tile: Int?

    @Option(help: "Iterations of the fit. (default: the preset's)")
    var iterations: Int?

    @Option(help: "Precision: float32, bfloat16 or auto. (default: the preset's)")
    var precision: PrecisionChoice?

    @Option(help: "Threads of the fit.")
    var threads = 1

    @Option(help: "Seed of everything that is random. (default: the preset's)")
    var seed: UInt64?

    @Option(
        help: "With a preset for Poisson noise: counts that one of the image's values stands for.")
    var countsPerValue = 1.0

    @Option(
        help: ArgumentHelp(
            "Begin with the weights in this file, which dip-coord --save-start wrote.",
            valueName: "file"),
        completion: .file())
    var startFrom: String?

    @Option(
        help: ArgumentHelp("The same image undamaged.", valueName: "file"), completion: .file())
    var clean: String?

    @Flag(help: "Print JSON.")
    var json = false

    struct Report: Encodable {
        let iteration: Int
        let seconds: Double
        let loss: Double
        let psnrToInput: Double
        let psnrToClean: Double?
    }

    struct Measurement: Encodable {
        let image: String
        let preset: String
        let tile: Int
        let kernels: String
        let iterations: Int
        let secondsPerIteration: Double
        let rollBackCount: Int
        let reports: [Report]
        let configuration: FitConfiguration
    }

    func validate() throws {
        if let tile, tile < 1 { throw ValidationError("--tile is \(tile); at least 1 works.") }
        if let iterations, iterations < 1 {
            throw ValidationError("--iterations is \(iterations); at least 1 works.")
        }
        try requireThreadCount(threads)
    }

    func run() throws {
        try reportingErrors {
            let measurement = try measure()
            if json { try printJSON(measurement) }
        }
    }

    private func measure() throws -> Measurement {
        let chosen = try Preset(nameOrFile: preset)
        let tile = tile ?? chosen.tiling.tile
        var configuration = chosen.configuration
        if let iterations { configuration.iterations = iterations }
        if let seed { configuration.seed = seed }
        if let precision { configuration.precision = precision.resolved }
        let values = try ImageFormats.open(image).header.values
        if configuration.noiseModel == .poisson {
            configuration.setCounts(perValue: countsPerValue, low: values.low, high: values.high)
        }
        let problem = try readMiddle(image, tile)
        let wanted = try clean.map { try readMiddle($0, tile, like: problem).pixels }
        let start = try startFrom.map { path in
            do {
                return try StartWeights(bytes: try readFile(path))
            } catch let error as InputError {
                throw FitError.invalid("\(path) \(error.description)")
            }
        }
        configuration.start = start?.identity ?? ""
        let fit = try Fit(
            problem: problem, configuration: configuration, start: start, threadCount: threads)
        let kernels = try Kernels.forThisMachine().name
        if !json {
            print(
                "\(preset) \(tile)x\(tile)x\(problem.bands) at "
                    + "(\(problem.originX), \(problem.originY)), "
                    + "\(configuration.precision.rawValue), \(kernels)")
        }
        var reports: [Report] = []
        var elapsed = Duration.zero
        var nextReport = 100
        var rollBackCount = 0
        var stepCount = 0
        while !fit.isFinished {
            let start = ContinuousClock.now
            let progress = try fit.step()
            elapsed += ContinuousClock.now - start
            stepCount += 1
            rollBackCount = progress.rollBackCount
            // A roll-back leads to an iteration that may have been reported.
            guard progress.iteration == nextReport || fit.isFinished else { continue }
            if progress.iteration == nextReport { nextReport *= 2 }
            let report = Report(
                iteration: progress.iteration, seconds: elapsed / .seconds(1),
                loss: progress.loss, psnrToInput: progress.psnrToInput,
                psnrToClean: wanted.map { psnr($0, fit.result()) })
            if !json { show(report) }
            reports.append(report)
        }
        return Measurement(
            image: image, preset: preset, tile: tile, kernels: kernels,
            iterations: configuration.iterations,
            secondsPerIteration: elapsed / .seconds(1) / Double(stepCount),
            rollBackCount: rollBackCount, reports: reports, configuration: configuration)
    }

    /// The middle tile of an image; where another is given, the image must be as large.
    private func readMiddle(
        _ path: String, _ tile: Int, like other: FitProblem? = nil
    ) throws -> FitProblem {
        let source = try ImageFormats.open(path)
        let header = source.header
        guard tile <= min(header.width, header.height) else {
            throw FitError.invalid(
                "\(path) has \(header.width) x \(header.height) pixels; a tile of \(tile) does not "
                    + "fit in")
        }
        let (x, y) = ((header.width - tile) / 2, (header.height - tile) / 2)
        let problem = FitProblem(
            pixels: [Float](repeating: 0, count: tile * tile * header.colorBands), height: tile,
            width: tile, bands: header.colorBands, originX: x, originY: y, tile: 0)
        if let other, (other.originX, other.originY, other.bands) != (x, y, problem.bands) {
            throw FitError.invalid("\(path) has another size or other bands than \(image)")
        }
        return try read(
            PixelRegion(x: x, y: y, width: tile, height: tile), of: source, into: problem)
    }

    private func read(
        _ region: PixelRegion, of source: any ImageSource, into problem: FitProblem
    ) throws(ImageError) -> FitProblem {
        var problem = problem
        let pixels = UnsafeMutableBufferPointer<Float>.allocate(capacity: problem.pixels.count)
        defer { pixels.deallocate() }
        try source.readColor(region, into: pixels)
        problem.pixels = Array(pixels)
        return problem
    }

    private func psnr(_ a: [Float], _ b: [Float]) -> Double {
        let sum = zip(a, b).reduce(0.0) { sum, pair in
            let difference = Double(pair.0) - Double(pair.1)
            return sum + difference * difference
        }
        return ImageQuality.psnr(meanSquaredError: sum / Double(a.count))
    }

    private func show(_ report: Report) {
        let rate = (report.seconds / Double(report.iteration) * 1e5).rounded() / 1e5
        print(
            padded("\(report.iteration)", 8) + padded("\(rounded(report.seconds)) s", 12)
                + padded("\(rate) s each", 18)
                + padded("\(hundredths(report.psnrToInput)) dB to the image", 26)
                + (report.psnrToClean.map { "\(hundredths($0)) dB to the clean one" } ?? ""))
        fflush(nil)
    }

    private func hundredths(_ value: Double) -> Double {
        (value * 100).rounded() / 100
    }
}
