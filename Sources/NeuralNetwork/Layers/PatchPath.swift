// Convolution over patches: the general path, for any kernel, stride and channels.
//
// With P the patches of a strip, (pixels, kernel * kernel * input channels), and W the weights,
// (kernel * kernel * input channels, output channels):
//     Y = P W,   dW = sum over strips of P' dY,   dP = dY W'
// A strip is a few whole output rows, so that P stays in cache. dP is added back to the padded
// input.

import CKernels

struct PatchPath: ConvolutionPath {
    let geometry: ConvolutionGeometry

    /// Enough pixels for an efficient product, few enough for the patches to stay in cache.
    private static let stripPixels = 128

    private var rowsPerStrip: Int {
        min(geometry.output.height, max(1, Self.stripPixels / geometry.output.width))
    }
    /// A 1x1 convolution's patches are the pixels themselves.
    private var readsPixelsAsTheyAre: Bool { geometry.kernel == 1 && geometry.stride == 1 }
    private var rowPatchCount: Int { geometry.output.width * geometry.patchLength }

    var strips: [Range<Int>] { geometry.strips(rowCount: rowsPerStrip) }

    func windowRows(for rows: Range<Int>) -> Range<Int> {
        rows.lowerBound * geometry.stride..<(rows.upperBound - 1) * geometry.stride
            + geometry.kernel
    }

    var paddedWidth: Int { geometry.input.width + 2 * geometry.rim }
    private var paddedHeight: Int { geometry.input.height + 2 * geometry.rim }
    var gradientRowLength: Int { geometry.output.width * geometry.output.channels }
    private var paddedRowLength: Int { paddedWidth * geometry.input.channels }

    var need: ScratchNeed {
        let patchCount = readsPixelsAsTheyAre ? 0 : rowsPerStrip * rowPatchCount
        return ScratchNeed(
            window: windowRows(for: 0..<rowsPerStrip).count * paddedRowLength,
            patches: patchCount, products: patchCount, weights: weightCount,
            gradientRows: rowsPerStrip * gradientRowLength,
            inputGradient: paddedHeight * paddedRowLength,
            rows: 2 * geometry.input.width * geometry.input.channels)
    }

    /// Packed weights: (patch, output) forward, (output, patch) backward.
    private var weightCount: Int {
        let (patch, output) = (geometry.patchLength, geometry.output.channels)
        return max(
            patch * MatrixMultiply.packedStride(output), output * MatrixMultiply.packedStride(patch)
        )
    }

    func begin(_ layer: ConvolutionLayer, backward: Bool) {
        let (patch, output) = (geometry.patchLength, geometry.output.channels)
        let packed = layer.scratch.weights
        if backward {
            layer.table.transpose(
                layer.weight, Int64(patch), Int64(output), packed,
                Int64(MatrixMultiply.packedStride(patch)))
        } else {
            for row in 0..<patch {
                (packed + row * MatrixMultiply.packedStride(output))
                    .update(from: layer.weight + row * output, count: output)
            }
        }
    }

    func forward(
        _ layer: ConvolutionLayer, strip: Range<Int>, into result: UnsafeMutablePointer<Float>
    ) {
        multiply(layer)(
            rows: strip.count * geometry.output.width, columns: geometry.output.channels,
            inner: geometry.patchLength,
            MatrixFactor(gatherPatches(layer, strip), stride: geometry.patchLength),
            MatrixFactor(
                layer.scratch.weights,
                stride: MatrixMultiply.packedStride(geometry.output.channels)),
            into: result, stride: geometry.output.channels)
    }

    func backward(_ layer: ConvolutionLayer, strip: Range<Int>, wantsInput: Bool) {
        multiply(layer)(
            rows: geometry.patchLength, columns: geometry.output.channels,
            inner: strip.count * geometry.output.width,
            MatrixFactor(
                gatherPatches(layer, strip), stride: geometry.patchLength, transposed: true),
            MatrixFactor(layer.scratch.gradientRows, stride: geometry.output.channels),
            into: layer.weightGradient, stride: geometry.output.channels,
            accumulate: strip.lowerBound > 0)
        if wantsInput { addInputGradient(layer, strip) }
    }

    func finish(_ layer: ConvolutionLayer) {}

    private func multiply(_ layer: ConvolutionLayer) -> MatrixMultiply {
        MatrixMultiply(geometry, table: layer.source.table)
    }

    private func gatherPatches(
        _ layer: ConvolutionLayer, _ strip: Range<Int>
    ) -> UnsafeMutablePointer<Float> {
        guard !readsPixelsAsTheyAre else { return layer.scratch.window }
        for index in 0..<strip.count {
            layer.table.gather_patches(
                layer.scratch.window + index * geometry.stride * paddedRowLength,
                Int64(paddedRowLength), Int64(geometry.kernel), Int64(geometry.stride),
                Int64(geometry.input.channels), Int64(geometry.output.width),
                layer.scratch.patches + index * rowPatchCount)
        }
        return layer.scratch.patches
    }

    private func addInputGradient(_ layer: ConvolutionLayer, _ strip: Range<Int>) {
        let result =
            readsPixelsAsTheyAre
            ? layer.scratch.inputGradient + strip.lowerBound * rowPatchCount
            : layer.scratch.products
        multiply(layer)(
            rows: strip.count * geometry.output.width, columns: geometry.patchLength,
            inner: geometry.output.channels,
            MatrixFactor(layer.scratch.gradientRows, stride: geometry.output.channels),
            MatrixFactor(
                layer.scratch.weights, stride: MatrixMultiply.packedStride(geometry.patchLength)),
            into: result, stride: geometry.patchLength)
        guard !readsPixelsAsTheyAre else { return }
        for (index, y) in strip.enumerated() {
            layer.table.scatter_patches(
                result + index * rowPatchCount, Int64(paddedRowLength), Int64(geometry.kernel),
                Int64(geometry.stride), Int64(geometry.input.channels),
                Int64(geometry.output.width),
                layer.scratch.inputGradient + y * geometry.stride * paddedRowLength)
        }
    }
}
