// Tasks as forward operators: the given pixels y are A(x) of the picture x that is looked for.

/// What can be restored. To add a task, write an operator in a file of its own and name it here.
public enum Task: String, Codable, Sendable, CaseIterable {
    /// Every pixel is given, with noise on it.
    case denoise
    /// Some pixels are given as they are; the missing ones have no part in the loss.
    case inpaint

    func makeOperator() -> any ForwardOperator {
        switch self {
        case .denoise, .inpaint: return IdentityOperator()
        }
    }
}

/// A linear map from the picture to the given pixels, and its adjoint: <A x, y> = <x, A' y>.
protocol ForwardOperator {
    /// values: x on entry, A x on return; (height, width, bands) both.
    func apply(_ values: UnsafeMutableBufferPointer<Float>)
    /// values: y on entry, A' y on return.
    func adjoint(_ values: UnsafeMutableBufferPointer<Float>)
}
