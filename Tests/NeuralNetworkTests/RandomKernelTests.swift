import CKernels
import Glibc
import Testing

@testable import NeuralNetwork

/// Random numbers: against the published vectors of the generator, the formulas, and statistics.
@Suite(.serialized) struct RandomKernelTests {
    private func uniform(
        _ kernels: Kernels, blocks: Int, first: UInt32, _ stream: dip_stream
    ) -> [Float] {
        var result = [Float](repeating: -1, count: 4 * blocks)
        kernels.table.pointee.uniform(&result, Int64(blocks), first, stream)
        return result
    }

    private func noise(_ kernels: Kernels, count: Int, _ stream: dip_stream) -> [Float] {
        var result = [Float](repeating: .nan, count: count)
        let zeros = [Float](repeating: 0, count: count)
        kernels.table.pointee.add_normal_noise(&result, zeros, 0, Int64(count), 1, stream)
        return result
    }

    /// Known answers of philox4x32-10 in Random123's `kat_vectors`: counter, key, output.
    private static let knownAnswers: [(counter: [UInt32], key: [UInt32], output: [UInt32])] = [
        ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        (
            [.max, .max, .max, .max], [.max, .max],
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        ),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        ),
    ]

    @Test func `uniform numbers are the top bits of the published known answers`() {
        for kernels in KernelPaths.all {
            for (counter, key, output) in Self.knownAnswers {
                let stream = dip_stream(
                    key: (key[0], key[1]), word: (counter[1], counter[2], counter[3]))
                let drawn = uniform(kernels, blocks: 1, first: counter[0], stream)
                let expected = output.map { Float($0 >> 8) / 16_777_216 }
                #expect(drawn == expected, "\(kernels.name)")
                // Also as one of many, in every lane of a block of counters.
                for lane: UInt32 in 0..<17 where counter[0] >= lane {
                    let many = uniform(
                        kernels, blocks: 18, first: counter[0] - lane, stream)
                    let from = Int(lane) * 4
                    #expect(Array(many[from..<from + 4]) == expected, "\(kernels.name) \(lane)")
                }
            }
        }
    }

    @Test func `a stream's numbers do not depend on how many are drawn`() {
        let stream = RandomStream(seed: 0x1234_5678_9abc_def0, words: (7, 8, 9))
        for kernels in KernelPaths.all {
            let many = kernels.uniform(count: 333, stream)
            #expect(many.allSatisfy { $0 >= 0 && $0 < 1 })
            for count in [0, 1, 2, 3, 4, 5, 63, 64, 65, 130] {
                #expect(kernels.uniform(count: count, stream) == Array(many.prefix(count)))
            }
            let normal = noise(kernels, count: 333, stream.description)
            for count in [0, 1, 15, 16, 17, 64, 65, 130] {
                let fewer = noise(kernels, count: count, stream.description)
                #expect(fewer == Array(normal.prefix(count)), "\(kernels.name) \(count)")
            }
        }
    }

    @Test func `streams differ in every word of key and counter`() {
        let kernels = KernelPaths.all[0]
        let plain = RandomStream(seed: 5, words: (1, 2, 3))
        let others = [
            RandomStream(seed: 6, words: (1, 2, 3)),
            RandomStream(seed: 5 | 1 << 32, words: (1, 2, 3)),
            RandomStream(seed: 5 | 1 << 63, words: (1, 2, 3)),
            RandomStream(seed: 5, words: (0, 2, 3)), RandomStream(seed: 5, words: (1, 3, 3)),
            RandomStream(seed: 5, words: (1, 2, 4)),
        ]
        let expected = kernels.uniform(count: 64, plain)
        for other in others {
            let drawn = kernels.uniform(count: 64, other)
            #expect(zip(drawn, expected).filter(==).count <= 1, "\(other)")
        }
    }

    @Test func `normal numbers are Box and Muller's of the same stream`() {
        let stream = dip_stream(key: (11, 12), word: (13, 14, 15))
        let count = 64 * 4000
        let tolerance = Tolerance(absolute: 3e-6, relative: 1e-6)
        for kernels in KernelPaths.all {
            let bits = uniform(kernels, blocks: count / 4, first: 0, stream).map(Double.init)
            let normal = noise(kernels, count: count, stream)
            var expected = [Double](repeating: 0, count: count)
            for counter in 0..<count / 4 {
                // Numbers of sixteen counters lie output by output.
                let at = counter / 16 * 64 + counter % 16
                for pair in 0..<2 {
                    let radius = (-2 * log(bits[4 * counter + 2 * pair] + 0x1p-24)).squareRoot()
                    let angle = 2 * Double.pi * bits[4 * counter + 2 * pair + 1]
                    expected[at + 32 * pair] = radius * cos(angle)
                    expected[at + 32 * pair + 16] = radius * sin(angle)
                }
            }
            let complaint = tolerance.complaint(normal, expected)
            #expect(complaint == nil, "\(kernels.name): \(complaint ?? "")")
        }
    }

    @Test func `noise is added to the values, scaled by the deviation`() {
        var random = SeededGenerator(seed: 1)
        let values = random.floats(1003)
        let stream = RandomStream(seed: 3, words: (0, 1, 2))
        for kernels in KernelPaths.all {
            let unit = noise(kernels, count: values.count, stream.description)
            for deviation in [0, 1.0 / 30, 2] as [Float] {
                let result = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
                defer { result.deallocate() }
                kernels.addNormalNoise(to: values, deviation: deviation, stream, into: result)
                let expected = zip(values, unit).map { Double($0) + Double(deviation) * Double($1) }
                let tolerance = Tolerance(absolute: 1e-6, relative: 1e-6)
                #expect(tolerance.complaint(Array(result), expected) == nil)
                if deviation == 0 { #expect(Array(result) == values) }
            }
        }
    }

    @Test func `paths draw the same noise within a millionth`() {
        let count = 1 << 20
        let stream = dip_stream(key: (1, 2), word: (3, 4, 5))
        let first = noise(KernelPaths.all[0], count: count, stream)
        for kernels in KernelPaths.all.dropFirst() {
            let other = noise(kernels, count: count, stream)
            var largest: Float = 0
            var i = 0
            while i < count {
                let difference = abs(first[i] - other[i])
                if !(difference <= largest) { largest = difference }
                i += 1
            }
            #expect(largest <= 1e-6, "\(kernels.name)")
            let blocks = count / 4
            #expect(
                uniform(kernels, blocks: blocks, first: 0, stream)
                    == uniform(KernelPaths.all[0], blocks: blocks, first: 0, stream))
        }
    }

    /// Bounds are five standard deviations of each statistic over so many independent numbers.
    @Test func `two million normal numbers have the moments and tails of the normal law`() {
        let count = 1 << 21
        let stream = dip_stream(key: (21, 22), word: (23, 24, 25))
        let normal = noise(KernelPaths.all[KernelPaths.all.count - 1], count: count, stream)
        var sums = [Double](repeating: 0, count: 5)
        let limits: [Float] = [1, 2, 3, 4, 4.5]
        var beyond = [Int](repeating: 0, count: limits.count)
        normal.withUnsafeBufferPointer { normal in
            var i = 0
            while i < count {
                let x = Double(normal[i])
                var (power, order) = (1.0, 0)
                while order < 5 {
                    sums[order] += power
                    power *= x
                    order += 1
                }
                var limit = 0
                while limit < 5, abs(normal[i]) > limits[limit] {
                    beyond[limit] += 1
                    limit += 1
                }
                i += 1
            }
        }
        let n = Double(count)
        // Moments 1 to 4 of N(0, 1) and the variances of their estimates.
        for (order, expected, variance) in [(1, 0.0, 1.0), (2, 1, 2), (3, 0, 15), (4, 3, 96)] {
            let bound = 5 * (variance / n).squareRoot()
            #expect(abs(sums[order] / n - expected) <= bound, "moment \(order)")
        }
        for (limit, seen) in zip(limits, beyond) {
            let share = erfc(Double(limit) / 2.0.squareRoot())
            let bound = 5 * (n * share * (1 - share)).squareRoot()
            #expect(abs(Double(seen) - n * share) <= bound, "\(seen) beyond \(limit)")
        }
        // 24 bits of radius reach sqrt(-2 ln 2^-24).
        #expect(normal.allSatisfy { abs($0) < 5.78 }, "a number is too large or none")
    }

    @Test func `neighbours, lanes and later iterations are not correlated`() {
        let count = 1 << 18
        let kernels = KernelPaths.all[KernelPaths.all.count - 1]
        let first = noise(kernels, count: count, dip_stream(key: (1, 0), word: (3, 0, 100)))
        let later = noise(kernels, count: count, dip_stream(key: (1, 0), word: (3, 0, 101)))
        let bound = 5 / Double(count).squareRoot()
        for lag in [1, 2, 3, 4, 16, 32, 48, 64, 1024] {
            let product = correlation(first, first, lag: lag)
            #expect(abs(product) <= bound, "lag \(lag)")
            let squares = correlation(
                first.map { $0 * $0 - 1 }, first.map { $0 * $0 - 1 }, lag: lag)
            #expect(abs(squares) <= 2 * bound, "squares, lag \(lag)")
        }
        #expect(abs(correlation(first, later, lag: 0)) <= bound)
    }

    private func correlation(_ a: [Float], _ b: [Float], lag: Int) -> Double {
        var (sum, i) = (0.0, lag)
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                while i < a.count {
                    sum += Double(a[i]) * Double(b[i - lag])
                    i += 1
                }
            }
        }
        return sum / Double(a.count)
    }
}
