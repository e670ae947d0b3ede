import Dashboard
import Testing

struct ForecastTests {
    private func forecast(
        _ hands: [Forecast.Hand], left: Int, iterations: Int = 100, spread: Double = 0,
        lost: Double = 0
    ) -> Forecast? {
        Forecast(
            hands: hands, tilesLeft: left, iterations: Forecast.Iterations(iterations),
            spread: spread, lostShare: lost)
    }

    @Test func `the time left is that of tiles handed to whoever is free, for any workers`() {
        for seed in UInt64(1)...100 {
            var generator = SeededGenerator(seed: seed)
            let count = Int.random(in: 1...9, using: &generator)
            let hands = (0..<count).map { index in
                Forecast.Hand(
                    tile: Bool.random(using: &generator) ? index : nil,
                    iteration: Int.random(in: 0...99, using: &generator),
                    rate: Double.random(in: 0.5...20, using: &generator))
            }
            let held = hands.count { $0.tile != nil }
            let waiting = Int.random(in: 0...30, using: &generator)
            // Whoever would finish the next tile first takes it.
            var free = hands.map { $0.tile == nil ? 0 : Double(100 - $0.iteration) / $0.rate! }
            var end = zip(hands, free).filter { $0.0.tile != nil }.map(\.1).max() ?? 0
            for _ in 0..<waiting {
                let ends = zip(hands, free).map { 100 / $0.rate! + $1 }
                let first = ends.indices.min { ends[$0] < ends[$1] }!
                free[first] = ends[first]
                end = max(end, ends[first])
            }
            let found = forecast(hands, left: held + waiting)!.likely
            #expect(abs(found - end) <= 2e-3 * end + 1e-6, "seed \(seed): \(found), not \(end)")
        }
    }

    @Test func `a range follows the spread of rates and what is lost`() {
        let hands = [Forecast.Hand(tile: 0, iteration: 50, rate: 10)]
        let found = forecast(hands, left: 1, spread: 0.25, lost: 0.1)!
        #expect(abs(found.likely - 5) < 1e-9)
        #expect(abs(found.low! - 4) < 1e-9)
        #expect(abs(found.high - 5 / 0.75 * 1.1) < 1e-9)
    }

    @Test func `what follows is in the time left, a round of fits after the other`() {
        let hands = [
            Forecast.Hand(tile: 0, iteration: 50, rate: 10),
            Forecast.Hand(tile: 1, iteration: 50, rate: 10),
        ]
        func forecast(_ later: [Forecast.Later]) -> Forecast? {
            Forecast(
                hands: hands, tilesLeft: 2, iterations: Forecast.Iterations(100), later: later,
                spread: 0, lostShare: 0)
        }
        let fixed = Forecast.Iterations(200)
        // Five fits of two workers are three rounds of 20 seconds, and of four workers two.
        let five = Forecast.Later(fits: 5, workers: 1, iterations: fixed)
        #expect(forecast([five])?.likely == 65)
        #expect(forecast([five])?.low == 65)
        let twice = Forecast.Later(fits: 5, workers: 4, iterations: fixed, times: 2)
        #expect(forecast([twice])?.likely == 85)
        // Where nothing tells when fits stop, there is an upper end alone.
        let open = Forecast.Later(
            fits: 2, workers: 1, iterations: Forecast.Iterations(atMost: 1000, likely: 300))
        let found = forecast([five, open])
        #expect(found?.likely == 95)
        #expect(found?.low == nil)
        #expect(found?.high == 165)
    }

    @Test func `nothing is foretold while no rate is known`() {
        #expect(forecast([Forecast.Hand(tile: 0, iteration: 0, rate: nil)], left: 3) == nil)
        #expect(forecast([], left: 3) == nil)
    }

    @Test func `a tile of two workers ends with the faster one`() {
        let hands = [
            Forecast.Hand(tile: 0, iteration: 50, rate: 1),
            Forecast.Hand(tile: 0, iteration: 0, rate: 10),
        ]
        #expect(forecast(hands, left: 1)?.likely == 10)
    }

    @Test func `tiles that stop by themselves leave the least open until one has`() {
        let none = Forecast.Iterations(atMost: 1000, count: 0, sum: 0, squareSum: 0)
        #expect(none.low == nil && none.high == 1000)
        let two = Forecast.Iterations(atMost: 1000, count: 2, sum: 800, squareSum: 320_000)
        #expect(two.likely == 400)
        #expect(two.low! < 400 && two.high > 400 && two.high < 1000)
    }

    @Test func `the spread begins wide and becomes what is seen`() {
        var steady = RateHistory()
        var restless = RateHistory()
        #expect(steady.spread == 0.25)
        for index in 0..<400 {
            steady.report(10, of: "a")
            steady.report(30, of: "b")
            restless.report(index % 2 == 0 ? 8 : 12, of: "a")
        }
        #expect(steady.spread < 0.05)
        #expect(restless.spread > 0.18 && restless.spread < 0.25)
        #expect(steady.rate(of: "b") == 30)
        #expect(abs(restless.rate(of: "a")! - 10) < 0.5)
        steady.keep(["b"])
        #expect(steady.rate(of: "a") == nil)
        steady.report(.nan, of: "a")
        #expect(steady.rate(of: "a") == nil)
    }
}
