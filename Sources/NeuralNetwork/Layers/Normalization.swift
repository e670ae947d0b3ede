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
    private let constants: UnsafeMutablePointer<Float>  // eight rows of (channels)
    private let sums: UnsafeMutablePointer<Double>  // two rows of (channels)

    static func constantCount(channels: Int) -> Int { 8 * channels + 4 * channels }

    init(
        channels: Int, kernels: Kernels, memory: UnsafeMutablePointer<Float>,
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
        sums = UnsafeMutableRawPointer(memory + 8 * channels)
            .bindMemory(to: Double.self, capacity: 2 * channels)
    }

    private func row(_ index: Int) -> UnsafeMutablePointer<Float> { constants + index * channels }
    var scale: UnsafeMutablePointer<Float> { row(0) }
    var shift: UnsafeMutablePointer<Float> { row(1) }
    var k1: UnsafeMutablePointer<Float> { row(2) }
    var k2: UnsafeMutablePointer<Float> { row(3) }
    var k3: UnsafeMutablePointer<Float> { row(4) }
    var mean: UnsafeMutablePointer<Float> { row(5) }
    private var inverseDeviation: UnsafeMutablePointer<Float> { row(6) }
    private var pivot: UnsafeMutablePointer<Float> { row(7) }

    private func clearSums() {
        sums.update(repeating: 0, count: 2 * channels)
    }

    /// Starts the statistics of an image whose first pixel is `firstPixel` (channels).
    func beginStatistics(firstPixel: UnsafePointer<Float>) {
        clearSums()
        pivot.update(from: firstPixel, count: channels)
    }

    /// Adds `pixels` values (pixels, channels).
    func addStatistics(_ values: UnsafePointer<Float>, pixels: Int) {
        kernels.pointee.add_moments(
            values, Int64(pixels), Int64(channels), pivot, sums, sums + channels)
    }

    /// Turns the sums into the forward map.
    func finishStatistics(pixels: Int) {
        for c in 0..<channels {
            let offset = sums[c] / Double(pixels)
            let variance = max(0, sums[channels + c] / Double(pixels) - offset * offset)
            let center = Double(pivot[c]) + offset
            let inverse = 1 / (variance + Self.epsilon).squareRoot()
            mean[c] = Float(center)
            inverseDeviation[c] = Float(inverse)
            scale[c] = Float(Double(gamma[c]) * inverse)
            shift[c] = Float(Double(beta[c]) - Double(gamma[c]) * inverse * center)
        }
    }

    func beginGradient() {
        clearSums()
    }

    /// Adds the gradients of `pixels` values, (pixels, channels); `slope` is that of the LeakyReLU
    /// between this normalization and `gradient`, nil where there is no activation.
    func addGradient(
        _ gradient: UnsafePointer<Float>, values: UnsafePointer<Float>, pixels: Int, slope: Float?
    ) {
        kernels.pointee.add_gradient_moments(
            gradient, values, Int64(pixels), Int64(channels), slope == nil ? nil : scale, shift,
            slope ?? 1, mean, sums, sums + channels)
    }

    /// Turns the sums into the parameters' gradients and the backward map.
    func finishGradient(pixels: Int) {
        let inverseCount = 1 / Double(pixels)
        for c in 0..<channels {
            let r = Double(inverseDeviation[c])
            let betaSum = sums[c]
            let gammaSum = sums[channels + c] * r
            let factor = Double(gamma[c]) * r
            gammaGradient[c] = Float(gammaSum)
            betaGradient[c] = betaHasNoEffect ? 0 : Float(betaSum)
            k1[c] = Float(factor)
            k2[c] = Float(-factor * r * gammaSum * inverseCount)
            k3[c] = Float(-factor * betaSum * inverseCount)
        }
    }
}
