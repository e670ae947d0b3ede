// Counts made comparable: the square root that gives photon noise one strength everywhere.

#if canImport(Glibc)
    import Glibc
#endif

/// Anscombe's transform (1948) t(v) = sqrt(c + 3/8) of the counts c = offset + scale v, mapped
/// linearly so that t(0) = 0 and t(1) = 1.
///
/// The standard deviation of c counts is sqrt(c); after the root it is about 1/2 for every c above
/// a few. The root of counts whose mean is c is on average not the root of c: a network that is
/// compared as it is comes out a quarter of a count too dark. So it is compared by
/// m(v) = sqrt(c + 1/8 + exp(-1.3 c) / 4), mapped likewise: the mean of t over Poisson counts to
/// half a percent. Below no counts, which a camera's offset may leave, both go straight on with the
/// slope that they have there: a value below has a gradient too.
struct VarianceStabilization {
    private let scale, offset: Double
    private let zero, factor: Double

    /// - Parameters:
    ///   - scale: Counts between the values 0 and 1.
    ///   - offset: Counts at the value 0.
    init(scale: Double, offset: Double) {
        self.scale = scale
        self.offset = offset
        zero = Self.root(offset)
        factor = 1 / (Self.root(offset + scale) - zero)
    }

    /// t of a given value.
    func callAsFunction(_ value: Float) -> Float {
        Float((Self.root(offset + scale * Double(value)) - zero) * factor)
    }

    /// What `t` of counts is on average whose mean is this value, and its derivative by the value.
    func mean(_ value: Float) -> (value: Float, slope: Float) {
        let counts = offset + scale * Double(value)
        let (mean, slope) = Self.meanRoot(counts)
        return (Float((mean - zero) * factor), Float(slope * scale * factor))
    }

    private static let shift = 3.0 / 8

    private static func root(_ counts: Double) -> Double {
        counts >= 0
            ? (counts + shift).squareRoot()
            : shift.squareRoot() + counts / (2 * shift.squareRoot())
    }

    private static func meanRoot(_ counts: Double) -> (value: Double, slope: Double) {
        let tail = exp(-1.3 * max(counts, 0)) / 4
        let root = (max(counts, 0) + 0.125 + tail).squareRoot()
        let slope = (1 - 1.3 * tail) / (2 * root)
        return (root + min(counts, 0) * slope, slope)
    }
}
