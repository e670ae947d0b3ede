// Convolution, forward and backward, strip by strip.
//
// What both paths share: the padded window over the source, the gradient behind the normalization,
// and the way of the input's gradient back to the source.

import CKernels

/// Memory that layers share while they run, one after the other.
struct Scratch {
    let window: UnsafeMutablePointer<Float>
    let patches: UnsafeMutablePointer<Float>
    let products: UnsafeMutablePointer<Float>
    let weights: UnsafeMutablePointer<Float>
    let gradientRows: UnsafeMutablePointer<Float>
    let inputGradient: UnsafeMutablePointer<Float>
    let rows: UnsafeMutablePointer<Float>
}

/// How much of each kind of scratch a layer needs, in floats.
struct ScratchNeed {
    var window = 0
    var patches = 0
    var products = 0
    var weights = 0
    var gradientRows = 0
    var inputGradient = 0
    var rows = 0

    /// Kernels may read so many floats beyond the last pixel.
    static let overrun = 16

    mutating func cover(_ other: ScratchNeed) {
        window = max(window, other.window)
        patches = max(patches, other.patches)
        products = max(products, other.products)
        weights = max(weights, other.weights)
        gradientRows = max(gradientRows, other.gradientRows)
        inputGradient = max(inputGradient, other.inputGradient)
        rows = max(rows, other.rows)
    }
}

/// One way to compute a convolution from a window over its padded input.
protocol ConvolutionPath {
    /// Output rows of each strip, top down; fixed by the sizes alone.
    var strips: [Range<Int>] { get }
    /// Padded input rows that a strip reads.
    func windowRows(for strip: Range<Int>) -> Range<Int>
    /// Pixels of a padded input row that the path touches.
    var paddedWidth: Int { get }
    /// Floats from one row of dLoss/d(output) to the next in a strip of it.
    var gradientRowLength: Int { get }
    var need: ScratchNeed { get }

    /// Before the strips of a pass.
    func begin(_ layer: ConvolutionLayer, backward: Bool)
    /// The window's output rows to `result`, (rows, width, output channels).
    func forward(
        _ layer: ConvolutionLayer, strip: Range<Int>, into result: UnsafeMutablePointer<Float>)
    /// Adds a strip to the weights' gradient and, where wanted, to the padded input's.
    func backward(_ layer: ConvolutionLayer, strip: Range<Int>, wantsInput: Bool)
    /// After the strips of the backward pass.
    func finish(_ layer: ConvolutionLayer)
}

/// One convolution of a compiled network with the normalization of its output, where it has one.
struct ConvolutionLayer {
    let geometry: ConvolutionGeometry
    let path: any ConvolutionPath
    /// The path's strips, computed once.
    let strips: [Range<Int>]
    let source: Source
    let weight, weightGradient: UnsafeMutablePointer<Float>  // (kernel, kernel, input, output)
    let raw: UnsafeMutablePointer<Float>  // (height, width, output channels)
    let normalization: NormalizationLayer?
    /// dLoss/d(raw), read through the normalization's backward map.
    let gradientSource: UnsafeMutablePointer<dip_gradient_source>
    let slope: Float
    let scratch: Scratch

    var table: dip_kernels { source.table.pointee }
    var paddedRowLength: Int { path.paddedWidth * geometry.input.channels }

    func forward() {
        source.prepare(rows: scratch.rows)
        path.begin(self, backward: false)
        var window = makeWindow()
        for strip in strips {
            window.slide(to: path.windowRows(for: strip))
            let result = raw + strip.lowerBound * geometry.output.width * geometry.output.channels
            path.forward(self, strip: strip, into: result)
            if strip.lowerBound == 0 { normalization?.beginStatistics(firstPixel: result) }
            normalization?.addStatistics(result, pixels: strip.count * geometry.output.width)
        }
        normalization?.finishStatistics(pixels: geometry.output.pixels)
    }

    /// Computes the weights' gradient and, where the source wants one, the source's.
    func backward() {
        prepareGradient()
        let wantsInput = source.needsGradient
        var clearedRows = 0
        path.begin(self, backward: true)
        var window = makeWindow()
        for strip in strips {
            window.slide(to: path.windowRows(for: strip))
            loadGradient(of: strip)
            if wantsInput {
                clearInputGradient(&clearedRows, upTo: path.windowRows(for: strip).upperBound)
            }
            path.backward(self, strip: strip, wantsInput: wantsInput)
        }
        path.finish(self)
        guard wantsInput else { return }
        // A stride may leave the last padded row unread.
        clearInputGradient(&clearedRows, upTo: geometry.input.height + 2 * geometry.rim)
        finishInputGradient()
    }

    /// Clears rows of the padded input's gradient just before they are added to.
    private func clearInputGradient(_ cleared: inout Int, upTo end: Int) {
        guard end > cleared else { return }
        let count = (end - cleared) * paddedRowLength
        scratch.inputGradient.advanced(by: cleared * paddedRowLength)
            .update(repeating: 0, count: count)
        cleared = end
    }

    private func makeWindow() -> PaddedWindow {
        PaddedWindow(
            source: source, rim: geometry.rim, width: path.paddedWidth, padding: geometry.padding,
            memory: scratch.window, rowScratch: scratch.rows)
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
        for (index, y) in strip.enumerated() {
            table.load_gradient_row(
                gradientSource, Int64(y), scratch.gradientRows + index * path.gradientRowLength)
        }
    }

    /// Folds the padded rim onto what it mirrors, then carries the gradient to the source's parts.
    private func finishInputGradient() {
        let (rim, channels) = (geometry.rim, geometry.input.channels)
        let rowLength = paddedRowLength
        let gradient = scratch.inputGradient
        if geometry.padding == .reflection, rim > 0 {
            let (height, width) = (geometry.input.height, geometry.input.width)
            for row in 0..<height + 2 * rim {
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

/// Sizes of a convolution, and what follows from them.
struct ConvolutionGeometry {
    let input: Shape
    let output: Shape
    let kernel: Int
    let stride: Int
    let padding: Padding

    var rim: Int { kernel / 2 }
    var patchLength: Int { kernel * kernel * input.channels }
    /// Multiplications of one pass over the image.
    var productCount: Int { patchLength * output.count }

    /// Ranges of `rowCount` output rows, the last one shorter.
    func strips(rowCount: Int) -> [Range<Int>] {
        Swift.stride(from: 0, to: output.height, by: rowCount).map {
            $0..<min($0 + rowCount, output.height)
        }
    }

    func makePath(_ choice: PathChoice) -> any ConvolutionPath {
        takesFastPath(choice) ? WinogradPath(geometry: self) : PatchPath(geometry: self)
    }

    func takesFastPath(_ choice: PathChoice) -> Bool {
        switch choice {
        case .automatic: WinogradPath.pays(for: self)
        case .general: false
        case .fast: WinogradPath.allows(self)
        }
    }
}
