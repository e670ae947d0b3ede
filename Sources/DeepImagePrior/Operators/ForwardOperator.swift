// Tasks as forward operators: the given pixels y are A(x) of the picture x that is looked for.

/// What can be restored. To add a task, write an operator in a file of its own and name it here.
public enum Task: String, Codable, Sendable, CaseIterable {
    /// Every pixel is given, with noise on it.
    case denoise
    /// Some pixels are given as they are; the missing ones have no part in the loss.
    case inpaint
    /// A smaller picture is given.
    case upscale
    /// Every pixel is given, as lossy compression has left it.
    case dejpeg
    /// Every pixel is given, with noise on it, and beside them another picture of the same place
    /// that is clearer: `NetworkInput.guide`.
    case guided

    /// The operator that makes given pixels of this shape.
    func makeOperator(_ shape: GivenShape) -> any ForwardOperator {
        switch self {
        case .denoise, .inpaint, .dejpeg, .guided: return IdentityOperator()
        case .upscale: return LanczosOperator(shape)
        }
    }
}

/// What an operator maps to: given pixels (height, width, bands), of which each stands for
/// factor x factor of the picture.
struct GivenShape {
    let height, width, bands: Int
    var factor = 1

    var count: Int { height * width * bands }
    var pictureCount: Int { count * factor * factor }
}

/// A linear map from the picture x, (height * factor, width * factor, bands), to the given pixels
/// y, (height, width, bands), and its adjoint: <A x, y> = <x, A' y>. What was in the result's place
/// does not count.
protocol ForwardOperator {
    /// y = A x
    func apply(_ x: UnsafeBufferPointer<Float>, into y: UnsafeMutableBufferPointer<Float>)
    /// x = A' y
    func adjoint(_ y: UnsafeBufferPointer<Float>, into x: UnsafeMutableBufferPointer<Float>)
}
