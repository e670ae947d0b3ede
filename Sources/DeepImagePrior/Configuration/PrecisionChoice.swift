// What a user may say about precision.

public import NeuralNetwork

/// A precision, or the program's own choice.
public enum PrecisionChoice: String, Sendable, CaseIterable {
    case float32, bfloat16
    /// bfloat16 where this machine's CPU multiplies it, else float32.
    ///
    /// Pictures are as good either way (docs/NUMERICS.md, "Precision"). A CPU without the
    /// instructions computes bfloat16 too, but slower than float32.
    case auto

    /// The precision for a job that begins on this machine.
    ///
    /// - Throws: `FitError.invalid` where `DIP_CPU` names no kernels of this machine.
    public func resolved() throws(FitError) -> Precision {
        switch self {
        case .float32: return .float32
        case .bfloat16: return .bfloat16
        case .auto:
            do throws(NetworkError) {
                return try Kernels.forThisMachine().multipliesBFloat16 ? .bfloat16 : .float32
            } catch {
                throw FitError(error)
            }
        }
    }
}
