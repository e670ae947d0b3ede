// How long a job will take, and how sure that is.

/// The time left, in seconds: as rates are now, and when all of them go up or down by one standard
/// deviation of what they were lately. The low end also takes the last workers to be as fast as all
/// are together, as they become where they share cores with those that have nothing left to do.
public struct Forecast: Equatable, Sendable {
    public var likely: Double
    /// nil where tiles stop where each is best, and none has shown when that is.
    public var low: Double?
    public var high: Double

    /// A tile in a worker's hands, or a worker without one.
    public struct Hand: Equatable, Sendable {
        /// nil where the worker is idle.
        public var tile: Int?
        /// Iterations done.
        public var iteration: Int
        /// Iterations a second; nil where not known.
        public var rate: Double?

        public init(tile: Int?, iteration: Int, rate: Double?) {
            self.tile = tile
            self.iteration = iteration
            self.rate = rate
        }
    }

    /// What a tile takes.
    public struct Iterations: Equatable, Sendable {
        public var low: Double?
        public var likely, high: Double

        /// Always so many.
        public init(_ count: Int) {
            (low, likely, high) = (Double(count), Double(count), Double(count))
        }

        /// At most so many; each tile stops where it is best itself.
        ///
        /// - Parameters:
        ///   - count: tiles that have ended.
        ///   - sum: of their iterations.
        ///   - squareSum: of their iterations' squares.
        public init(atMost maximum: Int, count: Int, sum: Double, squareSum: Double) {
            self.init(maximum)
            low = nil
            guard count > 0 else { return }
            let mean = sum / Double(count)
            // One tile says nothing about the others: half of it is taken for the deviation.
            let variance =
                (max(squareSum - sum * mean, 0) + mean * mean / 4) / Double(count)
            likely = min(mean, high)
            low = max(mean - variance.squareRoot(), 1)
            high = min(mean + variance.squareRoot(), high)
        }
    }

    /// - Parameters:
    ///   - hands: one for each worker.
    ///   - tilesLeft: tiles that are neither stored nor given up.
    ///   - iterations: what each of them takes.
    ///   - spread: one standard deviation of rates, as a share of them.
    ///   - lostShare: iterations that had to be done again, as a share of those done.
    /// - Returns: nil where no rate is known.
    public init?(
        hands: [Hand], tilesLeft: Int, iterations: Iterations, spread: Double, lostShare: Double
    ) {
        let known = hands.compactMap(\.rate).filter { $0 > 0 }
        guard !known.isEmpty else { return nil }
        let mean = known.reduce(0, +) / Double(known.count)
        func seconds(_ iterations: Double) -> Double {
            Self.makespan(hands, tilesLeft: tilesLeft, iterations: iterations, meanRate: mean)
        }
        let spread = min(max(spread, 0), 0.75)
        likely = seconds(iterations.likely)
        let held = Set(hands.compactMap(\.tile)).count
        low = iterations.low.map { count in
            let begun = hands.reduce(0.0) { sum, hand in
                sum + (hand.tile == nil ? 0 : max(count - Double(hand.iteration), 0))
            }
            let work = begun + Double(max(tilesLeft - held, 0)) * count
            let together = mean * Double(hands.count)
            return min(work / together, seconds(count)) / (1 + spread)
        }
        high = seconds(iterations.high) / (1 - spread) * (1 + max(lostShare, 0))
    }

    /// When the last tile is done, if whoever is free takes the next one: at the end, the slowest
    /// tile decides.
    private static func makespan(
        _ hands: [Hand], tilesLeft: Int, iterations: Double, meanRate: Double
    ) -> Double {
        let rates = hands.map { $0.rate.flatMap { $0 > 0 ? $0 : nil } ?? meanRate }
        // A tile that two workers have is done when the first of them is.
        var ends: [Int: Double] = [:]
        for (hand, rate) in zip(hands, rates) {
            guard let tile = hand.tile else { continue }
            let end = max(iterations - Double(hand.iteration), 0) / rate
            ends[tile] = min(ends[tile] ?? end, end)
        }
        let free = hands.map { hand in hand.tile.flatMap { ends[$0] } ?? 0 }
        let last = ends.values.max() ?? 0
        let waiting = max(tilesLeft - ends.count, 0)
        guard waiting > 0 else { return last }
        /// Tiles that are begun and done until then.
        func done(_ time: Double) -> Double {
            zip(free, rates).reduce(0) { sum, worker in
                sum + max(((time - worker.0) * worker.1 / iterations + 1e-9).rounded(.down), 0)
            }
        }
        var (early, late) = (0.0, last + iterations / meanRate)
        while done(late) < Double(waiting), late < 1e15 { late *= 2 }
        for _ in 0..<60 where late - early > 1e-3 * late {
            let middle = (early + late) / 2
            if done(middle) < Double(waiting) { early = middle } else { late = middle }
        }
        return max(late, last)
    }
}
