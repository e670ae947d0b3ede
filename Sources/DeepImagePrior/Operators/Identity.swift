// Denoising and inpainting: the given pixels are the picture's own, with noise or without.

struct IdentityOperator: ForwardOperator {
    func apply(_ values: UnsafeMutableBufferPointer<Float>) {}
    func adjoint(_ values: UnsafeMutableBufferPointer<Float>) {}
}
