// The network input z: one field of noise over the whole image.

import NeuralNetwork

/// What the numbers of a job's random streams are for.
enum StreamTag: UInt32 {
    case networkInput = 1
    case weights = 2
    case inputNoise = 3
    case heldOut = 4
    case mask = 5
}

/// Uniform noise at every channel and pixel of an image without end, by coordinate: tiles that
/// overlap see the same z where they do.
struct NoiseField {
    private let seed: UInt64
    private let channels: Int
    private let scale: Float

    init(_ configuration: FitConfiguration) {
        seed = configuration.seed
        channels = configuration.inputChannels
        scale = Float(configuration.inputScale)
    }

    /// z under a tile, (height, width, channels).
    func cut(_ problem: FitProblem, kernels: Kernels) -> [Float] {
        var z: [Float] = []
        z.reserveCapacity(problem.outputHeight * problem.outputWidth * channels)
        for y in 0..<problem.outputHeight {
            for x in 0..<problem.outputWidth {
                let stream = RandomStream(
                    seed: seed,
                    words: (
                        StreamTag.networkInput.rawValue,
                        UInt32(truncatingIfNeeded: problem.originX + x),
                        UInt32(truncatingIfNeeded: problem.originY + y)
                    ))
                for value in kernels.uniform(count: channels, stream) { z.append(scale * value) }
            }
        }
        return z
    }
}
