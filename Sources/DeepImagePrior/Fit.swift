// The fit of one tile: a network is trained to reproduce the given pixels, and its averaged output
// on the way there is the restored picture.

import NeuralNetwork

#if canImport(Glibc)
    import Glibc
#endif

/// What an iteration brought.
public struct FitProgress: Equatable, Sendable {
    /// Iterations done; smaller than before after a roll-back.
    public let iteration: Int
    /// Mean squared error of A(output) against the samples that are given, with `masked` against
    /// those that were hidden; after a roll-back, that of the state which the fit went back to.
    /// Always finite.
    public let loss: Double
    /// The same as PSNR, in dB.
    public let psnrToInput: Double
    /// Collapses so far.
    public let rollBackCount: Int
}

/// A part of an iteration; they run in this order.
public enum FitPart: Hashable, Sendable {
    /// Fresh noise on z.
    case noise
    /// A layer's way forward, by its parameters' name.
    case forward(layer: String)
    case loss
    /// A layer's way back; the last layer comes first.
    case backward(layer: String)
    /// Gradient norm, averages and the optimizer's step.
    case update
}

/// The Deep Image Prior fit of one tile (Ulyanov, Vedaldi, Lempitsky 2018).
///
/// Each iteration: fresh noise on z, the network forward, the loss on A(output), backward, gradient
/// clipping, an Adam step, and the output into the exponential average. Missing samples have no
/// part in the loss: the network fills them with what goes with the others. The result depends on
/// the problem and the configuration alone. Not safe to use from two threads at once.
public final class Fit {
    public let configuration: FitConfiguration
    /// The given pixels, with 0.5 where they are missing.
    let problem: FitProblem
    /// Places in the problem's pixels of samples that have no part in the loss, in order: missing
    /// ones, and those that are held out.
    private let missing: [Int]
    /// Samples that are held out: their places, and what they are.
    private let heldOut: [(place: Int, value: Float)]
    /// Those, and what is held back with them.
    private let withheld: [(place: Int, value: Float)]
    private let network: Network
    private let forwardOperator: any ForwardOperator
    private let dataGradient: DataGradient
    private let totalVariation: TotalVariation
    private let z: [Float]  // (outputHeight, outputWidth, input channels)
    private var masked: MaskedPicture?
    private var average: [Float]  // (outputHeight, outputWidth, bands)
    /// A(output), then how far it is off; in the shape of the given pixels.
    private var misfit: [Float]
    private var adam = Adam()
    private var learningRate: Double
    private var rollBackCount = 0
    private var psnrToInput: Double?
    private var monitor: StopMonitor
    private var snapshot: FitState.Moment

    /// Iterations done.
    public private(set) var iteration = 0

    /// Builds the network and its start, or the state that another fit had come to.
    ///
    /// - Parameters:
    ///   - start: The weights that the configuration names, if it does; not needed with a state.
    ///   - state: Of a fit of the same problem and configuration: this one takes the same way from
    ///     there as that one would have, bit for bit on the same CPU type.
    ///   - threadCount: Threads that share each iteration; the result is the same for any.
    /// - Throws: `FitError` for a problem or configuration that makes no sense, a state that is not
    ///   theirs, or where memory or threads are short.
    public init(
        problem: FitProblem, configuration: FitConfiguration, start: StartWeights? = nil,
        resuming state: FitState? = nil, threadCount: Int = 1
    ) throws(FitError) {
        try configuration.validate()
        try problem.validate(for: configuration)
        try configuration.checkCurve(fits: problem)
        var problem = problem
        let kernels = try Self.kernels()
        let given = problem.pixels
        heldOut = problem.holdOut(configuration, kernels: kernels)
        missing = problem.pixels.indices.filter { problem.pixels[$0].isNaN }
        withheld = missing.filter { !given[$0].isNaN }.map { ($0, given[$0]) }
        self.configuration = configuration
        monitor = StopMonitor(configuration)
        forwardOperator = configuration.makeOperator(for: problem)
        misfit = [Float](repeating: 0, count: problem.pixels.count)
        dataGradient = DataGradient(configuration)
        totalVariation = TotalVariation(
            weight: Float(configuration.totalVariationWeight), height: problem.outputHeight,
            width: problem.outputWidth, bands: problem.bands)
        do throws(NetworkError) {
            let description = try configuration.network(bands: problem.bands).describe(
                height: problem.outputHeight, width: problem.outputWidth)
            network = try Network(
                description, kernels: kernels,
                options: configuration.networkOptions(threadCount: threadCount))
        } catch {
            throw FitError(error)
        }
        z = configuration.input.z(of: problem, configuration, kernels: network.kernels)
        masked = configuration.input == .masked ? MaskedPicture(problem, configuration) : nil
        problem.guide = []
        for index in missing { problem.pixels[index] = 0.5 }
        self.problem = problem
        network.initialize(
            RandomStream(seed: configuration.seed, words: (StreamTag.weights.rawValue, 0, 0)))
        if !configuration.start.isEmpty, state == nil {
            guard let start, start.identity == configuration.start else {
                throw .invalid(
                    "the fit begins with the weights \(configuration.start), which did not come")
            }
            try start.write(into: network)
        }
        average = [Float](repeating: 0, count: problem.outputCount)
        learningRate = configuration.learningRate
        snapshot = FitState.Moment(
            learningRate: learningRate, values: Array(network.values),
            firstMoments: Array(network.firstMoments),
            secondMoments: Array(network.secondMoments), average: average, monitor: monitor)
        if missing.count == problem.pixels.count {
            // Nothing is given that could be explained.
            average = [Float](repeating: 0.5, count: problem.outputCount)
            iteration = configuration.iterations
            return
        }
        guard let state else { return }
        try state.validate(for: problem, configuration, parameterCount: network.layout.count)
        snapshot = state.snapshot ?? state.present
        restore(state.present)
    }

    public var isFinished: Bool {
        iteration >= configuration.iterations || monitor.isOver(configuration)
    }

    /// One iteration.
    ///
    /// - Parameter observer: Called at the end of each part; for measuring.
    /// - Throws: `FitError.diverged` after too many collapses.
    public func step(
        observing observer: ((FitPart) -> Void)? = nil
    ) throws(FitError) -> FitProgress {
        defer { observer?(.update) }
        network.setInput(
            z, plusNoise: Float(configuration.inputNoiseDeviation), stream(.inputNoise))
        masked?.draw(stream(.mask), kernels: network.kernels, into: network.input)
        observer?(.noise)
        network.forward(observing: observer.map { tell in { tell(.forward(layer: $0)) } })
        let loss = computeLoss()
        let psnr = -10 * log10(loss)
        observer?(.loss)
        network.backward(observing: observer.map { tell in { tell(.backward(layer: $0)) } })
        let norm = network.gradientNorm()
        guard loss.isFinite, norm.isFinite, !hasCollapsed(psnr) else { return try rollBack() }
        psnrToInput = psnr
        // The weights have just shown that they are good.
        if iteration % configuration.snapshotInterval == 0 { save(into: &snapshot) }
        if iteration == 0 { average.update(from: network.output) }
        network.kernels.blendAverage(&average, with: network.output, decay: averageDecay)
        let clip = min(1, configuration.gradientNormMaximum / (norm + 1e-6))
        adam.step(network, learningRate: learningRate, gradientScale: clip)
        iteration += 1
        monitor.note(
            iteration: iteration, loss: loss, output: network.output, average: average,
            configuration, heldOutError: heldOutError)
        return FitProgress(
            iteration: iteration, loss: loss, psnrToInput: psnr, rollBackCount: rollBackCount)
    }

    /// The restored tile, (outputHeight, outputWidth, bands), 0 to 1: the exponential average of
    /// the outputs, where a rule stops the fit that of its best point, with the detail that noise
    /// does not explain (`DetailRecovery`). A pilot's is its curve; of a fit that is made for its
    /// weights they are it.
    public func result() -> [Float] {
        guard !configuration.givesWeights else { return StartWeights(of: network).laidOut() }
        guard !configuration.measuresStop else {
            return monitor.curve.laidOut(sampleCount: average.count)
        }
        var restored = monitor.best.isEmpty ? average : monitor.best
        if let detail = DetailRecovery(problem, configuration) {
            var given = problem.pixels
            for (place, value) in withheld { given[place] = value }
            let isKnown = Set(withheld.map(\.place))
            detail.add(
                to: &restored, given: given, missing: missing.filter { !isKnown.contains($0) })
        }
        return restored.map { min(max($0, 0), 1) }
    }

    /// (height, width, bands) of the result.
    public var resultShape: [Int] {
        configuration.givesWeights ? StartWeights.shape(of: network.layout) : problem.outputShape
    }

    /// What the average's mean squared error is to be expected to be, noise included: that on the
    /// samples that are held out, and what of the others' noise is in the average. Unknown where
    /// nothing is held out.
    ///
    /// With H and T the mean squared errors on held-out and on other samples, and noise of the
    /// variance s^2, of which the average repeats the share a where it was trained:
    /// T = H - s^2 + (1 - a)^2 s^2, and to the clean picture the error is H - s^2 + a^2 s^2. Where
    /// H is hardly more than s^2, that is H + (sqrt(H) - sqrt(T))^2 - s^2.
    private func heldOutError() -> Float {
        guard !heldOut.isEmpty else { return StopCurve.unknown }
        var prediction = [Float](repeating: 0, count: problem.pixels.count)
        average.withUnsafeBufferPointer { average in
            prediction.withUnsafeMutableBufferPointer {
                forwardOperator.apply(average, into: $0)
            }
        }
        let hidden = heldOut.reduce(0.0) {
            let error = Double(prediction[$1.place] - $1.value)
            return $0 + error * error
        }
        for place in missing { prediction[place] = problem.pixels[place] }
        let trained = prediction.withUnsafeMutableBufferPointer {
            network.kernels.residual(of: $0, from: problem.pixels, into: $0)
        }
        let given = problem.pixels.count - missing.count
        let expected = hidden / Double(heldOut.count)
        let repeated = expected.squareRoot() - (trained / Double(given)).squareRoot()
        return Float(expected + repeated * repeated)
    }

    /// The output of the latest iteration, (height, width, bands).
    var latestOutput: [Float] { Array(network.output) }

    // MARK: The state

    /// The state after the latest iteration: one moment where a collapse would roll back to just
    /// that, else two.
    public var state: FitState {
        var present = snapshot
        save(into: &present)
        return wrap(present, snapshot: present == snapshot ? nil : snapshot)
    }

    /// The state that a collapse would roll back to: an earlier one, of half the size. A fit that
    /// goes on from it repeats what this one did since, collapses included.
    public var snapshotState: FitState { wrap(snapshot, snapshot: nil) }

    /// Iterations that a fit from `snapshotState` repeats; nil where it would repeat a collapse.
    public var snapshotAge: Int? {
        snapshot.rollBackCount == rollBackCount ? iteration - snapshot.iteration : nil
    }

    private func wrap(_ present: FitState.Moment, snapshot: FitState.Moment?) -> FitState {
        FitState(
            present: present, snapshot: snapshot, tile: problem.tile,
            shape: problem.outputShape, configuration: configuration.json)
    }

    private var averageDecay: Float {
        let decay = configuration.averageDecay
        guard configuration.averagesEvenlyAtFirst else { return Float(decay) }
        return Float(min(decay, 1 - 1 / Double(iteration + 1)))
    }

    /// Random numbers of this iteration.
    private func stream(_ tag: StreamTag) -> RandomStream {
        RandomStream(
            seed: configuration.seed,
            words: (
                tag.rawValue | UInt32(truncatingIfNeeded: rollBackCount) << 8,
                UInt32(truncatingIfNeeded: problem.tile), UInt32(truncatingIfNeeded: iteration)
            ))
    }

    /// Places of samples that have no part in this iteration's loss.
    private var unasked: [Int] { masked?.unasked ?? missing }

    /// Mean of (A(output) - y)^2 over what is asked, whatever the data term; leaves the gradient of
    /// the loss in the network.
    private func computeLoss() -> Double {
        let (prediction, gradient) = (network.output, network.outputGradient)
        let unasked = unasked
        let sum = misfit.withUnsafeMutableBufferPointer { misfit in
            forwardOperator.apply(UnsafeBufferPointer(prediction), into: misfit)
            for index in unasked { misfit[index] = problem.pixels[index] }
            let sum = network.kernels.residual(of: misfit, from: problem.pixels, into: misfit)
            dataGradient.weigh(misfit, given: problem.pixels)
            forwardOperator.adjoint(UnsafeBufferPointer(misfit), into: gradient)
            return sum
        }
        let count = Double(problem.pixels.count - unasked.count)
        network.kernels.scale(gradient, by: Float(2 / count))
        totalVariation.addGradient(to: gradient, of: prediction)
        return sum / count
    }

    /// Whether the output is suddenly much worse than it was. A few samples say nothing about that:
    /// their error jumps from iteration to iteration.
    private func hasCollapsed(_ psnr: Double) -> Bool {
        let askedCount = problem.pixels.count - unasked.count
        guard let before = psnrToInput, askedCount >= Self.collapseSampleCountMinimum else {
            return false
        }
        let reference = max(before, snapshot.psnrToInput ?? before)
        let cap = FitConfiguration.collapseReferenceMaximum
        return min(reference, cap) - psnr > configuration.collapseDecibels
    }

    private static let collapseSampleCountMinimum = 256

    /// Back to the last good state, with half the learning rate and other noise.
    private func rollBack() throws(FitError) -> FitProgress {
        guard rollBackCount < configuration.rollBacksMaximum else {
            throw .diverged(iteration: iteration, rollBackCount: rollBackCount + 1)
        }
        let (rate, count) = (learningRate / 2, rollBackCount + 1)
        restore(snapshot)
        learningRate = rate
        rollBackCount = count
        let psnr = psnrToInput ?? 0
        return FitProgress(
            iteration: iteration, loss: pow(10, -psnr / 10), psnrToInput: psnr,
            rollBackCount: count)
    }

    /// Copies into memory that the state has, so that no second one exists for a moment.
    private func save(into state: inout FitState.Moment) {
        state.iteration = iteration
        state.adamStepCount = adam.stepCount
        state.learningRate = learningRate
        state.rollBackCount = rollBackCount
        state.psnrToInput = psnrToInput
        state.monitor = monitor
        state.values.update(from: network.values)
        state.firstMoments.update(from: network.firstMoments)
        state.secondMoments.update(from: network.secondMoments)
        state.average.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: average) }
    }

    private func restore(_ state: FitState.Moment) {
        iteration = state.iteration
        adam.stepCount = state.adamStepCount
        learningRate = state.learningRate
        rollBackCount = state.rollBackCount
        psnrToInput = state.psnrToInput
        monitor = state.monitor
        _ = network.values.update(fromContentsOf: state.values)
        _ = network.firstMoments.update(fromContentsOf: state.firstMoments)
        _ = network.secondMoments.update(fromContentsOf: state.secondMoments)
        average.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: state.average) }
    }
}

extension [Float] {
    /// Overwrites the elements with as many others, in place.
    fileprivate mutating func update(from values: UnsafeMutableBufferPointer<Float>) {
        precondition(values.count == count)
        withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: values) }
    }
}
