import Testing

@testable import Imaging

@Suite struct PilotPlanTests {
    @Test func `a few windows of a plan are spread over the image`() throws {
        for seed in 0..<500 {
            var generator = SeededGenerator(seed: seed)
            let (width, height) = (
                Int.random(in: 1...4000, using: &generator),
                Int.random(in: 1...4000, using: &generator)
            )
            let maximum = Int.random(in: 1...9, using: &generator)
            let story: Comment = "\(width) x \(height), at most \(maximum)"
            let plan = try TilePlan(
                width: width, height: height, tile: 128, overlap: 32, alignment: 32, minimum: 64)
            let some = plan.spread(atMost: maximum)
            #expect((1...maximum).contains(some.tileCount), story)
            #expect(Set(plan.columns).isSuperset(of: some.columns), story)
            #expect(Set(plan.rows).isSuperset(of: some.rows), story)
            #expect(Set(some.columns).count == some.columns.count, story)
            #expect(Set(some.rows).count == some.rows.count, story)
            #expect(some.columns == some.columns.sorted() && some.rows == some.rows.sorted(), story)
            // As many as can be laid out in columns and rows.
            let counts = (1...plan.columns.count).flatMap { columns in
                (1...plan.rows.count).map { columns * $0 }
            }
            #expect(some.tileCount == counts.filter { $0 <= maximum }.max(), story)
        }
    }

    @Test func `the middles are taken, not the rims`() throws {
        let plan = try TilePlan(
            width: 1280, height: 640, tile: 128, overlap: 0, alignment: 32, minimum: 64)
        let some = plan.spread(atMost: 4)
        #expect(some.columns == [plan.columns[2], plan.columns[7]])
        #expect(some.rows == [plan.rows[1], plan.rows[3]])
        #expect(plan.spread(atMost: 1).columns == [plan.columns[5]])
        #expect(plan.spread(atMost: 100) == plan)
    }
}

@Suite struct NoiseEstimateTests {
    /// Smooth structure with noise, of which a part is the same in all bands.
    private func estimate(
        deviation: Double, sharedShare: Double = 0, side: Int = 1, slope: Double = 0,
        sampleType: SampleType = .uint8, ceiling: Double = .infinity
    ) throws -> NoiseEstimate {
        var state = UInt64(deviation) &+ 77
        func uniform() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(1 << 53)
        }
        // Twelve uniform numbers have the variance 1, and nearly a normal distribution.
        func normal() -> Double { (0..<12).reduce(-6) { sum, _ in sum + uniform() } }
        let header = ImageHeader(
            width: 200, height: 150, colorBands: 3, alpha: nil, sampleType: sampleType,
            format: .png)
        var picture = Picture(header, seed: 1)
        // White noise, of which each pixel's is the mean over a square.
        var white: [Double] = []
        for _ in 0..<picture.samples.count / 3 {
            let common = sharedShare.squareRoot() * normal()
            for _ in 0..<3 { white.append(common + (1 - sharedShare).squareRoot() * normal()) }
        }
        for place in picture.samples.indices {
            let pixel = place / 3
            let square = (0..<side * side).reduce(0.0) {
                $0 + white[max(place - 600 * ($1 / side) - 3 * ($1 % side), 0)]
            }
            let smooth = 128 + Double(pixel % 200) / 4 - Double(pixel / 200) / 3
            let strength = deviation * (1 + slope * (smooth - 128) / 128)
            let isCut = ceiling.isFinite && pixel % 200 >= 100
            picture.samples[place] = UInt16(
                min(
                    max(isCut ? ceiling : smooth + strength * square / Double(side), 0),
                    min(sampleType.range.high, ceiling)
                )
                .rounded())
        }
        let plan = try TilePlan(
            width: 200, height: 150, tile: 64, overlap: 16, alignment: 32, minimum: 64)
        return try #require(try PictureSource(picture).noiseEstimate(plan))
    }

    @Test(arguments: [2.0, 10, 40])
    func `the deviation of noise on smooth structure is found`(deviation: Double) throws {
        let found = try estimate(deviation: deviation).deviation * 255
        #expect(abs(found - deviation) < 0.08 * deviation + 0.3, "\(found)")
    }

    @Test func `the deviation is found at each brightness`() throws {
        let found = try estimate(deviation: 10, slope: 1).levels
        #expect(found.count == NoiseEstimate.levelCount)
        // The picture lies between 78 and 178 of 255, and noise rises from 6 to 14 there.
        for (level, expected) in [(2, 6.4), (3, 9.0), (4, 11.5)] {
            #expect(abs(found[level] * 255 / expected - 1) < 0.2, "\(found)")
        }
        #expect(found[0] == found[2] && found[7] == found[5])
    }

    @Test func `where samples are cut off, nothing is learned of the noise`() throws {
        let found = try estimate(deviation: 10, ceiling: 140).levels
        #expect(found.allSatisfy { $0 * 255 > 6 }, "\(found)")
    }

    @Test func `noise that is weak beside the range of values is told`() throws {
        let found = try estimate(deviation: 4, sampleType: .uint16).levels
        #expect(found.allSatisfy { abs($0 * 65535 - 4) < 1 }, "\(found)")
    }

    @Test(arguments: [(0, false), (0.1, false), (0.35, true), (1, true)] as [(Double, Bool)])
    func `noise that bands share is told from noise of their own`(
        share: Double, isShared: Bool
    ) throws {
        let found = try estimate(deviation: 12, sharedShare: share)
        #expect(found.isSharedByBands == isShared && found.reach == 0)
    }

    /// Sides of squares that noise is the mean of. Correlations fall to 0 in a row of as many.
    @Test(arguments: [(1, 0), (2, 1), (3, 2), (4, 3), (6, 3)])
    func `how far neighbours share noise is measured`(side: Int, reach: Int) throws {
        let found = try estimate(deviation: 12, side: side)
        #expect(found.reach == reach && !found.isSharedByBands)
        // Where pixels that are compared do not share noise any more.
        if side < 4 { #expect(abs(found.deviation * 255 - 12) < 1.8, "\(found.deviation)") }
    }
}
