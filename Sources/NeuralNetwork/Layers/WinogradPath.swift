// Convolution by Winograd's minimal filtering F(4x4, 3x3): the fast path for 3x3, stride 1.
//
// Formulas stand in winograd.inc and docs/NUMERICS.md. With V the transformed patches of a strip
// and U the transformed weights, for each of 36 points:
//     M = V U,   dU = sum over strips of V' dM,   dV = dM U'
// and the transforms (or their adjoints) lead in and out. A strip is whole rows of patches, few
// enough that V and M stay in cache. V, U and dM are float32 or bfloat16; M, dU and dV float32.

import CKernels

struct WinogradPath: ConvolutionPath {
    let geometry: ConvolutionGeometry
    let precision: Precision

    static let pointCount = 36
    private static let stripPatches = 64
    /// A cache line between points, so that they do not fall on the same cache sets.
    private static let pointGap = 16

    /// Smaller layers take no time that matters, and patches round less.
    private static let productCountMin = 1 << 25

    /// Whether the sizes allow it and, where that is the question, are large enough for it.
    static func suits(_ geometry: ConvolutionGeometry, _ choice: PathChoice) -> Bool {
        guard geometry.kernel == 3, geometry.stride == 1 else { return false }
        return switch choice {
        case .general: false
        case .fast: true
        case .automatic:
            min(geometry.input.channels, geometry.output.channels) >= 16
                && geometry.productCount > productCountMin
        }
    }

    private var patchColumns: Int { (geometry.output.width + 3) / 4 }
    private var patchRows: Int { (geometry.output.height + 3) / 4 }
    private var patchRowsPerStrip: Int { min(patchRows, max(1, Self.stripPatches / patchColumns)) }
    private var patchesPerStrip: Int { patchRowsPerStrip * patchColumns }

    var strips: [Range<Int>] { geometry.strips(rowCount: 4 * patchRowsPerStrip) }

    private func patchRows(of strip: Range<Int>) -> Int { (strip.count + 3) / 4 }
    func patchCount(of strip: Range<Int>) -> Int { patchRows(of: strip) * patchColumns }

    func windowRows(for strip: Range<Int>) -> Range<Int> {
        strip.lowerBound..<strip.lowerBound + 4 * patchRows(of: strip) + 2
    }

    var paddedWidth: Int { 4 * patchColumns + 2 }
    var paddedHeight: Int { 4 * patchRows + 2 }
    var gradientRowLength: Int { geometry.output.width * geometry.output.channels }
    var addsInputGradient: Bool { true }
    var sumsWeightGradientInPlace: Bool { false }
    var weightGradientCount: Int {
        Self.pointCount * geometry.input.channels * padded(geometry.output.channels)
    }

    /// Floats from one patch, or one row of weights, to the next.
    func padded(_ channels: Int) -> Int { MatrixMultiply.packedStride(channels) }

    /// Floats from one point to the next.
    func pointStride(_ channels: Int) -> Int {
        patchesPerStrip * padded(channels) + Self.pointGap
    }

    /// Pairs of neighbours, of channels or of patches.
    func pairs(_ count: Int) -> Int { (count + 1) / 2 }

    /// Transformed weights of one point, (input, padded output) or (output, padded input).
    private var weightStride: Int {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        return max(input * padded(output), output * padded(input))
    }

    var need: ScratchNeed {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        // Of bfloat16, patches and output gradients are there twice, at half the size.
        let extra = precision == .bfloat16 ? bfloat16Count(rows: patchesPerStrip, input) : 0
        return ScratchNeed(
            window: (4 * patchRowsPerStrip + 2) * paddedWidth * input + ScratchNeed.overrun,
            patches: Self.pointCount * pointStride(input) + extra,
            products: max(
                Self.pointCount * pointStride(output),
                bfloat16Count(rows: patchesPerStrip, output) + bfloat16PairCount(output)),
            weightGradient: weightGradientCount,
            gradientRows: 4 * patchRowsPerStrip * gradientRowLength,
            rows: 3 * geometry.input.width * input, weights: Self.pointCount * weightStride)
    }

    /// The window's side of a strip, then the output's.
    func inputShape(_ strip: Range<Int>) -> dip_winograd {
        dip_winograd(
            patch_rows: Int64(patchRows(of: strip)), patch_columns: Int64(patchColumns),
            channels: Int64(geometry.input.channels),
            padded_channels: Int64(padded(geometry.input.channels)),
            point_stride: Int64(pointStride(geometry.input.channels)),
            row_length: Int64(paddedWidth * geometry.input.channels), rows: 0, columns: 0)
    }

    func outputShape(_ strip: Range<Int>) -> dip_winograd {
        dip_winograd(
            patch_rows: Int64(patchRows(of: strip)), patch_columns: Int64(patchColumns),
            channels: Int64(geometry.output.channels),
            padded_channels: Int64(padded(geometry.output.channels)),
            point_stride: Int64(pointStride(geometry.output.channels)),
            row_length: Int64(gradientRowLength), rows: Int64(strip.count),
            columns: Int64(geometry.output.width))
    }

    /// Forward products want the weights as (input, output), backward ones as (output, input).
    func begin(_ layer: ConvolutionLayer, backward: Bool) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        guard backward else {
            transform(layer, layer.weight, rows: input, columns: output)
            return
        }
        // The sum of the gradient is not needed yet.
        let transposed = layer.shared.weightGradient
        for tap in 0..<9 {
            layer.table.transpose(
                layer.weight + tap * input * output, Int64(input), Int64(output),
                transposed + tap * input * output, Int64(input))
        }
        transform(layer, transposed, rows: output, columns: input)
    }

    private func transform(
        _ layer: ConvolutionLayer, _ weights: UnsafePointer<Float>, rows: Int, columns: Int
    ) {
        if usesPairs(layer) {
            var result = bfloat16Weights(layer, rows: rows, columns: columns)
            layer.table.winograd_weights_bfloat16(weights, Int64(rows), Int64(columns), &result)
            return
        }
        layer.table.winograd_weights(
            weights, Int64(rows), Int64(columns), Int64(padded(columns)), layer.shared.weights)
        round(layer, layer.shared.weights, Self.pointCount * rows * padded(columns))
    }

    func forward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, strip: Range<Int>,
        into result: UnsafeMutablePointer<Float>
    ) {
        if usesPairs(layer) {
            multiplyForwardBFloat16(layer, scratch, strip)
        } else {
            multiplyForward(layer, scratch, strip)
        }
        var shape = outputShape(strip)
        layer.table.winograd_output(&shape, scratch.products, result)
    }

    private func multiplyForward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, _ strip: Range<Int>
    ) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        var shape = inputShape(strip)
        layer.table.winograd_input(&shape, scratch.window, scratch.patches)
        round(layer, scratch.patches, Self.pointCount * pointStride(input))
        var product = dip_product(
            rows: Int64(patchCount(of: strip)), columns: Int64(output), inner: Int64(input),
            a_row: Int64(padded(input)), a_column: 1, b_row: Int64(padded(output)),
            c_row: Int64(padded(output)), accumulate: 0)
        for point in 0..<Self.pointCount {
            layer.table.multiply(
                &product, scratch.patches + point * pointStride(input),
                layer.shared.weights + point * input * padded(output),
                scratch.products + point * pointStride(output))
        }
    }

    func backward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, strip: Range<Int>, sum: WeightGradientSum,
        inputGradient: UnsafeMutablePointer<Float>?
    ) {
        if usesPairs(layer) {
            multiplyBackwardBFloat16(layer, scratch, strip, sum, wantsInput: inputGradient != nil)
        } else {
            multiplyBackward(layer, scratch, strip, sum, wantsInput: inputGradient != nil)
        }
        guard let inputGradient else { return }
        var shape = inputShape(strip)
        layer.table.winograd_input_adjoint(&shape, scratch.patches, inputGradient)
    }

    private func multiplyBackward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, _ strip: Range<Int>,
        _ sum: WeightGradientSum, wantsInput: Bool
    ) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        var (inputShape, outputShape) = (inputShape(strip), outputShape(strip))
        layer.table.winograd_input(&inputShape, scratch.window, scratch.patches)
        layer.table.winograd_output_adjoint(&outputShape, scratch.gradientRows, scratch.products)
        round(layer, scratch.patches, Self.pointCount * pointStride(input))
        round(layer, scratch.products, Self.pointCount * pointStride(output))
        let patchCount = Int64(patchCount(of: strip))
        var weightProduct = dip_product(
            rows: Int64(input), columns: Int64(output), inner: patchCount, a_row: 1,
            a_column: Int64(padded(input)), b_row: Int64(padded(output)),
            c_row: Int64(padded(output)), accumulate: sum.accumulates ? 1 : 0)
        var inputProduct = dip_product(
            rows: patchCount, columns: Int64(input), inner: Int64(output),
            a_row: Int64(padded(output)), a_column: 1, b_row: Int64(padded(input)),
            c_row: Int64(padded(input)), accumulate: 0)
        for point in 0..<Self.pointCount {
            let v = scratch.patches + point * pointStride(input)
            let m = scratch.products + point * pointStride(output)
            layer.table.multiply(
                &weightProduct, v, m, sum.values + point * input * padded(output))
            guard wantsInput else { continue }
            layer.table.multiply(
                &inputProduct, m, layer.shared.weights + point * output * padded(input), v)
        }
    }

    func finish(_ layer: ConvolutionLayer, sum: UnsafeMutablePointer<Float>) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        layer.table.winograd_weights_adjoint(
            sum, Int64(input), Int64(output), Int64(padded(output)), layer.weightGradient)
    }
}
