import DeepImagePrior
import NeuralNetwork
import Testing

/// Tiles and settings that are unusual but make sense.
@Suite(.serialized) struct FitRobustnessTests {
    @Test(arguments: [(0.5 as Float, 1 as UInt64), (0.9, 1), (0.5, 0), (0, 0), (1, 0)])
    func `a tile of one colour is fitted like any other`(value: Float, seed: UInt64) throws {
        let fit = try Fit(
            problem: .tile { _, _, _ in value },
            configuration: .tiny {
                $0.seed = seed
                $0.iterations = 200
            })
        // A fit that is nearly perfect moves by many decibels without any harm.
        var steps = 0
        while !fit.isFinished && steps < 400 {
            _ = try fit.step()
            steps += 1
        }
        #expect(fit.isFinished)
        let worst = fit.result().map { abs($0 - value) }.max() ?? 1
        #expect(worst < 0.3)
    }

    @Test(arguments: [1, 2, 5, 10])
    func `a collapse right behind a snapshot is recovered from`(interval: Int) throws {
        let fit = try Fit(
            problem: .tile { Float($0 + $1 + 5 * $2) / 80 },
            configuration: .tiny {
                $0.learningRate = 1
                $0.collapseDecibels = 2
                $0.snapshotInterval = interval
                $0.rollBacksMaximum = 30
                $0.iterations = 40
            })
        var rollBacks: [Int] = []
        while !fit.isFinished {
            let progress = try fit.step()
            if progress.rollBackCount > rollBacks.count { rollBacks.append(progress.iteration) }
        }
        #expect(!rollBacks.isEmpty)
    }

    @Test func `every valid configuration can be written`() throws {
        var configuration = FitConfiguration.tiny()
        configuration.gradientNormMaximum = .infinity
        #expect(throws: FitError.self) { try configuration.validate() }
    }

    @Test func `sizes that are no sizes are refused before anything is computed from them`() {
        let configuration = FitConfiguration.tiny { $0.padding = .zero }
        for (height, width) in [(0, 0), (0, 32), (32, 0), (-32, 32), (32, -32)] {
            #expect(throws: FitError.self, "\(height)x\(width)") {
                try Fit.memoryByteCount(configuration, height: height, width: width, bands: 3)
            }
            #expect(throws: FitError.self, "\(height)x\(width)") {
                try Fit.operationsPerIteration(
                    configuration, height: height, width: width, bands: 3)
            }
        }
    }
}
