// dip-bench step: the time of one training iteration.

import ArgumentParser
import DeepImagePrior
import FoundationEssentials
import NeuralNetwork

struct Step: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time one training iteration of a tile.",
        discussion: """
            Prints the median over the iterations, and GFLOP/s counting the arithmetic of direct \
            convolution: three passes of two operations a product.
            """)

    @Option(help: "Network: paper or thin.")
    var network = "paper"

    @Option(help: ArgumentHelp("Side of the tile.", valueName: "pixels"))
    var tile = 256

    @Option(help: "Threads of the fit; 1.")
    var threads = 1

    @Option(help: "Iterations that are timed, after one that is not.")
    var iterations = 7

    @Flag(help: "Print JSON.")
    var json = false

    struct Measurement: Encodable {
        let network: String
        let tile: Int
        let threads: Int
        let kernels: String
        let iterations: Int
        let medianMilliseconds: Double
        let minimumMilliseconds: Double
        let gigaflopsPerSecond: Double
        let memoryBytes: Int
    }

    func validate() throws {
        guard threads == 1 else { throw ValidationError("--threads is \(threads); 1 works.") }
        guard iterations >= 1 else {
            throw ValidationError("--iterations is \(iterations); at least 1 works.")
        }
    }

    func run() throws {
        let measurement = try measure()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(measurement), as: UTF8.self))
        } else {
            print(
                "\(network) \(tile)x\(tile), \(threads) thread, \(measurement.kernels): median "
                    + "\(rounded(measurement.medianMilliseconds)) ms, least "
                    + "\(rounded(measurement.minimumMilliseconds)) ms, "
                    + "\(rounded(measurement.gigaflopsPerSecond)) GFLOP/s, "
                    + "\(measurement.memoryBytes / 1_000_000) MB")
        }
    }

    private func measure() throws -> Measurement {
        var configuration = try FitConfiguration(preset: network)
        configuration.iterations = iterations + 1
        let pixels = (0..<tile * tile * 3).map { Float(($0 &* 7919) % 256) / 255 }
        let problem = FitProblem(
            pixels: pixels, height: tile, width: tile, bands: 3, originX: 0, originY: 0, tile: 0)
        let fit = try Fit(problem: problem, configuration: configuration)
        _ = try fit.step()
        let clock = ContinuousClock()
        var milliseconds: [Double] = []
        for _ in 0..<iterations {
            let elapsed = try clock.measure { _ = try fit.step() }
            milliseconds.append(elapsed / .milliseconds(1))
        }
        milliseconds.sort()
        let median = milliseconds[milliseconds.count / 2]
        let operations = try Fit.operationsPerIteration(
            configuration, height: tile, width: tile, bands: 3)
        return Measurement(
            network: network, tile: tile, threads: threads,
            kernels: try Kernels.forThisMachine().name, iterations: iterations,
            medianMilliseconds: median, minimumMilliseconds: milliseconds[0],
            gigaflopsPerSecond: operations / median / 1e6,
            memoryBytes: try Fit.memoryByteCount(
                configuration, height: tile, width: tile, bands: 3))
    }

    private func rounded(_ value: Double) -> Double {
        (value * 10).rounded() / 10
    }
}
