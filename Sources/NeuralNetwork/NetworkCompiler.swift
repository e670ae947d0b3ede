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
    let team: ThreadTeam
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
    private let options: NetworkOptions
    private let geometries: [ConvolutionGeometry]
    private let paths: [any ConvolutionPath]
    private var layout = ParameterLayout()
    private var plan = ArenaPlan()
    private var slots: [ArenaPiece] = []
    private var gradients: [ArenaPiece?] = []
    /// dLoss/d(padded input) of each convolution.
    private var inputGradients: [ArenaPiece] = []
    private var constants: [ArenaPiece] = []
    /// The normalization of each slot's raw values, with the slope of the activation behind it.
    private var normalizationOfSlot: [Int: (index: Int, slope: Float)] = [:]

    init(_ description: NetworkDescription, kernels: Kernels, options: NetworkOptions) {
        self.description = description
        self.kernels = kernels
        self.options = options
        geometries = description.convolutions.map(\.geometry)
        paths = geometries.map { $0.makePath(options) }
    }

    /// Bytes that the compiled network will hold.
    consuming func memoryByteCount() throws(NetworkError) -> Int {
        _ = try planMemory()
        return (4 * layout.count + plan.count) * MemoryLayout<Float>.stride
    }

    /// The parameters without a network.
    consuming func parameterLayout() throws(NetworkError) -> ParameterLayout {
        _ = try planMemory()
        return layout
    }

    consuming func compile() throws(NetworkError) -> CompiledNetwork {
        let (output, scratch) = try planMemory()
        let parameterMemory = try Arena(count: 4 * layout.count)
        let memory = try Arena(count: plan.count)
        let descriptions = NetworkDescriptions(count: description.convolutions.count)
        let builder = LayerBuilder(
            kernels: kernels, layout: layout, values: parameterMemory.base,
            slots: slots.map { memory.pointer($0) },
            gradients: gradients.map { $0.map { memory.pointer($0) } },
            inputGradients: inputGradients.map { memory.pointer($0) },
            constants: constants.map { memory.pointer($0) },
            sums: memory.pointer(scratch.sums),
            scratch: scratch.threads.map { pieces in
                Scratch(
                    window: memory.pointer(pieces[0]), patches: memory.pointer(pieces[1]),
                    products: memory.pointer(pieces[2]),
                    weightGradient: memory.pointer(pieces[3]),
                    gradientRows: memory.pointer(pieces[4]), rows: memory.pointer(pieces[5]))
            },
            shared: SharedScratch(
                weights: memory.pointer(scratch.weights),
                weightGradient: memory.pointer(scratch.weightGradient)),
            paths: paths, normalizationOfSlot: normalizationOfSlot, description: description,
            descriptions: descriptions)
        guard let bias = layout["\(description.convolutions.last?.name ?? "").bias"],
            let outputGradient = gradients[output.slot]
        else { throw .invalid("the network has no convolution") }
        return CompiledNetwork(
            layout: layout, inputShape: description.inputShape,
            outputShape: description.slotShapes[output.slot],
            operationsPerIteration: description.operationsPerIteration, kernels: kernels,
            parameterMemory: parameterMemory, memory: memory,
            team: try ThreadTeam(threadCount: options.threadCount), layers: builder.layers(),
            layerNames: description.convolutions.map(\.name), hasSigmoid: output.sigmoid,
            outputBias: bias,
            inputPiece: slots[NetworkDescription.inputSlot],
            inputGradientPiece: gradients[NetworkDescription.inputSlot],
            outputPiece: slots[output.slot],
            outputGradientPiece: outputGradient, descriptions: descriptions)
    }

    /// Gives everything its place; returns the output and the pieces of scratch.
    private mutating func planMemory() throws(NetworkError) -> (
        output: (slot: Int, sigmoid: Bool), scratch: ScratchPieces
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
        let lives = description.convolutions.map(gradientLife)
        let planes = description.convolutions.indices.map(inputGradientLife)
        let pieces = plan.reserve(sharing: lives + planes)
        let input = options.wantsInputGradient ? plan.reserve(description.inputShape.count) : nil
        gradients = [input] + pieces.prefix(lives.count).map(Optional.some)
        inputGradients = Array(pieces.suffix(planes.count))
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
        let own = layer.slot - 1
        let lastReader = description.convolutions.lastIndex { reader in
            reader.source.parts.contains { $0.slot == layer.slot }
        }
        return (
            layer.outputShape.count, backwardStep(lastReader ?? own)...backwardStep(own)
        )
    }

    /// The gradient of a convolution's padded input lives in its own step.
    private func inputGradientLife(of index: Int) -> (count: Int, life: ClosedRange<Int>) {
        let (layer, geometry, path) = (
            description.convolutions[index], geometries[index], paths[index]
        )
        let plan = path.gradientPlan(geometry, geometry.parts(of: path.strips))
        let isNeeded = needsInputGradient(layer) && !layer.readsOneStoredTensor
        let rowLength = path.paddedWidth * geometry.input.channels
        return (isNeeded ? plan.rowCount * rowLength : 0, backwardStep(index)...backwardStep(index))
    }

    /// Whether anything behind it has parameters to learn, or somebody asks.
    private func needsInputGradient(_ layer: NetworkDescription.Convolution) -> Bool {
        options.wantsInputGradient
            || layer.source.parts.contains { $0.slot != NetworkDescription.inputSlot }
    }

    private func backwardStep(_ index: Int) -> Int { description.convolutions.count - 1 - index }

    private struct ScratchPieces {
        let threads: [[ArenaPiece]]  // in the order of `Scratch`'s fields
        let weights, weightGradient, sums: ArenaPiece
    }

    private mutating func planScratch() -> ScratchPieces {
        var need = ScratchNeed()
        for path in paths { need.cover(path.need) }
        let counts = [
            need.window, need.patches, need.products, need.weightGradient, need.gradientRows,
            need.rows,
        ]
        let channels = description.normalizations.map(\.channels).max() ?? 0
        return ScratchPieces(
            threads: (0..<options.threadCount).map { _ in counts.map { plan.reserve($0) } },
            weights: plan.reserve(need.weights), weightGradient: plan.reserve(need.weightGradient),
            sums: plan.reserve(
                PartialSums.floatCount(
                    partCount: ConvolutionGeometry.partCountMax, channels: channels)))
    }
}

extension NetworkDescription.Convolution {
    var geometry: ConvolutionGeometry {
        ConvolutionGeometry(
            input: source.shape, output: outputShape, kernel: taps, stride: stride,
            averages: averages, padding: padding)
    }

    /// Whether its pixels are those of one stored tensor, so that its input's gradient can be that
    /// tensor's.
    var readsOneStoredTensor: Bool {
        kernel == 1 && stride == 1 && source.parts.count == 1 && source.joinNormalization == nil
            && source.parts[0].upsampling == nil
    }
}
