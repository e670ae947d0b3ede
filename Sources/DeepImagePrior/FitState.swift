// Everything that a fit remembers from one iteration to the next.

/// What a fit rolls back to, and what another process would continue from.
struct FitState {
    /// Iterations done.
    var iteration = 0
    /// Steps that Adam has counted; its bias correction depends on them.
    var adamStepCount = 0
    var learningRate: Double
    var rollBackCount = 0
    /// PSNR of the last output to the given pixels, in dB; nil before the first.
    var psnrToInput: Double?
    /// In the network's layout.
    var values: [Float]
    var firstMoments: [Float]
    var secondMoments: [Float]
    /// The exponential average of outputs, (height, width, bands).
    var average: [Float]
}
