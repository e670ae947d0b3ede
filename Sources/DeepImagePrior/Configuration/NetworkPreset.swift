// Presets with names: what each is made of.

internal import NeuralNetwork

/// Presets that a user can name. Those called paper-... have the hyperparameters that the authors
/// published; the others are this program's own.
///
/// What the authors published for inpainting shows the network's last output; here it is the
/// average of outputs for every network.
public enum NetworkPreset: String, CaseIterable, Codable, Sendable {
    /// 16 channels on five levels, small tiles and few iterations.
    case fast
    /// `fast`, and of each tile the average of two fits: what is taken where nothing is said. To
    /// enlarge, one fit of 32 channels in larger tiles, which gains more there.
    case balanced
    /// The network of `balanced`, and of each tile the average of four fits.
    case best
    /// 16, 32, 64, 128, 128 channels: the authors' choice for sparse pixels and large holes, with
    /// the denoising network's skip branches. A thirteenth of the arithmetic of `paper`.
    case thin
    /// 128 channels on five levels with skip branches of 4: denoising.ipynb, "F16".
    case paper = "paper-denoise"
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

    private func channels(factor: Int) -> [Int] {
        switch self {
        case .paper, .paperInpaintText, .paperHalf, .paperUpscale, .paperGuided:
            return [128, 128, 128, 128, 128]
        case .thin: return [16, 32, 64, 128, 128]
        case .paperDejpeg: return [8, 16, 32, 64, 128]
        case .paperHole: return [16, 32, 64, 128, 128, 128]
        case .fast, .balanced, .best:
            return [Int](repeating: isWide(factor: factor) ? 32 : 16, count: 5)
        }
    }

    /// One entry a level.
    private var skipChannels: [Int] {
        switch self {
        case .fast, .balanced, .best, .paper, .thin, .paperHalf, .paperUpscale, .paperGuided:
            return [4, 4, 4, 4, 4]
        case .paperInpaintText: return [128, 128, 128, 128, 128]
        case .paperHole: return [0, 0, 0, 0, 0, 0]
        case .paperDejpeg: return [0, 0, 0, 4, 4]
        }
    }

    /// Whether it is this program's own.
    var isOurs: Bool { !rawValue.hasPrefix("paper") }

    /// Whether it has the wider network and larger tiles that gain where a picture is enlarged.
    private func isWide(factor: Int) -> Bool { factor > 1 && [.balanced, .best].contains(self) }

    /// - Parameter factor: of the task `upscale`.
    func tiling(factor: Int) -> Preset.Tiling {
        switch self {
        case .fast, .balanced, .best:
            Preset.Tiling(tile: isWide(factor: factor) ? 192 : 128, overlap: 32)
        default: Preset.Tiling(tile: 256, overlap: 32)
        }
    }

    /// Fits of each tile.
    ///
    /// - Parameter factor: of the task `upscale`.
    func restarts(factor: Int) -> Int {
        switch self {
        case .balanced: factor > 1 ? 1 : 2
        case .best: 4
        default: 1
        }
    }

    /// What it is for, in a few words.
    ///
    /// - Parameter factor: of the task `upscale`.
    public func purpose(factor: Int) -> String {
        switch self {
        case .fast: "a first look, weak noise, many images"
        case .balanced where factor > 1:
            "32 channels, one fit a tile; what is taken where nothing is said"
        case .balanced: "two fits a tile; what is taken where nothing is said"
        case .best: "the best picture, of four fits a tile"
        case .thin: "few channels outside, many inside; tiles of 256 pixels"
        case .paper: "noise, as published"
        case .paperInpaintText: "text and scratches to fill, as published"
        case .paperHole: "large holes to fill, as published"
        case .paperHalf: "single pixels that are missing everywhere, as published"
        case .paperUpscale: "enlarging, as published"
        case .paperDejpeg: "what JPEG leaves, as published; the default of that task"
        case .paperGuided: "a guide, as published; the default of that task"
        }
    }

    fileprivate func configuration(factor: Int) -> FitConfiguration {
        let channels = channels(factor: factor)
        let levels = channels.count
        var configuration = FitConfiguration(
            downChannels: channels, upChannels: channels,
            skipChannels: skipChannels)
        configuration.factor = factor
        if factor > 1 { configuration.task = .upscale }
        switch self {
        case .paper, .thin: break
        case .fast, .balanced, .best:
            configuration.iterations = isWide(factor: factor) ? 1200 : 800
            configuration.take(factor > 1 ? .coarse : .masked)
            configuration.averageDecay = 0.98
            configuration.averagesEvenlyAtFirst = true
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
    /// What is taken where no preset is named: ours where their arithmetic does the work of the
    /// published ones.
    public var preset: NetworkPreset {
        switch self {
        case .denoise, .inpaint, .upscale: .balanced
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
}
