// What a fit remembers to know when to stop.

internal import NeuralNetwork

/// Follows one fit. Without a rule it does nothing and holds nothing.
struct StopMonitor: Equatable, Sendable {
    /// Outputs of the latest iterations that the variance is of (Wang et al., 2023: 100).
    static let windowLength = 100
    /// Samples of the output that the variance is estimated from.
    static let sampleCountMaximum = 2048

    var curve: StopCurve
    /// Variance: the latest outputs at the samples, that of iteration i in row (i - 1) modulo the
    /// length.
    var window: [Float] = []
    /// Noise level: squared errors since the curve's latest value.
    var errorSum = 0.0
    /// The averaged output at the best point so far, where the fit's result is to be that; else
    /// empty.
    var best: [Float] = []

    init(_ configuration: FitConfiguration) {
        curve = StopCurve(configuration.stopRule)
    }

    init(
        curve: StopCurve, window: [Float] = [], errorSum: Double = 0, best: [Float] = []
    ) {
        self.curve = curve
        self.window = window
        self.errorSum = errorSum
        self.best = best
    }

    /// Floating-point numbers that a monitor holds at most.
    static func valueCountMaximum(_ configuration: FitConfiguration, sampleCount: Int) -> Int {
        guard configuration.stopRule != .fixed else { return 0 }
        let window =
            configuration.stopRule == .variance
            ? min(sampleCount, sampleCountMaximum) * windowLength : 0
        return configuration.iterations / StopCurve.interval + window
            + (configuration.measuresStop ? 0 : sampleCount)
    }

    /// Whether a fit of this configuration can have it at this iteration.
    func belongs(
        to configuration: FitConfiguration, iteration: Int, sampleCount: Int
    ) -> Bool {
        let isFixed = configuration.stopRule == .fixed
        let windowCount =
            configuration.stopRule == .variance && iteration > 0
            ? min(sampleCount, Self.sampleCountMaximum) * Self.windowLength : 0
        return curve.rule == configuration.stopRule
            && curve.values.count == (isFixed ? 0 : iteration / StopCurve.interval)
            && window.count == windowCount && [0, sampleCount].contains(best.count)
            && (best.isEmpty || !configuration.measuresStop)
            && curve.values.allSatisfy { $0 >= 0 || $0 == StopCurve.unknown } && errorSum >= 0
    }

    /// Places in a tile's samples that the variance is taken at, spread evenly.
    static func variancePlaces(sampleCount: Int) -> [Int] {
        let count = min(sampleCount, sampleCountMaximum)
        return (0..<count).map { $0 * sampleCount / count }
    }

    /// An iteration is done.
    ///
    /// - Parameters:
    ///   - iteration: its number, from 1.
    ///   - loss: mean squared error of its output.
    ///   - heldOutError: makes the average's mean squared error on held-out samples.
    mutating func note(
        iteration: Int, loss: Double, output: UnsafeMutableBufferPointer<Float>,
        average: [Float], _ configuration: FitConfiguration, heldOutError: () -> Float
    ) {
        switch configuration.stopRule {
        case .fixed: return
        case .heldOut: break
        case .variance:
            let places = Self.variancePlaces(sampleCount: output.count)
            if window.isEmpty {
                window = [Float](repeating: 0, count: places.count * Self.windowLength)
            }
            let row = (iteration - 1) % Self.windowLength * places.count
            for (index, place) in places.enumerated() { window[row + index] = output[place] }
        case .noiseLevel: errorSum += loss
        }
        guard iteration % StopCurve.interval == 0 else { return }
        curve.values.append(value(iteration, configuration.stopRule, heldOutError))
        guard !configuration.measuresStop,
            curve.point(configuration)?.iteration == iteration
        else { return }
        best = average
    }

    private mutating func value(
        _ iteration: Int, _ rule: StopRule, _ heldOutError: () -> Float
    ) -> Float {
        switch rule {
        case .fixed: return StopCurve.unknown
        case .heldOut: return heldOutError()
        case .variance: return iteration < Self.windowLength ? StopCurve.unknown : variance()
        case .noiseLevel:
            defer { errorSum = 0 }
            return Float(errorSum / Double(StopCurve.interval))
        }
    }

    /// Mean over the samples of their variance in the window.
    private func variance() -> Float {
        let count = window.count / Self.windowLength
        var sum = 0.0
        for sample in 0..<count {
            var (first, second) = (0.0, 0.0)
            for row in 0..<Self.windowLength {
                let value = Double(window[row * count + sample])
                first += value
                second += value * value
            }
            let mean = first / Double(Self.windowLength)
            sum += max(0, second / Double(Self.windowLength) - mean * mean)
        }
        return Float(sum / Double(count))
    }

    /// Whether the fit has come to its end before its last iteration.
    ///
    /// A measuring fit goes on for a while behind its noise level: the mean over several is wanted.
    func isOver(_ configuration: FitConfiguration) -> Bool {
        guard let point = curve.point(configuration), point.isConfirmed else { return false }
        guard configuration.measuresStop, curve.rule == .noiseLevel else { return true }
        return curve.values.count * StopCurve.interval * 2 >= point.iteration * 3
    }

    // MARK: Held-out pixels

    /// Whether the samples of a pixel of the image are held out: a share of all, by coordinate.
    /// Where iterations hide each sample for itself, so does this; where they hide squares around
    /// samples, a square of s x s pixels holds s times the share of all samples back.
    static func areHeldOut(
        x: Int, y: Int, bands: Int, _ configuration: FitConfiguration, kernels: Kernels
    ) -> [Bool] {
        let isEach = configuration.input == .masked && !configuration.masksPixels
        let stream = RandomStream(
            seed: configuration.seed,
            words: (
                StreamTag.heldOut.rawValue, UInt32(truncatingIfNeeded: x),
                UInt32(truncatingIfNeeded: y)
            ))
        let drawn = kernels.uniform(count: isEach ? bands : 1, stream)
        let share = configuration.heldOutShare / Double(2 * configuration.blindRadius + 1)
        return (0..<bands).map { drawn[isEach ? $0 : 0] < Float(share) }
    }
}
