// How long a job will take, and how sure that is.

/// The time left, in seconds: as rates are now, and when all of them go up or down by one standard
/// deviation of what they were lately. The low end also takes the last workers to be as fast as all
/// are together, as they become where they share cores with those that have nothing left to do.
public struct Forecast: Equatable, Sendable {
    public var likely: Double
    /// nil where fits stop where they are best, and none has shown when that is.
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

        /// At most so many, for which nothing has shown yet when it will be.
        public init(atMost maximum: Int, likely: Int) {
            (low, self.likely, high) = (nil, Double(min(likely, maximum)), Double(maximum))
        }

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

    /// Fits that begin when those at hand are done: of a later phase, or of a later page.
    public struct Later: Equatable, Sendable {
        public var fits: Int
        /// Workers that share them, if there are no more.
        public var workers: Int
        public var iterations: Iterations
        /// How many such phases there will be.
        public var times: Int

        public init(fits: Int, workers: Int, iterations: Iterations, times: Int = 1) {
            self.fits = fits
            self.workers = workers
            self.iterations = iterations
            self.times = times
        }

        /// All of them, one round after the other, where a worker does so much in a second.
        fileprivate func seconds(_ iterations: Double, rate: Double, workers others: Int) -> Double
        {
            let workers = max(workers, others, 1)
            return Double((fits + workers - 1) / workers * times) * iterations / rate
        }
    }

    /// - Parameters:
    ///   - hands: one for each worker.
    ///   - tilesLeft: tiles that are neither stored nor given up.
    ///   - iterations: what each of them takes.
    ///   - later: what follows.
    ///   - spread: one standard deviation of rates, as a share of them.
    ///   - lostShare: iterations that had to be done again, as a share of those done.
    /// - Returns: nil where no rate is known.
    public init?(
        hands: [Hand], tilesLeft: Int, iterations: Iterations, later: [Later] = [],
        spread: Double, lostShare: Double
    ) {
        let known = hands.compactMap(\.rate).filter { $0 > 0 }
        guard !known.isEmpty else { return nil }
        let mean = known.reduce(0, +) / Double(known.count)
        func seconds(_ iterations: Double) -> Double {
            Self.makespan(hands, tilesLeft: tilesLeft, iterations: iterations, meanRate: mean)
        }
        func seconds(_ later: Later, _ iterations: Double) -> Double {
            later.seconds(iterations, rate: mean, workers: hands.count)
        }
        let spread = min(max(spread, 0), 0.75)
        likely = later.reduce(seconds(iterations.likely)) { $0 + seconds($1, $1.iterations.likely) }
        let held = Set(hands.compactMap(\.tile)).count
        let least = iterations.low.map { count in
            let begun = hands.reduce(0.0) { sum, hand in
                sum + (hand.tile == nil ? 0 : max(count - Double(hand.iteration), 0))
            }
            let work = begun + Double(max(tilesLeft - held, 0)) * count
            let together = mean * Double(hands.count)
            return min(work / together, seconds(count))
        }
        low = later.reduce(least) { sum, later in
            guard let sum, let count = later.iterations.low else { return nil }
            return sum + seconds(later, count)
        }.map { $0 / (1 + spread) }
        let most = later.reduce(seconds(iterations.high)) { $0 + seconds($1, $1.iterations.high) }
        high = most / (1 - spread) * (1 + max(lostShare, 0))
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
