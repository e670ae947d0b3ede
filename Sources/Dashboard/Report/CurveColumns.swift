// A curve in few characters: what is written of it.

/// A curve's points, column by column; nil where a value is not known.
public struct CurveColumns: Codable, Equatable, Sendable {
    /// Iterations done, growing.
    public var iterations: [Int]
    /// With five digits that count.
    public var losses: [Double?]
    /// To the given pixels, in dB, to a thousandth.
    public var psnrs: [Double?]

    public init(iterations: [Int] = [], losses: [Double?] = [], psnrs: [Double?] = []) {
        (self.iterations, self.losses, self.psnrs) = (iterations, losses, psnrs)
    }

    public init(_ curve: Curve) {
        iterations = curve.points.map(\.iteration)
        losses = curve.points.map { $0.loss.map { Self.rounded($0, digits: 5) } }
        psnrs = curve.points.map { $0.psnrToInput.map { ($0 * 1000).rounded() / 1000 } }
    }

    /// The points; as many as all columns have.
    public var points: [Curve.Point] {
        zip(iterations, zip(losses, psnrs)).map {
            Curve.Point(iteration: $0, loss: $1.0, psnrToInput: $1.1)
        }
    }

    private static func rounded(_ value: Double, digits: Int) -> Double {
        guard value.isFinite, value != 0 else { return value }
        var (scaled, scale) = (value.magnitude, 1.0)
        var limit = 1.0
        for _ in 1..<digits { limit *= 10 }
        while scaled < limit, scale < 1e300 { (scaled, scale) = (scaled * 10, scale * 10) }
        return (value * scale).rounded() / scale
    }
}
