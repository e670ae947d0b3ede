// Everything that a fit remembers from one iteration to the next.

/// A fit between two iterations: enough for another process to go on as if nothing had happened.
public struct FitState: Equatable, Sendable {
    /// One moment of a fit.
    struct Moment: Equatable, Sendable {
        /// Iterations done.
        var iteration = 0
        /// Steps that Adam has counted; its bias correction depends on them.
        var adamStepCount = 0
        var learningRate: Double
        var rollBackCount = 0
        /// PSNR of the last output to the given pixels, in dB; nil before the first.
        var psnrToInput: Double?
        /// In the network's layout.
        var values: [Float]
        var firstMoments: [Float]
        var secondMoments: [Float]
        /// The exponential average of outputs, (height, width, bands).
        var average: [Float]
        /// What tells when to stop.
        var monitor: StopMonitor
    }

    /// What the fit goes on from.
    var present: Moment
    /// What a collapse rolls back to; nil where that is the present.
    var snapshot: Moment?
    /// The tile's number, (height, width, bands) and the hyperparameters as JSON: a state means
    /// nothing to other fits.
    var tile: Int
    var shape: [Int]
    var configuration: String
    /// That were spent on the fit, tries before included, for the report: whoever measures them
    /// writes them in.
    public var seconds = 0.0

    /// Iterations done.
    public var iteration: Int { present.iteration }

    /// - Throws: `FitError.invalid` where a fit of this problem, configuration and number of
    ///   parameters could not have come to this state.
    func validate(
        for problem: FitProblem, _ configuration: FitConfiguration, parameterCount: Int
    ) throws(FitError) {
        guard tile == problem.tile, shape == problem.outputShape else {
            throw .invalid("the state is that of tile \(tile) of the shape \(shape.prefix(3))")
        }
        guard self.configuration == configuration.json else {
            throw .invalid("the state is that of a fit with another configuration")
        }
        for moment in [present, snapshot].compactMap({ $0 }) {
            try moment.validate(
                configuration, parameterCount: parameterCount, sampleCount: problem.outputCount)
        }
    }
}

extension FitState.Moment {
    fileprivate func validate(
        _ configuration: FitConfiguration, parameterCount: Int, sampleCount: Int
    ) throws(FitError) {
        guard (0...configuration.iterations).contains(iteration),
            (0...configuration.rollBacksMaximum).contains(rollBackCount),
            adamStepCount == iteration,
            learningRate > 0,
            learningRate <= configuration.learningRate, psnrToInput?.isFinite ?? true
        else {
            throw .invalid(
                "the state is at iteration \(iteration) with \(adamStepCount) steps of the "
                    + "optimizer, \(rollBackCount) roll-backs and the learning rate "
                    + "\(learningRate): no fit of this configuration comes there")
        }
        let parameters = [values, firstMoments, secondMoments]
        guard parameters.allSatisfy({ $0.count == parameterCount }), average.count == sampleCount
        else {
            throw .invalid(
                "the state has \(values.count) parameters and \(average.count) averages, "
                    + "but this fit has \(parameterCount) and \(sampleCount)")
        }
        guard monitor.belongs(to: configuration, iteration: iteration, sampleCount: sampleCount)
        else {
            throw .invalid(
                "the state has a stop curve of \(monitor.curve.values.count) values at iteration "
                    + "\(iteration), which no fit of this configuration has")
        }
        guard
            (parameters + [average, monitor.window, monitor.best]).allSatisfy({
                $0.allSatisfy(\.isFinite)
            }),
            secondMoments.allSatisfy({ $0 >= 0 })
        else { throw .invalid("the state holds values that no fit has") }
    }
}
