import Testing

@testable import DeepImagePrior

/// Collapses, forced by learning rates and thresholds that nobody would choose.
@Suite(.serialized) struct RollBackTests {
    @Test func `a fit that collapses rolls back to its start and recovers`() throws {
        let configuration = FitConfiguration.tiny {
            $0.learningRate = 1
            $0.collapseDecibels = 1.5
            $0.snapshotInterval = 1000
            $0.rollBacksMaximum = 100
            $0.iterations = 40
        }
        let fits = try (0..<2).map { _ in
            try Fit(problem: .tile(), configuration: configuration)
        }
        var progress: [FitProgress] = []
        while !fits[0].isFinished && progress.count < 2000 { progress.append(try fits[0].step()) }
        #expect(fits[0].isFinished)
        let last = try #require(progress.last)
        #expect(last.rollBackCount > 0)
        #expect(last.loss < progress[0].loss)
        let isInside = fits[0].result().allSatisfy { (0...1).contains($0) }
        #expect(isInside)
        for (before, after) in zip(progress, progress.dropFirst()) {
            let isRollBack = after.rollBackCount > before.rollBackCount
            #expect(after.rollBackCount <= before.rollBackCount + 1)
            #expect(after.iteration == (isRollBack ? 0 : before.iteration + 1))
        }
        // A second run takes the same way back.
        let again = try progress.map { _ in try fits[1].step() }
        #expect(again == progress)
        #expect(fits[0].result() == fits[1].result())
    }

    @Test func `a roll-back brings weights, moments and average back and halves the rate`() throws {
        let fit = try Fit(
            problem: .tile(),
            configuration: .tiny {
                $0.collapseDecibels = 0.001
                $0.snapshotInterval = 1000
                $0.rollBacksMaximum = 1000
            })
        func state(_ label: String) -> Any? {
            Mirror(reflecting: fit).children.first { $0.label == label }?.value
        }
        let start = try #require(state("snapshot") as? FitState.Moment)
        var rollBacks = 0
        for _ in 0..<200 where rollBacks < 4 {
            let progress = try fit.step()
            guard progress.rollBackCount > rollBacks else { continue }
            rollBacks = progress.rollBackCount
            #expect(progress.iteration == 0 && fit.iteration == 0)
            #expect(state("average") as? [Float] == start.average)
            let rate = try #require(state("learningRate") as? Double)
            let halved = (0..<rollBacks).reduce(fit.configuration.learningRate) { r, _ in r / 2 }
            #expect(rate == halved)
        }
        #expect(rollBacks == 4)
    }

    @Test(arguments: [0, 1, 3])
    func `a fit that collapses too often fails, bounded`(rollBacksMaximum: Int) throws {
        let fit = try Fit(
            problem: .tile(),
            configuration: .tiny {
                $0.learningRate = 1
                $0.collapseDecibels = 1e-9
                $0.rollBacksMaximum = rollBacksMaximum
            })
        var steps = 0
        do throws(FitError) {
            while steps < 1000 {
                _ = try fit.step()
                steps += 1
            }
            Issue.record("a thousand iterations without a fall of the PSNR")
        } catch .diverged(_, let rollBackCount) {
            #expect(rollBackCount == rollBacksMaximum + 1)
            #expect(steps >= rollBacksMaximum)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func `errors say what happened and what to do`() {
        let sentences = [
            FitError.diverged(iteration: 12, rollBackCount: 3).description,
            FitError.outOfMemory(byteCount: 5_000_000).description,
        ]
        #expect(sentences[0].contains("12") && sentences[0].contains("3 times"))
        #expect(sentences[1].contains("5 MB"))
    }
}
