import NeuralNetwork
import Testing

@testable import DeepImagePrior

struct DetailRecoveryTests {
    private static let noise = 0.02

    private static func configuration(
        _ change: (inout FitConfiguration) -> Void = { _ in }
    ) -> FitConfiguration {
        .tiny {
            $0.detailNoise = [noise]
            change(&$0)
        }
    }

    /// A picture, and the same with Gaussian noise.
    private func noisy(
        _ deviation: Double = noise, pixel: (Int, Int, Int) -> Float = FitProblem.smooth
    ) throws -> (clean: FitProblem, given: FitProblem) {
        let clean = FitProblem.tile(48, 40, pixel: pixel)
        var given = clean
        let stream = RandomStream(seed: 7, words: (1, 0, 0))
        let kernels = try Kernels.forThisMachine()
        given.pixels.withUnsafeMutableBufferPointer {
            kernels.addNormalNoise(
                to: clean.pixels, deviation: Float(deviation), stream, into: $0)
        }
        return (clean, given)
    }

    private func recovered(
        _ restored: [Float], _ given: FitProblem, missing: [Int] = [],
        _ configuration: FitConfiguration = configuration()
    ) throws -> [Float] {
        var result = restored
        try #require(DetailRecovery(given, configuration))
            .add(to: &result, given: given.pixels, missing: missing)
        return result
    }

    private func error(_ one: [Float], _ other: [Float]) -> Float {
        zip(one, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(one.count)
    }

    @Test func `noise does not come back`() throws {
        let (clean, given) = try noisy()
        #expect(try recovered(clean.pixels, given) == clean.pixels)
    }

    @Test func `texture that was left out comes back without most of the noise`() throws {
        let smooth = FitProblem.tile(48, 40)
        let (clean, given) = try noisy { row, column, band in
            FitProblem.smooth(row, column, band) + ((row ^ column) & 1 == 0 ? 0.04 : -0.04)
        }
        let result = try recovered(smooth.pixels, given)
        let (before, after) = (error(smooth.pixels, clean.pixels), error(result, clean.pixels))
        #expect(after < before / 3)
        #expect(after < error(given.pixels, clean.pixels))
    }

    @Test func `noise that is stronger where it is brighter is told from detail`() throws {
        let (clean, given) = try noisy(0.06) { row, _, _ in row < 24 ? 0.8 : 0.7 }
        #expect(
            try recovered(
                clean.pixels, given, Self.configuration { $0.detailNoise = [0.02, 0.06] })
                == clean.pixels)
        #expect(try recovered(clean.pixels, given) != clean.pixels)
    }

    @Test func `a single sample that is far off stays away, and what is missing too`() throws {
        var (clean, given) = try noisy()
        given.pixels[3000] = 1
        #expect(try recovered(clean.pixels, given) == clean.pixels)
        let missing = Array(1000..<2000)
        for place in missing { given.pixels[place] = 0.5 }
        #expect(try recovered(clean.pixels, given, missing: missing) == clean.pixels)
    }

    @Test func `weights are those of a plain loop over windows`() throws {
        let (_, given) = try noisy(0.05)
        let smooth = FitProblem.tile(48, 40).pixels
        let result = try recovered(smooth, given)
        let residual = zip(given.pixels, smooth).map { Double($0 - $1) }
        let variance = Self.noise * Self.noise
        for (row, column) in [(0, 0), (3, 39), (20, 17), (47, 39), (40, 8)] {
            var (power, count) = (0.0, 0.0)
            for y in max(row - 7, 0)...min(row + 7, 47) {
                for x in max(column - 7, 0)...min(column + 7, 39) {
                    for band in 0..<3 {
                        let value = residual[(y * 40 + x) * 3 + band]
                        power += min(value * value, 9 * variance)
                        count += 1
                    }
                }
            }
            let weight = max(0, 1 - 1.3 * variance * count / power)
            #expect(weight > 0)
            for band in 0..<3 {
                let place = (row * 40 + column) * 3 + band
                let expected = Double(smooth[place]) + weight * residual[place]
                #expect(abs(Double(result[place]) - expected) < 1e-5, "\(row) \(column)")
            }
        }
    }

    @Test func `nothing comes back where noise was not measured, or may be far off`() {
        for change: (inout FitConfiguration) -> Void in [
            { $0.detailNoise = [] }, { $0.dataTerm = .l1 }, { $0.noiseModel = .poisson },
            { ($0.task, $0.factor) = (.upscale, 2) },
        ] {
            #expect(DetailRecovery(.tile(), Self.configuration(change)) == nil)
        }
    }

    @Test func `where there is no noise nearly all comes back`() throws {
        let smooth = FitProblem.tile(48, 40)
        let given = FitProblem.tile(48, 40) { row, column, _ in Float((row ^ column) & 7) / 8 }
        let result = try recovered(
            smooth.pixels, given, Self.configuration { $0.detailNoise = [0] })
        #expect(error(result, given.pixels) < error(smooth.pixels, given.pixels) / 30)
    }

    @Test(arguments: [StopRule.fixed, .heldOut])
    func `a fit's result has the detail that its average lacks`(rule: StopRule) throws {
        let (_, given) = try noisy()
        let fit = try Fit(
            problem: given,
            configuration: Self.configuration { ($0.iterations, $0.stopRule) = (3, rule) })
        while !fit.isFinished { _ = try fit.step() }
        let average = fit.state.present.average
        let expected = try recovered(average, given).map { min(max($0, 0), 1) }
        #expect(fit.result() == expected)
        #expect(error(expected, given.pixels) < error(average, given.pixels))
    }
}
