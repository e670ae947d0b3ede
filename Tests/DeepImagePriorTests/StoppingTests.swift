import Testing

@testable import DeepImagePrior

/// Fits that a rule stops, and pilots that find out where.
@Suite(.serialized) struct StoppingTests {
    private static let problem = FitProblem.tile(number: 3)

    private static func configuration(
        _ rule: StopRule, isPilot: Bool, _ adjust: (inout FitConfiguration) -> Void = { _ in }
    ) -> FitConfiguration {
        FitConfiguration.tiny {
            $0.stopRule = rule
            $0.measuresStop = isPilot
            $0.iterations = 130
            $0.heldOutShare = 0.1
            $0.stopPatience = 20
            $0.stopWarmUp = 0
            $0.snapshotInterval = 25
            adjust(&$0)
        }
    }

    @Test(
        arguments: [StopRule.heldOut, .variance, .noiseLevel],
        [false, true])
    func `a fit that is interrupted stops at the same point with the same result`(
        rule: StopRule, isPilot: Bool
    ) throws {
        let configuration = Self.configuration(rule, isPilot: isPilot) {
            $0.noiseDeviation = 0.15
        }
        func run(interruptedAt places: Set<Int>) throws -> (Int, [Float]) {
            var fit = try Fit(problem: Self.problem, configuration: configuration)
            while !fit.isFinished {
                let iteration = try fit.step().iteration
                guard places.contains(iteration) else { continue }
                fit = try Fit(
                    problem: Self.problem, configuration: configuration,
                    resuming: FitState(bytes: fit.state.encoded()))
            }
            return (fit.iteration, fit.result())
        }
        let (iteration, result) = try run(interruptedAt: [])
        let (other, otherResult) = try run(interruptedAt: [3, 10, 47, 101, 119])
        #expect(iteration == other)
        #expect(result == otherResult)
        guard isPilot else { return }
        let curve = try StopCurve(rule, inPlaceOf: result)
        #expect(curve.values.count == iteration / StopCurve.interval)
    }

    @Test func `the result is the average at the best point, not that of the end`() throws {
        let stopping = Self.configuration(.heldOut, isPilot: false) { $0.stopPatience = 10 }
        let fit = try Fit(problem: Self.problem, configuration: stopping)
        var averages: [Int: [Float]] = [:]
        while !fit.isFinished {
            _ = try fit.step()
            averages[fit.iteration] = fit.state.present.average.map { min(max($0, 0), 1) }
        }
        let point = try #require(fit.state.present.monitor.curve.point(stopping))
        #expect(point.isConfirmed || fit.iteration == stopping.iterations)
        #expect(fit.result() == averages[point.iteration])
    }

    @Test(arguments: [(NetworkInput.noise, 0), (.masked, 0), (.masked, 1)])
    func `held-out samples have no part in the fit, and their error is in the curve`(
        input: NetworkInput, radius: Int
    ) throws {
        let pilot = Self.configuration(.heldOut, isPilot: true) {
            ($0.iterations, $0.input, $0.maskedRadius) = (30, input, radius)
            $0.heldOutShare *= Double(2 * radius + 1)
        }
        var (first, second) = (Self.problem, Self.problem)
        let kernels = try Fit.kernels()
        let heldOut = first.holdOut(pilot, kernels: kernels)
        let share = pilot.heldOutShare / Double(2 * radius + 1)
        let count = Double(Self.problem.height * Self.problem.width) * share
        #expect(abs(Double(heldOut.count / Self.problem.bands) - count) < 0.5 * count)
        for (place, value) in heldOut {
            #expect(value == Self.problem.pixels[place])
            second.pixels[place] = 0.9
        }
        // Other values at the held-out places change the curve, but not the way.
        func average(_ problem: FitProblem) throws -> ([Float], [Float]) {
            let fit = try Fit(problem: problem, configuration: pilot)
            while !fit.isFinished { _ = try fit.step() }
            return (fit.state.present.average, fit.state.present.monitor.curve.values)
        }
        let (ours, curve) = try average(Self.problem)
        let (theirs, otherCurve) = try average(second)
        #expect(ours == theirs)
        #expect(curve != otherCurve)
        let places = Set(heldOut.map(\.place))
        func error(at chosen: [Int]) -> Double {
            let sum = chosen.reduce(0.0) { sum, place in
                let difference = Double(ours[place]) - Double(Self.problem.pixels[place])
                return sum + difference * difference
            }
            return sum / Double(chosen.count)
        }
        let hidden = error(at: Array(places))
        let trained = error(
            at: Self.problem.pixels.indices.filter {
                !first.pixels[$0].isNaN
            })
        let repeated = hidden.squareRoot() - trained.squareRoot()
        let expected = hidden + repeated * repeated
        #expect(abs(Double(curve[2]) - expected) < 1e-5 * expected)
    }

    @Test func `the windowed variance is that of the latest hundred outputs`() throws {
        let pilot = Self.configuration(.variance, isPilot: true) { $0.stopPatience = 1000 }
        let fit = try Fit(problem: Self.problem, configuration: pilot)
        var outputs: [[Float]] = []
        while !fit.isFinished {
            _ = try fit.step()
            outputs.append(fit.latestOutput)
        }
        let curve = fit.state.present.monitor.curve.values
        #expect(curve[8] == StopCurve.unknown && curve[9] >= 0)
        let window = outputs[(outputs.count - 100)...]
        let places = StopMonitor.variancePlaces(sampleCount: outputs[0].count)
        var variance = 0.0
        for place in places {
            let values = window.map { Double($0[place]) }
            let mean = values.reduce(0, +) / 100
            variance += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 100
        }
        variance /= Double(places.count)
        #expect(abs(Double(curve[12]) - variance) < 1e-4 * variance)
    }

    @Test func `a tile without a pixel to hold out is fitted to the end`() throws {
        let fit = try Fit(
            problem: Self.problem,
            configuration: Self.configuration(.heldOut, isPilot: false) {
                $0.heldOutShare = 1e-9
                $0.iterations = 40
            })
        while !fit.isFinished { _ = try fit.step() }
        #expect(fit.iteration == 40)
        #expect(fit.result().allSatisfy { (0...1).contains($0) })
    }

    @Test func `a pilot without a rule or without room for its curve is refused`() {
        for configuration in [
            Self.configuration(.fixed, isPilot: true),
            Self.configuration(.heldOut, isPilot: true) { $0.iterations = 1_000_000 },
        ] {
            #expect(throws: FitError.self) {
                try Fit(problem: Self.problem, configuration: configuration)
            }
        }
    }
}
