// Between Float and the bits of IEEE 754 half precision.

internal import CSamples

/// Conversion of many numbers at once. Exact: the same bits as the language's conversions (round
/// to nearest, ties to even), NaN payloads apart.
public enum HalfFloat {
    /// Widens as many little-endian halves as `output` holds; `input` has twice as many bytes.
    public static func widen(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(input.count == 2 * output.count)
        csamples_widen(input.baseAddress, output.baseAddress, output.count)
    }

    /// Narrows all of `input` to little-endian halves; `output` has two bytes for each. What is
    /// too large becomes infinite.
    public static func narrow(
        _ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableRawBufferPointer
    ) {
        precondition(output.count == 2 * input.count)
        csamples_narrow(input.baseAddress, output.baseAddress, input.count)
    }
}
