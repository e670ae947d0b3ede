// The fit of one tile: a network is trained to reproduce the given pixels, and its averaged output
// on the way there is the restored picture.

public import NeuralNetwork

#if canImport(Glibc)
    import Glibc
#endif

/// What an iteration brought.
public struct FitProgress: Equatable, Sendable {
    /// Iterations done; smaller than before after a roll-back.
    public let iteration: Int
    /// Mean squared error of A(output) against the samples that are not missing; after a roll-back,
    /// that of the state which the fit went back to. Always finite.
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
    private let problem: FitProblem
    /// Places of missing samples in the problem's pixels, in order.
    private let missing: [Int]
    private let network: Network
    private let forwardOperator: any ForwardOperator
    private let dataGradient: DataGradient
    private let totalVariation: TotalVariation
    private let z: [Float]  // (height, width, input channels)
    private var average: [Float]  // (height, width, bands)
    private var adam = Adam()
    private var learningRate: Double
    private var rollBackCount = 0
    private var psnrToInput: Double?
    private var snapshot: FitState.Moment

    /// Iterations done.
    public private(set) var iteration = 0

    /// Builds the network and its start, or the state that another fit had come to.
    ///
    /// - Parameters:
    ///   - state: Of a fit of the same problem and configuration: this one takes the same way from
    ///     there as that one would have, bit for bit on the same CPU type.
    ///   - threadCount: Threads that share each iteration; the result is the same for any.
    /// - Throws: `FitError` for a problem or configuration that makes no sense, a state that is not
    ///   theirs, or where memory or threads are short.
    public init(
        problem: FitProblem, configuration: FitConfiguration, resuming state: FitState? = nil,
        threadCount: Int = 1
    ) throws(FitError) {
        try configuration.validate()
        try problem.validate()
        missing = problem.pixels.indices.filter { problem.pixels[$0].isNaN }
        var problem = problem
        for index in missing { problem.pixels[index] = 0.5 }
        self.problem = problem
        self.configuration = configuration
        forwardOperator = configuration.task.makeOperator()
        dataGradient = DataGradient(configuration)
        totalVariation = TotalVariation(
            weight: Float(configuration.totalVariationWeight), height: problem.height,
            width: problem.width, bands: problem.bands)
        do throws(NetworkError) {
            let description = try configuration.network(bands: problem.bands).describe(
                height: problem.height, width: problem.width)
            network = try Network(
                description, kernels: .forThisMachine(),
                options: configuration.networkOptions(threadCount: threadCount))
        } catch {
            throw FitError(error)
        }
        z = NoiseField(configuration).cut(problem, kernels: network.kernels)
        network.initialize(
            RandomStream(seed: configuration.seed, words: (StreamTag.weights.rawValue, 0, 0)))
        average = [Float](repeating: 0, count: problem.pixels.count)
        learningRate = configuration.learningRate
        snapshot = FitState.Moment(
            learningRate: learningRate, values: Array(network.values),
            firstMoments: Array(network.firstMoments),
            secondMoments: Array(network.secondMoments), average: average)
        if missing.count == problem.pixels.count {
            // Nothing is given that could be explained.
            average = problem.pixels
            iteration = configuration.iterations
            return
        }
        guard let state else { return }
        try state.validate(for: problem, configuration, parameterCount: network.layout.count)
        snapshot = state.snapshot ?? state.present
        restore(state.present)
    }

    public var isFinished: Bool { iteration >= configuration.iterations }

    /// One iteration.
    ///
    /// - Parameter observer: Called at the end of each part; for measuring.
    /// - Throws: `FitError.diverged` after too many collapses.
    public func step(
        observing observer: ((FitPart) -> Void)? = nil
    ) throws(FitError) -> FitProgress {
        defer { observer?(.update) }
        network.setInput(
            z, plusNoise: Float(configuration.inputNoiseDeviation), noiseStream)
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
        network.kernels.blendAverage(
            &average, with: network.output, decay: Float(configuration.averageDecay))
        let clip = min(1, configuration.gradientNormMaximum / (norm + 1e-6))
        adam.step(network, learningRate: learningRate, gradientScale: clip)
        iteration += 1
        return FitProgress(
            iteration: iteration, loss: loss, psnrToInput: psnr, rollBackCount: rollBackCount)
    }

    /// The restored tile: the exponential average of the outputs, (height, width, bands), 0 to 1.
    public func result() -> [Float] {
        average.map { min(max($0, 0), 1) }
    }

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
            shape: [problem.height, problem.width, problem.bands],
            configuration: configuration.json)
    }

    private var noiseStream: RandomStream {
        RandomStream(
            seed: configuration.seed,
            words: (
                StreamTag.inputNoise.rawValue | UInt32(truncatingIfNeeded: rollBackCount) << 8,
                UInt32(truncatingIfNeeded: problem.tile), UInt32(truncatingIfNeeded: iteration)
            ))
    }

    /// Mean of (A(output) - y)^2 over what is not missing, whatever the data term; leaves the
    /// gradient of the loss in the network.
    private func computeLoss() -> Double {
        let (prediction, gradient) = (network.output, network.outputGradient)
        _ = gradient.update(fromContentsOf: prediction)
        forwardOperator.apply(gradient)
        for index in missing { gradient[index] = problem.pixels[index] }
        let sum = network.kernels.residual(of: gradient, from: problem.pixels, into: gradient)
        dataGradient.weigh(gradient, given: problem.pixels)
        forwardOperator.adjoint(gradient)
        let count = Double(problem.pixels.count - missing.count)
        network.kernels.scale(gradient, by: Float(2 / count))
        totalVariation.addGradient(to: gradient, of: prediction)
        return sum / count
    }

    /// Whether the output is suddenly much worse than it was. A few samples say nothing about that:
    /// their error jumps from iteration to iteration.
    private func hasCollapsed(_ psnr: Double) -> Bool {
        let givenCount = problem.pixels.count - missing.count
        guard let before = psnrToInput, givenCount >= Self.collapseSampleCountMinimum else {
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

extension Fit {
    /// Arithmetic of one iteration on such a tile, in floating-point operations.
    ///
    /// - Throws: `FitError.invalid` for a size that the network cannot take.
    public static func operationsPerIteration(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) -> Double {
        try describe(configuration, height, width, bands).operationsPerIteration
    }

    /// The convolutions of the network for such a tile, in the order in which they run forward.
    ///
    /// - Throws: `FitError.invalid` for a size that the network cannot take.
    public static func layers(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) -> [NetworkDescription.Convolution] {
        try describe(configuration, height, width, bands).convolutions
    }

    /// Bytes that a fit of such a tile holds: network, optimizer, input, averages and snapshot.
    ///
    /// - Throws: `FitError.invalid` for a size that the network cannot take.
    public static func memoryByteCount(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int,
        threadCount: Int = 1
    ) throws(FitError) -> Int {
        let description = try describe(configuration, height, width, bands)
        do throws(NetworkError) {
            let pixels = height * width
            let arrays = pixels * (configuration.inputChannels + 3 * bands)
            let snapshot = 3 * (try Network.parameterCount(of: description))
            let options = configuration.networkOptions(threadCount: threadCount)
            return try Network.memoryByteCount(of: description, options: options)
                + (arrays + snapshot) * MemoryLayout<Float>.stride
        } catch {
            throw FitError(error)
        }
    }

    /// Bytes that the encoded state of a fit of such a tile does not exceed.
    ///
    /// - Throws: `FitError.invalid` for a size that the network cannot take.
    public static func stateByteCountMaximum(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) -> Int {
        let description = try describe(configuration, height, width, bands)
        do throws(NetworkError) {
            return FitState.byteCountMaximum(
                configuration, parameterCount: try Network.parameterCount(of: description),
                sampleCount: height * width * bands)
        } catch {
            throw FitError(error)
        }
    }

    private static func describe(
        _ configuration: FitConfiguration, _ height: Int, _ width: Int, _ bands: Int
    ) throws(FitError) -> NetworkDescription {
        try configuration.validate()
        do throws(NetworkError) {
            return try configuration.network(bands: bands).describe(height: height, width: width)
        } catch {
            throw FitError(error)
        }
    }
}

extension FitError {
    init(_ error: NetworkError) {
        switch error {
        case .outOfMemory(let byteCount): self = .outOfMemory(byteCount: byteCount)
        case .invalid, .unknownKernelPath, .noThread: self = .invalid(error.description)
        }
    }
}
