// The bottom of the ladder: convolution as its definition says, in double precision.
//
// With x padded, over outputs o, inputs i and taps (u, v) of the kernel, at stride s:
//     Y[y, x, o]      = sum over u, v, i of X[s y + u, s x + v, i] W[o, i, u, v]
//     dW[o, i, u, v]  = sum over y, x of X[s y + u, s x + v, i] dY[y, x, o]
//     dX[.., i]      += W[o, i, u, v] dY[y, x, o]   at the pixel that (s y + u, s x + v) stands for
// Large layers would take minutes, so only some channels are computed, over the whole image: output
// channels of Y and dW, input channels of dX.

import NeuralNetwork

struct NaiveConvolution {
    let shape: LadderShape
    let numbers: LadderNumbers
    /// The channels that are computed.
    let outputChannels, inputChannels: [Int]
    /// For each row (or column) of the padded input, the row of the input; -1 for zeros.
    private let rows, columns: [Int]

    /// Products of a pass that are computed, unless one channel alone takes more.
    private static let productCountMaximum = 1 << 25

    init(_ shape: LadderShape, _ numbers: LadderNumbers) {
        self.shape = shape
        self.numbers = numbers
        let share = Double(Self.productCountMaximum) / Double(shape.productCount)
        outputChannels = Self.spread(shape.outputs, share)
        inputChannels = Self.spread(shape.inputs, share)
        rows = Self.paddedIndices(shape.height, shape)
        columns = Self.paddedIndices(shape.width, shape)
    }

    var outputProductCount: Int { shape.productCount / shape.outputs * outputChannels.count }
    var inputProductCount: Int { shape.productCount / shape.inputs * inputChannels.count }

    /// A share of the channels, the last one among them: it is the likeliest to be forgotten.
    private static func spread(_ count: Int, _ share: Double) -> [Int] {
        let chosen = min(count, max(1, Int(Double(count) * share)))
        return (1...chosen).map { $0 * count / chosen - 1 }
    }

    private static func paddedIndices(_ count: Int, _ shape: LadderShape) -> [Int] {
        let rim = shape.kernel / 2
        return (-rim..<count + rim).map { index in
            if (0..<count).contains(index) { return index }
            guard shape.padding == .reflection else { return -1 }
            return index < 0 ? -index : 2 * (count - 1) - index
        }
    }

    /// Y of the output channels, (output height, output width, channels).
    func output() -> [Double] {
        let weights = outputChannels.map { weightsByTap(ofOutput: $0) }
        var result: [Double] = []
        result.reserveCapacity(shape.outputCount / shape.outputs * weights.count)
        forEachPixel { pixel in
            for weights in weights {
                var sum = 0.0
                forEachTap(of: pixel) { tap, source in
                    for input in 0..<shape.inputs {
                        sum += Double(numbers.input[source + input]) * weights[tap + input]
                    }
                }
                result.append(sum)
            }
        }
        return result
    }

    /// dW of the output channels, (channels, kernel, kernel, inputs).
    func weightGradient() -> [[Double]] {
        outputChannels.map { output in
            var sums = [Double](
                repeating: 0, count: shape.kernel * shape.kernel * shape.inputs)
            forEachPixel { pixel in
                let place = (pixel.y * shape.outputWidth + pixel.x) * shape.outputs
                let gradient = Double(numbers.outputGradient[place + output])
                forEachTap(of: pixel) { tap, source in
                    for input in 0..<shape.inputs {
                        sums[tap + input] += Double(numbers.input[source + input]) * gradient
                    }
                }
            }
            return sums
        }
    }

    /// dX of the input channels, (channels, height, width).
    func inputGradient() -> [[Double]] {
        let outputs = shape.outputs
        return inputChannels.map { input in
            let weights = weightsByTap(ofInput: input)
            var sums = [Double](repeating: 0, count: shape.height * shape.width)
            forEachPixel { pixel in
                let place = (pixel.y * shape.outputWidth + pixel.x) * outputs
                forEachTap(of: pixel) { tap, source in
                    var sum = 0.0
                    let first = tap / shape.inputs * outputs
                    for output in 0..<outputs {
                        sum +=
                            Double(numbers.outputGradient[place + output])
                            * weights[first + output]
                    }
                    sums[source / shape.inputs] += sum
                }
            }
            return sums
        }
    }

    private func forEachPixel(_ body: ((y: Int, x: Int)) -> Void) {
        for y in 0..<shape.outputHeight {
            for x in 0..<shape.outputWidth { body((y, x)) }
        }
    }

    /// For each tap that falls on the image: where its weights begin in (kernel, kernel, inputs),
    /// and where its pixel begins in the input.
    private func forEachTap(
        of pixel: (y: Int, x: Int), _ body: (_ weights: Int, _ source: Int) -> Void
    ) {
        for u in 0..<shape.kernel {
            let row = rows[pixel.y * shape.stride + u]
            guard row >= 0 else { continue }
            for v in 0..<shape.kernel {
                let column = columns[pixel.x * shape.stride + v]
                guard column >= 0 else { continue }
                body(
                    (u * shape.kernel + v) * shape.inputs,
                    (row * shape.width + column) * shape.inputs)
            }
        }
    }

    /// (kernel, kernel, inputs)
    private func weightsByTap(ofOutput output: Int) -> [Double] {
        let taps = shape.kernel * shape.kernel
        return (0..<taps).flatMap { tap in
            (0..<shape.inputs).map { weight(output, $0, tap) }
        }
    }

    /// (kernel, kernel, outputs)
    private func weightsByTap(ofInput input: Int) -> [Double] {
        let taps = shape.kernel * shape.kernel
        return (0..<taps).flatMap { tap in
            (0..<shape.outputs).map { weight($0, input, tap) }
        }
    }

    private func weight(_ output: Int, _ input: Int, _ tap: Int) -> Double {
        Double(
            numbers.weights[(output * shape.inputs + input) * shape.kernel * shape.kernel + tap])
    }
}
