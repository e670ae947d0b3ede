// Convolution, forward and backward, strip by strip: the general path over one matrix product.
//
// With P the patches of a strip, (pixels, kernel * kernel * input channels), and W the weights,
// (kernel * kernel * input channels, output channels):
//     Y = P W,   dW = sum over strips of P' dY,   dP = dY W'
// A strip is a few whole output rows, so that P stays in cache. dP is added back to the padded
// input, whose rim is then folded onto the pixels that it mirrors.

import CKernels

/// Memory that layers share while they run, one after the other.
struct Scratch {
    let window: UnsafeMutablePointer<Float>
    let patches: UnsafeMutablePointer<Float>
    let gradientRows: UnsafeMutablePointer<Float>
    let inputGradient: UnsafeMutablePointer<Float>
    let rows: UnsafeMutablePointer<Float>
}

/// How much of each kind of scratch a layer needs, in floats.
struct ScratchNeed {
    var window = 0
    var patches = 0
    var gradientRows = 0
    var inputGradient = 0
    var rows = 0

    mutating func cover(_ other: ScratchNeed) {
        window = max(window, other.window)
        patches = max(patches, other.patches)
        gradientRows = max(gradientRows, other.gradientRows)
        inputGradient = max(inputGradient, other.inputGradient)
        rows = max(rows, other.rows)
    }
}

/// Sizes of a convolution, and what follows from them.
struct ConvolutionGeometry {
    let input: Shape
    let output: Shape
    let kernel: Int
    let stride: Int
    let padding: Padding

    /// Enough pixels for an efficient product, few enough for the patches to stay in cache.
    static let stripPixels = 128

    var rim: Int { kernel / 2 }
    var patchLength: Int { kernel * kernel * input.channels }
    /// Multiplications of one pass over the image.
    var productCount: Int { patchLength * output.count }
    var readsPixelsAsTheyAre: Bool { kernel == 1 && stride == 1 }
    var rowsPerStrip: Int { min(output.height, max(1, Self.stripPixels / output.width)) }
    var paddedRowLength: Int { PaddedWindow.rowLength(input, rim: rim) }
    var paddedHeight: Int { input.height + 2 * rim }

    /// Padded input rows that the output rows need.
    func windowRows(for rows: Range<Int>) -> Range<Int> {
        rows.lowerBound * stride..<(rows.upperBound - 1) * stride + kernel
    }

    var need: ScratchNeed {
        let patchCount = rowsPerStrip * output.width * patchLength
        return ScratchNeed(
            window: windowRows(for: 0..<rowsPerStrip).count * paddedRowLength,
            patches: readsPixelsAsTheyAre ? 0 : 2 * patchCount,
            gradientRows: rowsPerStrip * output.width * output.channels,
            inputGradient: paddedHeight * paddedRowLength,
            rows: 2 * input.width * input.channels)
    }

    /// The output rows of each strip, top down.
    var strips: some Sequence<Range<Int>> {
        stride(from: 0, to: output.height, by: rowsPerStrip).lazy.map {
            $0..<Swift.min($0 + rowsPerStrip, output.height)
        }
    }

    private func stride(from: Int, to: Int, by: Int) -> StrideTo<Int> {
        Swift.stride(from: from, to: to, by: by)
    }
}

/// One convolution of a compiled network with the normalization of its output, where it has one.
struct ConvolutionLayer {
    let geometry: ConvolutionGeometry
    let source: Source
    let weight, weightGradient: UnsafeMutablePointer<Float>  // (kernel, kernel, input, output)
    let raw: UnsafeMutablePointer<Float>  // (height, width, output channels)
    let normalization: NormalizationLayer?
    /// dLoss/d(raw), read through the normalization's backward map.
    let gradientSource: UnsafeMutablePointer<dip_gradient_source>
    let slope: Float
    let scratch: Scratch

    private var table: dip_kernels { source.table.pointee }

    private var multiply: MatrixMultiply {
        MatrixMultiply(productCount: geometry.productCount, table: source.table)
    }

    func forward() {
        source.prepare(rows: scratch.rows)
        var window = makeWindow()
        for strip in geometry.strips {
            let patches = loadPatches(of: strip, through: &window)
            let pixels = strip.count * geometry.output.width
            let result = raw + strip.lowerBound * geometry.output.width * geometry.output.channels
            multiply(
                rows: pixels, columns: geometry.output.channels, inner: geometry.patchLength,
                MatrixFactor(patches, stride: geometry.patchLength),
                MatrixFactor(weight, stride: geometry.output.channels), into: result)
            if strip.lowerBound == 0 { normalization?.beginStatistics(firstPixel: result) }
            normalization?.addStatistics(result, pixels: pixels)
        }
        normalization?.finishStatistics(pixels: geometry.output.pixels)
    }

    /// Computes the weights' gradient and, where the source wants one, the source's.
    func backward() {
        prepareGradient()
        let wantsInput = source.needsGradient
        if wantsInput, !geometry.readsPixelsAsTheyAre {
            scratch.inputGradient.update(
                repeating: 0, count: geometry.paddedHeight * geometry.paddedRowLength)
        }
        var window = makeWindow()
        for strip in geometry.strips {
            let patches = loadPatches(of: strip, through: &window)
            loadGradient(of: strip)
            multiply(
                rows: geometry.patchLength, columns: geometry.output.channels,
                inner: strip.count * geometry.output.width,
                MatrixFactor(patches, stride: geometry.patchLength, transposed: true),
                MatrixFactor(scratch.gradientRows, stride: geometry.output.channels),
                into: weightGradient, accumulate: strip.lowerBound > 0)
            if wantsInput { addInputGradient(of: strip) }
        }
        if wantsInput { finishInputGradient() }
    }

    private func makeWindow() -> PaddedWindow {
        PaddedWindow(
            source: source, rim: geometry.rim, padding: geometry.padding, memory: scratch.window,
            rowScratch: scratch.rows)
    }

    private func loadPatches(
        of strip: Range<Int>, through window: inout PaddedWindow
    ) -> UnsafeMutablePointer<Float> {
        window.slide(to: geometry.windowRows(for: strip))
        guard !geometry.readsPixelsAsTheyAre else { return scratch.window }
        let rowLength = geometry.paddedRowLength
        for index in 0..<strip.count {
            table.gather_patches(
                scratch.window + index * geometry.stride * rowLength, Int64(rowLength),
                Int64(geometry.kernel), Int64(geometry.stride), Int64(geometry.input.channels),
                Int64(geometry.output.width),
                scratch.patches + index * geometry.output.width * geometry.patchLength)
        }
        return scratch.patches
    }

    private func prepareGradient() {
        guard let normalization else { return }
        normalization.beginGradient()
        let count = geometry.output.width * geometry.output.channels
        for y in 0..<geometry.output.height {
            normalization.addGradient(
                gradientSource.pointee.gradient + y * count, values: raw + y * count,
                pixels: geometry.output.width, slope: slope)
        }
        normalization.finishGradient(pixels: geometry.output.pixels)
    }

    private func loadGradient(of strip: Range<Int>) {
        let count = geometry.output.width * geometry.output.channels
        for (index, y) in strip.enumerated() {
            table.load_gradient_row(
                gradientSource, Int64(y), scratch.gradientRows + index * count)
        }
    }

    private func addInputGradient(of strip: Range<Int>) {
        let rowPatches = geometry.output.width * geometry.patchLength
        let direct = geometry.readsPixelsAsTheyAre
        let result =
            direct
            ? scratch.inputGradient + strip.lowerBound * rowPatches
            : scratch.patches + geometry.rowsPerStrip * rowPatches
        multiply(
            rows: strip.count * geometry.output.width, columns: geometry.patchLength,
            inner: geometry.output.channels,
            MatrixFactor(scratch.gradientRows, stride: geometry.output.channels),
            MatrixFactor(weight, stride: geometry.output.channels, transposed: true),
            into: result)
        guard !direct else { return }
        let rowLength = geometry.paddedRowLength
        for (index, y) in strip.enumerated() {
            table.scatter_patches(
                result + index * rowPatches, Int64(rowLength), Int64(geometry.kernel),
                Int64(geometry.stride), Int64(geometry.input.channels),
                Int64(geometry.output.width),
                scratch.inputGradient + y * geometry.stride * rowLength)
        }
    }

    /// Folds the padded rim onto what it mirrors, then carries the gradient to the source's parts.
    private func finishInputGradient() {
        let (rim, channels) = (geometry.rim, geometry.input.channels)
        let rowLength = geometry.paddedRowLength
        let gradient = scratch.inputGradient
        if geometry.padding == .reflection, rim > 0 {
            let (height, width) = (geometry.input.height, geometry.input.width)
            for row in 0..<geometry.paddedHeight {
                fold(gradient + row * rowLength, count: width, unit: channels)
            }
            fold(gradient, count: height, unit: rowLength)
        }
        source.backward(
            gradient + rim * (rowLength + channels), stride: rowLength, rows: scratch.rows)
    }

    /// Adds padded items (pixels of a row, or rows) to the items inside that they mirror.
    private func fold(_ items: UnsafeMutablePointer<Float>, count: Int, unit: Int) {
        let rim = geometry.rim
        for distance in 1...rim {
            table.add_to(
                items + (rim + distance) * unit, items + (rim - distance) * unit, Int64(unit))
            let last = rim + count - 1
            table.add_to(
                items + (last - distance) * unit, items + (last + distance) * unit, Int64(unit))
        }
    }
}
