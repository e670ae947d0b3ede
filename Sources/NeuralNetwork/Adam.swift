// The optimizer.

import CKernels

/// Adam (Kingma and Ba, ICLR 2015) as PyTorch computes it:
/// `w -= rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)`, with
/// `m = beta1 m + (1 - beta1) g` and `v = beta2 v + (1 - beta2) g^2`.
public struct Adam: Sendable {
    public static let beta1 = 0.9
    public static let beta2 = 0.999
    public static let epsilon = 1e-8

    /// Steps taken so far.
    public var stepCount: Int

    public init(stepCount: Int = 0) {
        self.stepCount = stepCount
    }

    /// Applies the network's gradient, times `gradientScale`, to its parameters.
    public mutating func step(_ network: Network, learningRate: Double, gradientScale: Double = 1) {
        stepCount += 1
        let t = Double(stepCount)
        network.applyAdam(
            gradientScale: Float(gradientScale),
            stepSize: Float(learningRate / (1 - power(Self.beta1, t))),
            inverseRoot: Float(1 / (1 - power(Self.beta2, t)).squareRoot()))
    }

    private func power(_ base: Double, _ exponent: Double) -> Double {
        var (result, factor, remaining) = (1.0, base, Int(exponent))
        while remaining > 0 {
            if remaining & 1 == 1 { result *= factor }
            factor *= factor
            remaining >>= 1
        }
        return result
    }
}
