// dip-bench ladder: the convolutions of a network by themselves, on every path.

import ArgumentParser
import DeepImagePrior
import NeuralNetwork

struct Ladder: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time and check single convolutions on every path.",
        discussion: """
            Each convolution of the network's layer table, and some of awkward sizes, is computed \
            in several ways: naive, a plain loop in double precision, which is the reference for \
            errors (on some of the channels where all would take long); general, patches times \
            weights; and fast, where the kernel allows it; the latter two in float32 and, where \
            that rounds factors of such a layer, in bfloat16. A star marks the path that the \
            engine takes. Nothing is pending on the input: no normalization, no enlargement.

            Prints milliseconds and GFLOP/s, counting the arithmetic of direct convolution, of the \
            forward pass, of the pass back to the weights, and of the pass back to weights and \
            input together; then the relative errors of output, weights' gradient and input's \
            gradient. Exits with 1 where an error is out of tolerance.
            """)

    enum Shapes: String, CaseIterable, ExpressibleByArgument {
        case network, awkward, all
    }

    @Option(
        help: "Preset: a name that dip-coord presets lists, or a file that ends in .json.",
        completion: .list(NetworkPreset.allCases.map(\.rawValue)))
    var preset = "paper-denoise"

    @Option(help: ArgumentHelp("Side of the tile.", valueName: "pixels"))
    var tile = 256

    @Option(help: "Convolutions: those of the network, the awkward ones, or all.")
    var shapes = Shapes.all

    @Option(help: ArgumentHelp("Time that is spent on each pass at least.", valueName: "seconds"))
    var seconds = 0.2

    @Flag(help: "Print JSON.")
    var json = false

    struct Climb: Encodable {
        let convolution: LadderShape
        let productCount: Int
        let rungs: [LadderRung]
    }

    struct Measurement: Encodable {
        let preset: String
        let tile: Int
        let kernels: String
        let convolutions: [Climb]
    }

    func validate() throws {
        guard seconds >= 0, seconds <= 60 else {
            throw ValidationError("--seconds is \(seconds); 0 to 60 works.")
        }
    }

    func run() throws {
        try reportingErrors {
            let kernels = try Kernels.forThisMachine()
            let shapes = try chosenShapes()
            if !json { print("\(preset) \(tile)x\(tile), \(kernels.name)") }
            let climbs = try shapes.map { shape in
                let climb = try climb(shape, kernels)
                if !json { show(climb) }
                return climb
            }
            if json {
                try printJSON(
                    Measurement(
                        preset: preset, tile: tile, kernels: kernels.name,
                        convolutions: climbs))
            }
            let rungs = climbs.flatMap(\.rungs)
            if !rungs.allSatisfy(\.isWithinTolerance) { throw ExitCode(1) }
        }
    }

    private func chosenShapes() throws(FitError) -> [LadderShape] {
        let layers = try LadderShape.ofNetwork(preset, tile: tile)
        switch shapes {
        case .network: return layers
        case .awkward: return LadderShape.awkward
        case .all: return layers + LadderShape.awkward
        }
    }

    private func climb(_ shape: LadderShape, _ kernels: Kernels) throws -> Climb {
        let numbers = LadderNumbers(shape, kernels: kernels)
        let (reference, naive) = NaiveConvolution(shape, numbers).climb()
        let layer = try shape.describe().convolutions[0]
        var rungs = [naive]
        for way in LadderWay.all(for: layer) {
            let run = try ConvolutionRun(shape, numbers, way, kernels: kernels, seconds: seconds)
            let errors = reference.errors(of: run)
            // The path does not round such a layer's factors: nothing else was computed.
            if way.precision == .bfloat16, errors == rungs.last?.errors { continue }
            rungs.append(
                LadderRung(
                    name: way.name,
                    isChosen: layer.takesFastPath(.automatic) == layer.takesFastPath(way.paths),
                    forward: LadderRung.Pass(
                        seconds: run.forward, productCount: shape.productCount),
                    toWeights: LadderRung.Pass(
                        seconds: run.toWeights, productCount: shape.productCount),
                    toBoth: LadderRung.Pass(
                        seconds: run.toBoth, productCount: 2 * shape.productCount),
                    errors: errors, toleratedError: way.toleratedError))
        }
        return Climb(convolution: shape, productCount: shape.productCount, rungs: rungs)
    }

    private func show(_ climb: Climb) {
        print("\n\(climb.convolution)")
        print(
            padded("", 20) + padded("forward ms (GFLOP/s)", 22) + padded("to weights", 20)
                + padded("to both", 20) + "errors")
        for rung in climb.rungs {
            let passes = zip([rung.forward, rung.toWeights, rung.toBoth], [22, 20, 20])
                .map { pass, width in
                    let milliseconds = (pass.milliseconds * 1000).rounded() / 1000
                    return padded("\(milliseconds) (\(rounded(pass.gigaflopsPerSecond)))", width)
                }
            let errors = rung.errors.map { errors in
                [errors.forward, errors.toWeights, errors.toInput].map(scientific)
                    .joined(separator: " ")
                    + (rung.isWithinTolerance ? "" : "  OUT OF TOLERANCE")
            }
            print(
                padded(rung.name + (rung.isChosen ? " *" : ""), 20) + passes.joined()
                    + (errors ?? ""))
        }
    }
}
