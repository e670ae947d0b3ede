// dip-bench step: the time of one training iteration, as a whole and by layer.

import ArgumentParser
import DeepImagePrior
import Glibc
import NeuralNetwork

struct Step: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time one training iteration of a tile.",
        discussion: """
            Prints the median over the iterations, and GFLOP/s counting the arithmetic of direct \
            convolution: three passes of two operations a product, one of them forward. Layers are \
            counted by the passes that they make: those that read the network's input make no pass \
            back to it. Exits with 64 for a network or tile that cannot be, with 75 where memory \
            is short.
            """)

    @Option(
        help: "Preset: a name that dip-coord presets lists, or a file that ends in .json.",
        completion: .list(NetworkPreset.allCases.map(\.rawValue)))
    var preset = "paper-denoise"

    @Option(
        help: ArgumentHelp("Side of the tile. (default: the preset's)", valueName: "pixels"))
    var tile: Int?

    @Option(
        help: "With the task upscale: how many times the tile is larger than what is given.")
    var factor = 1

    @Option(help: "Threads of the fit.")
    var threads = 1

    @Option(help: "Precision: float32, bfloat16 or auto.")
    var precision = PrecisionChoice.float32

    @Option(help: "Iterations that are timed, after one that is not.")
    var iterations = 7

    @Flag(help: "Print the time of each layer as well.")
    var layers = false

    @Flag(help: "Print JSON.")
    var json = false

    struct Measurement: Encodable {
        let preset: String
        let tile: Int
        let bands: Int
        let threads: Int
        let kernels: String
        let iterations: Int
        /// Of each iteration, in order.
        let milliseconds: [Double]
        let medianMilliseconds: Double
        let minimumMilliseconds: Double
        let gigaflopsPerSecond: Double
        /// What the fit asks for.
        let memoryBytes: Int
        /// The most that the whole process held at a time.
        let peakMemoryBytes: Int
        let layers: LayerTimes?
        let configuration: FitConfiguration
    }

    func validate() throws {
        try requireThreadCount(threads)
        guard factor == 1 || FitConfiguration.upscalingFactors.contains(factor),
            tile?.isMultiple(of: factor) != false
        else {
            throw ValidationError(
                "--factor is \(factor); 1, 2, 3, 4 or 8 works, a part of the tile.")
        }
        guard iterations >= 1 else {
            throw ValidationError("--iterations is \(iterations); at least 1 works.")
        }
    }

    func run() throws {
        try reportingErrors {
            let measurement = try measure()
            if json { try printJSON(measurement) } else { show(measurement) }
        }
    }

    private func show(_ measurement: Measurement) {
        print(
            "\(preset) \(measurement.tile)x\(measurement.tile), "
                + "\(threads) thread\(threads == 1 ? "" : "s"), "
                + "\(measurement.configuration.precision.rawValue), \(measurement.kernels): median "
                + "\(rounded(measurement.medianMilliseconds)) ms, least "
                + "\(rounded(measurement.minimumMilliseconds)) ms, "
                + "\(rounded(measurement.gigaflopsPerSecond)) GFLOP/s, "
                + "\(measurement.memoryBytes / 1_000_000) MB, at its peak "
                + "\(measurement.peakMemoryBytes / 1_000_000) MB of the process")
        measurement.layers?.printTable()
    }

    private func measure() throws -> Measurement {
        let bands = 3
        let chosen = try Preset(nameOrFile: preset)
        let tile = tile ?? chosen.tiling.tile
        var configuration = chosen.configuration
        configuration.iterations = iterations + 1
        configuration.precision = precision.resolved
        if factor > 1 { (configuration.task, configuration.factor) = (.upscale, factor) }
        let memory = try requireMemory(configuration, tile: tile, bands: bands, threads: threads)
        let side = tile / factor
        let pixels = (0..<side * side * bands).map { Float(($0 &* 7919) % 256) / 255 }
        let problem = FitProblem(
            pixels: pixels, height: side, width: side, bands: bands, factor: factor, originX: 0,
            originY: 0, tile: 0)
        let fit = try Fit(
            problem: problem, configuration: configuration, threadCount: threads)
        _ = try fit.step()
        let clock = ContinuousClock()
        let partClock = layers ? PartClock() : nil
        var milliseconds: [Double] = []
        for _ in 0..<iterations {
            let elapsed = try clock.measure {
                partClock?.start()
                _ = try fit.step(observing: partClock.map { clock in { clock.end($0) } })
            }
            milliseconds.append(elapsed / .milliseconds(1))
        }
        let operations = try Fit.operationsPerIteration(
            configuration, height: tile, width: tile, bands: bands)
        let convolutions = try Fit.layers(configuration, height: tile, width: tile, bands: bands)
        return Measurement(
            preset: preset, tile: tile, bands: bands, threads: threads,
            kernels: try Kernels.forThisMachine().name, iterations: iterations,
            milliseconds: milliseconds, medianMilliseconds: median(milliseconds),
            minimumMilliseconds: milliseconds.min() ?? 0,
            gigaflopsPerSecond: operations / median(milliseconds) / 1e6,
            memoryBytes: memory,
            peakMemoryBytes: peakMemoryByteCount(),
            layers: partClock.map { LayerTimes(convolutions, $0) }, configuration: configuration)
    }

    private func peakMemoryByteCount() -> Int {
        var usage = rusage()
        guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
        let bytesPerUnit = 1024
        return usage.ru_maxrss * bytesPerUnit
    }
}
