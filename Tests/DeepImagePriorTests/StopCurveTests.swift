import Testing

@testable import DeepImagePrior

/// What the rules say of curves.
@Suite struct StopCurveTests {
    private let configuration = FitConfiguration.tiny {
        $0.stopPatience = 30
        $0.stopWarmUp = 50
        $0.noiseDeviation = 0.5
    }

    private func point(_ rule: StopRule, _ values: [Float]) -> StopCurve.Point? {
        StopCurve(rule, values: values).point(configuration)
    }

    @Test func `the first minimum that nothing undercuts for long enough counts`() {
        #expect(
            point(.heldOut, [9, 5, 6, 7, 8, 1]) == .init(iteration: 20, isConfirmed: true))
        #expect(
            point(.heldOut, [9, 5, 6, 7, 4, 5, 5]) == .init(iteration: 50, isConfirmed: false))
        #expect(point(.heldOut, []) == nil)
        #expect(point(.heldOut, [-1, -1]) == nil)
    }

    @Test func `the variance counts from the end of the warm-up`() {
        #expect(
            point(.variance, [-1, 0, 0, 0, 9, 8, 9, 9, 9])
                == .init(iteration: 60, isConfirmed: true))
    }

    @Test func `the noise level is reached where the error comes down to its square`() {
        #expect(
            point(.noiseLevel, [1, 0.5, 0.25, 0.1]) == .init(iteration: 30, isConfirmed: true))
        #expect(point(.noiseLevel, [1, 0.5]) == .init(iteration: 20, isConfirmed: false))
    }

    @Test func `a number of iterations needs no curve`() {
        #expect(point(.fixed, []) == nil)
    }

    @Test func `curves that ended early go on at their last values in the mean`() {
        let mean = StopCurve.mean(of: [
            StopCurve(.heldOut, values: [4, 2]), StopCurve(.heldOut, values: [8, 6, 0]),
            StopCurve(.heldOut, values: [-1, -1, -1, -1]), StopCurve(.heldOut),
        ])
        #expect(mean == StopCurve(.heldOut, values: [6, 4, 1]))
        #expect(StopCurve.mean(of: [StopCurve(.heldOut)]) == nil)
    }

    @Test func `a restless tile has no more to say about the variance than a calm one`() {
        let mean = StopCurve.mean(of: [
            StopCurve(.variance, values: [1, 3]), StopCurve(.variance, values: [3000, 1000]),
        ])
        #expect(mean?.values == [1, 1])
        let beginning = StopCurve.mean(
            of: [StopCurve(.variance, values: [-1, 3])])
        #expect(beginning?.values == [-1, 1])
    }

    @Test func `a curve in the place of a tile is read again`() throws {
        let curve = StopCurve(.heldOut, values: [3, 2, 1])
        let samples = curve.laidOut(sampleCount: 12)
        #expect(samples.count == 12)
        #expect(try StopCurve(.heldOut, inPlaceOf: samples) == curve)
        let flawed: [[Float]] = [
            [], [-1, 0], [2.5, 0, 0, 0], [.nan, 1], [9, 1], [1e30], [1, .nan], [1, -3],
        ]
        for bad in flawed {
            #expect(throws: FitError.self) { try StopCurve(.heldOut, inPlaceOf: bad) }
        }
    }
}
