// Float16 <-> Float without the processor's or the library's help: on the x86-64 baseline every
// conversion of the language is a call, while these lines vectorize. Both are exact: the same
// bits as the language's conversions (round to nearest, ties to even), NaN payloads apart.

/// Conversion between Float and the bits of IEEE 754 half precision.
public enum HalfFloat {
    /// The value of a half; exact, subnormals, infinities and NaN included.
    @inline(__always)
    public static func float(_ bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) &<< 16
        // Exponent and mantissa moved to a float's place make the value times 2^-112.
        let scaled =
            Float(bitPattern: UInt32(bits & 0x7FFF) &<< 13) * Float(bitPattern: 0x7780_0000)
        let special: UInt32 = (bits & 0x7C00) == 0x7C00 ? 0x7F80_0000 : 0
        return Float(bitPattern: scaled.bitPattern | special | sign)
    }

    /// The bits of the half next to `value`, ties to even; what is too large becomes infinite.
    @inline(__always)
    public static func bits(_ value: Float) -> UInt16 {
        let pattern = value.bitPattern
        let magnitude = pattern & 0x7FFF_FFFF
        // Beyond the largest half the first product overflows to infinity and stays there.
        let scaled =
            (Float(bitPattern: magnitude) * Float(bitPattern: 0x7780_0000))
            * Float(bitPattern: 0x0880_0000)  // 2^112, 2^-110
        // Adding a power of two 15 binary places above the half's last one lets the addition
        // round at exactly that place; below the normal halves that place stands still.
        let exponent = max(magnitude & 0x7F80_0000, 0x3880_0000)
        let rounded = (Float(bitPattern: exponent &+ 0x0780_0000) + scaled).bitPattern
        let finite = ((rounded &>> 13) & 0x7C00) &+ (rounded & 0x0FFF)
        let half = magnitude > 0x7F80_0000 ? 0x7E00 : finite
        return UInt16(truncatingIfNeeded: half | ((pattern &>> 16) & 0x8000))
    }

    /// Widens as many little-endian halves as `output` holds; `input` has twice as many bytes.
    public static func widen(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(input.count == 2 * output.count)
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        for index in 0..<output.count {
            let bits = (source + 2 &* index).loadUnaligned(as: UInt16.self)
            target[index] = float(bits)
        }
    }

    /// Narrows all of `input` to little-endian halves; `output` has two bytes for each.
    public static func narrow(
        _ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count == 2 * input.count)
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        for index in 0..<input.count {
            let bits = bits(source[index])
            (target + 2 &* index).storeBytes(of: bits, as: UInt16.self)
        }
    }
}
