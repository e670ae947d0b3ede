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
        let (decay1, decay2) = (Self.beta1, Self.beta2)
        network.applyAdam(
            dip_adam(
                gradient_scale: Float(gradientScale),
                decay1: Float(decay1), gain1: Float(1 - decay1),
                decay2: Float(decay2), gain2: Float(1 - decay2),
                step_size: Float(learningRate / (1 - power(decay1, stepCount))),
                inverse_root: Float(1 / (1 - power(decay2, stepCount)).squareRoot()),
                epsilon: Float(Self.epsilon)))
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, factor, remaining) = (1.0, base, exponent)
        while remaining > 0 {
            if remaining & 1 == 1 { result *= factor }
            factor *= factor
            remaining >>= 1
        }
        return result
    }
}
