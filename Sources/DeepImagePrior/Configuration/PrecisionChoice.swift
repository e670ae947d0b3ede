// What a user may say about precision.

public import NeuralNetwork

/// A precision, or the program's own choice.
public enum PrecisionChoice: String, Sendable, CaseIterable {
    case float32, bfloat16
    /// float32: fits in bfloat16 lag behind by more than a tenth of a decibel on some images
    /// (docs/NUMERICS.md, "Precision").
    case auto

    /// What is fixed in the job.
    public var resolved: Precision {
        switch self {
        case .float32, .auto: .float32
        case .bfloat16: .bfloat16
        }
    }
}
