// Networks with names.

internal import NeuralNetwork

/// Networks that a user can name, with the hyperparameters that they were published with.
///
/// What the authors published for inpainting shows the network's last output; here it is the
/// average of outputs for every network.
public enum NetworkPreset: String, CaseIterable, Codable, Sendable {
    /// 128 channels on five levels with skip branches of 4: the paper's network for denoising.
    case paper
    /// 16, 32, 64, 128, 128 channels: the authors' choice for sparse pixels and large holes, with
    /// the denoising network's skip branches. A thirteenth of the arithmetic.
    case thin
    /// `paper` with skip branches of 128 and nearest upsampling, for text and scratches:
    /// inpainting.ipynb, "kate".
    case paperInpaintText = "paper-inpaint-text"
    /// Six levels of 16 to 128 channels without skip branches, which spoil large holes, with
    /// filters of 5 on the way down and a z of one channel without noise: inpainting.ipynb,
    /// "library".
    case paperHole = "paper-hole"
    /// `paper` with a tenth of the learning rate, for single pixels that are missing everywhere:
    /// restoration.ipynb, "barbara".
    case paperHalf = "paper-half"
    /// `paper` with the input noise and iterations for enlarging, other ones for a factor of 8:
    /// super-resolution.ipynb.
    case paperUpscale = "paper-upscale"
    /// 8 to 128 channels, skip branches of 4 on the two deepest of five levels, and a z of three
    /// channels, for what JPEG leaves: denoising.ipynb, "snail".
    case paperDejpeg = "paper-dejpeg"
    /// `paper` with ten times the learning rate and few iterations, for an input that is no noise
    /// but another picture: flash-no-flash.ipynb. Nearest upsampling on the two outermost levels:
    /// models/skip.py counts levels, and so that list, from the outermost one.
    case paperGuided = "paper-guided"

    var channels: [Int] {
        switch self {
        case .paper, .paperInpaintText, .paperHalf, .paperUpscale, .paperGuided:
            return [128, 128, 128, 128, 128]
        case .thin: return [16, 32, 64, 128, 128]
        case .paperDejpeg: return [8, 16, 32, 64, 128]
        case .paperHole: return [16, 32, 64, 128, 128, 128]
        }
    }

    /// One entry a level.
    private var skipChannels: [Int] {
        switch self {
        case .paper, .thin, .paperHalf, .paperUpscale, .paperGuided: return [4, 4, 4, 4, 4]
        case .paperInpaintText: return [128, 128, 128, 128, 128]
        case .paperHole: return [0, 0, 0, 0, 0, 0]
        case .paperDejpeg: return [0, 0, 0, 4, 4]
        }
    }

    fileprivate func configuration(factor: Int) -> FitConfiguration {
        let levels = channels.count
        var configuration = FitConfiguration(
            downChannels: channels, upChannels: channels,
            skipChannels: skipChannels)
        configuration.factor = factor
        switch self {
        case .paper, .thin: break
        case .paperInpaintText:
            configuration.upsampling = [Upsampling](repeating: .nearest, count: levels)
            configuration.inputNoiseDeviation = 0.03
            configuration.iterations = 6001
        case .paperHole:
            configuration.upsampling = [Upsampling](repeating: .nearest, count: levels)
            configuration.filterDown = [Int](repeating: 5, count: levels)
            configuration.hasOneByOneUp = false
            configuration.inputChannels = 1
            configuration.inputNoiseDeviation = 0
            configuration.iterations = 3001
        case .paperHalf:
            configuration.inputNoiseDeviation = 0.03
            configuration.learningRate = 0.001
            configuration.iterations = 11000
        case .paperUpscale:
            configuration.inputNoiseDeviation = factor == 8 ? 0.05 : 0.03
            configuration.iterations = factor == 8 ? 4000 : 2000
        case .paperDejpeg:
            configuration.inputChannels = 3
            configuration.iterations = 2400
        case .paperGuided:
            configuration.upsampling = [.nearest, .nearest, .bilinear, .bilinear, .bilinear]
            configuration.inputNoiseDeviation = 0
            configuration.learningRate = 0.1
            configuration.iterations = 601
        }
        return configuration
    }
}

extension Task {
    /// The network that is fitted where none is named: `thin` where its arithmetic does the work of
    /// the published one.
    public var preset: NetworkPreset {
        switch self {
        case .denoise, .inpaint, .upscale: .thin
        case .dejpeg: .paperDejpeg
        case .guided: .paperGuided
        }
    }
}

extension FitConfiguration {
    /// - Parameter factor: of the task `upscale`, which published hyperparameters depend on.
    public init(preset: NetworkPreset, factor: Int = 1) {
        self = preset.configuration(factor: factor)
    }

    /// - Throws: `FitError.invalid` for a name that no preset has.
    public init(preset name: String) throws(FitError) {
        guard let preset = NetworkPreset(rawValue: name) else {
            let known = NetworkPreset.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("there is no network \"\(name)\"; known are: \(known)")
        }
        self.init(preset: preset)
    }
}
