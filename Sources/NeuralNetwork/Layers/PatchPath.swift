// Convolution over patches: the general path, for any kernel, stride and channels.
//
// With P the patches of a strip, (pixels, kernel * kernel * input channels), and W the weights,
// (kernel * kernel * input channels, output channels):
//     Y = P W,   dW = sum over strips of P' dY,   dP = dY W'
// A strip is a few whole output rows, so that P stays in cache. dP is added back to the padded
// input. P, W and dY are float32 or, in large layers, bfloat16; sums are float32.
//
// Where means of 2x2 outputs are wanted, W are the means of the weights shifted by a pixel or none
// each way, (kernel + 1)^2 of them: a convolution and a mean after it are one convolution.

import CKernels

struct PatchPath: ConvolutionPath {
    let geometry: ConvolutionGeometry
    let precision: Precision

    /// Enough pixels for an efficient product, few enough for the patches to stay in cache.
    private static let stripPixels = 128

    /// The precision that layers of such sizes have where `wanted` is asked for: bfloat16 is for
    /// those that take time, and whose sizes fill registers; of others little would be gained.
    static func precision(for geometry: ConvolutionGeometry, wanted: Precision) -> Precision {
        let fills = geometry.output.channels % 16 == 0 && geometry.patchLength % 16 == 0
        return fills && !MatrixMultiply.isPrecise(geometry) ? wanted : .float32
    }

    private var rowsPerStrip: Int {
        min(geometry.output.height, max(1, Self.stripPixels / geometry.output.width))
    }
    private var pixelsPerStrip: Int { rowsPerStrip * geometry.output.width }
    /// A 1x1 convolution's patches are the pixels themselves.
    var readsPixelsAsTheyAre: Bool { geometry.kernel == 1 && geometry.stride == 1 }
    private var rowPatchCount: Int { geometry.output.width * geometry.patchLength }

    var strips: [Range<Int>] { geometry.strips(rowCount: rowsPerStrip) }

    func windowRows(for rows: Range<Int>) -> Range<Int> {
        rows.lowerBound * geometry.stride..<(rows.upperBound - 1) * geometry.stride
            + geometry.kernel
    }

    var paddedWidth: Int { geometry.input.width + 2 * geometry.rim }
    var paddedHeight: Int { geometry.input.height + 2 * geometry.rim }
    var gradientRowLength: Int { geometry.output.width * geometry.output.channels }
    var weightGradientCount: Int { geometry.patchLength * geometry.output.channels }
    var sumsWeightGradientInPlace: Bool { !geometry.averages }
    var addsInputGradient: Bool { !readsPixelsAsTheyAre }
    private var paddedRowLength: Int { paddedWidth * geometry.input.channels }

    var need: ScratchNeed {
        let patchCount = readsPixelsAsTheyAre ? 0 : rowsPerStrip * rowPatchCount
        return ScratchNeed(
            window: windowRows(for: 0..<rowsPerStrip).count * paddedRowLength
                + ScratchNeed.overrun,
            patches: patchCount + roundedPatchCount,
            products: patchCount + roundedGradientCount,
            weightGradient: weightGradientCount,
            gradientRows: rowsPerStrip * gradientRowLength,
            rows: 3 * geometry.input.width * geometry.input.channels,
            weights: weightCount + (geometry.averages ? weightGradientCount : 0))
    }

    /// Packed weights: (patch, output) forward, (output, patch) backward; before they are rounded,
    /// a second time.
    var weightCount: Int {
        let (patch, output) = (geometry.patchLength, geometry.output.channels)
        let count = max(
            patch * MatrixMultiply.packedStride(output), output * MatrixMultiply.packedStride(patch)
        )
        return precision == .bfloat16 ? 2 * count : count
    }

    func begin(_ layer: ConvolutionLayer, backward: Bool) {
        let (patch, output) = (geometry.patchLength, geometry.output.channels)
        let packed = layer.shared.weights
        let weight = geometry.averages ? averagedWeights(layer) : layer.weight
        if backward {
            layer.table.transpose(
                weight, Int64(patch), Int64(output), packed,
                Int64(MatrixMultiply.packedStride(patch)))
        } else {
            for row in 0..<patch {
                (packed + row * MatrixMultiply.packedStride(output))
                    .update(from: weight + row * output, count: output)
            }
        }
        let (rows, columns) = backward ? (output, patch) : (patch, output)
        guard usesPairs(layer) else {
            return round(layer, packed, rows * MatrixMultiply.packedStride(columns))
        }
        var rounded = roundedWeights(layer, columns: columns)
        layer.table.round_matrix(
            packed, Int64(rows), Int64(columns), Int64(MatrixMultiply.packedStride(columns)),
            &rounded)
    }

    func forward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, strip: Range<Int>,
        into result: UnsafeMutablePointer<Float>
    ) {
        let patches = gatherPatches(layer, scratch, strip)
        let (patch, output) = (geometry.patchLength, geometry.output.channels)
        let pixels = strip.count * geometry.output.width
        guard usesPairs(layer) else {
            round(layer, patches, pixels * patch)
            multiply(layer)(
                rows: pixels, columns: output, inner: patch,
                MatrixFactor(patches, stride: patch),
                MatrixFactor(layer.shared.weights, stride: MatrixMultiply.packedStride(output)),
                into: result, stride: output)
            return
        }
        var p = roundedPatches(scratch, asPairs: false)
        layer.table.round_matrix(patches, Int64(pixels), Int64(patch), Int64(patch), &p)
        let w = roundedWeights(layer, columns: output)
        var product = dip_product(
            rows: Int64(pixels), columns: Int64(output), inner: Int64(patch / 2),
            a_row: p.rows_row, a_column: 1, b_row: w.pairs_row, c_row: Int64(output),
            accumulate: 0)
        layer.table.multiply_bfloat16(&product, p.rows, w.pairs, result)
    }

    func backward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, strip: Range<Int>, sum: WeightGradientSum,
        inputGradient: UnsafeMutablePointer<Float>?
    ) {
        let patches = gatherPatches(layer, scratch, strip)
        // A 1x1 convolution's dP is the input's gradient itself.
        let result = readsPixelsAsTheyAre ? inputGradient : scratch.products
        let adds = readsPixelsAsTheyAre && layer.inputGradient.addsDirectly
        if usesPairs(layer) {
            multiplyBackwardBFloat16(
                layer, scratch, strip, patches, sum, inputGradient == nil ? nil : result, adds)
        } else {
            multiplyBackward(
                layer, scratch, strip, patches, sum, inputGradient == nil ? nil : result, adds)
        }
        guard let inputGradient, !readsPixelsAsTheyAre else { return }
        for index in 0..<strip.count {
            layer.table.scatter_patches(
                scratch.products + index * rowPatchCount, Int64(paddedRowLength),
                Int64(geometry.kernel), Int64(geometry.stride), Int64(geometry.input.channels),
                Int64(geometry.output.width),
                inputGradient + index * geometry.stride * paddedRowLength)
        }
    }

    func finish(_ layer: ConvolutionLayer, sum: UnsafeMutablePointer<Float>) {
        if geometry.averages { averageGradient(sum, into: layer.weightGradient) }
    }

    private func multiply(_ layer: ConvolutionLayer) -> MatrixMultiply {
        MatrixMultiply(geometry, table: layer.source.table)
    }

    /// dW, and dP where `result` is given.
    private func multiplyBackward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, _ strip: Range<Int>,
        _ patches: UnsafeMutablePointer<Float>, _ sum: WeightGradientSum,
        _ result: UnsafeMutablePointer<Float>?, _ adds: Bool
    ) {
        let (patch, output) = (geometry.patchLength, geometry.output.channels)
        let pixels = strip.count * geometry.output.width
        round(layer, patches, pixels * patch)
        round(layer, scratch.gradientRows, pixels * output)
        multiply(layer)(
            rows: patch, columns: output, inner: pixels,
            MatrixFactor(patches, stride: patch, transposed: true),
            MatrixFactor(scratch.gradientRows, stride: output), into: sum.values, stride: output,
            accumulate: sum.accumulates)
        guard let result else { return }
        multiply(layer)(
            rows: pixels, columns: patch, inner: output,
            MatrixFactor(scratch.gradientRows, stride: output),
            MatrixFactor(layer.shared.weights, stride: MatrixMultiply.packedStride(patch)),
            into: result, stride: patch, accumulate: adds)
    }

    private func gatherPatches(
        _ layer: ConvolutionLayer, _ scratch: Scratch, _ strip: Range<Int>
    ) -> UnsafeMutablePointer<Float> {
        guard !readsPixelsAsTheyAre else { return scratch.window }
        for index in 0..<strip.count {
            layer.table.gather_patches(
                scratch.window + index * geometry.stride * paddedRowLength,
                Int64(paddedRowLength), Int64(geometry.kernel), Int64(geometry.stride),
                Int64(geometry.input.channels), Int64(geometry.output.width),
                scratch.patches + index * rowPatchCount)
        }
        return scratch.patches
    }
}

// Factors of bfloat16 lie in pairs along the inner index: pairs of patch elements for P W, pairs of
// output channels for dY W', pairs of pixels for P' dY.
extension PatchPath {
    private func words(_ floats: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt32.self)
    }

    private func rowStride(_ columns: Int) -> Int { MatrixMultiply.packedStride(columns / 2) }
    private func pairStride(_ columns: Int) -> Int { MatrixMultiply.packedStride(columns) }
    private var pixelPairsPerStrip: Int { (pixelsPerStrip + 1) / 2 }

    private var roundedPatchCount: Int {
        guard precision == .bfloat16 else { return 0 }
        return max(
            pixelsPerStrip * rowStride(geometry.patchLength),
            pixelPairsPerStrip * pairStride(geometry.patchLength))
    }

    private var roundedGradientCount: Int {
        guard precision == .bfloat16 else { return 0 }
        return pixelsPerStrip * rowStride(geometry.output.channels)
            + pixelPairsPerStrip * pairStride(geometry.output.channels)
    }

    /// Weights in pairs of rows, behind the packed ones.
    private func roundedWeights(_ layer: ConvolutionLayer, columns: Int) -> dip_bfloat16 {
        dip_bfloat16(
            rows: nil, pairs: words(layer.shared.weights + weightCount / 2), rows_row: 0,
            pairs_row: Int64(pairStride(columns)), rows_point: 0, pairs_point: 0)
    }

    /// Patches behind the gathered ones, as rows or in pairs of pixels.
    private func roundedPatches(_ scratch: Scratch, asPairs: Bool) -> dip_bfloat16 {
        let gathered = readsPixelsAsTheyAre ? 0 : rowsPerStrip * rowPatchCount
        let memory = words(scratch.patches + gathered)
        return dip_bfloat16(
            rows: asPairs ? nil : memory, pairs: asPairs ? memory : nil,
            rows_row: Int64(rowStride(geometry.patchLength)),
            pairs_row: Int64(pairStride(geometry.patchLength)), rows_point: 0, pairs_point: 0)
    }

    /// Output gradients behind dP, in pairs of pixels and as rows.
    private func roundedGradient(_ scratch: Scratch) -> dip_bfloat16 {
        let products = readsPixelsAsTheyAre ? 0 : rowsPerStrip * rowPatchCount
        let memory = words(scratch.products + products)
        let pairs = pixelPairsPerStrip * pairStride(geometry.output.channels)
        return dip_bfloat16(
            rows: memory + pairs, pairs: memory,
            rows_row: Int64(rowStride(geometry.output.channels)),
            pairs_row: Int64(pairStride(geometry.output.channels)), rows_point: 0, pairs_point: 0)
    }

    private func multiplyBackwardBFloat16(
        _ layer: ConvolutionLayer, _ scratch: Scratch, _ strip: Range<Int>,
        _ patches: UnsafePointer<Float>, _ sum: WeightGradientSum,
        _ result: UnsafeMutablePointer<Float>?, _ adds: Bool
    ) {
        let (patch, output) = (geometry.patchLength, geometry.output.channels)
        let pixels = strip.count * geometry.output.width
        var p = roundedPatches(scratch, asPairs: true)
        layer.table.round_matrix(patches, Int64(pixels), Int64(patch), Int64(patch), &p)
        var dY = roundedGradient(scratch)
        layer.table.round_matrix(
            scratch.gradientRows, Int64(pixels), Int64(output), Int64(output), &dY)
        var weightProduct = dip_product(
            rows: Int64(patch), columns: Int64(output), inner: Int64((pixels + 1) / 2), a_row: 1,
            a_column: p.pairs_row, b_row: dY.pairs_row, c_row: Int64(output),
            accumulate: sum.accumulates ? 1 : 0)
        layer.table.multiply_bfloat16(&weightProduct, p.pairs, dY.pairs, sum.values)
        guard let result else { return }
        let w = roundedWeights(layer, columns: patch)
        var inputProduct = dip_product(
            rows: Int64(pixels), columns: Int64(patch), inner: Int64(output / 2),
            a_row: dY.rows_row, a_column: 1, b_row: w.pairs_row, c_row: Int64(patch),
            accumulate: adds ? 1 : 0)
        layer.table.multiply_bfloat16(&inputProduct, dY.rows, w.pairs, result)
    }
}
