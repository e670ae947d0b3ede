// Random numbers that depend on a key and counters alone.

import CKernels

/// One stream of Philox-4x32-10 (Salmon et al., SC 2011): the same key and words give the same
/// numbers, whatever was drawn before and on whichever machine.
public struct RandomStream: Sendable {
    public var seed: UInt64
    /// Counter words that tell streams of one seed apart.
    public var words: (UInt32, UInt32, UInt32)

    public init(seed: UInt64, words: (UInt32, UInt32, UInt32)) {
        self.seed = seed
        self.words = words
    }

    var description: dip_stream {
        dip_stream(
            key: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)),
            word: words)
    }
}

extension Kernels {
    /// Uniform numbers in [0, 1), multiples of 2^-24.
    public func uniform(count: Int, _ stream: RandomStream) -> [Float] {
        let blocks = (count + 3) / 4
        let drawn = [Float](unsafeUninitializedCapacity: 4 * blocks) { buffer, initialized in
            table.pointee.uniform(buffer.baseAddress, Int64(blocks), 0, stream.description)
            initialized = 4 * blocks
        }
        return drawn.count == count ? drawn : Array(drawn.prefix(count))
    }

    /// result = values + deviation * N(0, 1), element by element.
    public func addNormalNoise(
        to values: [Float], deviation: Float, _ stream: RandomStream,
        into result: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(values.count == result.count)
        table.pointee.add_normal_noise(
            result.baseAddress, values, 0, Int64(values.count), deviation, stream.description)
    }
}
