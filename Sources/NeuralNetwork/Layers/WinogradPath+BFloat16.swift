// Winograd's products with factors of bfloat16, which lie in pairs along the inner index: pairs of
// channels for M = V U and dV = dM U', pairs of patches for dU = V' dM. So V is stored in either
// way, dM in both.

import CKernels

extension WinogradPath {
    private typealias Words = UnsafeMutablePointer<UInt32>

    /// Words from one patch, or pair of patches, to the next.
    private func rowStride(_ channels: Int) -> Int { padded(pairs(channels)) }
    private func pairStride(_ channels: Int) -> Int { padded(channels) }

    private func rowPoint(_ channels: Int, patches: Int) -> Int {
        patches * rowStride(channels) + 16
    }

    private func pairPoint(_ channels: Int, patches: Int) -> Int {
        pairs(patches) * pairStride(channels) + 16
    }

    private var stripPatchCount: Int { patchCount(of: strips[0]) }

    /// Words for all points of a strip's patches as rows.
    func bfloat16Count(rows patches: Int, _ channels: Int) -> Int {
        max(
            Self.pointCount * rowPoint(channels, patches: patches),
            Self.pointCount * pairPoint(channels, patches: patches))
    }

    /// Words for all points of a strip's patches in pairs.
    func bfloat16PairCount(_ channels: Int) -> Int {
        Self.pointCount * pairPoint(channels, patches: stripPatchCount)
    }

    private func words(_ floats: UnsafeMutablePointer<Float>) -> Words {
        UnsafeMutableRawPointer(floats).assumingMemoryBound(to: UInt32.self)
    }

    private func rows(_ memory: Words?, pairs: Words?, _ channels: Int) -> dip_bfloat16 {
        dip_bfloat16(
            rows: memory, pairs: pairs, rows_row: Int64(rowStride(channels)),
            pairs_row: Int64(pairStride(channels)),
            rows_point: Int64(rowPoint(channels, patches: stripPatchCount)),
            pairs_point: Int64(pairPoint(channels, patches: stripPatchCount)))
    }

    /// Transformed weights (36, rows / 2, columns) in pairs of rows.
    func bfloat16Weights(_ layer: ConvolutionLayer, rows: Int, columns: Int) -> dip_bfloat16 {
        dip_bfloat16(
            rows: nil, pairs: words(layer.shared.weights), rows_row: 0,
            pairs_row: Int64(padded(columns)), rows_point: 0,
            pairs_point: Int64(pairs(rows) * padded(columns)))
    }

    func multiplyForwardBFloat16(
        _ layer: ConvolutionLayer, _ scratch: Scratch, _ strip: Range<Int>
    ) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        var shape = inputShape(strip)
        var v = rows(words(scratch.patches), pairs: nil, input)
        layer.table.winograd_input_bfloat16(&shape, scratch.window, &v)
        let u = bfloat16Weights(layer, rows: input, columns: output)
        var product = dip_product(
            rows: Int64(patchCount(of: strip)), columns: Int64(output),
            inner: Int64(pairs(input)), a_row: v.rows_row, a_column: 1, b_row: u.pairs_row,
            c_row: Int64(padded(output)), accumulate: 0)
        for point in 0..<Self.pointCount {
            layer.table.multiply_bfloat16(
                &product, v.rows + point * Int(v.rows_point), u.pairs + point * Int(u.pairs_point),
                scratch.products + point * pointStride(output))
        }
    }

    func multiplyBackwardBFloat16(
        _ layer: ConvolutionLayer, _ scratch: Scratch, _ strip: Range<Int>,
        _ sum: WeightGradientSum, wantsInput: Bool
    ) {
        let (input, output) = (geometry.input.channels, geometry.output.channels)
        var (inputShape, outputShape) = (inputShape(strip), outputShape(strip))
        // dV takes the first part of the patches' memory, V what follows.
        let dV = scratch.patches
        var v = rows(
            nil, pairs: words(scratch.patches + Self.pointCount * pointStride(input)), input)
        layer.table.winograd_input_bfloat16(&inputShape, scratch.window, &v)
        let memory = words(scratch.products)
        var dM = rows(
            wantsInput ? memory + bfloat16PairCount(output) : nil, pairs: memory, output)
        layer.table.winograd_output_adjoint_bfloat16(&outputShape, scratch.gradientRows, &dM)
        let u = bfloat16Weights(layer, rows: output, columns: input)
        let patchCount = patchCount(of: strip)
        var weightProduct = dip_product(
            rows: Int64(input), columns: Int64(output), inner: Int64(pairs(patchCount)), a_row: 1,
            a_column: v.pairs_row, b_row: dM.pairs_row, c_row: Int64(padded(output)),
            accumulate: sum.accumulates ? 1 : 0)
        var inputProduct = dip_product(
            rows: Int64(patchCount), columns: Int64(input), inner: Int64(pairs(output)),
            a_row: dM.rows_row, a_column: 1, b_row: u.pairs_row, c_row: Int64(padded(input)),
            accumulate: 0)
        for point in 0..<Self.pointCount {
            layer.table.multiply_bfloat16(
                &weightProduct, v.pairs + point * Int(v.pairs_point),
                dM.pairs + point * Int(dM.pairs_point),
                sum.values + point * input * padded(output))
            guard wantsInput else { continue }
            layer.table.multiply_bfloat16(
                &inputProduct, dM.rows + point * Int(dM.rows_point),
                u.pairs + point * Int(u.pairs_point), dV + point * pointStride(input))
        }
    }
}
