// Comparing numbers, drawing numbers, and the kernel paths of this CPU.

import CKernels
import NeuralNetwork
import Testing

/// |actual - expected| <= absolute + relative * |expected|
struct Tolerance {
    var absolute: Double
    var relative: Double

    func accepts(_ actual: Double, _ expected: Double) -> Bool {
        abs(actual - expected) <= absolute + relative * abs(expected)
    }

    /// The element that is furthest out of tolerance, in words; nil where all are within.
    func complaint(_ actual: [Double], _ expected: [Double]) -> String? {
        guard actual.count == expected.count else {
            return "\(actual.count) values instead of \(expected.count)"
        }
        var (worst, excess, count) = (0, 0.0, 0)
        for index in actual.indices where !accepts(actual[index], expected[index]) {
            let error = abs(actual[index] - expected[index])
            if count == 0 || !(error <= excess) { (worst, excess) = (index, error) }
            count += 1
        }
        guard count > 0 else { return nil }
        return "\(count) of \(actual.count) values are off; [\(worst)] is \(actual[worst]) "
            + "instead of \(expected[worst]) (absolute \(absolute), relative \(relative))"
    }

    func complaint(_ actual: [Float], _ expected: [Double]) -> String? {
        complaint(actual.map(Double.init), expected)
    }
}

/// A small generator (SplitMix64), the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: Int) {
        state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in the range, and exact in single precision.
    mutating func double(_ range: ClosedRange<Double>) -> Double {
        let unit = Double(next() >> 11) * 0x1p-53
        return Double(Float(range.lowerBound + unit * (range.upperBound - range.lowerBound)))
    }

    mutating func doubles(_ count: Int, _ range: ClosedRange<Double> = -1...1) -> [Double] {
        (0..<count).map { _ in double(range) }
    }

    mutating func floats(_ count: Int, _ range: ClosedRange<Double> = -1...1) -> [Float] {
        (0..<count).map { _ in Float(double(range)) }
    }
}

/// The kernel paths that this CPU has.
enum KernelPaths {
    static let all: [Kernels] = ["portable", "avx2", "avx512", "avx512bf16"].compactMap {
        try? Kernels(named: $0)
    }
}

func rootMeanSquare(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(max(values.count, 1))).squareRoot()
}

func dotProduct(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}
