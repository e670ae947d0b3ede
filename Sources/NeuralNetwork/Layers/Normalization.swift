// Batch normalization over the pixels of the current image.
//
// Forward, over N pixels, for each channel:
//     mean = E[y],  r = 1 / sqrt(E[(y - mean)^2] + 1e-5),  a = scale y + shift
//     with scale = gamma r, shift = beta - gamma r mean
// Backward, with d = dLoss/da (behind the activation's mask) and xhat = (y - mean) r:
//     dBeta = sum d,  dGamma = sum d xhat
//     dY = gamma r (d - dBeta / N - xhat dGamma / N) = k1 d + k2 (y - mean) + k3
// Both maps are applied by whoever loads the values: nothing normalized is ever stored.

import CKernels

/// One normalization's parameters, constants and running sums; all memory is the network's.
struct NormalizationLayer {
    static let epsilon = 1e-5

    let channels: Int
    let kernels: UnsafePointer<dip_kernels>
    let gamma, beta: UnsafeMutablePointer<Float>  // (channels)
    let gammaGradient, betaGradient: UnsafeMutablePointer<Float>  // (channels)
    let betaHasNoEffect: Bool
    private let constants: UnsafeMutablePointer<Float>  // seven rows of (channels)
    private let sums: PartialSums

    static func constantCount(channels: Int) -> Int { 7 * channels }

    init(
        channels: Int, kernels: Kernels, memory: UnsafeMutablePointer<Float>,
        sumMemory: UnsafeMutablePointer<Float>,
        gamma: (value: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>),
        beta: (value: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>),
        betaHasNoEffect: Bool
    ) {
        self.channels = channels
        self.kernels = kernels.table
        self.gamma = gamma.value
        self.beta = beta.value
        gammaGradient = gamma.gradient
        betaGradient = beta.gradient
        self.betaHasNoEffect = betaHasNoEffect
        constants = memory
        sums = PartialSums(memory: sumMemory, channels: channels)
    }

    private func row(_ index: Int) -> UnsafeMutablePointer<Float> { constants + index * channels }
    var scale: UnsafeMutablePointer<Float> { row(0) }
    var shift: UnsafeMutablePointer<Float> { row(1) }
    var k1: UnsafeMutablePointer<Float> { row(2) }
    var k2: UnsafeMutablePointer<Float> { row(3) }
    var k3: UnsafeMutablePointer<Float> { row(4) }
    var mean: UnsafeMutablePointer<Float> { row(5) }
    private var inverseDeviation: UnsafeMutablePointer<Float> { row(6) }

    /// Starts the statistics of a part of the image whose first pixel is `firstPixel` (channels).
    func beginStatistics(part: Int, firstPixel: UnsafePointer<Float>) {
        sums.clear(part)
        sums.pivot(part).update(from: firstPixel, count: channels)
    }

    /// Adds `pixels` values (pixels, channels) of a part.
    func addStatistics(part: Int, _ values: UnsafePointer<Float>, pixels: Int) {
        sums.pixelCount(part).pointee += Double(pixels)
        kernels.pointee.add_moments(
            values, Int64(pixels), Int64(channels), sums.pivot(part), sums.first(part),
            sums.second(part))
    }

    /// Turns the parts' sums into the forward map.
    ///
    /// Sums about a part's pivot p become sums about the first part's pivot q, with d = p - q:
    ///     sum (v - q) = sum (v - p) + n d
    ///     sum (v - q)^2 = sum (v - p)^2 + 2 d sum (v - p) + n d^2
    func finishStatistics(partCount: Int) {
        let pivot = sums.pivot(0)
        let pixels = (0..<partCount).reduce(0) { $0 + sums.pixelCount($1).pointee }
        for c in 0..<channels {
            var (sum, square) = (0.0, 0.0)
            for part in 0..<partCount {
                let count = sums.pixelCount(part).pointee
                let distance = Double(sums.pivot(part)[c]) - Double(pivot[c])
                let partSum = sums.first(part)[c]
                sum += partSum + count * distance
                square +=
                    sums.second(part)[c] + 2 * distance * partSum + count * distance * distance
            }
            let offset = sum / pixels
            let variance = max(0, square / pixels - offset * offset)
            let center = Double(pivot[c]) + offset
            let inverse = 1 / (variance + Self.epsilon).squareRoot()
            mean[c] = Float(center)
            inverseDeviation[c] = Float(inverse)
            scale[c] = Float(Double(gamma[c]) * inverse)
            shift[c] = Float(Double(beta[c]) - Double(gamma[c]) * inverse * center)
        }
    }

    func beginGradient(part: Int) {
        sums.clear(part)
    }

    /// Adds the gradients of `pixels` values, (pixels, channels), of a part; `slope` is that of the
    /// LeakyReLU between this normalization and `gradient`, nil where there is no activation.
    func addGradient(
        part: Int, _ gradient: UnsafePointer<Float>, values: UnsafePointer<Float>, pixels: Int,
        slope: Float?
    ) {
        sums.pixelCount(part).pointee += Double(pixels)
        kernels.pointee.add_gradient_moments(
            gradient, values, Int64(pixels), Int64(channels), slope == nil ? nil : scale, shift,
            slope ?? 1, mean, sums.first(part), sums.second(part))
    }

    /// Turns the parts' sums into the parameters' gradients and the backward map.
    func finishGradient(partCount: Int) {
        let pixels = (0..<partCount).reduce(0) { $0 + sums.pixelCount($1).pointee }
        let inverseCount = 1 / pixels
        for c in 0..<channels {
            let r = Double(inverseDeviation[c])
            let betaSum = (0..<partCount).reduce(0) { $0 + sums.first($1)[c] }
            let gammaSum = (0..<partCount).reduce(0) { $0 + sums.second($1)[c] } * r
            let factor = Double(gamma[c]) * r
            gammaGradient[c] = Float(gammaSum)
            betaGradient[c] = betaHasNoEffect ? 0 : Float(betaSum)
            k1[c] = Float(factor)
            k2[c] = Float(-factor * r * gammaSum * inverseCount)
            k3[c] = Float(-factor * betaSum * inverseCount)
        }
    }
}

/// Sums over the pixels of each part of an image, (channels) each, in memory that all
/// normalizations share, one after the other.
struct PartialSums {
    let memory: UnsafeMutablePointer<Float>
    let channels: Int

    /// Floats for `partCount` parts.
    static func floatCount(partCount: Int, channels: Int) -> Int {
        partCount * stride(channels: channels)
    }

    /// A count and two rows of doubles, then a row of floats; whole cache lines, so that threads
    /// do not write to the same one.
    private static func stride(channels: Int) -> Int {
        (2 * (1 + 2 * channels) + channels + 15) / 16 * 16
    }

    private func doubles(_ part: Int) -> UnsafeMutablePointer<Double> {
        UnsafeMutableRawPointer(memory + part * Self.stride(channels: channels))
            .assumingMemoryBound(to: Double.self)
    }

    func pixelCount(_ part: Int) -> UnsafeMutablePointer<Double> { doubles(part) }
    func first(_ part: Int) -> UnsafeMutablePointer<Double> { doubles(part) + 1 }
    func second(_ part: Int) -> UnsafeMutablePointer<Double> { doubles(part) + 1 + channels }

    /// What the values of a part are summed about.
    func pivot(_ part: Int) -> UnsafeMutablePointer<Float> {
        memory + part * Self.stride(channels: channels) + 2 * (1 + 2 * channels)
    }

    func clear(_ part: Int) {
        doubles(part).update(repeating: 0, count: 1 + 2 * channels)
    }
}
