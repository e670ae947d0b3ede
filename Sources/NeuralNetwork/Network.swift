// A compiled network: layers in order over memory that is taken once.

import CKernels

/// A network ready to run on one image: `forward`, `backward`, and an optimizer's step in between
/// allocate nothing.
///
/// Not safe to use from two threads at once.
public final class Network {
    public let layout: ParameterLayout
    public let inputShape: Shape
    public let outputShape: Shape
    /// Arithmetic of one training iteration, floating-point operations.
    public let operationsPerIteration: Double
    /// Memory that the network holds, in bytes.
    public let memoryByteCount: Int
    public let kernels: Kernels

    private let parameterMemory: Arena  // values, gradients, first and second moments
    private let memory: Arena  // activations, their gradients, constants, scratch
    private let team: ThreadTeam
    private let layers: [ConvolutionLayer]
    private let layerNames: [String]
    private let hasSigmoid: Bool
    private let outputBias: Parameter
    private let inputPiece: ArenaPiece
    private let inputGradientPiece: ArenaPiece?
    private let outputPiece: ArenaPiece
    private let outputGradientPiece: ArenaPiece
    private let descriptions: NetworkDescriptions

    /// Compiles a finished description.
    ///
    /// - Throws: `NetworkError` where the description has no end, or memory or threads are short.
    public convenience init(
        _ description: NetworkDescription, kernels: Kernels, options: NetworkOptions = .init()
    ) throws(NetworkError) {
        MatrixMultiply.useOneThread()
        try self.init(
            NetworkCompiler(description, kernels: kernels, options: options).compile())
    }

    init(_ compiled: consuming CompiledNetwork) {
        layout = compiled.layout
        inputShape = compiled.inputShape
        outputShape = compiled.outputShape
        operationsPerIteration = compiled.operationsPerIteration
        kernels = compiled.kernels
        team = compiled.team
        layers = compiled.layers
        layerNames = compiled.layerNames
        hasSigmoid = compiled.hasSigmoid
        outputBias = compiled.outputBias
        inputPiece = compiled.inputPiece
        inputGradientPiece = compiled.inputGradientPiece
        outputPiece = compiled.outputPiece
        outputGradientPiece = compiled.outputGradientPiece
        descriptions = compiled.descriptions
        memoryByteCount =
            (compiled.memory.count + compiled.parameterMemory.count) * MemoryLayout<Float>.stride
        parameterMemory = compiled.parameterMemory
        memory = compiled.memory
    }

    /// Bytes that a network of this description holds.
    ///
    /// - Throws: `NetworkError.invalid` where the description has no end.
    public static func memoryByteCount(
        of description: NetworkDescription, options: NetworkOptions = .init()
    ) throws(NetworkError) -> Int {
        try NetworkCompiler(description, kernels: Kernels(named: "portable"), options: options)
            .memoryByteCount()
    }

    /// Floats that the parameters of a network of this description take, padding included.
    ///
    /// - Throws: `NetworkError.invalid` where the description has no end.
    public static func parameterCount(
        of description: NetworkDescription
    ) throws(NetworkError) -> Int {
        try layout(of: description).count
    }

    /// The parameters of a network of this description.
    ///
    /// - Throws: `NetworkError.invalid` where the description has no end.
    public static func layout(
        of description: NetworkDescription
    ) throws(NetworkError) -> ParameterLayout {
        try NetworkCompiler(
            description, kernels: Kernels(named: "portable"), options: NetworkOptions()
        ).parameterLayout()
    }

    /// z, (height, width, channels); the caller fills it before `forward`.
    public var input: UnsafeMutableBufferPointer<Float> { buffer(inputPiece) }

    /// The network's output, (height, width, channels), after `forward`.
    public var output: UnsafeMutableBufferPointer<Float> { buffer(outputPiece) }

    /// dLoss/d(output); the caller fills it before `backward`, which overwrites it.
    public var outputGradient: UnsafeMutableBufferPointer<Float> { buffer(outputGradientPiece) }

    /// dLoss/d(input), (height, width, channels), after `backward`; nil where nobody wanted it.
    public var inputGradient: UnsafeMutableBufferPointer<Float>? { inputGradientPiece.map(buffer) }

    /// All parameters in the layout's order; gradients and moments lie likewise.
    public var values: UnsafeMutableBufferPointer<Float> { parameterBuffer(0) }
    public var gradients: UnsafeMutableBufferPointer<Float> { parameterBuffer(1) }
    public var firstMoments: UnsafeMutableBufferPointer<Float> { parameterBuffer(2) }
    public var secondMoments: UnsafeMutableBufferPointer<Float> { parameterBuffer(3) }

    /// Computes `output` from `input`.
    ///
    /// - Parameter observer: Called at the end of each layer with its name, and with that of the
    ///   output's bias, behind which the sigmoid belongs; for measuring.
    public func forward(observing observer: ((String) -> Void)? = nil) {
        for index in layers.indices {
            layers[index].forward(team)
            observer?(layerNames[index])
        }
        kernels.table.pointee.bias_activation(
            output.baseAddress, Int64(outputShape.pixels), Int64(outputShape.channels),
            values.baseAddress! + outputBias.offset, hasSigmoid ? 1 : 0)
        observer?(outputBias.name)
    }

    /// Computes all `gradients` from `outputGradient`, after `forward`.
    ///
    /// - Parameter observer: Called as that of `forward`, from the last layer to the first.
    public func backward(observing observer: ((String) -> Void)? = nil) {
        let biasGradient = gradients.baseAddress! + outputBias.offset
        biasGradient.update(repeating: 0, count: outputBias.count)
        kernels.table.pointee.bias_activation_adjoint(
            outputGradient.baseAddress, output.baseAddress, Int64(outputShape.pixels),
            Int64(outputShape.channels), hasSigmoid ? 1 : 0, biasGradient)
        observer?(outputBias.name)
        for index in layers.indices.reversed() {
            layers[index].backward(team)
            observer?(layerNames[index])
        }
    }

    /// The 2-norm of all gradients together.
    public func gradientNorm() -> Double {
        kernels.table.pointee.sum_of_squares(gradients.baseAddress, Int64(layout.count))
            .squareRoot()
    }

    /// A parameter's values in PyTorch's order.
    public func values(of parameter: Parameter) -> [Float] {
        ParameterLayout.canonical(parameter, values.baseAddress! + parameter.offset)
    }

    /// A parameter's gradient in PyTorch's order.
    public func gradient(of parameter: Parameter) -> [Float] {
        ParameterLayout.canonical(parameter, gradients.baseAddress! + parameter.offset)
    }

    /// Sets a parameter from values in PyTorch's order, as many as its count.
    public func set(_ parameter: Parameter, to newValues: [Float]) {
        ParameterLayout.store(
            parameter, newValues, in: values.baseAddress! + parameter.offset)
    }

    /// Draws the initial parameters as PyTorch does by default: convolutions uniform within
    /// 1 / sqrt(inputs of one output), norms 1 and 0.
    public func initialize(_ stream: RandomStream) {
        var bound: Float = 0
        for (index, parameter) in layout.parameters.enumerated() {
            switch parameter.role {
            case .normWeight: set(parameter, to: [Float](repeating: 1, count: parameter.count))
            case .normBias: set(parameter, to: [Float](repeating: 0, count: parameter.count))
            case .convolutionWeight, .convolutionBias:
                // A bias follows its weights and has their bound.
                if parameter.role == .convolutionWeight {
                    let fanIn = parameter.shape.dropFirst().reduce(1, *)
                    bound = 1 / Float(fanIn).squareRoot()
                }
                var part = stream
                part.words.2 = UInt32(truncatingIfNeeded: index)
                let drawn = kernels.uniform(count: parameter.count, part)
                set(parameter, to: drawn.map { (2 * $0 - 1) * bound })
            }
        }
    }

    func applyAdam(_ rates: dip_adam) {
        shareRuns(of: layout.count) { start, count in
            kernels.table.pointee.adam(
                values.baseAddress! + start, gradients.baseAddress! + start,
                firstMoments.baseAddress! + start, secondMoments.baseAddress! + start,
                Int64(count), rates)
        }
    }

    /// Sets `input` to `values` plus fresh normal noise of the given standard deviation.
    public func setInput(_ values: [Float], plusNoise deviation: Float, _ stream: RandomStream) {
        precondition(values.count == input.count)
        values.withUnsafeBufferPointer { values in
            shareRuns(of: values.count) { start, count in
                kernels.table.pointee.add_normal_noise(
                    input.baseAddress, values.baseAddress, Int64(start), Int64(start + count),
                    deviation, stream.description)
            }
        }
    }

    /// Lets threads share elementwise work: runs that begin at multiples of 64.
    private func shareRuns(of count: Int, _ body: (_ start: Int, _ count: Int) -> Void) {
        let run = (count / ConvolutionGeometry.partCountMax + 64) / 64 * 64
        team.run(parts: (count + run - 1) / run) { part, _ in
            body(part * run, min(run, count - part * run))
        }
    }

    private func buffer(_ piece: ArenaPiece) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: memory.pointer(piece), count: piece.count)
    }

    private func parameterBuffer(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(
            start: parameterMemory.base + index * layout.count, count: layout.count)
    }
}
