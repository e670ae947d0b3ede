// What a fit has left out of the given picture, where that is more than noise.

/// Brings detail back. A fit that never sees what it is asked for leaves out texture that nothing
/// around it tells; where noise is weak, more is lost so than is gained. What it left out, the
/// residual, is noise and such detail. Where its mean square in a window is larger than the noise
/// explains, the share of it that is detail returns with each sample: Wiener's filter of the
/// residual, for windows (Lee, 1980).
struct DetailRecovery {
    private let height, width, bands: Int
    /// Standard deviations of noise, at brightnesses evenly over 0 to 1: the middles of as many
    /// equal parts.
    private let noise: [Float]
    /// Pixels of a window on each side of its middle.
    private let halfSide: Int

    /// The noise of a window is taken to be so many times what was measured. A mean over a window
    /// of 15 x 15 pixels of three bands varies by a twentieth, and noise is measured where it is
    /// least.
    private static let margin: Float = 1.3
    /// A single sample that is far off is no detail: squares count up to so many times the
    /// variance.
    private static let squareMaximum: Float = 9

    /// Where nothing was measured to be noise, nearly all comes back.
    private static let deviationMinimum: Float = 1e-6

    /// Numbers of four bytes that `add` holds for each pixel.
    static func valuesPerPixel(bands: Int) -> Int { 2 * bands + 6 }

    /// nil where nothing is to come back: no noise was measured, or the loss expects samples that
    /// are far off, or noise that follows the picture.
    init?(_ problem: FitProblem, _ configuration: FitConfiguration) {
        guard configuration.recoversDetail else { return nil }
        (height, width, bands) = (problem.height, problem.width, problem.bands)
        noise = configuration.detailNoise.map { max(Float($0), Self.deviationMinimum) }
        // Noise that neighbours share varies more from window to window.
        halfSide = 7 + 3 * configuration.blindRadius
    }

    /// - Parameters:
    ///   - given: (height, width, bands).
    ///   - missing: places of samples that are not given.
    ///   - restored: what the fit came to, in the shape of the former; receives the detail.
    func add(to restored: inout [Float], given: [Float], missing: [Int]) {
        var residual = zip(given, restored).map { $0 - $1 }
        var isGiven = [Float](repeating: 1, count: given.count)
        for place in missing { (residual[place], isGiven[place]) = (0, 0) }
        var (power, expected) = ([Float](repeating: 0, count: height * width), [Float]())
        expected.reserveCapacity(power.count)
        for pixel in power.indices {
            let samples = pixel * bands..<(pixel + 1) * bands
            let brightness = samples.reduce(0) { $0 + restored[$1] } / Float(bands)
            let deviation = deviation(at: brightness)
            let variance = deviation * deviation
            let most = Self.squareMaximum * variance
            power[pixel] = samples.reduce(0) { $0 + min(residual[$1] * residual[$1], most) }
            expected.append(samples.reduce(0) { $0 + isGiven[$1] } * variance)
        }
        (power, expected) = (windowSums(power), windowSums(expected))
        for place in restored.indices {
            let (power, expected) = (power[place / bands], expected[place / bands])
            guard power > Self.margin * expected else { continue }
            restored[place] += (1 - Self.margin * expected / power) * residual[place]
        }
    }

    /// Linear between the middles of the parts, and constant beyond.
    private func deviation(at brightness: Float) -> Float {
        let place = min(max(brightness, 0), 1) * Float(noise.count) - 0.5
        let lower = min(max(Int(place.rounded(.down)), 0), noise.count - 1)
        let upper = min(lower + 1, noise.count - 1)
        let part = min(max(place - Float(lower), 0), 1)
        return noise[lower] + part * (noise[upper] - noise[lower])
    }

    /// Sums over the part of each pixel's window that is in the tile.
    private func windowSums(_ values: [Float]) -> [Float] {
        var (across, result) = (values, values)
        for row in 0..<height {
            sumLine(values, into: &across, from: row * width, step: 1, count: width)
        }
        for column in 0..<width {
            sumLine(across, into: &result, from: column, step: width, count: height)
        }
        return result
    }

    private func sumLine(
        _ values: [Float], into sums: inout [Float], from start: Int, step: Int, count: Int
    ) {
        // In double precision what leaves the window leaves nothing behind.
        var sum = (0..<min(halfSide, count)).reduce(0.0) { $0 + Double(values[start + $1 * step]) }
        for at in 0..<count {
            if at + halfSide < count { sum += Double(values[start + (at + halfSide) * step]) }
            sums[start + at * step] = Float(max(sum, 0))
            if at >= halfSide { sum -= Double(values[start + (at - halfSide) * step]) }
        }
    }
}
