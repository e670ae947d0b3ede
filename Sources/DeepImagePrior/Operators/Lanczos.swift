// Upscaling: the given pixels are a smaller copy of the picture, made with Lanczos2.
//
// Ulyanov et al. (models/downsampler.py: lanczos2, phase 0.5, preserve_size) weigh the picture's
// pixels by the product of
//     L(d) = sin(pi d) sin(pi d / 2) / (pi^2 d^2 / 2),   |d| < 2
// along both axes, d being the distance to the given pixel's centre in given pixels, and normalize
// the sum of weights to one. Beyond the picture its rim goes on (replication). Their kernel is a
// product of a row and a column, and so is its normalization: one axis after the other computes
// the same in a fraction of the arithmetic.
//
// Given pixel i covers the picture's f i ... f i + f - 1, so its centre is f i + (f - 1) / 2. For
// an even f that lies between two pixels: 4 f weights, padded by 3 f / 2, which is theirs. For an
// odd f it lies on one, where their phase 0.5 would shift the picture by half a pixel and lose a
// row and a column; the same formulas around the centre give 4 f - 1 weights.
//
// A tile's rim inside the image is treated as the image's: the picture's rim goes on there,
// although a neighbour knows better. That bends no more than the outermost 3 f / 2 pixels, which
// the feather gives little weight or none: the neighbour, for which they lie further inside, has
// the rest. To leave out the two given pixels that reach beyond the rim instead would leave that
// part of the tile to the network's fancy.

#if canImport(Glibc)
    import Glibc
#endif

/// The weights along one axis.
struct LanczosWeights {
    /// Where the picture's pixels begin that given pixel 0 is the sum of; those of i, f i later.
    let first: Int
    let values: [Float]

    init(factor: Int) {
        let centre = Double(factor - 1) / 2
        let places = (-2 * factor...3 * factor).filter {
            abs(Double($0) - centre) < 2 * Double(factor)
        }
        let weights = places.map { Self.lanczos2((Double($0) - centre) / Double(factor)) }
        let sum = weights.reduce(0, +)
        first = places.first ?? 0
        values = weights.map { Float($0 / sum) }
    }

    private static func lanczos2(_ distance: Double) -> Double {
        if distance == 0 { return 1 }
        let angle = Double.pi * distance
        return 2 * sin(angle) * sin(angle / 2) / (angle * angle)
    }
}

/// A smaller copy of the picture, by Lanczos2. Holds scratch memory: not for two threads at once.
final class LanczosOperator: ForwardOperator {
    private let shape: GivenShape
    private let weights: LanczosWeights
    /// A row of the picture, (width * factor, bands).
    private let row: UnsafeMutableBufferPointer<Float>

    init(_ shape: GivenShape) {
        self.shape = shape
        weights = LanczosWeights(factor: shape.factor)
        row = .allocate(capacity: shape.width * shape.factor * shape.bands)
        row.initialize(repeating: 0)
    }

    deinit { row.deallocate() }

    func apply(_ x: UnsafeBufferPointer<Float>, into y: UnsafeMutableBufferPointer<Float>) {
        precondition(x.count == shape.pictureCount && y.count == shape.count)
        for given in 0..<shape.height {
            row.update(repeating: 0)
            for (tap, weight) in weights.values.enumerated() {
                let from = UnsafeBufferPointer(
                    rebasing: x[place(given, tap, height) * row.count..<x.count])
                for index in row.indices { row[index] += weight * from[index] }
            }
            let part = given * shape.width * shape.bands
            for column in 0..<shape.width {
                for band in 0..<shape.bands {
                    var sum: Float = 0
                    for (tap, weight) in weights.values.enumerated() {
                        sum += weight * row[place(column, tap, width) * shape.bands + band]
                    }
                    y[part + column * shape.bands + band] = sum
                }
            }
        }
    }

    func adjoint(_ y: UnsafeBufferPointer<Float>, into x: UnsafeMutableBufferPointer<Float>) {
        precondition(x.count == shape.pictureCount && y.count == shape.count)
        x.update(repeating: 0)
        for given in 0..<shape.height {
            row.update(repeating: 0)
            let part = given * shape.width * shape.bands
            for column in 0..<shape.width {
                for band in 0..<shape.bands {
                    let value = y[part + column * shape.bands + band]
                    for (tap, weight) in weights.values.enumerated() {
                        row[place(column, tap, width) * shape.bands + band] += weight * value
                    }
                }
            }
            for (tap, weight) in weights.values.enumerated() {
                let to = UnsafeMutableBufferPointer(
                    rebasing: x[place(given, tap, height) * row.count..<x.count])
                for index in row.indices { to[index] += weight * row[index] }
            }
        }
    }

    /// Of the picture.
    private var height: Int { shape.height * shape.factor }
    private var width: Int { shape.width * shape.factor }

    /// The picture's row or column that a weight of a given one takes.
    private func place(_ given: Int, _ tap: Int, _ length: Int) -> Int {
        min(max(given * shape.factor + weights.first + tap, 0), length - 1)
    }
}
