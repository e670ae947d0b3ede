// The given pixels are the picture's own, with noise or without.

struct IdentityOperator: ForwardOperator {
    func apply(_ x: UnsafeBufferPointer<Float>, into y: UnsafeMutableBufferPointer<Float>) {
        _ = y.update(fromContentsOf: x)
    }

    func adjoint(_ y: UnsafeBufferPointer<Float>, into x: UnsafeMutableBufferPointer<Float>) {
        _ = x.update(fromContentsOf: y)
    }
}
