// Two ways to multiply factors of bfloat16: in pairs, by the CPU's own instruction, or as floats
// that were rounded in their place. Both multiply the same numbers.

import CKernels

extension ConvolutionPath {
    /// Whether factors are laid out in pairs for the CPU's own products of bfloat16.
    func usesPairs(_ layer: ConvolutionLayer) -> Bool {
        precision == .bfloat16 && layer.table.has_bfloat16 != 0
    }

    /// Rounds a factor in its place, where it is to be bfloat16 and multiplied as float32.
    func round(
        _ layer: ConvolutionLayer, _ values: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        guard precision == .bfloat16 else { return }
        layer.table.round_to_bfloat16(values, Int64(count))
    }
}
