import Foundation
import NeuralNetwork
import Testing

@testable import DeepImagePrior

@Suite(.serialized) struct FitTests {
    /// What a fit holds, read out of its private properties.
    private struct Inside {
        let network: Network
        let z: [Float]
        let average: [Float]
        let snapshot: FitState.Moment

        init(_ fit: Fit) throws {
            let children = Dictionary(
                Mirror(reflecting: fit).children.map { ($0.label ?? "", $0.value) },
                uniquingKeysWith: { first, _ in first })
            network = try #require(children["network"] as? Network)
            z = try #require(children["z"] as? [Float])
            average = try #require(children["average"] as? [Float])
            snapshot = try #require(children["snapshot"] as? FitState.Moment)
        }
    }

    private func run(
        _ problem: FitProblem, _ configuration: FitConfiguration, iterations: Int
    ) throws -> (pixels: [Float], progress: [FitProgress]) {
        let fit = try Fit(problem: problem, configuration: configuration)
        let progress = try (0..<iterations).map { _ in try fit.step() }
        return (fit.result(), progress)
    }

    // MARK: One seed, one answer

    @Test func `the same seed gives the same bytes, whatever runs beside it`() throws {
        let alone = try run(.tile(), .tiny(), iterations: 25)
        let (first, second) = (
            try Fit(problem: .tile(), configuration: .tiny()),
            try Fit(problem: .tile(number: 7), configuration: .tiny { $0.seed = 5 })
        )
        var progress: [FitProgress] = []
        for _ in 0..<25 {
            progress.append(try first.step())
            _ = try second.step()
        }
        #expect(first.result() == alone.pixels)
        #expect(progress == alone.progress)
        #expect(second.result() != alone.pixels)
    }

    @Test func `another seed, tile, place or pixel gives another result`() throws {
        let plain = try run(.tile(), .tiny(), iterations: 3).pixels
        let others = [
            ("seed", try run(.tile(), .tiny { $0.seed = 1 }, iterations: 3)),
            ("high seed", try run(.tile(), .tiny { $0.seed = 1 << 40 }, iterations: 3)),
            ("tile", try run(.tile(number: 1), .tiny(), iterations: 3)),
            ("column", try run(.tile(x: 32), .tiny(), iterations: 3)),
            ("row", try run(.tile(y: 32), .tiny(), iterations: 3)),
            (
                "pixels",
                try run(.tile { 1 - FitProblem.smooth($0, $1, $2) }, .tiny(), iterations: 3)
            ),
        ]
        for (what, other) in others {
            #expect(other.pixels != plain, "\(what)")
        }
        // Without noise on z, the tile's number makes no difference.
        let quiet = FitConfiguration.tiny { $0.inputNoiseDeviation = 0 }
        let results = try [0, 9].map { try run(.tile(number: $0), quiet, iterations: 3).pixels }
        #expect(results[0] == results[1])
    }

    @Test func `every tile starts from the same weights`() throws {
        let fits = try [(0, 0), (640, 32), (32, 640)].map { x, y in
            try Fit(problem: .tile(x: x, y: y, number: x), configuration: .tiny())
        }
        let values = try fits.map { Array(try Inside($0).network.values) }
        #expect(values[0] == values[1] && values[0] == values[2])
        let other = try Fit(problem: .tile(), configuration: .tiny { $0.seed = 3 })
        #expect(Array(try Inside(other).network.values) != values[0])
    }

    // MARK: z

    @Test func `tiles see the same z where they overlap`() throws {
        let configuration = FitConfiguration.tiny { $0.inputChannels = 5 }
        let field = NoiseField(configuration)
        for kernels in KernelPaths.all {
            for (x, y) in [(0, 0), (100, 37), (65_530, 70_000), (-5, -9)] {
                let large = field.cut(.tile(12, 20, x: x, y: y), kernels: kernels)
                #expect(large.count == 12 * 20 * 5)
                for (dx, dy) in [(0, 0), (3, 0), (0, 2), (13, 7)] {
                    let part = field.cut(.tile(5, 7, x: x + dx, y: y + dy), kernels: kernels)
                    for row in 0..<5 {
                        let from = ((row + dy) * 20 + dx) * 5
                        #expect(
                            Array(part[row * 35..<(row + 1) * 35])
                                == Array(large[from..<from + 35]), "\(kernels.name) \(x) \(y)")
                    }
                }
            }
        }
    }

    @Test func `z is uniform from 0 to its scale and differs everywhere`() throws {
        for scale in [0.1, 2] {
            let configuration = FitConfiguration.tiny {
                $0.inputScale = scale
                $0.inputChannels = 32
            }
            let z = NoiseField(configuration).cut(
                .tile(40, 40), kernels: try Kernels.forThisMachine())
            let isInside = z.allSatisfy { $0 >= 0 && $0 < Float(scale) }
            #expect(isInside)
            let count = Double(z.count)
            let mean = z.reduce(0) { $0 + Double($1) } / count
            let spread = z.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
            #expect(abs(mean / scale - 0.5) < 0.01)
            #expect(abs(spread / scale / scale - 1.0 / 12) < 0.002)
            #expect(Set(z).count > z.count * 98 / 100)
        }
    }

    @Test func `each iteration adds fresh noise of the given deviation to z`() throws {
        let fit = try Fit(
            problem: .tile(), configuration: .tiny { $0.inputNoiseDeviation = 0.25 })
        let inside = try Inside(fit)
        var before: [Double] = []
        for _ in 0..<3 {
            _ = try fit.step()
            let noise = zip(inside.network.input, inside.z).map { Double($0) - Double($1) }
            let size = noise.reduce(0) { $0 + $1 * $1 } / Double(noise.count)
            #expect(abs(size.squareRoot() - 0.25) < 0.01)
            if !before.isEmpty {
                let product = zip(noise, before).reduce(0) { $0 + $1.0 * $1.1 }
                #expect(abs(product / Double(noise.count)) < 0.003)
            }
            before = noise
        }
    }

    // MARK: The optimization

    @Test(arguments: [1, 3, 4])
    func `the loss falls within sixty iterations on a smooth image`(bands: Int) throws {
        let (pixels, progress) = try run(
            .tile(bands: bands), .tiny { $0.collapseDecibels = 100 }, iterations: 60)
        let (first, last) = (progress[0].loss, progress[59].loss)
        #expect(last < first / 4, "from \(first) to \(last)")
        #expect(progress.map(\.iteration) == Array(1...60))
        #expect(pixels.count == 32 * 32 * bands)
        for step in progress {
            #expect(abs(step.psnrToInput + 10 * log10(step.loss)) < 1e-9)
        }
    }

    @Test func `the loss is the mean squared error of the output against the pixels`() throws {
        let problem = FitProblem.tile(16, 32)
        let fit = try Fit(problem: problem, configuration: .tiny())
        let inside = try Inside(fit)
        for _ in 0..<3 {
            let progress = try fit.step()
            let sum = zip(inside.network.output, problem.pixels).reduce(0.0) {
                $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
            }
            let expected = sum / Double(problem.pixels.count)
            #expect(abs(progress.loss - expected) <= 1e-5 * expected)
        }
    }

    @Test func `the result is the exponential average of the outputs`() throws {
        for decay in [0, 0.5, 0.99] {
            let fit = try Fit(problem: .tile(), configuration: .tiny { $0.averageDecay = decay })
            let inside = try Inside(fit)
            var expected: [Double] = []
            for _ in 0..<6 {
                _ = try fit.step()
                let output = inside.network.output.map(Double.init)
                if expected.isEmpty { expected = output }
                expected = zip(expected, output).map { decay * $0 + (1 - decay) * $1 }
            }
            let worst = zip(fit.result(), expected).map { abs(Double($0) - $1) }.max() ?? 1
            #expect(worst < 1e-6, "decay \(decay)")
        }
    }

    @Test func `an average that is even at first is the mean of the outputs, then exponential`()
        throws
    {
        let fit = try Fit(
            problem: .tile(),
            configuration: .tiny {
                $0.averageDecay = 0.75
                $0.averagesEvenlyAtFirst = true
            })
        let inside = try Inside(fit)
        var outputs: [[Double]] = []
        for _ in 0..<6 {
            _ = try fit.step()
            outputs.append(inside.network.output.map(Double.init))
        }
        let expected = outputs[0].indices.map { place in
            let mean = outputs[..<4].reduce(0) { $0 + $1[place] } / 4
            return outputs[4...].reduce(mean) { 0.75 * $0 + 0.25 * $1[place] }
        }
        let worst = zip(fit.result(), expected).map { abs(Double($0) - $1) }.max() ?? 1
        #expect(worst < 1e-6)
    }

    @Test func `the gradient is shortened to its largest norm`() throws {
        for norm in [1e-3, 1e-6] {
            let fit = try Fit(
                problem: .tile(), configuration: .tiny { $0.gradientNormMaximum = norm })
            _ = try fit.step()
            let moments = try Inside(fit).network.firstMoments
            let size = moments.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(abs(size / 0.1 - norm) < 2e-3 * norm, "\(size)")
        }
    }

    @Test func `the first step moves no weight further than the learning rate`() throws {
        let fit = try Fit(problem: .tile(), configuration: .tiny { $0.learningRate = 0.02 })
        let inside = try Inside(fit)
        let before = Array(inside.network.values)
        _ = try fit.step()
        let steps = zip(inside.network.values, before).map { abs($0 - $1) }
        #expect((steps.max() ?? 0) <= 0.02001)
        #expect((steps.max() ?? 0) > 0.0195)
        // The biases in front of norms stay as they are.
        for parameter in inside.network.layout.parameters where parameter.hasNoEffect {
            let moments = inside.network.gradient(of: parameter)
            #expect(moments.allSatisfy { $0 == 0 }, "\(parameter.name)")
        }
    }

    @Test func `a result stays within 0 and 1, also without a sigmoid`() throws {
        for hasSigmoid in [true, false] {
            let problem = FitProblem.tile { row, column, _ in Float((row / 4 + column / 4) % 2) }
            let configuration = FitConfiguration.tiny {
                $0.hasSigmoid = hasSigmoid
                $0.averageDecay = 0
            }
            let fit = try Fit(problem: problem, configuration: configuration)
            let isBefore = fit.result().allSatisfy { (0...1).contains($0) }
            #expect(isBefore)
            for _ in 0..<20 { _ = try fit.step() }
            let isAfter = fit.result().allSatisfy { (0...1).contains($0) }
            #expect(isAfter)
        }
    }

    @Test func `a fit is finished after its iterations`() throws {
        let fit = try Fit(problem: .tile(16, 16), configuration: .tiny { $0.iterations = 3 })
        for count in 0..<3 {
            #expect(!fit.isFinished && fit.iteration == count)
            _ = try fit.step()
        }
        #expect(fit.isFinished && fit.iteration == 3)
    }

    // MARK: Memory

    @Test func `a step takes no arena memory, nor does a roll-back`() throws {
        let fit = try Fit(
            problem: .tile(),
            configuration: .tiny {
                $0.snapshotInterval = 2
                $0.collapseDecibels = 0.01
                $0.rollBacksMaximum = 1000
            })
        let network = try Inside(fit).network
        func places() -> [UnsafeMutablePointer<Float>?] {
            [
                network.input, network.output, network.outputGradient, network.values,
                network.gradients, network.firstMoments, network.secondMoments,
            ].map(\.baseAddress)
        }
        let before = places()
        var rollBackCount = 0
        for _ in 0..<30 { rollBackCount = try fit.step().rollBackCount }
        #expect(rollBackCount > 0)
        #expect(places() == before)
        #expect(try Inside(fit).network === network)
    }

    @Test func `the stated memory is what is held, within a fifth`() throws {
        for (configuration, side) in [
            (FitConfiguration.tiny(), 64), (FitConfiguration(preset: .thin), 64),
        ] {
            let problem = FitProblem.tile(side, side)
            let inside = try Inside(Fit(problem: problem, configuration: configuration))
            let snapshot = inside.snapshot
            let floats =
                inside.z.count + inside.average.count + problem.pixels.count
                + snapshot.values.count + snapshot.firstMoments.count
                + snapshot.secondMoments.count + snapshot.average.count
            let held = inside.network.memoryByteCount + 4 * floats
            let stated = try Fit.memoryByteCount(
                configuration, height: side, width: side, bands: 3)
            #expect(abs(Double(stated - held)) < 0.2 * Double(held), "\(stated) for \(held)")
        }
    }

    @Test func `memory and arithmetic grow with the tile`() throws {
        let configuration = FitConfiguration(preset: .paper)
        let sizes = try [64, 128, 256].map { side in
            (
                try Fit.memoryByteCount(configuration, height: side, width: side, bands: 3),
                try Fit.operationsPerIteration(
                    configuration, height: side, width: side, bands: 3)
            )
        }
        for (small, large) in zip(sizes, sizes.dropFirst()) {
            #expect(large.0 > small.0 && large.0 < 4 * small.0)
            #expect(large.1 == 4 * small.1)
        }
    }

    // MARK: Problems

    @Test func `a problem that makes no sense is refused with a sentence`() {
        var problems: [(String, FitProblem)] = [
            ("no pixels", .tile(0, 0)), ("size", .tile(32, 30)), ("tall", .tile(33, 32)),
            ("small", .tile(4, 4)), ("no bands", .tile(bands: 0)), ("bands", .tile(bands: 257)),
            ("infinite", .tile { row, _, band in row == 7 && band == 2 ? .infinity : 0 }),
        ]
        for change in [1, -1] {
            var problem = FitProblem.tile()
            problem.pixels = [Float](repeating: 0, count: problem.pixels.count + change)
            problems.append(("count", problem))
        }
        var negative = FitProblem.tile()
        (negative.height, negative.width) = (-32, -32)
        problems.append(("negative", negative))
        for (what, problem) in problems {
            do throws(FitError) {
                _ = try Fit(problem: problem, configuration: .tiny())
                Issue.record("\(what) was accepted")
            } catch .invalid(let sentence) {
                #expect(sentence.count > 20 && sentence.contains(" "), "\(what): \(sentence)")
            } catch {
                Issue.record("\(what): \(error)")
            }
        }
    }
}
