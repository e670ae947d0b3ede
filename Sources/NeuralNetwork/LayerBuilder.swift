// Sets the pointers of each layer, once memory has its place.

import CKernels

/// Everything that has a place in memory, by slot, normalization or kind.
struct LayerBuilder {
    typealias Pointer = UnsafeMutablePointer<Float>

    let kernels: Kernels
    let layout: ParameterLayout
    let values: Pointer  // all parameters, then their gradients, then the moments
    let slots: [Pointer]
    let gradients: [Pointer?]
    let inputGradients: [Pointer]
    let constants: [Pointer]
    let sums: Pointer
    let scratch: [Scratch]
    let shared: SharedScratch
    let paths: [any ConvolutionPath]
    let normalizationOfSlot: [Int: (index: Int, slope: Float)]
    let description: NetworkDescription
    let descriptions: NetworkDescriptions

    func layers() -> [ConvolutionLayer] {
        let normalizations = description.normalizations.indices.map(normalization)
        var written: Set<Int> = []
        var result: [ConvolutionLayer] = []
        // Backward order decides who writes a gradient first.
        for index in description.convolutions.indices.reversed() {
            let convolution = description.convolutions[index]
            let known = normalizationOfSlot[convolution.slot]
            let own = known.map { normalizations[$0.index] }
            let weight = parameter("\(convolution.name).weight")
            let gradientSource = descriptions.gradientSources + index
            gradientSource.pointee = makeGradientSource(
                convolution, normalization: own, slope: known?.slope ?? 1)
            let (geometry, path) = (convolution.geometry, paths[index])
            let source = makeSource(
                convolution.source, geometry, at: descriptions.sources + index, normalizations,
                &written)
            let parts = geometry.parts(of: path.strips)
            result.append(
                ConvolutionLayer(
                    geometry: geometry, path: path, parts: parts, source: source,
                    weight: weight.value, weightGradient: weight.gradient,
                    raw: slots[convolution.slot], normalization: own,
                    gradientSource: gradientSource, slope: known?.slope ?? 1, scratch: scratch,
                    shared: shared,
                    inputGradient: makeInputGradient(index, path, parts, source)))
        }
        return result.reversed()
    }

    private func makeInputGradient(
        _ index: Int, _ path: any ConvolutionPath, _ parts: [[Range<Int>]], _ source: Source
    ) -> ConvolutionLayer.InputGradient {
        let convolution = description.convolutions[index]
        guard source.needsGradient else { return .none }
        let plan = path.gradientPlan(convolution.geometry, parts)
        let rowLength = path.paddedWidth * source.shape.channels
        if convolution.readsOneStoredTensor, let target = source.gradients[0] {
            let gradient = PaddedGradient(
                memory: target.values, rowLength: rowLength, plan: plan)
            return .direct(gradient, adds: !target.isFirstWriter)
        }
        return .padded(
            PaddedGradient(memory: inputGradients[index], rowLength: rowLength, plan: plan))
    }

    private func parameter(_ name: String) -> (value: Pointer, gradient: Pointer) {
        guard let parameter = layout[name] else { preconditionFailure("\(name) was not planned") }
        return (values + parameter.offset, values + layout.count + parameter.offset)
    }

    private func normalization(_ index: Int) -> NormalizationLayer {
        let (name, channels) = (
            description.normalizations[index].name, description.normalizations[index].channels
        )
        return NormalizationLayer(
            channels: channels, kernels: kernels, memory: constants[index], sumMemory: sums,
            gamma: parameter("\(name).weight"), beta: parameter("\(name).bias"),
            betaHasNoEffect: layout["\(name).bias"]?.hasNoEffect ?? false)
    }

    private func makeSource(
        _ feature: NetworkDescription.Feature, _ geometry: ConvolutionGeometry,
        at address: UnsafeMutablePointer<dip_source>, _ normalizations: [NormalizationLayer],
        _ written: inout Set<Int>
    ) -> Source {
        let join = feature.joinNormalization.map { normalizations[$0] }
        let parts = feature.parts.map { makePart($0, normalizations) }
        var source = dip_source()
        source.part_count = Int32(parts.count)
        source.parts.0 = parts[0]
        if parts.count > 1 { source.parts.1 = parts[1] }
        source.scale = UnsafePointer(join?.scale)
        source.shift = UnsafePointer(join?.shift)
        address.pointee = source
        let partGradients = feature.parts.map { part in
            gradients[part.slot].map {
                Source.PartGradient(
                    values: $0, isFirstWriter: written.insert(part.slot).inserted)
            }
        }
        return Source(
            shape: feature.shape, table: kernels.table, join: join, gradients: partGradients,
            rowParts: geometry.rowParts(),
            isEnlarged: feature.parts.contains { $0.upsampling != nil },
            description: address)
    }

    private func makePart(
        _ part: NetworkDescription.Part, _ normalizations: [NormalizationLayer]
    ) -> dip_part {
        let pending = part.normalization.map { normalizations[$0] }
        let upsample =
            switch part.upsampling {
            case nil: dip_upsample_none
            case .nearest?: dip_upsample_nearest
            case .bilinear?: dip_upsample_bilinear
            }
        return dip_part(
            data: UnsafePointer(slots[part.slot]), height: Int64(part.shape.height),
            width: Int64(part.shape.width), channels: Int64(part.shape.channels),
            scale: UnsafePointer(pending?.scale), shift: UnsafePointer(pending?.shift),
            slope: part.slope, upsample: Int32(upsample))
    }

    private func makeGradientSource(
        _ convolution: NetworkDescription.Convolution, normalization: NormalizationLayer?,
        slope: Float
    ) -> dip_gradient_source {
        dip_gradient_source(
            gradient: gradients[convolution.slot].map { UnsafePointer($0) },
            raw: UnsafePointer(slots[convolution.slot]),
            height: Int64(convolution.outputShape.height),
            width: Int64(convolution.outputShape.width),
            channels: Int64(convolution.outputShape.channels),
            scale: UnsafePointer(normalization?.scale), shift: UnsafePointer(normalization?.shift),
            slope: slope, mean: UnsafePointer(normalization?.mean),
            k1: UnsafePointer(normalization?.k1),
            k2: UnsafePointer(normalization?.k2), k3: UnsafePointer(normalization?.k3))
    }
}
