// Means of 2x2 outputs as a convolution of stride 2 with a kernel one pixel larger.

extension PatchPath {
    /// (kernel, kernel, input, output) of the mean of four shifted copies of the layer's weights,
    /// behind the packed ones.
    func averagedWeights(_ layer: ConvolutionLayer) -> UnsafeMutablePointer<Float> {
        let result = layer.shared.weights + weightCount
        result.update(repeating: 0, count: weightGradientCount)
        forEachShiftedTap { stored, shifted, count in
            for index in 0..<count {
                result[shifted + index] += 0.25 * layer.weight[stored + index]
            }
        }
        return result
    }

    /// The adjoint: from the gradient of the larger kernel to that of the layer's weights.
    func averageGradient(
        _ sum: UnsafePointer<Float>, into gradient: UnsafeMutablePointer<Float>
    ) {
        let (side, tap) = (geometry.kernel - 1, geometry.input.channels * geometry.output.channels)
        gradient.update(repeating: 0, count: side * side * tap)
        forEachShiftedTap { stored, shifted, count in
            for index in 0..<count { gradient[stored + index] += 0.25 * sum[shifted + index] }
        }
    }

    /// Offsets of each tap in the layer's weights and of the four places that it is shifted to.
    private func forEachShiftedTap(
        _ body: (_ stored: Int, _ shifted: Int, _ count: Int) -> Void
    ) {
        let (side, tap) = (geometry.kernel - 1, geometry.input.channels * geometry.output.channels)
        for y in 0..<side {
            for x in 0..<side {
                for shift in 0..<4 {
                    let place = (y + shift / 2) * geometry.kernel + x + shift % 2
                    body((y * side + x) * tap, place * tap, tap)
                }
            }
        }
    }
}
