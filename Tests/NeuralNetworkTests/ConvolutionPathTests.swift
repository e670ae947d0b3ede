import CKernels
import Testing

@testable import NeuralNetwork

/// The ways to compute a convolution, each run on sizes that the engine would not choose it for.
@Suite(.serialized) struct ConvolutionPathTests {
    /// What one convolution computes from one set of numbers.
    private struct Result {
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

        /// Memory is filled with NaN first: what a path reads, it must have written.
        func compute(_ path: any ConvolutionPath, _ kernels: Kernels) -> Result {
            let need = path.need
            let counts = [
                need.window, need.patches, need.products, need.weights, need.gradientRows,
                need.inputGradient, need.rows, input.count, weight.count, weight.count,
                gradient.count, gradient.count, input.count,
            ]
            let guardCount = 64
            let memory = counts.map { count in
                let buffer = UnsafeMutableBufferPointer<Float>.allocate(
                    capacity: count + guardCount)
                buffer.initialize(repeating: .nan)
                return buffer
            }
            defer { for buffer in memory { buffer.deallocate() } }
            let pointers = memory.compactMap(\.baseAddress)
            _ = memory[7].update(fromContentsOf: input)
            _ = memory[8].update(fromContentsOf: weight)
            _ = memory[11].update(fromContentsOf: gradient)
            let result = run(path, kernels, pointers)
            for (buffer, count) in zip(memory, counts) {
                let isUntouched = buffer[count...].allSatisfy(\.isNaN)
                #expect(isUntouched, "written beyond what the path asked for")
            }
            return result
        }

        private func run(
            _ path: any ConvolutionPath, _ kernels: Kernels, _ at: [UnsafeMutablePointer<Float>]
        ) -> Result {
            let shape = geometry.input
            var source = dip_source()
            source.part_count = 1
            source.parts.0 = dip_part(
                data: UnsafePointer(at[7]), height: Int64(shape.height), width: Int64(shape.width),
                channels: Int64(shape.channels), scale: nil, shift: nil, slope: 1, upsample: 0)
            var gradientSource = dip_gradient_source()
            gradientSource.gradient = UnsafePointer(at[11])
            gradientSource.height = Int64(geometry.output.height)
            gradientSource.width = Int64(geometry.output.width)
            gradientSource.channels = Int64(geometry.output.channels)
            return withUnsafeMutablePointer(to: &source) { source in
                withUnsafeMutablePointer(to: &gradientSource) { gradientSource in
                    let layer = ConvolutionLayer(
                        geometry: geometry, path: path, strips: path.strips,
                        source: Source(
                            shape: shape, table: kernels.table, join: nil,
                            gradients: [
                                Source.PartGradient(
                                    values: at[12], isFirstWriter: true)
                            ], description: source), weight: at[8], weightGradient: at[9],
                        raw: at[10], normalization: nil, gradientSource: gradientSource, slope: 1,
                        scratch: Scratch(
                            window: at[0], patches: at[1], products: at[2], weights: at[3],
                            gradientRows: at[4], inputGradient: at[5], rows: at[6]))
                    layer.forward()
                    layer.backward()
                    func array(_ index: Int, _ count: Int) -> [Float] {
                        Array(UnsafeBufferPointer(start: at[index], count: count))
                    }
                    return Result(
                        output: array(10, gradient.count), weightGradient: array(9, weight.count),
                        inputGradient: array(12, input.count))
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

    private func expectRight(
        _ path: any ConvolutionPath, _ numbers: Numbers, _ expected: Result, share: Double,
        _ name: String
    ) {
        for kernels in KernelPaths.all {
            let actual = numbers.compute(path, kernels)
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

    @Test func `Winograd's path is right for every remainder of sizes and channels`() {
        let channels = [(1, 1), (3, 7), (16, 16), (17, 15), (33, 16), (5, 40)]
        for (number, (height, width)) in Self.winogradSizes.enumerated() {
            for padding in Padding.allCases {
                let (inputs, outputs) = channels[(number + (padding == .zero ? 1 : 0)) % 6]
                let geometry = geometry(height, width, inputs, outputs, padding)
                let numbers = Numbers(geometry, seed: number)
                expectRight(
                    WinogradPath(geometry: geometry), numbers, numbers.expected(), share: 2e-5,
                    "\(padding) \(height)x\(width) \(inputs) to \(outputs)")
            }
        }
    }

    @Test func `the patches' path is right for every kernel and stride`() {
        var seed = 0
        for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 1), (5, 2), (7, 1), (3, 3)] {
            for (height, width) in [(4, 4), (5, 9), (23, 31), (4, 140)] {
                for padding in Padding.allCases {
                    let (inputs, outputs) = [(3, 5), (17, 4), (1, 33)][seed % 3]
                    let geometry = geometry(
                        height, width, inputs, outputs, kernel: kernel, stride: stride, padding)
                    let numbers = Numbers(geometry, seed: seed)
                    expectRight(
                        PatchPath(geometry: geometry), numbers, numbers.expected(), share: 5e-6,
                        "\(kernel)x\(kernel) stride \(stride) \(padding) \(height)x\(width)")
                    seed += 1
                }
            }
        }
    }

    @Test func `the table of layers reaches both paths`() throws {
        let geometries = try LayerCases.all.flatMap {
            try $0.describe().convolutions.map(\.geometry)
        }
        let fast = geometries.filter(WinogradPath.pays)
        #expect(fast.count >= 2 && fast.count < geometries.count)
        #expect(Set(fast.map(\.padding)) == Set(Padding.allCases))
        for geometry in geometries where geometry.kernel != 3 || geometry.stride != 1 {
            #expect(!WinogradPath.pays(for: geometry))
        }
    }

    @Test func `strips cover every output row once`() {
        for (height, width) in Self.winogradSizes {
            let geometry = geometry(height, width, 16, 16, .zero)
            for path in [WinogradPath(geometry: geometry), PatchPath(geometry: geometry)]
                as [any ConvolutionPath]
            {
                #expect(path.strips.flatMap { Array($0) } == Array(0..<height))
                for strip in path.strips {
                    let window = path.windowRows(for: strip)
                    #expect(window.lowerBound == strip.lowerBound)
                    #expect(window.upperBound >= strip.upperBound + 2)
                    let rowLength = path.paddedWidth * geometry.input.channels
                    #expect(window.count * rowLength <= path.need.window)
                    #expect(window.upperBound * rowLength <= path.need.inputGradient)
                }
            }
        }
    }
}
