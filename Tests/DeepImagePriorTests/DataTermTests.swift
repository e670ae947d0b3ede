import Foundation
import Testing

@testable import DeepImagePrior

struct DataTermTests {
    /// The loss of one sample in double precision, by the formulas of the documentation.
    private func loss(_ value: Double, _ given: Double, _ configuration: FitConfiguration) -> Double
    {
        func counts(_ value: Double) -> Double {
            configuration.photonOffset + configuration.photonScale * value
        }
        func root(_ value: Double) -> Double {
            let counts = counts(value)
            return counts >= 0
                ? sqrt(counts + 0.375) : sqrt(0.375) + counts / (2 * sqrt(0.375))
        }
        func mean(_ value: Double) -> Double {
            let counts = counts(value)
            return counts >= 0
                ? sqrt(counts + 0.125 + exp(-1.3 * counts) / 4)
                : sqrt(0.375) + counts * 0.675 / (2 * sqrt(0.375))
        }
        let residual =
            configuration.noiseModel == .gaussian
            ? value - given : (mean(value) - root(given)) / (root(1) - root(0))
        switch configuration.dataTerm {
        case .squared: return residual * residual
        case .l1: return abs(residual)
        case .huber:
            let threshold = configuration.huberThreshold
            return abs(residual) <= threshold
                ? residual * residual : 2 * threshold * abs(residual) - threshold * threshold
        }
    }

    private func halfDerivatives(
        _ values: [Float], _ given: [Float], _ configuration: FitConfiguration
    ) -> [Float] {
        var residuals = zip(values, given).map { $0 - $1 }
        residuals.withUnsafeMutableBufferPointer {
            DataGradient(configuration).weigh($0, given: given)
        }
        return residuals
    }

    @Test(arguments: DataTerm.allCases, NoiseModel.allCases)
    func `the gradient is the slope of the loss`(term: DataTerm, noise: NoiseModel) {
        for (scale, offset) in [(30.0, 0.0), (1e5, 300), (40, -8)] {
            let configuration = FitConfiguration.tiny {
                $0.dataTerm = term
                $0.huberThreshold = 0.1
                $0.noiseModel = noise
                $0.photonScale = scale
                $0.photonOffset = offset
            }
            var random = SmallGenerator(seed: 3)
            let values = random.floats(200).map { abs($0) }
            let given = random.floats(200).map { $0 * 1.2 }
            let found = halfDerivatives(values, given, configuration)
            let step = 1e-5
            for index in values.indices {
                let (value, target) = (Double(values[index]), Double(given[index]))
                let slopes = [-1.0, 1].map { side in
                    (loss(value + side * step, target, configuration)
                        - loss(value, target, configuration)) / (side * step)
                }
                // At a kink both sides are right.
                let bounds = (slopes.min() ?? 0) - 2e-3...(slopes.max() ?? 0) + 2e-3
                let gradient = 2 * Double(found[index])
                #expect(
                    bounds.contains(gradient), "at \(value), given \(target): \(gradient)")
            }
        }
    }

    @Test func `what is missing stays without a gradient, and squared errors are left alone`() {
        let (values, given): ([Float], [Float]) = ([0.5, 0.25, 0.75], [0.5, 0.5, 0.5])
        for term in DataTerm.allCases {
            for noise in NoiseModel.allCases {
                let configuration = FitConfiguration.tiny {
                    $0.dataTerm = term
                    $0.noiseModel = noise
                }
                let found = halfDerivatives(values, given, configuration)
                // Where a sample is missing, its place holds what the network says.
                #expect(found[0] == 0)
                #expect(found[1] < 0 && found[2] > 0)
            }
        }
        #expect(halfDerivatives(values, given, .tiny()) == [0, -0.25, 0.25])
    }

    @Test func `stabilized values run from 0 to 1, and counts have one deviation`() {
        let transform = VarianceStabilization(scale: 1000, offset: 20)
        #expect(abs(transform(0)) < 1e-7 && abs(transform(1) - 1) < 1e-7)
        // sqrt(c) of counts, times the slope, is the same wherever c is not small.
        let deviations = [0.1, 0.3, 0.6, 1].map { (value: Float) in
            (20 + 1000 * value).squareRoot() * transform.mean(value).slope
        }
        #expect((deviations.max() ?? 1) / (deviations.min() ?? 0) < 1.005)
        var configuration = FitConfiguration.tiny()
        configuration.setCounts(perValue: 2, low: 10, high: 210)
        #expect(configuration.photonScale == 400 && configuration.photonOffset == 20)
    }

    @Test func `the network is compared with what counts are on average`() {
        // One value is one count.
        let transform = VarianceStabilization(scale: 1, offset: 0)
        for mean in [0.0, 0.1, 0.5, 1, 2, 5, 20, 80] {
            var (expected, probability) = (0.0, exp(-mean))
            for count in 0..<400 {
                expected += probability * Double(transform(Float(count)))
                probability *= mean / Double(count + 1)
            }
            let found = Double(transform.mean(Float(mean)).value)
            #expect(
                abs(found - expected) < 0.006 * (1 + expected), "\(mean): \(found), \(expected)")
        }
    }

    // MARK: Total variation

    @Test(arguments: [(5, 7, 3), (1, 6, 1), (6, 1, 2), (1, 1, 4)])
    func `the total variation's gradient is its slope`(height: Int, width: Int, bands: Int) {
        func variation(_ picture: [Double]) -> Double {
            var sum = 0.0
            for y in 0..<height {
                for x in 0..<width {
                    for band in 0..<bands {
                        func at(_ y: Int, _ x: Int) -> Double {
                            picture[(min(y, height - 1) * width + min(x, width - 1)) * bands + band]
                        }
                        let (across, down) = (at(y, x + 1) - at(y, x), at(y + 1, x) - at(y, x))
                        sum += sqrt(across * across + down * down + 1e-6)
                    }
                }
            }
            return 0.7 * sum / Double(picture.count)
        }
        var random = SmallGenerator(seed: 1)
        var picture = random.floats(height * width * bands)
        var gradient = [Float](repeating: 2, count: picture.count)
        let term = TotalVariation(weight: 0.7, height: height, width: width, bands: bands)
        picture.withUnsafeMutableBufferPointer { picture in
            gradient.withUnsafeMutableBufferPointer { term.addGradient(to: $0, of: picture) }
        }
        for index in picture.indices {
            let sides = [-1.0, 1].map { side in
                var moved = picture.map(Double.init)
                moved[index] += side * 1e-5
                return variation(moved)
            }
            let slope = (sides[1] - sides[0]) / 2e-5
            #expect(abs(Double(gradient[index]) - 2 - slope) < 1e-5, "at \(index)")
        }
    }

    // MARK: Fits

    private func fitted(
        _ problem: FitProblem, _ change: (inout FitConfiguration) -> Void
    ) throws -> (pixels: [Float], last: FitProgress?) {
        var configuration = FitConfiguration.tiny {
            $0.iterations = 300
            $0.averageDecay = 0.9
        }
        change(&configuration)
        let fit = try Fit(problem: problem, configuration: configuration)
        var last: FitProgress?
        while !fit.isFinished { last = try fit.step() }
        return (fit.result(), last)
    }

    private func error(_ pixels: [Float]) -> Double {
        let squares = zip(pixels, FitProblem.tile().pixels).map { Double(($0 - $1) * ($0 - $1)) }
        return squares.reduce(0, +) / Double(squares.count)
    }

    @Test func `samples that are far off spoil less with l1 and huber`() throws {
        let spoilt = FitProblem.tile { row, column, band in
            (row * 37 + column * 11 + band * 5) % 23 < 2
                ? 1 : FitProblem.smooth(row, column, band)
        }
        let squared = error(try fitted(spoilt) { $0.dataTerm = .squared }.pixels)
        for term in [DataTerm.l1, .huber] {
            let found = error(try fitted(spoilt) { $0.dataTerm = term }.pixels)
            #expect(found < squared / 2, "\(term): \(found) of \(squared)")
        }
    }

    @Test func `progress is told as a squared error, whatever the loss`() throws {
        let problem = FitProblem.tile()
        for (term, noise) in [(DataTerm.l1, NoiseModel.gaussian), (.huber, .poisson)] {
            let fit = try Fit(
                problem: problem,
                configuration: .tiny {
                    $0.dataTerm = term
                    $0.noiseModel = noise
                    $0.totalVariationWeight = 0.1
                })
            // The first output is the average's beginning.
            let progress = try fit.step()
            #expect(abs(progress.loss - error(fit.result())) < 1e-5 * progress.loss)
        }
    }

    @Test func `total variation makes a picture more even, and its weight counts`() throws {
        var random = SmallGenerator(seed: 9)
        let noise = random.floats(32 * 32 * 3)
        var noisy = FitProblem.tile()
        for index in noise.indices { noisy.pixels[index] += 0.1 * noise[index] }
        let steps = try [0, 0.02, 0.2].map { weight in
            let pixels = try fitted(noisy) { $0.totalVariationWeight = weight }.pixels
            return zip(pixels, pixels.dropFirst(3)).reduce(0) { $0 + abs($1.0 - $1.1) }
        }
        #expect(steps[1] < steps[0] && steps[2] < 0.9 * steps[0], "\(steps)")
    }

    @Test func `a fit of counts stays finite with little light`() throws {
        for (scale, offset) in [(1e-3, 0.0), (1e15, -1e14), (50, -25)] {
            let (pixels, last) = try fitted(.tile()) {
                $0.iterations = 20
                $0.noiseModel = .poisson
                $0.photonScale = scale
                $0.photonOffset = offset
            }
            #expect(pixels.allSatisfy { $0.isFinite })
            #expect(last?.loss.isFinite == true && last?.rollBackCount == 0)
        }
    }
}
