// When a fit is to stop: the rules, and what they say of a curve.

/// What tells the iteration at which a fit's averaged output is the picture: later it is noise too.
public enum StopRule: String, Codable, Sendable, CaseIterable {
    /// The number of iterations that is given.
    case fixed
    /// Some given pixels have no part in the loss; the average is best where its error on them is
    /// least. Noise that differs from pixel to pixel cannot be told from the others, so that error
    /// follows the one to the clean picture.
    case heldOut = "held-out"
    /// The windowed moving variance of the outputs is least (ES-WMV: Wang et al., 2023).
    case variance
    /// The mean squared error to the given pixels comes down to the variance of their noise
    /// (Morozov's discrepancy principle).
    case noiseLevel = "noise-level"
}

/// What a rule watched on the way, at equal distances.
public struct StopCurve: Equatable, Sendable {
    /// Iterations between two values; the first value is that of this iteration.
    public static let interval = 10
    /// In the place of a value; all others are 0 or more.
    public static let unknown: Float = -1

    public let rule: StopRule
    /// Held-out: mean squared error of the average; variance: the windowed variance; noise level:
    /// mean squared error of the outputs. `unknown` where there is none yet.
    public internal(set) var values: [Float]

    public init(_ rule: StopRule, values: [Float] = []) {
        self.rule = rule
        self.values = values
    }

    /// The iteration of a value.
    public static func iteration(of index: Int) -> Int { (index + 1) * interval }

    /// Where a fit is to stop.
    public struct Point: Equatable, Sendable {
        public let iteration: Int
        /// Whether the curve has shown that it is behind the best; else the best is yet to come, or
        /// the rule has nothing to say.
        public let isConfirmed: Bool
    }

    /// What the rule says.
    ///
    /// A minimum is confirmed when none follows for `stopPatience` iterations; the first confirmed
    /// one counts, because long fits drift below it again. The variance is low in the beginning,
    /// before anything is learned, and so its minima count from `stopWarmUp` on.
    ///
    /// - Returns: nil where no value is known.
    public func point(_ configuration: FitConfiguration) -> Point? {
        switch rule {
        case .fixed: return nil
        case .heldOut: return minimum(from: 0, patience: configuration.stopPatience)
        case .variance:
            return minimum(
                from: configuration.stopWarmUp, patience: configuration.stopPatience)
        case .noiseLevel:
            let wanted = Float(configuration.noiseDeviation * configuration.noiseDeviation)
            guard !values.isEmpty else { return nil }
            let reached = values.firstIndex { $0 <= wanted }
            return Point(
                iteration: Self.iteration(of: reached ?? values.count - 1),
                isConfirmed: reached != nil)
        }
    }

    private func minimum(from warmUp: Int, patience: Int) -> Point? {
        var best: (index: Int, value: Float)?
        for (index, value) in values.enumerated()
        where Self.iteration(of: index) >= warmUp && value >= 0 {
            guard let former = best, value >= former.value else {
                best = (index, value)
                continue
            }
            let distance = Self.iteration(of: index) - Self.iteration(of: former.index)
            if distance >= patience {
                return Point(iteration: Self.iteration(of: former.index), isConfirmed: true)
            }
        }
        return best.map { Point(iteration: Self.iteration(of: $0.index), isConfirmed: false) }
    }

    /// The mean of several fits' curves. One that ended before others goes on at its last value.
    ///
    /// The variance is measured against each curve's own mean: textures vary more than sky.
    ///
    /// - Precondition: they are of one rule.
    public static func mean(of curves: [StopCurve]) -> StopCurve? {
        let curves = curves.filter { $0.values.contains { $0 >= 0 } }
        guard let first = curves.first else { return nil }
        precondition(curves.allSatisfy { $0.rule == first.rule }, "curves of different rules")
        let count = curves.map(\.values.count).max() ?? 0
        var sums = [Double](repeating: 0, count: count)
        for curve in curves {
            let known = curve.values.filter { $0 >= 0 }.map(Double.init)
            let unit =
                first.rule == .variance ? known.reduce(0, +) / Double(known.count) : 1
            for index in 0..<count {
                let value = curve.values[min(index, curve.values.count - 1)]
                sums[index] += value < 0 ? -.infinity : Double(value) / (unit > 0 ? unit : 1)
            }
        }
        return StopCurve(
            first.rule,
            values: sums.map { $0 < 0 ? unknown : Float($0 / Double(curves.count)) })
    }

    // MARK: In the place of a tile

    /// The curve as the result of a tile, (height, width, bands): the number of values, then the
    /// values, then zeros.
    func laidOut(sampleCount: Int) -> [Float] {
        precondition(values.count < sampleCount, "the curve is longer than the tile")
        return [Float(values.count)] + values
            + [Float](repeating: 0, count: sampleCount - values.count - 1)
    }

    /// Reads a tile's result that is a curve.
    ///
    /// - Throws: `FitError.invalid` where it is none.
    public init(_ rule: StopRule, inPlaceOf samples: [Float]) throws(FitError) {
        guard let first = samples.first, let count = Int(exactly: first),
            (0..<samples.count).contains(count),
            samples[1..<count + 1].allSatisfy({ $0 >= 0 || $0 == Self.unknown })
        else { throw .invalid("a tile's result is no curve of the rule \"\(rule.rawValue)\"") }
        self.init(rule, values: Array(samples[1..<count + 1]))
    }
}
