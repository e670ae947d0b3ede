// Networks with names.

/// Networks that a user can name.
public enum NetworkPreset: String, CaseIterable, Codable, Sendable {
    /// 128 channels on five levels with skip branches of 4: the paper's network for denoising.
    case paper
    /// 16, 32, 64, 128, 128 channels: the authors' choice for sparse pixels and large holes, with
    /// the denoising network's skip branches. A thirteenth of the arithmetic.
    case thin

    var channels: [Int] {
        switch self {
        case .paper: return [128, 128, 128, 128, 128]
        case .thin: return [16, 32, 64, 128, 128]
        }
    }
}

extension FitConfiguration {
    public init(preset: NetworkPreset) {
        self.init(
            downChannels: preset.channels, upChannels: preset.channels,
            skipChannels: [Int](repeating: 4, count: preset.channels.count))
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
