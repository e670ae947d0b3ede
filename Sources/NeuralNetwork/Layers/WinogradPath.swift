// Convolution by Winograd's minimal filtering F(4x4, 3x3): the fast path for 3x3, stride 1.
//
// Formulas stand in winograd.inc and docs/NUMERICS.md. With V the transformed patches of a strip
// and U the transformed weights, for each of 36 points:
//     M = V U,   dU = sum over strips of V' dM,   dV = dM U'
// and the transforms (or their adjoints) lead in and out. A strip is whole rows of patches, few
// enough that V and M stay in cache.

import CKernels

struct WinogradPath: ConvolutionPath {
    let geometry: ConvolutionGeometry

    private static let pointCount = 36
    private static let stripPatches = 64
    /// A cache line between points, so that they do not fall on the same cache sets.
    private static let pointGap = 16

    /// Smaller layers take no time that matters, and patches round less.
    private static let productCountMin = 1 << 26

    /// Whether it can compute such a convolution at all.
    static func allows(_ geometry: ConvolutionGeometry) -> Bool {
        geometry.kernel == 3 && geometry.stride == 1
    }

    /// Whether the sizes allow it and are large enough for it.
    static func pays(for geometry: ConvolutionGeometry) -> Bool {
        allows(geometry)
            && min(geometry.input.channels, geometry.output.channels) >= 16
            && geometry.productCount > productCountMin
    }

    private var patchColumns: Int { (geometry.output.width + 3) / 4 }
    private var patchRows: Int { (geometry.output.height + 3) / 4 }
    private var patchRowsPerStrip: Int { min(patchRows, max(1, Self.stripPatches / patchColumns)) }

    var strips: [Range<Int>] { geometry.strips(rowCount: 4 * patchRowsPerStrip) }

    private func patchRows(of strip: Range<Int>) -> Int { (strip.count + 3) / 4 }

    func windowRows(for strip: Range<Int>) -> Range<Int> {
        strip.lowerBound..<strip.lowerBound + 4 * patchRows(of: strip) + 2
    }

    var paddedWidth: Int { 4 * patchColumns + 2 }
    private var paddedHeight: Int { 4 * patchRows + 2 }
    var gradientRowLength: Int { geometry.output.width * geometry.output.channels }

    /// Floats from one patch, or one row of weights, to the next.
    private func padded(_ channels: Int) -> Int { MatrixMultiply.packedStride(channels) }

    private func pointStride(_ channels: Int) -> Int {
        patchRowsPerStrip * patchColumns * padded(channels) + Self.pointGap
    }

    /// Transformed weights of one point, (input, padded output) or (output, padded input).
    private var weightStride: Int {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        return max(input * padded(output), output * padded(input))
    }

    var need: ScratchNeed {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        return ScratchNeed(
            window: (4 * patchRowsPerStrip + 2) * paddedWidth * input + ScratchNeed.overrun,
            patches: Self.pointCount * pointStride(input),
            products: Self.pointCount * pointStride(output),
            weights: 2 * Self.pointCount * weightStride,
            gradientRows: 4 * patchRowsPerStrip * gradientRowLength,
            inputGradient: paddedHeight * paddedWidth * input,
            rows: 2 * geometry.input.width * input)
    }

    /// The window's side of a strip, then the output's.
    private func inputShape(_ strip: Range<Int>) -> dip_winograd {
        dip_winograd(
            patch_rows: Int64(patchRows(of: strip)), patch_columns: Int64(patchColumns),
            channels: Int64(geometry.input.channels),
            padded_channels: Int64(padded(geometry.input.channels)),
            point_stride: Int64(pointStride(geometry.input.channels)),
            row_length: Int64(paddedWidth * geometry.input.channels), rows: 0, columns: 0)
    }

    private func outputShape(_ strip: Range<Int>) -> dip_winograd {
        dip_winograd(
            patch_rows: Int64(patchRows(of: strip)), patch_columns: Int64(patchColumns),
            channels: Int64(geometry.output.channels),
            padded_channels: Int64(padded(geometry.output.channels)),
            point_stride: Int64(pointStride(geometry.output.channels)),
            row_length: Int64(gradientRowLength), rows: Int64(strip.count),
            columns: Int64(geometry.output.width))
    }

    private func weightGradient(_ layer: ConvolutionLayer) -> UnsafeMutablePointer<Float> {
        layer.scratch.weights + Self.pointCount * weightStride
    }

    /// Forward products want the weights as (input, output), backward ones as (output, input).
    func begin(_ layer: ConvolutionLayer, backward: Bool) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        guard backward else {
            layer.table.winograd_weights(
                layer.weight, Int64(input), Int64(output), Int64(padded(output)),
                layer.scratch.weights)
            return
        }
        let transposed = weightGradient(layer)
        for tap in 0..<9 {
            layer.table.transpose(
                layer.weight + tap * input * output, Int64(input), Int64(output),
                transposed + tap * input * output, Int64(input))
        }
        layer.table.winograd_weights(
            transposed, Int64(output), Int64(input), Int64(padded(input)), layer.scratch.weights)
    }

    func forward(
        _ layer: ConvolutionLayer, strip: Range<Int>, into result: UnsafeMutablePointer<Float>
    ) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        var (inputShape, outputShape) = (inputShape(strip), outputShape(strip))
        layer.table.winograd_input(&inputShape, layer.scratch.window, layer.scratch.patches)
        var product = dip_product(
            rows: Int64(patchRows(of: strip) * patchColumns), columns: Int64(output),
            inner: Int64(input), a_row: Int64(padded(input)), a_column: 1,
            b_row: Int64(padded(output)), c_row: Int64(padded(output)), accumulate: 0)
        for point in 0..<Self.pointCount {
            layer.table.multiply(
                &product, layer.scratch.patches + point * pointStride(input),
                layer.scratch.weights + point * input * padded(output),
                layer.scratch.products + point * pointStride(output))
        }
        layer.table.winograd_output(&outputShape, layer.scratch.products, result)
    }

    func backward(_ layer: ConvolutionLayer, strip: Range<Int>, wantsInput: Bool) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        var (inputShape, outputShape) = (inputShape(strip), outputShape(strip))
        let (patches, products) = (layer.scratch.patches, layer.scratch.products)
        layer.table.winograd_input(&inputShape, layer.scratch.window, patches)
        layer.table.winograd_output_adjoint(&outputShape, layer.scratch.gradientRows, products)
        let patchCount = Int64(patchRows(of: strip) * patchColumns)
        var weightProduct = dip_product(
            rows: Int64(input), columns: Int64(output), inner: patchCount, a_row: 1,
            a_column: Int64(padded(input)), b_row: Int64(padded(output)),
            c_row: Int64(padded(output)), accumulate: strip.lowerBound > 0 ? 1 : 0)
        var inputProduct = dip_product(
            rows: patchCount, columns: Int64(input), inner: Int64(output),
            a_row: Int64(padded(output)), a_column: 1, b_row: Int64(padded(input)),
            c_row: Int64(padded(input)), accumulate: 0)
        for point in 0..<Self.pointCount {
            let v = patches + point * pointStride(input)
            let m = products + point * pointStride(output)
            layer.table.multiply(
                &weightProduct, v, m, weightGradient(layer) + point * input * padded(output))
            guard wantsInput else { continue }
            layer.table.multiply(
                &inputProduct, m, layer.scratch.weights + point * output * padded(input), v)
        }
        guard wantsInput else { return }
        layer.table.winograd_input_adjoint(
            &inputShape, patches,
            layer.scratch.inputGradient + strip.lowerBound * layer.paddedRowLength)
    }

    func finish(_ layer: ConvolutionLayer) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        layer.table.winograd_weights_adjoint(
            weightGradient(layer), Int64(input), Int64(output), Int64(padded(output)),
            layer.weightGradient)
    }
}
