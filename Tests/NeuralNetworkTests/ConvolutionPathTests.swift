import CKernels
import Testing

@testable import NeuralNetwork

/// The ways to compute a convolution, each run on sizes that the engine would not choose it for.
@Suite(.serialized) struct ConvolutionPathTests {
    /// What one convolution computes from one set of numbers.
    private struct Result: Equatable {
        var output, weightGradient, inputGradient: [Float]
    }

    /// A convolution alone: no normalization, nothing pending on its input.
    private struct Numbers {
        let geometry: ConvolutionGeometry
        let input, weight, gradient: [Float]

        init(_ geometry: ConvolutionGeometry, seed: Int) {
            self.geometry = geometry
            var random = SeededGenerator(seed: seed)
            input = random.floats(geometry.input.count)
            weight = random.floats(geometry.patchLength * geometry.output.channels)
            gradient = random.floats(geometry.output.count)
        }

        /// The same in double precision; weights lie as (row, column, input, output).
        func expected() -> Result {
            let (inputs, outputs) = (geometry.input.channels, geometry.output.channels)
            let taps = geometry.kernel * geometry.kernel
            var canonical = [Double](repeating: 0, count: weight.count)
            func place(_ tap: Int, _ i: Int, _ o: Int) -> Int { (o * inputs + i) * taps + tap }
            for index in weight.indices {
                let (tap, i) = (index / outputs / inputs, index / outputs % inputs)
                canonical[place(tap, i, index % outputs)] = Double(weight[index])
            }
            let tape = NaiveTape()
            let source = NaiveTensor(geometry.input)
            for index in input.indices { source.values[index] = Double(input[index]) }
            let weights = NaiveTensor(canonical)
            let result = tape.convolution(
                source, weights, NaiveTensor([Double](repeating: 0, count: outputs)),
                output: geometry.output, kernel: geometry.kernel, stride: geometry.stride,
                padding: geometry.padding)
            for index in gradient.indices { result.gradient[index] = Double(gradient[index]) }
            tape.runBackward()
            let weightGradient = weight.indices.map { index in
                let (tap, i) = (index / outputs / inputs, index / outputs % inputs)
                return Float(weights.gradient[place(tap, i, index % outputs)])
            }
            return Result(
                output: result.array.map(Float.init), weightGradient: weightGradient,
                inputGradient: source.gradientArray.map(Float.init))
        }

        /// The same numbers, rounded to bfloat16, whose products are then exact in it.
        func roundedToBFloat16() -> Numbers {
            func round(_ values: [Float]) -> [Float] {
                values.map { value in
                    let bits = value.bitPattern
                    return Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
                }
            }
            return Numbers(
                geometry: geometry, input: round(input), weight: round(weight),
                gradient: round(gradient))
        }

        init(geometry: ConvolutionGeometry, input: [Float], weight: [Float], gradient: [Float]) {
            self.geometry = geometry
            self.input = input
            self.weight = weight
            self.gradient = gradient
        }

        /// Memory is filled with NaN first: what a path reads, it must have written. The work is
        /// divided into `partCount` parts at the most.
        func compute(
            _ path: any ConvolutionPath, _ kernels: Kernels, partCount: Int = 1,
            threadCount: Int = 1
        ) throws -> Result {
            let parts = Self.split(path.strips, partCount)
            let plan = path.gradientPlan(geometry, parts)
            let rowLength = path.paddedWidth * geometry.input.channels
            let need = path.need
            let threadNeed = [
                need.window, need.patches, need.products, need.weightGradient, need.gradientRows,
                need.rows,
            ]
            let counts =
                [
                    need.weights, need.weightGradient, plan.rowCount * rowLength, input.count,
                    weight.count, weight.count, gradient.count, gradient.count, input.count,
                ] + (0..<threadCount).flatMap { _ in threadNeed }
            let guardCount = 64
            let memory = counts.map { count in
                let buffer = UnsafeMutableBufferPointer<Float>.allocate(
                    capacity: count + guardCount)
                buffer.initialize(repeating: .nan)
                return buffer
            }
            defer { for buffer in memory { buffer.deallocate() } }
            let at = memory.compactMap(\.baseAddress)
            _ = memory[3].update(fromContentsOf: input)
            _ = memory[4].update(fromContentsOf: weight)
            _ = memory[7].update(fromContentsOf: gradient)
            let scratch = (0..<threadCount).map { thread in
                let first = 9 + thread * threadNeed.count
                return Scratch(
                    window: at[first], patches: at[first + 1], products: at[first + 2],
                    weightGradient: at[first + 3], gradientRows: at[first + 4],
                    rows: at[first + 5])
            }
            let result = try run(
                path, kernels, at, parts, scratch,
                PaddedGradient(memory: at[2], rowLength: rowLength, plan: plan),
                ThreadTeam(threadCount: threadCount))
            for (buffer, count) in zip(memory, counts) {
                let isUntouched = buffer[count...].allSatisfy(\.isNaN)
                #expect(isUntouched, "written beyond what the path asked for")
            }
            return result
        }

        private static func split(_ strips: [Range<Int>], _ partCount: Int) -> [[Range<Int>]] {
            let count = min(partCount, strips.count)
            return (0..<count).map {
                Array(strips[$0 * strips.count / count..<($0 + 1) * strips.count / count])
            }
        }

        private func run(
            _ path: any ConvolutionPath, _ kernels: Kernels, _ at: [UnsafeMutablePointer<Float>],
            _ parts: [[Range<Int>]], _ scratch: [Scratch], _ inputGradient: PaddedGradient,
            _ team: ThreadTeam
        ) -> Result {
            let shape = geometry.input
            var source = dip_source()
            source.part_count = 1
            source.parts.0 = dip_part(
                data: UnsafePointer(at[3]), height: Int64(shape.height), width: Int64(shape.width),
                channels: Int64(shape.channels), scale: nil, shift: nil, slope: 1, upsample: 0)
            var gradientSource = dip_gradient_source()
            gradientSource.gradient = UnsafePointer(at[7])
            gradientSource.height = Int64(geometry.output.height)
            gradientSource.width = Int64(geometry.output.width)
            gradientSource.channels = Int64(geometry.output.channels)
            return withUnsafeMutablePointer(to: &source) { source in
                withUnsafeMutablePointer(to: &gradientSource) { gradientSource in
                    let layer = ConvolutionLayer(
                        geometry: geometry, path: path, parts: parts,
                        source: Source(
                            shape: shape, table: kernels.table, join: nil,
                            gradients: [
                                Source.PartGradient(values: at[8], isFirstWriter: true)
                            ], rowParts: [0..<shape.height], isEnlarged: false,
                            description: source), weight: at[4], weightGradient: at[5],
                        raw: at[6], normalization: nil, gradientSource: gradientSource, slope: 1,
                        scratch: scratch,
                        shared: SharedScratch(weights: at[0], weightGradient: at[1]),
                        inputGradient: .padded(inputGradient))
                    layer.forward(team)
                    layer.backward(team)
                    func array(_ index: Int, _ count: Int) -> [Float] {
                        Array(UnsafeBufferPointer(start: at[index], count: count))
                    }
                    return Result(
                        output: array(6, gradient.count), weightGradient: array(5, weight.count),
                        inputGradient: array(8, input.count))
                }
            }
        }
    }

    private func geometry(
        _ height: Int, _ width: Int, _ inputs: Int, _ outputs: Int, kernel: Int = 3,
        stride: Int = 1, _ padding: Padding
    ) -> ConvolutionGeometry {
        ConvolutionGeometry(
            input: Shape(height: height, width: width, channels: inputs),
            output: Shape(
                height: (height + stride - 1) / stride, width: (width + stride - 1) / stride,
                channels: outputs), kernel: kernel, stride: stride, padding: padding)
    }

    /// Runs on every path of kernels, in a number of parts that changes from one to the next.
    private func expectRight(
        _ path: any ConvolutionPath, _ numbers: Numbers, _ expected: Result, share: Double,
        _ name: String
    ) throws {
        for (number, kernels) in KernelPaths.all.enumerated() {
            let actual = try numbers.compute(path, kernels, partCount: 1 + number)
            for (what, a, b) in [
                ("output", actual.output, expected.output),
                ("weight gradient", actual.weightGradient, expected.weightGradient),
                ("input gradient", actual.inputGradient, expected.inputGradient),
            ] {
                let wanted = b.map(Double.init)
                let tolerance = Tolerance(
                    absolute: share * rootMeanSquare(wanted), relative: share)
                let complaint = tolerance.complaint(a, wanted)
                #expect(complaint == nil, "\(kernels.name) \(name), \(what): \(complaint ?? "")")
            }
        }
    }

    /// Heights and widths around multiples of a patch's four pixels, and several strips.
    private static let winogradSizes = [
        (2, 2), (3, 5), (4, 4), (5, 4), (6, 7), (8, 9), (7, 33), (40, 3), (31, 42), (9, 300),
    ]

    @Test func `Winograd's path is right for every remainder of sizes and channels`() throws {
        let channels = [(1, 1), (3, 7), (16, 16), (17, 15), (33, 16), (5, 40)]
        for (number, (height, width)) in Self.winogradSizes.enumerated() {
            for padding in Padding.allCases {
                let (inputs, outputs) = channels[(number + (padding == .zero ? 1 : 0)) % 6]
                let geometry = geometry(height, width, inputs, outputs, padding)
                let numbers = Numbers(geometry, seed: number)
                try expectRight(
                    WinogradPath(geometry: geometry, precision: .float32), numbers,
                    numbers.expected(), share: 2e-5,
                    "\(padding) \(height)x\(width) \(inputs) to \(outputs)")
            }
        }
    }

    @Test func `the patches' path is right for every kernel and stride`() throws {
        var seed = 0
        for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2), (7, 1), (3, 3)] {
            for (height, width) in [(4, 4), (5, 9), (23, 31), (4, 140)] {
                for padding in Padding.allCases {
                    let (inputs, outputs) = [(3, 5), (17, 4), (1, 33)][seed % 3]
                    let geometry = geometry(
                        height, width, inputs, outputs, kernel: kernel, stride: stride, padding)
                    let numbers = Numbers(geometry, seed: seed)
                    try expectRight(
                        PatchPath(geometry: geometry, precision: .float32), numbers,
                        numbers.expected(), share: 5e-6,
                        "\(kernel)x\(kernel) stride \(stride) \(padding) \(height)x\(width)")
                    seed += 1
                }
            }
        }
    }

    @Test func `the patches' path of bfloat16 is exact for what bfloat16 can hold`() throws {
        var seed = 0
        for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 2)] {
            for (height, width, inputs, outputs) in [
                (5, 9, 16, 32), (23, 31, 48, 16), (4, 131, 16, 48),
            ] {
                let geometry = geometry(
                    height, width, inputs, outputs, kernel: kernel, stride: stride,
                    seed % 2 == 0 ? .zero : .reflection)
                let numbers = Numbers(geometry, seed: seed).roundedToBFloat16()
                try expectRight(
                    PatchPath(geometry: geometry, precision: .bfloat16), numbers,
                    numbers.expected(), share: 2e-5,
                    "\(kernel)x\(kernel) stride \(stride) \(height)x\(width)")
                seed += 1
            }
        }
    }

    @Test func `Winograd's path of bfloat16 is off by two per cent at the most`() throws {
        let channels = [(1, 1), (3, 7), (16, 16), (17, 15), (33, 16), (5, 40)]
        for (number, (height, width)) in Self.winogradSizes.enumerated() {
            let (inputs, outputs) = channels[number % channels.count]
            let geometry = geometry(
                height, width, inputs, outputs, number % 2 == 0 ? .zero : .reflection)
            let numbers = Numbers(geometry, seed: number)
            let expected = numbers.expected()
            let path = WinogradPath(geometry: geometry, precision: .bfloat16)
            for (index, kernels) in KernelPaths.all.enumerated() {
                let actual = try numbers.compute(path, kernels, partCount: 1 + index)
                for (what, a, b) in [
                    ("output", actual.output, expected.output),
                    ("weight gradient", actual.weightGradient, expected.weightGradient),
                    ("input gradient", actual.inputGradient, expected.inputGradient),
                ] {
                    let errors = zip(a, b).map { Double($0) - Double($1) }
                    let error = rootMeanSquare(errors) / rootMeanSquare(b.map(Double.init))
                    #expect(
                        error > 1e-5 && error < 0.02,
                        "\(kernels.name) \(geometry.input) to \(outputs) \(what): \(error)")
                }
            }
        }
    }

    @Test func `any number of threads gives the same bytes`() throws {
        let kernels = try Kernels.forThisMachine()
        for (number, (kernel, stride)) in [(1, 1), (3, 1), (3, 2), (5, 1)].enumerated() {
            let geometry = geometry(70, 45, 16, 32, kernel: kernel, stride: stride, .reflection)
            let numbers = Numbers(geometry, seed: number)
            for precision in Precision.allCases {
                var paths: [any ConvolutionPath] = [
                    PatchPath(geometry: geometry, precision: precision)
                ]
                if WinogradPath.suits(geometry, .fast) {
                    paths.append(WinogradPath(geometry: geometry, precision: precision))
                }
                for path in paths {
                    let one = try numbers.compute(path, kernels, partCount: 5)
                    for threadCount in [2, 3, 7] {
                        let many = try numbers.compute(
                            path, kernels, partCount: 5, threadCount: threadCount)
                        #expect(
                            many == one,
                            "\(kernel)x\(kernel)/\(stride) \(precision) on \(threadCount) threads")
                    }
                }
            }
        }
    }

    @Test func `the table of layers reaches both paths`() throws {
        let geometries = try LayerCases.all.flatMap {
            try $0.describe().convolutions.map(\.geometry)
        }
        let fast = geometries.filter { WinogradPath.suits($0, .automatic) }
        #expect(fast.count >= 2 && fast.count < geometries.count)
        #expect(Set(fast.map(\.padding)) == Set(Padding.allCases))
        for geometry in geometries where geometry.kernel != 3 || geometry.stride != 1 {
            #expect(!WinogradPath.suits(geometry, .fast))
        }
    }

    @Test func `strips cover every output row once`() {
        for (height, width) in Self.winogradSizes {
            let geometry = geometry(height, width, 16, 16, .zero)
            for path in [
                WinogradPath(geometry: geometry, precision: .float32),
                PatchPath(geometry: geometry, precision: .float32),
            ] as [any ConvolutionPath] {
                #expect(path.strips.flatMap { Array($0) } == Array(0..<height))
                for strip in path.strips {
                    let window = path.windowRows(for: strip)
                    #expect(window.lowerBound == strip.lowerBound)
                    #expect(window.upperBound >= strip.upperBound + 2)
                    let rowLength = path.paddedWidth * geometry.input.channels
                    #expect(window.count * rowLength <= path.need.window)
                    #expect(window.upperBound <= path.paddedHeight)
                }
            }
        }
    }
}
