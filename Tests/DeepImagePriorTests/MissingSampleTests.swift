import Testing

@testable import DeepImagePrior

/// Samples that are not given: NaN in the problem.
struct MissingSampleTests {
    private func isHole(_ row: Int, _ column: Int) -> Bool {
        (12..<20).contains(row) && (10..<20).contains(column)
    }

    private func withHole(_ value: Float) -> FitProblem {
        .tile { row, column, band in
            isHole(row, column) ? value : FitProblem.smooth(row, column, band)
        }
    }

    @Test func `the loss is the mean over the samples that are given`() throws {
        let problem = withHole(.nan)
        let fit = try Fit(problem: problem, configuration: .tiny())
        // The first output is the average's beginning.
        let progress = try fit.step()
        let output = fit.result()
        let known = problem.pixels.indices.filter { !problem.pixels[$0].isNaN }
        #expect(known.count == 3 * (32 * 32 - 80))
        let sum = known.reduce(0.0) {
            let difference = Double(output[$1]) - Double(problem.pixels[$1])
            return $0 + difference * difference
        }
        let expected = sum / Double(known.count)
        #expect(abs(progress.loss - expected) <= 1e-5 * expected)
    }

    @Test func `a hole is filled with what goes with its surroundings`() throws {
        func errorInHole(_ problem: FitProblem) throws -> Double {
            let configuration = FitConfiguration.tiny {
                $0.iterations = 400
                $0.averageDecay = 0.9
            }
            let fit = try Fit(problem: problem, configuration: configuration)
            while !fit.isFinished { _ = try fit.step() }
            let result = fit.result()
            let (truth, hole) = (FitProblem.tile().pixels, withHole(.nan).pixels)
            let squares = result.indices.filter { hole[$0].isNaN }.map {
                Double((result[$0] - truth[$0]) * (result[$0] - truth[$0]))
            }
            return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
        }
        // Taken for given, a black hole comes out black.
        let (missing, black) = (try errorInHole(withHole(.nan)), try errorInHole(withHole(0)))
        #expect(missing < 0.1 && black > 3 * missing, "missing \(missing), black \(black)")
    }

    @Test func `a tile of which nothing is given is finished at once`() throws {
        let problem = FitProblem.tile { _, _, _ in .nan }
        let fit = try Fit(problem: problem, configuration: .tiny())
        #expect(fit.isFinished)
        #expect(fit.result().allSatisfy { $0 == 0.5 })
    }

    @Test func `one given sample is enough for a fit that stays finite`() throws {
        let problem = FitProblem.tile { row, column, band in
            row == 5 && column == 9 && band == 1 ? 0.3 : .nan
        }
        let fit = try Fit(problem: problem, configuration: .tiny { $0.iterations = 30 })
        while !fit.isFinished {
            let progress = try fit.step()
            #expect(progress.loss.isFinite)
        }
        let result = fit.result()
        #expect(!result.contains { !$0.isFinite })
    }

    @Test func `a fit with missing samples goes on from its state bit for bit`() throws {
        let (problem, configuration) = (withHole(.nan), FitConfiguration.tiny())
        let whole = try Fit(problem: problem, configuration: configuration)
        for _ in 0..<6 { _ = try whole.step() }
        let state = whole.state
        let rest = try Fit(problem: problem, configuration: configuration, resuming: state)
        for _ in 0..<6 {
            let (one, other) = (try whole.step(), try rest.step())
            #expect(one == other)
        }
        #expect(whole.result() == rest.result())
    }
}
