// Structural similarity over bands of rows, in double precision.

import Glibc

struct SSIMFilter {
    static let side = 11
    private static let sigma = 1.5

    private let width, bands: Int
    private let kernel: [Double]
    private var sum = 0.0
    private var count = 0

    init(width: Int, bands: Int) {
        self.width = width
        self.bands = bands
        let raw = (0..<Self.side).map { tap in
            let distance = Double(tap - Self.side / 2)
            return exp(-distance * distance / (2 * Self.sigma * Self.sigma))
        }
        let total = raw.reduce(0, +)
        kernel = raw.map { $0 / total }
    }

    var mean: Double { sum / Double(count) }

    /// Adds every window that lies inside the rows; `a` and `b` are (rowCount, width, bands).
    mutating func add(
        _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>, rowCount: Int
    ) {
        let rowSamples = width * bands
        // Filtering down first needs no more than one row of each of the five moments.
        let moments = Moments(count: rowSamples)
        for top in 0...(rowCount - Self.side) {
            moments.clear()
            for (tap, weight) in kernel.enumerated() {
                let row = (top + tap) * rowSamples
                for i in 0..<rowSamples {
                    moments.add(i, Double(a[row + i]), Double(b[row + i]), weight)
                }
            }
            for i in 0..<(rowSamples - (Self.side - 1) * bands) {
                sum += similarity(moments, at: i)
            }
            count += rowSamples - (Self.side - 1) * bands
        }
    }

    /// The window whose upper left sample is `start`, given the moments filtered down its columns.
    private func similarity(_ moments: borrowing Moments, at start: Int) -> Double {
        var (meanA, meanB, squareA, squareB, product) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (tap, weight) in kernel.enumerated() {
            let i = start + tap * bands
            meanA += weight * moments.a[i]
            meanB += weight * moments.b[i]
            squareA += weight * moments.aa[i]
            squareB += weight * moments.bb[i]
            product += weight * moments.ab[i]
        }
        let varianceA = squareA - meanA * meanA
        let varianceB = squareB - meanB * meanB
        let covariance = product - meanA * meanB
        let (c1, c2) = (0.01 * 0.01, 0.03 * 0.03)
        return (2 * meanA * meanB + c1) * (2 * covariance + c2)
            / ((meanA * meanA + meanB * meanB + c1) * (varianceA + varianceB + c2))
    }
}

/// Weighted sums of a, b, a a, b b and a b for each sample of a row.
private struct Moments: ~Copyable {
    let a, b, aa, bb, ab: UnsafeMutablePointer<Double>
    private let memory: UnsafeMutableBufferPointer<Double>

    init(count: Int) {
        memory = .allocate(capacity: 5 * count)
        a = memory.baseAddress.unsafelyUnwrapped
        b = a + count
        aa = b + count
        bb = aa + count
        ab = bb + count
    }

    deinit { memory.deallocate() }

    func clear() { memory.initialize(repeating: 0) }

    @inline(__always)
    func add(_ i: Int, _ x: Double, _ y: Double, _ weight: Double) {
        a[i] += weight * x
        b[i] += weight * y
        aa[i] += weight * x * x
        bb[i] += weight * y * y
        ab[i] += weight * x * y
    }
}
