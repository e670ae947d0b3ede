// How the error of a sample counts in the loss.

#if canImport(Glibc)
    import Glibc
#endif

/// The data term: the mean over the given samples of a function of r, the difference between what
/// the network says, A(x), and what is given.
public enum DataTerm: String, Codable, Sendable, CaseIterable {
    /// r^2, as published: for noise like a Gaussian's.
    case squared
    /// |r|: single samples that are far off count little.
    case l1
    /// r^2 up to the threshold t, 2 t |r| - t^2 beyond: as smooth as the one, as patient as the
    /// other (Huber 1964, twice).
    case huber
}

/// The noise of the given samples, which says how errors of dark and bright ones compare.
public enum NoiseModel: String, Codable, Sendable, CaseIterable {
    /// As strong at every brightness: samples are compared as they are.
    case gaussian
    /// That of counted photons: values are compared after `VarianceStabilization`.
    case poisson
}

/// The gradient of the data term, from residuals.
struct DataGradient {
    private let term: DataTerm
    private let threshold: Float
    private let stabilization: VarianceStabilization?

    init(_ configuration: FitConfiguration) {
        term = configuration.dataTerm
        threshold = Float(configuration.huberThreshold)
        switch configuration.noiseModel {
        case .gaussian: stabilization = nil
        case .poisson:
            stabilization = VarianceStabilization(
                scale: configuration.photonScale, offset: configuration.photonOffset)
        }
    }

    /// Whether half the derivative is the residual itself.
    private var isPlain: Bool { term == .squared && stabilization == nil }

    /// - Parameters:
    ///   - residuals: A(x) - y on entry, 0 where a sample is missing; half the derivative of its
    ///     term by A(x) on return, which is r itself for `squared`.
    ///   - given: y.
    func weigh(_ residuals: UnsafeMutableBufferPointer<Float>, given: [Float]) {
        guard !isPlain else { return }
        for index in residuals.indices where residuals[index] != 0 {
            var (residual, slope) = (residuals[index], Float(1))
            if let stabilization {
                let mean = stabilization.mean(given[index] + residual)
                residual = mean.value - stabilization(given[index])
                slope = mean.slope
            }
            residuals[index] = halfDerivative(residual) * slope
        }
    }

    private func halfDerivative(_ residual: Float) -> Float {
        switch term {
        case .squared: residual
        case .l1: residual > 0 ? 0.5 : residual < 0 ? -0.5 : 0
        case .huber: min(max(residual, -threshold), threshold)
        }
    }
}
