// Convolution by Winograd's minimal filtering F(4x4, 3x3): the fast path for 3x3, stride 1.
//
// Formulas stand in winograd.inc and docs/NUMERICS.md. With V the transformed patches of a strip and
// U the transformed weights, for each of 36 points:
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

    /// Whether the sizes allow it and are large enough for it.
    static func pays(for geometry: ConvolutionGeometry) -> Bool {
        geometry.kernel == 3 && geometry.stride == 1
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

    private func padded(_ channels: Int) -> Int { (channels + 15) / 16 * 16 }

    private func pointStride(_ channels: Int) -> Int {
        patchRowsPerStrip * patchColumns * padded(channels) + Self.pointGap
    }

    private var weightCount: Int { geometry.input.channels * geometry.output.channels }

    var need: ScratchNeed {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        return ScratchNeed(
            window: (4 * patchRowsPerStrip + 2) * paddedWidth * input + ScratchNeed.overrun,
            patches: Self.pointCount * pointStride(input),
            products: Self.pointCount * pointStride(output),
            weights: 2 * Self.pointCount * weightCount,
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
        layer.scratch.weights + Self.pointCount * weightCount
    }

    func begin(_ layer: ConvolutionLayer, backward: Bool) {
        layer.table.winograd_weights(layer.weight, Int64(weightCount), layer.scratch.weights)
    }

    func forward(
        _ layer: ConvolutionLayer, strip: Range<Int>, into result: UnsafeMutablePointer<Float>
    ) {
        let multiply = MatrixMultiply(geometry, table: layer.source.table)
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        var (inputShape, outputShape) = (inputShape(strip), outputShape(strip))
        layer.table.winograd_input(&inputShape, layer.scratch.window, layer.scratch.patches)
        for point in 0..<Self.pointCount {
            multiply(
                rows: patchRows(of: strip) * patchColumns, columns: output, inner: input,
                MatrixFactor(
                    layer.scratch.patches + point * pointStride(input), stride: padded(input)),
                MatrixFactor(layer.scratch.weights + point * weightCount, stride: output),
                into: layer.scratch.products + point * pointStride(output),
                stride: padded(output))
        }
        layer.table.winograd_output(&outputShape, layer.scratch.products, result)
    }

    func backward(_ layer: ConvolutionLayer, strip: Range<Int>, wantsInput: Bool) {
        let multiply = MatrixMultiply(geometry, table: layer.source.table)
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        var (inputShape, outputShape) = (inputShape(strip), outputShape(strip))
        let (patches, products) = (layer.scratch.patches, layer.scratch.products)
        layer.table.winograd_input(&inputShape, layer.scratch.window, patches)
        layer.table.winograd_output_adjoint(&outputShape, layer.scratch.gradientRows, products)
        let patchCount = patchRows(of: strip) * patchColumns
        for point in 0..<Self.pointCount {
            let v = patches + point * pointStride(input)
            let gradient = MatrixFactor(
                products + point * pointStride(output), stride: padded(output))
            multiply(
                rows: input, columns: output, inner: patchCount,
                MatrixFactor(v, stride: padded(input), transposed: true), gradient,
                into: weightGradient(layer) + point * weightCount, stride: output,
                accumulate: strip.lowerBound > 0)
            guard wantsInput else { continue }
            multiply(
                rows: patchCount, columns: input, inner: output, gradient,
                MatrixFactor(
                    layer.scratch.weights + point * weightCount, stride: output, transposed: true),
                into: v, stride: padded(input))
        }
        guard wantsInput else { return }
        layer.table.winograd_input_adjoint(
            &inputShape, patches,
            layer.scratch.inputGradient + strip.lowerBound * layer.paddedRowLength)
    }

    func finish(_ layer: ConvolutionLayer) {
        layer.table.winograd_weights_adjoint(
            weightGradient(layer), Int64(weightCount), layer.weightGradient)
    }
}
