import CKernels
import Testing

@testable import NeuralNetwork

/// Matrix products, kernel by kernel.
@Suite(.serialized) struct ProductKernelTests {
    private func forEachPath(_ body: (dip_kernels, Comment) -> Void) {
        for kernels in KernelPaths.all { body(kernels.table.pointee, "\(kernels.name)") }
    }

    @Test func `small products are right in all forms of transposition`() {
        var random = SeededGenerator(seed: 2)
        let sizes = [(1, 1, 1), (2, 3, 4), (7, 64, 63), (5, 65, 128), (70, 1, 64), (3, 130, 65)]
        let tolerance = Tolerance(absolute: 1e-6, relative: 1e-6)
        for (rows, columns, inner) in sizes {
            // Stored rows are longer than the matrix is wide.
            for (transposedA, transposedB) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let aStride = (transposedA == 1 ? rows : inner) + 3
                let bStride = (transposedB == 1 ? inner : columns) + 2
                let a = random.floats(aStride * max(rows, inner))
                let b = random.floats(bStride * max(columns, inner))
                let (aRow, aColumn) = transposedA == 1 ? (1, aStride) : (aStride, 1)
                let (bRow, bColumn) = transposedB == 1 ? (1, bStride) : (bStride, 1)
                let cRow = columns + 4
                let start = random.floats(rows * cRow)
                for adds in [0, 1] {
                    var expected = start.map(Double.init)
                    for i in 0..<rows {
                        for j in 0..<columns {
                            var sum = adds == 1 ? expected[i * cRow + j] : 0
                            for k in 0..<inner {
                                sum +=
                                    Double(a[i * aRow + k * aColumn])
                                    * Double(b[k * bRow + j * bColumn])
                            }
                            expected[i * cRow + j] = sum
                        }
                    }
                    forEachPath { table, name in
                        // What lies between the rows stays as it is.
                        var c = start
                        table.multiply_small(
                            Int64(rows), Int64(columns), Int64(inner), a, Int64(aRow),
                            Int64(aColumn), b, Int64(bRow), Int64(bColumn), &c, Int64(cRow),
                            Int32(adds))
                        let complaint = tolerance.complaint(c, expected)
                        #expect(
                            complaint == nil,
                            "\(name) \(rows)x\(columns)x\(inner): \(complaint ?? "")")
                    }
                }
            }
        }
    }

    @Test func `precise and fast products agree`() {
        var random = SeededGenerator(seed: 3)
        let (rows, columns, inner) = (33, 65, 130)
        let (a, b) = (random.floats(rows * inner), random.floats(columns * inner))
        let start = random.floats(rows * (columns + 3))
        // A layer of few pixels and one of many.
        let kinds = [8, 256].map { side in
            MatrixMultiply(
                ConvolutionGeometry(
                    input: Shape(height: side, width: side, channels: 16),
                    output: Shape(height: side, width: side, channels: 16), kernel: 1, stride: 1,
                    padding: .zero),
                table: KernelPaths.all[0].table)
        }
        #expect(kinds.map(\.isPrecise) == [true, false])
        for (transposedA, transposedB) in [(false, false), (false, true), (true, false)] {
            for accumulates in [false, true] {
                let results = kinds.map { multiply in
                    var c = start
                    a.withUnsafeBufferPointer { a in
                        b.withUnsafeBufferPointer { b in
                            c.withUnsafeMutableBufferPointer { c in
                                guard let a = a.baseAddress, let b = b.baseAddress,
                                    let c = c.baseAddress
                                else { return }
                                multiply(
                                    rows: rows, columns: columns, inner: inner,
                                    MatrixFactor(
                                        a, stride: transposedA ? rows : inner,
                                        transposed: transposedA),
                                    MatrixFactor(
                                        b, stride: transposedB ? inner : columns,
                                        transposed: transposedB), into: c, stride: columns + 3,
                                    accumulate: accumulates)
                            }
                        }
                    }
                    return c
                }
                let complaint = Tolerance(absolute: 2e-5, relative: 1e-5).complaint(
                    results[1], results[0].map(Double.init))
                #expect(complaint == nil)
                #expect(results[0] != start)
            }
        }
    }

    @Test func `blocked products are right for every remainder of rows and columns`() {
        var random = SeededGenerator(seed: 9)
        let tolerance = Tolerance(absolute: 2e-5, relative: 1e-5)
        for rows in [1, 2, 3, 5, 7, 11, 12, 13, 14, 29] {
            for (columns, inner) in [(1, 5), (16, 1), (17, 3), (32, 64), (33, 7), (65, 130)] {
                for isTransposed in [false, true] {
                    let aStride = (isTransposed ? rows : inner) + 3
                    let padded = (columns + 15) / 16 * 16 + 16
                    let a = random.floats(aStride * max(rows, inner))
                    let b = random.floats(inner * padded)
                    let start = random.floats(rows * padded)
                    let (aRow, aColumn) = isTransposed ? (1, aStride) : (aStride, 1)
                    for adds in [0, 1] {
                        var product = dip_product(
                            rows: Int64(rows), columns: Int64(columns), inner: Int64(inner),
                            a_row: Int64(aRow), a_column: Int64(aColumn), b_row: Int64(padded),
                            c_row: Int64(padded), accumulate: Int32(adds))
                        var expected: [Double] = []
                        for index in 0..<rows * columns {
                            let (i, j) = (index / columns, index % columns)
                            var sum = adds == 1 ? Double(start[i * padded + j]) : 0
                            for k in 0..<inner {
                                sum +=
                                    Double(a[i * aRow + k * aColumn]) * Double(b[k * padded + j])
                            }
                            expected.append(sum)
                        }
                        forEachPath { table, name in
                            var c = start
                            table.multiply(&product, a, b, &c)
                            let used = (0..<rows).flatMap {
                                Array(c[$0 * padded..<$0 * padded + columns])
                            }
                            let complaint = tolerance.complaint(used, expected)
                            #expect(
                                complaint == nil,
                                "\(name) \(rows)x\(columns)x\(inner): \(complaint ?? "")")
                            // Beyond the columns, rounded up to 16, nothing is written.
                            let free = (0..<rows).flatMap {
                                $0 * padded + padded - 16..<($0 + 1) * padded
                            }
                            #expect(free.filter { c[$0] != start[$0] } == [], name)
                        }
                    }
                }
            }
        }
    }

    @Test func `a transpose moves every element`() {
        for (rows, columns) in [(1, 1), (1, 40), (40, 1), (16, 16), (17, 33), (33, 15)] {
            let a = (0..<rows * columns).map(Float.init)
            let expected = (0..<rows * columns).map { a[$0 % rows * columns + $0 / rows] }
            forEachPath { table, name in
                var b = [Float](repeating: -1, count: a.count)
                table.transpose(a, Int64(rows), Int64(columns), &b, Int64(rows))
                #expect(b == expected, name)
            }
        }
    }
}
