// From a description to layers over memory: places are planned, memory is taken, pointers are set.

import CKernels

/// The C structs that layers point at; they live as long as the network.
final class NetworkDescriptions {
    let sources: UnsafeMutablePointer<dip_source>
    let gradientSources: UnsafeMutablePointer<dip_gradient_source>

    init(count: Int) {
        sources = .allocate(capacity: count)
        sources.initialize(repeating: dip_source(), count: count)
        gradientSources = .allocate(capacity: count)
        gradientSources.initialize(repeating: dip_gradient_source(), count: count)
    }

    deinit {
        sources.deallocate()
        gradientSources.deallocate()
    }
}

/// What `NetworkCompiler` makes and `Network` keeps.
struct CompiledNetwork: ~Copyable {
    let layout: ParameterLayout
    let inputShape: Shape
    let outputShape: Shape
    let operationsPerIteration: Double
    let kernels: Kernels
    let parameterMemory: Arena
    let memory: Arena
    let layers: [ConvolutionLayer]
    let layerNames: [String]
    let hasSigmoid: Bool
    let outputBias: Parameter
    let inputPiece: ArenaPiece
    let inputGradientPiece: ArenaPiece?
    let outputPiece: ArenaPiece
    let outputGradientPiece: ArenaPiece
    let descriptions: NetworkDescriptions
}

/// Compiles one description.
struct NetworkCompiler {
    private let description: NetworkDescription
    private let kernels: Kernels
    private let paths: PathChoice
    private let wantsInputGradient: Bool
    private var layout = ParameterLayout()
    private var plan = ArenaPlan()
    private var slots: [ArenaPiece] = []
    private var gradients: [ArenaPiece?] = []
    private var constants: [ArenaPiece] = []
    /// The normalization of each slot's raw values, with the slope of the activation behind it.
    private var normalizationOfSlot: [Int: (index: Int, slope: Float)] = [:]

    init(
        _ description: NetworkDescription, kernels: Kernels, paths: PathChoice = .automatic,
        wantsInputGradient: Bool = false
    ) {
        self.description = description
        self.kernels = kernels
        self.paths = paths
        self.wantsInputGradient = wantsInputGradient
    }

    /// Bytes that the compiled network will hold.
    consuming func memoryByteCount() throws(NetworkError) -> Int {
        _ = try planMemory()
        return (4 * layout.count + plan.count) * MemoryLayout<Float>.stride
    }

    /// Floats of the parameter layout.
    consuming func parameterCount() throws(NetworkError) -> Int {
        _ = try planMemory()
        return layout.count
    }

    consuming func compile() throws(NetworkError) -> CompiledNetwork {
        let (output, scratch) = try planMemory()
        let parameterMemory = try Arena(count: 4 * layout.count)
        let memory = try Arena(count: plan.count)
        let descriptions = NetworkDescriptions(count: description.convolutions.count)
        let builder = LayerBuilder(
            kernels: kernels, paths: paths, layout: layout, values: parameterMemory.base,
            slots: slots.map { memory.pointer($0) },
            gradients: gradients.map { $0.map { memory.pointer($0) } },
            constants: constants.map { memory.pointer($0) },
            scratch: Scratch(
                window: memory.pointer(scratch[0]), patches: memory.pointer(scratch[1]),
                products: memory.pointer(scratch[2]), weights: memory.pointer(scratch[3]),
                gradientRows: memory.pointer(scratch[4]),
                inputGradient: memory.pointer(scratch[5]), rows: memory.pointer(scratch[6])),
            normalizationOfSlot: normalizationOfSlot, description: description,
            descriptions: descriptions)
        guard let bias = layout["\(description.convolutions.last?.name ?? "").bias"],
            let outputGradient = gradients[output.slot]
        else { throw .invalid("the network has no convolution") }
        return CompiledNetwork(
            layout: layout, inputShape: description.inputShape,
            outputShape: description.slotShapes[output.slot],
            operationsPerIteration: description.operationsPerIteration, kernels: kernels,
            parameterMemory: parameterMemory, memory: memory, layers: builder.layers(),
            layerNames: description.convolutions.map(\.name), hasSigmoid: output.sigmoid,
            outputBias: bias,
            inputPiece: slots[NetworkDescription.inputSlot],
            inputGradientPiece: gradients[NetworkDescription.inputSlot],
            outputPiece: slots[output.slot],
            outputGradientPiece: outputGradient, descriptions: descriptions)
    }

    /// Gives everything its place; returns the output and the pieces of scratch.
    private mutating func planMemory() throws(NetworkError) -> (
        output: (slot: Int, sigmoid: Bool), scratch: [ArenaPiece]
    ) {
        guard let output = description.output else { throw .invalid("the network has no end") }
        try findNormalizations()
        planParameters(outputSlot: output.slot)
        planActivations()
        return (output, planScratch())
    }

    /// Every convolution but the last must be normalized, in one way: only then may its bias stay
    /// out of the arithmetic.
    private mutating func findNormalizations() throws(NetworkError) {
        var joins: Set<Int> = []
        for layer in description.convolutions {
            if let join = layer.source.joinNormalization {
                // Its gradient is computed on the way back to the parts, once.
                guard joins.insert(join).inserted else {
                    throw .invalid("\(layer.name) reads a join that another layer reads as well")
                }
                guard layer.source.parts.allSatisfy({ $0.slot != NetworkDescription.inputSlot })
                else { throw .invalid("\(layer.name) reads the input through a normalization") }
            }
            for part in layer.source.parts where part.slot != NetworkDescription.inputSlot {
                guard let index = part.normalization else {
                    throw .invalid("\(layer.name) reads a convolution that is not normalized")
                }
                if let known = normalizationOfSlot[part.slot], known != (index, part.slope) {
                    throw .invalid("\(layer.name) reads a convolution normalized in two ways")
                }
                normalizationOfSlot[part.slot] = (index, part.slope)
            }
        }
        for layer in description.convolutions.dropLast()
        where normalizationOfSlot[layer.slot] == nil {
            throw .invalid("nothing reads \(layer.name)")
        }
    }

    private mutating func planParameters(outputSlot: Int) {
        for layer in description.convolutions {
            layout.add(
                "\(layer.name).weight", .convolutionWeight,
                shape: [
                    layer.outputShape.channels, layer.source.shape.channels, layer.kernel,
                    layer.kernel,
                ])
            layout.add(
                "\(layer.name).bias", .convolutionBias, shape: [layer.outputShape.channels],
                hasNoEffect: layer.slot != outputSlot)
        }
        for (index, normalization) in description.normalizations.enumerated() {
            layout.add(
                "\(normalization.name).weight", .normWeight, shape: [normalization.channels])
            // A constant on every pixel, rim included, is taken off by the next normalization.
            let reader = description.convolutions.first { $0.source.joinNormalization == index }
            let hasNoEffect = reader.map {
                $0.slot != outputSlot && ($0.padding == .reflection || $0.kernel == 1)
            }
            layout.add(
                "\(normalization.name).bias", .normBias, shape: [normalization.channels],
                hasNoEffect: hasNoEffect ?? false)
        }
    }

    private mutating func planActivations() {
        slots = description.slotShapes.map { plan.reserve($0.count) }
        let input: ArenaPiece? =
            wantsInputGradient ? plan.reserve(description.inputShape.count) : nil
        gradients = [input] + plan.reserve(sharing: description.convolutions.map(gradientLife))
        for normalization in description.normalizations {
            constants.append(
                plan.reserve(NormalizationLayer.constantCount(channels: normalization.channels)))
        }
    }

    /// The gradient of a convolution's output lives, in backward steps, from its first writer, the
    /// last of its readers, to the convolution itself.
    private func gradientLife(
        of layer: NetworkDescription.Convolution
    ) -> (count: Int, life: ClosedRange<Int>) {
        func step(_ index: Int) -> Int { description.convolutions.count - 1 - index }
        let own = layer.slot - 1
        let lastReader = description.convolutions.lastIndex { reader in
            reader.source.parts.contains { $0.slot == layer.slot }
        }
        return (layer.outputShape.count, step(lastReader ?? own)...step(own))
    }

    /// Pieces in the order of `ScratchNeed`'s fields.
    private mutating func planScratch() -> [ArenaPiece] {
        var need = ScratchNeed()
        for layer in description.convolutions { need.cover(layer.geometry.makePath(paths).need) }
        let counts = [
            need.window, need.patches, need.products, need.weights, need.gradientRows,
            need.inputGradient, need.rows,
        ]
        return counts.map { plan.reserve($0) }
    }
}

extension NetworkDescription.Convolution {
    var geometry: ConvolutionGeometry {
        ConvolutionGeometry(
            input: source.shape, output: outputShape, kernel: kernel, stride: stride,
            padding: padding)
    }
}
