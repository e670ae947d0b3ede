// Convolution, forward and backward, strip by strip.
//
// What both paths share: the padded window over the source, the gradient behind the normalization,
// and the way of the input's gradient back to the source. The strips of a layer are divided into
// parts that depend on its sizes alone; threads take whole parts, and sums over parts are made in
// their order, so that the number of threads changes no bit.

import CKernels

/// One way to compute a convolution from a window over its padded input.
protocol ConvolutionPath {
    /// The format of the factors of its products.
    var precision: Precision { get }
    /// Output rows of each strip, top down; fixed by the sizes alone.
    var strips: [Range<Int>] { get }
    /// Padded input rows that a strip reads.
    func windowRows(for strip: Range<Int>) -> Range<Int>
    /// Pixels of a padded input row, and its rows, that the path touches.
    var paddedWidth: Int { get }
    var paddedHeight: Int { get }
    /// Floats from one row of dLoss/d(output) to the next in a strip of it.
    var gradientRowLength: Int { get }
    /// Floats that `backward` sums the weights' gradient in.
    var weightGradientCount: Int { get }
    /// Whether that sum is the weights' gradient itself, as it is stored.
    var sumsWeightGradientInPlace: Bool { get }
    /// Whether the padded input's gradient must be cleared first; else each strip writes its rows
    /// whole.
    var addsInputGradient: Bool { get }
    var need: ScratchNeed { get }

    /// Before the strips of a pass.
    func begin(_ layer: ConvolutionLayer, backward: Bool)
    /// The window's output rows to `result`, (rows, width, output channels).
    func forward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, strip: Range<Int>,
        into result: UnsafeMutablePointer<Float>)
    /// Adds a strip to the weights' gradient, whose first strip overwrites it, and to the padded
    /// input's gradient, given from the window's first row on.
    func backward(
        _ layer: ConvolutionLayer, _ scratch: Scratch, strip: Range<Int>, sum: WeightGradientSum,
        inputGradient: UnsafeMutablePointer<Float>?)
    /// After the strips of the backward pass: the sum becomes the weights' gradient.
    func finish(_ layer: ConvolutionLayer, sum: UnsafeMutablePointer<Float>)
}

/// Where a part of the work sums the weights' gradient.
struct WeightGradientSum {
    let values: UnsafeMutablePointer<Float>
    /// False for the part's first strip.
    let accumulates: Bool
}

/// One convolution of a compiled network with the normalization of its output, where it has one.
struct ConvolutionLayer {
    let geometry: ConvolutionGeometry
    let path: any ConvolutionPath
    let parts: [[Range<Int>]]
    let source: Source
    let weight, weightGradient: UnsafeMutablePointer<Float>  // (kernel, kernel, input, output)
    let raw: UnsafeMutablePointer<Float>  // (height, width, output channels)
    let normalization: NormalizationLayer?
    /// dLoss/d(raw), read through the normalization's backward map.
    let gradientSource: UnsafeMutablePointer<dip_gradient_source>
    let slope: Float
    /// For each thread its own.
    let scratch: [Scratch]
    let shared: SharedScratch
    let inputGradient: InputGradient
    /// Whether the reader of `raw` has summed the gradient for the normalization already.
    let gradientIsSummed: Bool

    /// Where dLoss/d(source) goes.
    enum InputGradient {
        case none
        /// Through a padded plane to what the source reads.
        case padded(PaddedGradient)
        /// A 1x1 convolution of one stored tensor: straight to that tensor's gradient.
        case direct(PaddedGradient, adds: Bool, target: GradientTarget?)
    }

    /// A stored tensor that only this layer reads, so that its gradient is complete, row by row, as
    /// soon as it is written; sums over it are made while it is in cache.
    struct GradientTarget {
        let normalization: NormalizationLayer
        let raw: UnsafePointer<Float>
        let slope: Float
    }

    var table: dip_kernels { source.table.pointee }
    var paddedRowLength: Int { path.paddedWidth * geometry.input.channels }

    func forward(_ team: ThreadTeam) {
        source.prepare(team, scratch)
        path.begin(self, backward: false)
        team.run(parts: parts.count) { part, thread in
            let scratch = scratch[thread]
            var window = makeWindow(scratch)
            for (index, strip) in parts[part].enumerated() {
                window.slide(to: path.windowRows(for: strip))
                let result =
                    raw + strip.lowerBound * geometry.output.width * geometry.output.channels
                path.forward(self, scratch, strip: strip, into: result)
                if index == 0 { normalization?.beginStatistics(part: part, firstPixel: result) }
                normalization?.addStatistics(
                    part: part, result, pixels: strip.count * geometry.output.width)
            }
        }
        normalization?.finishStatistics(partCount: parts.count)
    }

    /// Computes the weights' gradient and, where the source wants one, the source's.
    func backward(_ team: ThreadTeam) {
        prepareGradient(team)
        path.begin(self, backward: true)
        let sum = path.sumsWeightGradientInPlace ? weightGradient : shared.weightGradient
        team.run(parts: parts.count) { part, thread in
            computeGradients(
                part: part, scratch[thread],
                sum: parts.count == 1 ? sum : scratch[thread].weightGradient)
        } merge: { part, thread in
            guard parts.count > 1 else { return }
            let partSum = scratch[thread].weightGradient
            if part == 0 {
                sum.update(from: partSum, count: path.weightGradientCount)
            } else {
                table.add_to(sum, partSum, Int64(path.weightGradientCount))
            }
        }
        path.finish(self, sum: sum)
        inputGradient.target?.normalization.finishGradient(partCount: parts.count)
        guard case .padded(let gradient) = inputGradient else { return }
        gradient.joinParts(table)
        if geometry.padding == .reflection {
            gradient.fold(geometry.input, rim: geometry.rim, table)
        }
        source.backward(gradient, rim: geometry.rim, team, scratch)
    }

    private func computeGradients(
        part: Int, _ scratch: Scratch, sum: UnsafeMutablePointer<Float>
    ) {
        var window = makeWindow(scratch)
        let gradient = inputGradient.memory
        var cleared = gradient?.plan.firstRows[part] ?? 0
        func clear(upTo end: Int) {
            guard path.addsInputGradient, end > cleared else { return }
            gradient?.clear(cleared..<end, part: part)
            cleared = end
        }
        let target = inputGradient.target
        target?.normalization.beginGradient(part: part)
        for (index, strip) in parts[part].enumerated() {
            let rows = path.windowRows(for: strip)
            window.slide(to: rows)
            loadGradient(of: strip, scratch)
            clear(upTo: rows.upperBound)
            path.backward(
                self, scratch, strip: strip,
                sum: WeightGradientSum(values: sum, accumulates: index > 0),
                inputGradient: gradient?.row(rows.lowerBound, part: part))
            guard let target, let gradient else { continue }
            target.normalization.addGradient(
                part: part, gradient.row(strip.lowerBound, part: part),
                values: target.raw + strip.lowerBound * gradient.rowLength,
                pixels: strip.count * geometry.input.width, slope: target.slope)
        }
        // A stride may leave rows unread.
        clear(upTo: gradient?.plan.ownRows(part).upperBound ?? 0)
    }

    private func makeWindow(_ scratch: Scratch) -> PaddedWindow {
        PaddedWindow(
            source: source, rim: geometry.rim, width: path.paddedWidth, padding: geometry.padding,
            memory: scratch.window, rowScratch: scratch.rows)
    }

    private func prepareGradient(_ team: ThreadTeam) {
        guard let normalization, !gradientIsSummed else { return }
        let count = geometry.output.width * geometry.output.channels
        team.run(parts: parts.count) { part, _ in
            normalization.beginGradient(part: part)
            for strip in parts[part] {
                for y in strip {
                    normalization.addGradient(
                        part: part, gradientSource.pointee.gradient + y * count,
                        values: raw + y * count, pixels: geometry.output.width, slope: slope)
                }
            }
        }
        normalization.finishGradient(partCount: parts.count)
    }

    private func loadGradient(of strip: Range<Int>, _ scratch: Scratch) {
        for (index, y) in strip.enumerated() {
            table.load_gradient_row(
                gradientSource, Int64(y), scratch.gradientRows + index * path.gradientRowLength)
        }
    }
}

extension ConvolutionLayer.InputGradient {
    var memory: PaddedGradient? {
        switch self {
        case .none: nil
        case .padded(let gradient), .direct(let gradient, _, _): gradient
        }
    }

    /// Whether strips add to what is there instead of writing their rows.
    var addsDirectly: Bool {
        if case .direct(_, let adds, _) = self { adds } else { false }
    }

    var target: ConvolutionLayer.GradientTarget? {
        if case .direct(_, _, let target) = self { target } else { nil }
    }
}

/// Sizes of a convolution, and what follows from them.
struct ConvolutionGeometry {
    let input: Shape
    let output: Shape
    /// Pixels along a side that an output depends on: with `averages`, one more than the weights'.
    let kernel: Int
    let stride: Int
    /// Whether an output is the mean of 2x2 outputs of stride 1.
    var averages = false
    let padding: Padding

    var rim: Int { (kernel - 1) / 2 }
    var patchLength: Int { kernel * kernel * input.channels }
    /// Multiplications of one pass over the image.
    var productCount: Int { patchLength * output.count }

    /// Parts that a layer's work is divided into at the most, and so threads that share it.
    static let partCountMax = 8
    /// Layers of less work, in products and in values, are one part.
    private static let sharedProductCountMin = 1 << 24
    private static let sharedValueCountMin = 1 << 19

    /// Ranges of `rowCount` output rows, the last one shorter.
    func strips(rowCount: Int) -> [Range<Int>] {
        Swift.stride(from: 0, to: output.height, by: rowCount).map {
            $0..<min($0 + rowCount, output.height)
        }
    }

    private func partCount(of itemCount: Int) -> Int {
        let isLarge =
            productCount >= Self.sharedProductCountMin
            || input.count + output.count >= Self.sharedValueCountMin
        return isLarge ? max(1, min(Self.partCountMax, itemCount / 2)) : 1
    }

    /// The strips in parts of about equal size.
    func parts(of strips: [Range<Int>]) -> [[Range<Int>]] {
        let count = partCount(of: strips.count)
        return (0..<count).map { part in
            Array(strips[part * strips.count / count..<(part + 1) * strips.count / count])
        }
    }

    /// The input's rows in parts that begin at even rows.
    func rowParts() -> [Range<Int>] {
        let pairs = (input.height + 1) / 2
        let count = partCount(of: pairs)
        return (0..<count).map { part in
            2 * (part * pairs / count)..<min(2 * ((part + 1) * pairs / count), input.height)
        }
    }

    func makePath(_ options: NetworkOptions) -> any ConvolutionPath {
        WinogradPath.suits(self, options.paths)
            ? WinogradPath(geometry: self, precision: options.precision)
            : PatchPath(
                geometry: self,
                precision: PatchPath.precision(for: self, wanted: options.precision))
    }
}

extension ConvolutionPath {
    /// How a padded input's gradient is divided among these parts of the work.
    func gradientPlan(
        _ geometry: ConvolutionGeometry, _ parts: [[Range<Int>]]
    ) -> PaddedGradientPlan {
        PaddedGradientPlan(
            firstRows: parts.map { windowRows(for: $0[0]).lowerBound },
            overlap: max(0, geometry.kernel - geometry.stride), height: paddedHeight)
    }
}
