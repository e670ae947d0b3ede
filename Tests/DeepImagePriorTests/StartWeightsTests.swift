import NeuralNetwork
import Testing

@testable import DeepImagePrior

/// Weights that fits begin with.
struct StartWeightsTests {
    private static let configuration = FitConfiguration.tiny {
        $0.iterations = 6
        $0.seed = 11
    }

    /// What a fit of six iterations has learned, and its result in place of pixels.
    private func learned() throws -> (weights: StartWeights, result: [Float]) {
        var configuration = Self.configuration
        configuration.givesWeights = true
        let fit = try Fit(problem: .tile(), configuration: configuration)
        while !fit.isFinished { _ = try fit.step() }
        let result = fit.result()
        #expect(result.count == fit.resultShape.reduce(1, *))
        let weights = try StartWeights(
            configuration, height: 32, width: 32, bands: 3, inPlaceOf: result)
        return (weights, result)
    }

    private func beginning(_ weights: StartWeights) -> FitConfiguration {
        var configuration = Self.configuration
        configuration.start = weights.identity
        return configuration
    }

    @Test func `weights are the same in a result, in a file and in the fit that begins with them`()
        throws
    {
        let (weights, result) = try learned()
        #expect(
            try StartWeights.resultShape(
                Self.configuration, height: 32, width: 32, bands: 3
            ).reduce(1, *) == result.count)
        let read = try StartWeights(bytes: weights.encoded())
        #expect(read.identity == weights.identity && read.identity.count == 16)
        let fit = try Fit(
            problem: .tile(number: 4), configuration: beginning(weights), start: read)
        let held = fit.state.present.values
        let random = try Fit(problem: .tile(number: 4), configuration: Self.configuration)
        #expect(held != random.state.present.values)
        // Adam begins anew, and so does the average.
        #expect(fit.state.present.firstMoments.allSatisfy { $0 == 0 })
        var giving = beginning(weights)
        (giving.givesWeights, giving.iterations) = (true, 1)
        let other = try Fit(problem: .tile(number: 4), configuration: giving, start: read)
        #expect(other.result() == result)
    }

    @Test func `a fit that has learned another tile is ahead of one that has not`() throws {
        var cold = Self.configuration
        cold.input = .coarse
        var configuration = cold
        (configuration.givesWeights, configuration.iterations) = (true, 100)
        let teacher = try Fit(problem: .tile(), configuration: configuration)
        while !teacher.isFinished { _ = try teacher.step() }
        let weights = try StartWeights(
            configuration, height: 32, width: 32, bands: 3, inPlaceOf: teacher.result())
        let other = FitProblem.tile(x: 32, y: 64, number: 2) { y, x, band in
            FitProblem.smooth(x + 9, y + 5, 2 - band)
        }
        var warm = cold
        warm.start = weights.identity
        var losses: [Double] = []
        for (configuration, start) in [(warm, weights), (cold, nil)] as [(_, StartWeights?)] {
            let fit = try Fit(problem: other, configuration: configuration, start: start)
            losses.append(try (0..<6).map { _ in try fit.step().loss }.min() ?? .infinity)
        }
        #expect(losses[0] < losses[1] / 2, "\(losses)")
    }

    @Test func `a fit that begins with weights goes on elsewhere without them, bit for bit`()
        throws
    {
        let weights = try learned().weights
        let configuration = beginning(weights)
        let whole = try Fit(problem: .tile(), configuration: configuration, start: weights)
        for _ in 0..<3 { _ = try whole.step() }
        let second = try Fit(
            problem: .tile(), configuration: configuration,
            resuming: try FitState(bytes: whole.state.encoded()))
        for fit in [whole, second] { while !fit.isFinished { _ = try fit.step() } }
        #expect(whole.result() == second.result())
    }

    @Test func `weights that are not there or another network's are refused in a sentence`()
        throws
    {
        let weights = try learned().weights
        let configuration = beginning(weights)
        #expect(throws: FitError.self) {
            try Fit(problem: .tile(), configuration: configuration)
        }
        var others = Self.configuration
        others.start = "0123456789abcdef"
        #expect(throws: FitError.self) {
            try Fit(problem: .tile(), configuration: others, start: weights)
        }
        let wrong: [(String, (inout FitConfiguration) -> Void)] = [
            ("level0.skip.conv.weight has the shape", { $0.inputChannels = 7 }),
            (
                "has no level1",
                {
                    $0.downChannels = [8]
                    $0.upChannels = [8]
                    $0.skipChannels = [4]
                    ($0.filterDown, $0.filterUp, $0.upsampling) = ([3], [3], [.bilinear])
                }
            ),
            ("lack level0.skip", { $0.skipChannels = [4, 4] }),
        ]
        var bare = Self.configuration
        bare.skipChannels = [0, 0]
        bare.givesWeights = true
        let unskipped = try Fit(problem: .tile(), configuration: bare)
        for (sentence, change) in wrong {
            var other = Self.configuration
            change(&other)
            let given = sentence.contains("lack") ? unskipped.result() : nil
            let tried = try given.map {
                try StartWeights(bare, height: 32, width: 32, bands: 3, inPlaceOf: $0)
            }
            do {
                try (tried ?? weights).validate(for: other, height: 32, width: 32, bands: 3)
                Issue.record("\(sentence): nothing was said")
            } catch {
                #expect("\(error)".contains(sentence), "\(error)")
            }
        }
    }

    @Test func `bytes that are no weights are refused`() throws {
        let bytes = try learned().weights.encoded()
        for count in stride(from: 0, to: bytes.count, by: bytes.count / 37) {
            #expect(throws: FitError.self, "\(count)") {
                try StartWeights(bytes: Array(bytes[..<count]))
            }
        }
        let fit = try Fit(problem: .tile(), configuration: Self.configuration)
        #expect(throws: FitError.self) { try StartWeights(bytes: fit.state.encoded()) }
        #expect(throws: FitError.self) {
            try StartWeights(
                Self.configuration, height: 32, width: 32, bands: 3, inPlaceOf: [1, 2, 3])
        }
    }
}
