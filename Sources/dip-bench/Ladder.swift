// dip-bench ladder: the convolutions of a network by themselves, on every path.

import ArgumentParser
import DeepImagePrior
import NeuralNetwork

struct Ladder: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time and check single convolutions on every path.",
        discussion: """
            Each convolution of the network's layer table, and some of awkward sizes, is computed \
            in three ways: naive, a plain loop in double precision, which is the reference for \
            errors (on some of the channels where all would take long); general, patches times \
            weights; and fast, where the kernel allows it. A star marks the way that the engine \
            takes. Nothing is pending on the input: no normalization, no enlargement.

            Prints milliseconds and GFLOP/s, counting the arithmetic of direct convolution, of the \
            forward pass, of the pass back to the weights, and of the pass back to weights and \
            input together; then the relative errors of output, weights' gradient and input's \
            gradient. Exits with 1 where an error is out of tolerance.
            """)

    enum Shapes: String, CaseIterable, ExpressibleByArgument {
        case network, awkward, all
    }

    @Option(help: "Network: paper or thin.")
    var network = "paper"

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
        let network: String
        let tile: Int
        let kernels: String
        let toleratedError: Double
        let convolutions: [Climb]
    }

    /// Winograd's transforms lose two digits more than a plain sum.
    private static let toleratedError = 1e-5

    func validate() throws {
        guard seconds >= 0, seconds <= 60 else {
            throw ValidationError("--seconds is \(seconds); 0 to 60 works.")
        }
    }

    func run() throws {
        try reportingErrors {
            let kernels = try Kernels.forThisMachine()
            let shapes = try chosenShapes()
            if !json { print("\(network) \(tile)x\(tile), \(kernels.name)") }
            let climbs = try shapes.map { shape in
                let climb = try climb(shape, kernels)
                if !json { show(climb) }
                return climb
            }
            if json {
                try printJSON(
                    Measurement(
                        network: network, tile: tile, kernels: kernels.name,
                        toleratedError: Self.toleratedError, convolutions: climbs))
            }
            let errors = climbs.flatMap(\.rungs).compactMap(\.errors?.largest)
            if !errors.allSatisfy({ $0 <= Self.toleratedError }) { throw ExitCode(1) }
        }
    }

    private func chosenShapes() throws(FitError) -> [LadderShape] {
        let layers = try LadderShape.ofNetwork(network, tile: tile)
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
        let paths = layer.takesFastPath(.fast) ? [PathChoice.general, .fast] : [.general]
        let rungs = try paths.map { paths in
            let run = try ConvolutionRun(
                shape, numbers, paths: paths, kernels: kernels, seconds: seconds)
            return LadderRung(
                name: paths.rawValue,
                isChosen: layer.takesFastPath(.automatic) == layer.takesFastPath(paths),
                forward: LadderRung.Pass(seconds: run.forward, productCount: shape.productCount),
                toWeights: LadderRung.Pass(
                    seconds: run.toWeights, productCount: shape.productCount),
                toBoth: LadderRung.Pass(seconds: run.toBoth, productCount: 2 * shape.productCount),
                errors: reference.errors(of: run))
        }
        return Climb(convolution: shape, productCount: shape.productCount, rungs: [naive] + rungs)
    }

    private func show(_ climb: Climb) {
        print("\n\(climb.convolution)")
        print(
            padded("", 10) + padded("forward ms (GFLOP/s)", 22) + padded("to weights", 20)
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
                    + (errors.largest <= Self.toleratedError ? "" : "  OUT OF TOLERANCE")
            }
            print(
                padded(rung.name + (rung.isChosen ? " *" : ""), 10) + passes.joined()
                    + (errors ?? ""))
        }
    }
}
