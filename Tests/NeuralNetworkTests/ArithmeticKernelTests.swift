import CKernels
import Glibc
import Testing

@testable import NeuralNetwork

/// Patches, sums and maps, kernel by kernel.
@Suite(.serialized) struct ArithmeticKernelTests {
    private func forEachPath(_ body: (dip_kernels, Comment) -> Void) {
        for kernels in KernelPaths.all { body(kernels.table.pointee, "\(kernels.name)") }
    }

    // MARK: Patches

    @Test func `gathered patches are the pixels under the kernel, and scattering is the adjoint`() {
        var random = SeededGenerator(seed: 1)
        for (kernel, stride, channels, width) in [
            (1, 1, 1, 1), (1, 2, 3, 4), (3, 1, 1, 5), (3, 1, 7, 2), (3, 2, 16, 3), (5, 1, 3, 4),
            (5, 2, 17, 3), (3, 1, 33, 6),
        ] {
            let columns = (width - 1) * stride + kernel + 1
            let rowLength = columns * channels
            let window = random.floats(kernel * rowLength)
            let length = kernel * kernel * channels
            let y = random.floats(width * length)
            var expected: [Float] = []
            for x in 0..<width {
                for i in 0..<kernel {
                    for j in 0..<kernel {
                        for c in 0..<channels {
                            expected.append(window[i * rowLength + (x * stride + j) * channels + c])
                        }
                    }
                }
            }
            forEachPath { table, name in
                var patches = [Float](repeating: .nan, count: width * length)
                table.gather_patches(
                    window, Int64(rowLength), Int64(kernel), Int64(stride), Int64(channels),
                    Int64(width), &patches)
                #expect(patches == expected, name)
                let start = random.floats(window.count)
                var sum = start
                table.scatter_patches(
                    y, Int64(rowLength), Int64(kernel), Int64(stride), Int64(channels),
                    Int64(width), &sum)
                let left = dotProduct(patches, y)
                let right = dotProduct(window, zip(sum, start).map { $0 - $1 })
                #expect(abs(left - right) <= 1e-6 * Double(y.count) + 1e-6 * abs(left), name)
            }
        }
    }

    // MARK: Sums over pixels

    @Test func `moments of values far from zero keep their precision`() {
        var random = SeededGenerator(seed: 4)
        for (pixels, channels) in [(1, 1), (64, 3), (65, 64), (130, 65), (7, 130)] {
            let values = (0..<pixels * channels).map { _ in
                Float(1000 + random.double(-0.01...0.01))
            }
            let pivot = Array(values.prefix(channels))
            var expected = [[Double]](repeating: [Double](repeating: 0, count: channels), count: 2)
            for (index, value) in values.enumerated() {
                let difference = Double(value) - Double(pivot[index % channels])
                expected[0][index % channels] += difference
                expected[1][index % channels] += difference * difference
            }
            forEachPath { table, name in
                var sum = [Double](repeating: 1, count: channels)
                var square = [Double](repeating: 2, count: channels)
                table.add_moments(values, Int64(pixels), Int64(channels), pivot, &sum, &square)
                let tolerance = Tolerance(absolute: 1e-12, relative: 1e-12)
                #expect(tolerance.complaint(sum, expected[0].map { $0 + 1 }) == nil, name)
                #expect(tolerance.complaint(square, expected[1].map { $0 + 2 }) == nil, name)
            }
        }
    }

    @Test func `gradient moments and the combined row follow their formulas`() {
        var random = SeededGenerator(seed: 5)
        for (pixels, channels) in [(1, 1), (3, 7), (65, 16), (66, 65)] {
            let count = pixels * channels
            let (gradient, raw) = (random.floats(count), random.floats(count))
            let (scale, shift) = (random.floats(channels, 0.5...2), random.floats(channels))
            let mean = random.floats(channels)
            for masks in [false, true] {
                var expected = [[Double]](
                    repeating: [Double](repeating: 0.5, count: channels), count: 2)
                for index in 0..<count {
                    let c = index % channels
                    let isPositive = Double(scale[c]) * Double(raw[index]) + Double(shift[c]) > 0
                    let d = Double(gradient[index]) * (masks && !isPositive ? 0.2 : 1)
                    expected[0][c] += d
                    expected[1][c] += d * (Double(raw[index]) - Double(mean[c]))
                }
                forEachPath { table, name in
                    var sum = [Double](repeating: 0.5, count: channels)
                    var product = sum
                    scale.withUnsafeBufferPointer {
                        table.add_gradient_moments(
                            gradient, raw, Int64(pixels), Int64(channels),
                            masks ? $0.baseAddress : nil, shift, 0.2, mean, &sum, &product)
                    }
                    let tolerance = Tolerance(absolute: 1e-6, relative: 1e-6)
                    #expect(tolerance.complaint(sum, expected[0]) == nil, name)
                    #expect(tolerance.complaint(product, expected[1]) == nil, name)
                }
            }
            let combined = (0..<count).map { index in
                let c = index % channels
                return Double(scale[c]) * Double(gradient[index]) + Double(shift[c])
                    * (Double(raw[index]) - Double(mean[c])) + Double(mean[c])
            }
            forEachPath { table, name in
                var row = [Float](repeating: .nan, count: count)
                table.combine_row(
                    gradient, raw, Int64(pixels), Int64(channels), mean, scale, shift, mean, &row)
                #expect(
                    Tolerance(absolute: 1e-6, relative: 1e-6).complaint(row, combined) == nil, name)
            }
        }
    }

    // MARK: Whole arrays

    @Test func `bias and sigmoid are right, also where the sigmoid is saturated`() {
        var random = SeededGenerator(seed: 6)
        for (pixels, channels) in [(1, 1), (5, 3), (40, 4), (33, 16)] {
            let values = random.floats(pixels * channels, -120...120)
            let bias = random.floats(channels)
            let gradient = random.floats(pixels * channels)
            for sigmoid in [0, 1] {
                let expected = values.enumerated().map { index, value in
                    let sum = Double(value) + Double(bias[index % channels])
                    return sigmoid == 1 ? 1 / (1 + exp(-sum)) : sum
                }
                forEachPath { table, name in
                    var output = values
                    table.bias_activation(
                        &output, Int64(pixels), Int64(channels), bias, Int32(sigmoid))
                    let tolerance = Tolerance(absolute: 1e-7, relative: 1e-5)
                    #expect(tolerance.complaint(output, expected) == nil, name)
                    var back = gradient
                    var sums = [Float](repeating: 1, count: channels)
                    table.bias_activation_adjoint(
                        &back, output, Int64(pixels), Int64(channels), Int32(sigmoid), &sums)
                    let slopes = output.map {
                        sigmoid == 1 ? Double($0) * (1 - Double($0)) : 1
                    }
                    let expectedBack = zip(gradient, slopes).map { Double($0) * $1 }
                    var expectedSums = [Double](repeating: 1, count: channels)
                    for (index, value) in expectedBack.enumerated() {
                        expectedSums[index % channels] += value
                    }
                    let loose = Tolerance(absolute: 1e-6, relative: 1e-5)
                    #expect(loose.complaint(back, expectedBack) == nil, name)
                    #expect(loose.complaint(sums, expectedSums) == nil, name)
                }
            }
        }
    }

    @Test func `maps and sums over arrays of any length are right`() {
        var random = SeededGenerator(seed: 7)
        let tolerance = Tolerance(absolute: 1e-6, relative: 2e-6)
        for count in [0, 1, 15, 16, 17, 4095, 4096, 4097, 9000] {
            let (a, b) = (random.floats(count), random.floats(count))
            let (da, db) = (a.map(Double.init), b.map(Double.init))
            let squares = da.reduce(0) { $0 + $1 * $1 }
            let differences = zip(da, db).map { $0 - $1 }
            let distance = differences.reduce(0) { $0 + $1 * $1 }
            let n = Int64(count)
            forEachPath { table, name in
                #expect(tolerance.accepts(table.sum_of_squares(a, n), squares), name)
                var result = a
                #expect(tolerance.accepts(table.residual(a, b, n, &result), distance), name)
                #expect(tolerance.complaint(result, differences) == nil, name)
                result = a
                table.blend_average(&result, b, n, 0.99)
                let blended = zip(da, db).map { 0.99 * $0 + 0.01 * $1 }
                #expect(tolerance.complaint(result, blended) == nil, name)
                result = a
                table.scale(&result, n, -3)
                #expect(result == a.map { $0 * -3 }, name)
                result = a
                table.add_to(&result, b, n)
                #expect(tolerance.complaint(result, zip(da, db).map(+)) == nil, name)
            }
        }
    }

    @Test func `values are rounded to the nearest bfloat16, ties to the even one`() {
        var random = SeededGenerator(seed: 11)
        // Exact values, both kinds of ties, the smallest, the largest, infinities.
        let given: [Float] = [
            0, 1, -2.5, 1.00390625, 1.01171875, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
            .infinity, -.infinity,
        ]
        let values = given + random.floats(1000)
        let expected = values.map { value -> Float in
            guard value.isFinite else { return value }
            let below = Float(bitPattern: value.bitPattern & 0xffff_0000)
            let step = below.isNormal ? Double(below.magnitude.binade) : 0x1p-126
            let above = Double(below) + (below.sign == .minus ? -0x1p-7 : 0x1p-7) * step
            let (down, up) = (abs(Double(value) - Double(below)), abs(above - Double(value)))
            let isEven = below.bitPattern >> 16 & 1 == 0
            return down < up || (down == up && isEven) ? below : Float(above)
        }
        forEachPath { table, name in
            for count in [values.count, 15, 16, 17] {
                var result = values
                table.round_to_bfloat16(&result, Int64(count))
                let wanted = expected.prefix(count) + values.dropFirst(count)
                let wrong = zip(result, wanted).first { $0.bitPattern != $1.bitPattern }
                #expect(wrong == nil, "\(name), \(count) values")
            }
        }
    }

    @Test func `sums differ between paths by rounding at most`() {
        var random = SeededGenerator(seed: 8)
        let values = random.floats(10_001)
        let sums = KernelPaths.all.map {
            $0.table.pointee.sum_of_squares(values, Int64(values.count))
        }
        let spread = (sums.max() ?? 0) - (sums.min() ?? 0)
        #expect(spread <= 1e-6 * sums[0], "\(sums)")
    }

    @Test func `a path that this CPU lacks is refused by name`() {
        #expect(throws: NetworkError.unknownKernelPath("sse9")) { try Kernels(named: "sse9") }
        #expect(throws: NetworkError.unknownKernelPath("")) { try Kernels(named: "") }
        #expect(KernelPaths.all.first?.name == "portable")
    }
}
