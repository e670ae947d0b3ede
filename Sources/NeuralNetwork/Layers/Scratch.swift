// Memory that layers share while they run, one after the other.

/// What each thread has for itself.
struct Scratch {
    let window: UnsafeMutablePointer<Float>
    let patches: UnsafeMutablePointer<Float>
    let products: UnsafeMutablePointer<Float>
    let weightGradient: UnsafeMutablePointer<Float>
    let gradientRows: UnsafeMutablePointer<Float>
    let rows: UnsafeMutablePointer<Float>
}

/// What all threads read, and write one after the other.
struct SharedScratch {
    /// Weights as a path wants them.
    let weights: UnsafeMutablePointer<Float>
    /// A path's sum of the weights' gradient over all parts.
    let weightGradient: UnsafeMutablePointer<Float>
}

/// How much of each kind of scratch a layer needs, in floats.
struct ScratchNeed {
    var window = 0
    var patches = 0
    var products = 0
    var weightGradient = 0
    var gradientRows = 0
    var rows = 0
    /// Shared by all threads.
    var weights = 0

    /// Kernels may read so many floats beyond the last pixel.
    static let overrun = 16

    mutating func cover(_ other: ScratchNeed) {
        window = max(window, other.window)
        patches = max(patches, other.patches)
        products = max(products, other.products)
        weightGradient = max(weightGradient, other.weightGradient)
        gradientRows = max(gradientRows, other.gradientRows)
        rows = max(rows, other.rows)
        weights = max(weights, other.weights)
    }
}
