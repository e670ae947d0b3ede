// Every hyperparameter of a fit, with its unit, range, default and source.

public import NeuralNetwork

/// What a fit needs to know besides the pixels. Travels as JSON: two programs with the same text
/// compute the same picture.
///
/// Defaults are those of the denoising experiment of Ulyanov et al. (2018), except where a line
/// says otherwise. Per-level lists run from the outermost level inwards.
public struct FitConfiguration: Codable, Equatable, Sendable {
    /// What is restored; see `Task`.
    public var task: Task = .denoise
    /// Pixels of the picture for each given one, along both axes; 2, 3, 4 or 8 with `upscale`,
    /// else 1. The published experiments are 4 and 8.
    public var factor = 1

    // MARK: The network

    /// Channels on the way down, one entry a level; 1 to 1024 each, 1 to 8 levels.
    public var downChannels: [Int]
    /// Channels on the way up; one entry a level, 1 to 1024 each.
    public var upChannels: [Int]
    /// Channels of the skip branches; 0 to 1024 each, 0 for none.
    public var skipChannels: [Int]
    /// Sizes of the convolutions on the way down, in pixels; odd, 1 to 11.
    public var filterDown: [Int]
    /// Sizes of the decoding convolutions, in pixels; odd, 1 to 11.
    public var filterUp: [Int]
    /// How each level's result is enlarged.
    public var upsampling: [Upsampling]
    /// How each level's first convolution halves its input.
    public var downsampling = Downsampling.stride
    public var padding: Padding = .reflection
    /// Whether a 1x1 convolution follows each decoding convolution.
    public var hasOneByOneUp = true
    /// Whether the output passes a sigmoid, and so stays within [0, 1].
    public var hasSigmoid = true

    /// Format of the factors in large matrix products; see `Precision`.
    public var precision = Precision.float32

    // MARK: The input

    /// What the network input z is; see `NetworkInput`. With the task `guided` it is the guide.
    public var input = NetworkInput.noise
    /// Channels of z; 1 to 1024 of noise, else as many as the picture has that z is.
    public var inputChannels = 32
    /// Noise is uniform in [0, inputScale); above 0.
    public var inputScale = 0.1
    /// With `coarse`: side of a block, in given pixels; 1 to 64.
    public var coarseBlock = 2
    /// With `coarse`: what the picture's values, 0 to 1, are multiplied by; above 0, at most 10.
    public var coarseScale = 0.3
    /// With `masked`: share of the given samples that an iteration hides; 0 to 0.9.
    public var maskedShare = 0.3
    /// With `masked`: what the picture's values, 0 to 1, are multiplied by; above 0, at most 10.
    public var maskedScale = 0.3
    /// With `masked`: whether all bands of a pixel are hidden together, for noise that they share.
    public var masksPixels = false
    /// With `masked`: how many pixels on each side of a sample that is asked for are hidden with
    /// it, for noise that they share; 0 to 8.
    public var maskedRadius = 0
    /// Standard deviation of the fresh Gaussian noise that z gets in each iteration; at least 0.
    public var inputNoiseDeviation = 1.0 / 30

    // MARK: The loss

    /// How the error of a sample counts; see `DataTerm`.
    public var dataTerm = DataTerm.squared
    /// With `huber`: the error beyond which the loss grows linearly, on the scale [0, 1]; above 0,
    /// at most 1.
    ///
    /// Not in the paper: half the deviation of its noise of 25 levels.
    public var huberThreshold = 0.05
    /// The noise that errors are weighed by; see `NoiseModel`.
    public var noiseModel = NoiseModel.gaussian
    /// With `poisson`: counts between the values that a fit sees as 0 and 1; above 0.
    public var photonScale = 255.0
    /// With `poisson`: counts at the value that a fit sees as 0.
    public var photonOffset = 0.0
    /// Weight of the picture's total variation beside the data term, see `TotalVariation`; 0 for
    /// none, to 1000.
    ///
    /// Not in the paper: Liu et al. (2019) add it.
    public var totalVariationWeight = 0.0

    // MARK: The optimization

    /// Iterations of a tile; 1 to 1,000,000.
    ///
    /// 1800 is the count behind the paper's denoising table, for an image of 512x512 pixels.
    public var iterations = 1800
    /// Adam's learning rate; above 0, at most 1.
    public var learningRate = 0.01
    /// Weight of the past in the exponential average of outputs; 0 to below 1.
    public var averageDecay = 0.99
    /// Whether the first outputs count alike, the n-th for 1/n until that is less than a later
    /// one's share, rather than the first one as if it had been there for ever.
    ///
    /// The paper's code does the latter, which short fits suffer from.
    public var averagesEvenlyAtFirst = false
    /// The gradient is shortened to this 2-norm where it is longer; above 0.
    ///
    /// Not in the paper: practice with long fits shows that it prevents most collapses.
    public var gradientNormMaximum = 1.0

    // MARK: The start

    /// Identity of the `StartWeights` that the fit begins with; empty for random ones.
    public var start = ""
    /// Whether the fit is made for its weights: they are its result, in place of pixels.
    public var givesWeights = false

    // MARK: The result

    /// Standard deviations of the given samples' noise, 1 being the range, at brightnesses evenly
    /// over the range: what is left of the picture beyond that returns to the result as detail. At
    /// most 64; none where nothing is to return. See `DetailRecovery`.
    public var detailNoise: [Double] = []

    // MARK: Stopping

    /// What ends the fit before `iterations`; see `StopRule`.
    public var stopRule = StopRule.fixed
    /// Whether the fit is a pilot: its result is the curve that its rule watched.
    public var measuresStop = false
    /// Share of the given pixels that are held out; above 0, at most 0.5.
    ///
    /// Two in a hundred: thousands of samples on a few tiles, and no less of a picture.
    public var heldOutShare = 0.02
    /// Standard deviation of the given pixels' noise, 1 being the range; 0 or more.
    public var noiseDeviation = 0.0
    /// Iterations without a lower value behind a minimum that counts; at least 10.
    public var stopPatience = 300
    /// Iterations before the variance counts: it is low when nothing is learned yet; at least 0.
    public var stopWarmUp = 300

    // MARK: Rolling back

    /// A fall of the PSNR to the given pixels by more than this, in dB, is a collapse; above 0.
    ///
    /// Counted from 35 dB at most: beyond that, as on flat tiles, PSNR jumps at the least change.
    public var collapseDecibels = 5.0
    /// Iterations between the states that a collapse rolls back to; at least 1.
    ///
    /// The paper's code keeps the weights of the iteration before.
    public var snapshotInterval = 50
    /// Collapses after which the fit fails; 0 to 1000. Each halves the learning rate.
    public var rollBacksMaximum = 10

    /// Seed of z, the initial weights and all noise.
    public var seed: UInt64 = 0

    /// A network of these channels with one setting for every level.
    public init(downChannels: [Int], upChannels: [Int], skipChannels: [Int]) {
        let levels = downChannels.count
        self.downChannels = downChannels
        self.upChannels = upChannels
        self.skipChannels = skipChannels
        filterDown = [Int](repeating: 3, count: levels)
        filterUp = [Int](repeating: 3, count: levels)
        upsampling = [Upsampling](repeating: .bilinear, count: levels)
    }

    static let collapseReferenceMaximum = 35.0
    static let factorRange = 1...8
    /// What `upscale` can enlarge by.
    public static let upscalingFactors = [2, 3, 4, 8]

    public var levels: Int { downChannels.count }

    /// Sides of a restored tile must be multiples of this, in pixels: of what the network halves,
    /// and of the factor.
    public var alignment: Int {
        let halved = 1 << levels
        // Factors are powers of two, or odd.
        return halved.isMultiple(of: factor) ? halved : halved * factor
    }

    /// The least side of a tile, in pixels: what leaves two pixels at the deepest level, and more
    /// where reflection by a larger filter needs it.
    public var minimumSide: Int {
        let rim = (filterDown + filterUp).map { $0 / 2 }.max() ?? 0
        let least = (1 << levels) * max(2, padding == .reflection ? rim + 1 : 1)
        return (least + alignment - 1) / alignment * alignment
    }

    /// The network for images of so many bands.
    func network(bands: Int) -> SkipNetworkConfiguration {
        SkipNetworkConfiguration(
            inputChannels: inputChannels, outputChannels: bands, down: downChannels,
            up: upChannels, skip: skipChannels, filterDown: filterDown, filterUp: filterUp,
            upsampling: upsampling, downsampling: downsampling, padding: padding,
            hasSigmoid: hasSigmoid,
            hasOneByOneUp: hasOneByOneUp)
    }

    /// The task's operator for a tile of this problem's shape.
    func makeOperator(for problem: FitProblem) -> any ForwardOperator {
        task.makeOperator(
            GivenShape(
                height: problem.height, width: problem.width, bands: problem.bands,
                factor: factor))
    }

    /// Says what counts are behind the values, from how the image's become [0, 1].
    ///
    /// - Parameters:
    ///   - perValue: Counts (photons, electrons) that one of the image's values stands for.
    ///   - low: The image's value that a fit sees as 0.
    ///   - high: The image's value that a fit sees as 1.
    public mutating func setCounts(perValue: Double, low: Double, high: Double) {
        photonScale = perValue * (high - low)
        photonOffset = perValue * low
    }

    /// Leaves room for noise beside the picture's bands, where an input has both.
    public mutating func makeRoom(bands: Int) {
        if input.isPictureInNoise, inputChannels <= bands { inputChannels = bands + 4 }
    }

    /// Takes an input, with as many channels as it was measured with.
    public mutating func take(_ input: NetworkInput) {
        self.input = input
        // A picture at its full resolution needs little noise beside it.
        inputChannels = input == .masked ? 8 : 32
    }

    /// The most noise that a coarse picture may bring into z, as a standard deviation: with more
    /// the network shows it again, and with less it is told less. Measured, docs/QUALITY.md.
    private static let coarseNoiseMaximum = 0.01

    /// Whether detail returns to the result: noise is known, and the loss expects no samples that
    /// are far off, nor noise that follows the picture.
    var recoversDetail: Bool {
        !detailNoise.isEmpty && factor == 1 && dataTerm == .squared && noiseModel == .gaussian
    }

    /// What `maskedRadius` means with this input.
    var blindRadius: Int { input == .masked ? maskedRadius : 0 }

    /// Keeps the image's noise out of the picture that the network is given: fades a coarse one,
    /// and hides all bands of a pixel, or its neighbours, where they would show its noise.
    ///
    /// - Parameters:
    ///   - deviation: of the given pixels' noise, 1 being the range.
    ///   - bandsShareIt: whether bands have much of it in common.
    ///   - reach: how many pixels on each side of one have much of its noise.
    ///   - levels: `detailNoise`.
    public mutating func suitNoise(
        deviation: Double, bandsShareIt: Bool, reach: Int, levels: [Double]
    ) {
        detailNoise = levels.map { min($0, 1) }
        masksPixels = input == .masked && bandsShareIt
        maskedRadius = input == .masked ? reach : 0
        guard input == .coarse, deviation > 0 else { return }
        // The mean of a block of independent samples.
        let limit = Self.coarseNoiseMaximum * Double(coarseBlock) / deviation
        // Three decimals, so that the number can be told.
        coarseScale = min(coarseScale, max(0.001, (limit * 1000).rounded() / 1000))
    }

    /// How the network computes on so many threads.
    func networkOptions(threadCount: Int) -> NetworkOptions {
        NetworkOptions(precision: precision, threadCount: threadCount)
    }
}
