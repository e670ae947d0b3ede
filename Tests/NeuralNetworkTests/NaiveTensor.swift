// Tensors and layers of the naive reference: double precision, loops as the formulas are written.

import NeuralNetwork

/// A value of the reference and dLoss/d(value); (height, width, channels), or flat for parameters.
final class NaiveTensor {
    let shape: Shape
    let values: UnsafeMutablePointer<Double>
    let gradient: UnsafeMutablePointer<Double>

    init(_ shape: Shape) {
        self.shape = shape
        values = .allocate(capacity: shape.count)
        gradient = .allocate(capacity: shape.count)
        values.initialize(repeating: 0, count: shape.count)
        gradient.initialize(repeating: 0, count: shape.count)
    }

    convenience init(_ values: [Double]) {
        self.init(Shape(height: 1, width: 1, channels: values.count))
        for index in values.indices { self.values[index] = values[index] }
    }

    deinit {
        values.deallocate()
        gradient.deallocate()
    }

    func offset(_ y: Int, _ x: Int) -> Int { (y * shape.width + x) * shape.channels }
    var array: [Double] { Array(UnsafeBufferPointer(start: values, count: shape.count)) }
    var gradientArray: [Double] {
        Array(UnsafeBufferPointer(start: gradient, count: shape.count))
    }
}

/// Layers that remember how to carry gradients back, in the order in which they ran.
final class NaiveTape {
    private var backwardSteps: [() -> Void] = []
    /// The smallest |x| that went into a LeakyReLU: how far the computation is from a kink.
    private(set) var smallestActivation = Double.infinity

    func runBackward() {
        for step in backwardSteps.reversed() { step() }
    }

    /// Weights (output, input, kernel, kernel); padding by `kernel / 2`.
    func convolution(
        _ input: NaiveTensor, _ weight: NaiveTensor, _ bias: NaiveTensor, output: Shape,
        kernel: Int, stride: Int, padding: Padding
    ) -> NaiveTensor {
        let result = NaiveTensor(output)
        let inputs = input.shape.channels
        let taps = kernel * kernel
        // Calls with the offset of each input pixel, and which tap it meets at which output pixel.
        func forEachTap(_ body: (_ result: Int, _ input: Int, _ tap: Int) -> Void) {
            for y in 0..<output.height {
                for x in 0..<output.width {
                    for tap in 0..<taps {
                        let row = y * stride + tap / kernel - kernel / 2
                        let column = x * stride + tap % kernel - kernel / 2
                        guard let row = Self.inside(row, input.shape.height, padding),
                            let column = Self.inside(column, input.shape.width, padding)
                        else { continue }
                        body(result.offset(y, x), input.offset(row, column), tap)
                    }
                }
            }
        }
        for pixel in 0..<output.pixels {
            for o in 0..<output.channels {
                result.values[pixel * output.channels + o] = bias.values[o]
            }
        }
        forEachTap { at, from, tap in
            var o = 0
            while o < output.channels {
                let w = weight.values + o * inputs * taps + tap
                var (sum, i) = (0.0, 0)
                while i < inputs {
                    sum += w[i * taps] * input.values[from + i]
                    i += 1
                }
                result.values[at + o] += sum
                o += 1
            }
        }
        backwardSteps.append {
            for pixel in 0..<output.pixels {
                for o in 0..<output.channels {
                    bias.gradient[o] += result.gradient[pixel * output.channels + o]
                }
            }
            forEachTap { at, from, tap in
                var o = 0
                while o < output.channels {
                    let w = weight.values + o * inputs * taps + tap
                    let dw = weight.gradient + o * inputs * taps + tap
                    let d = result.gradient[at + o]
                    var i = 0
                    while i < inputs {
                        dw[i * taps] += d * input.values[from + i]
                        input.gradient[from + i] += d * w[i * taps]
                        i += 1
                    }
                    o += 1
                }
            }
        }
        return result
    }

    private static func inside(_ index: Int, _ count: Int, _ padding: Padding) -> Int? {
        if index >= 0, index < count { return index }
        guard padding == .reflection else { return nil }
        return index < 0 ? -index : 2 * count - 2 - index
    }

    /// (x - mean) / sqrt(variance + 1e-5) * gamma + beta for each channel, biased variance.
    func normalization(
        _ input: NaiveTensor, gamma: NaiveTensor, beta: NaiveTensor
    ) -> NaiveTensor {
        let result = NaiveTensor(input.shape)
        let (pixels, channels) = (input.shape.pixels, input.shape.channels)
        var normalized = [Double](repeating: 0, count: input.shape.count)
        var inverses: [Double] = []
        for c in 0..<channels {
            let column = (0..<pixels).map { input.values[$0 * channels + c] }
            let mean = column.reduce(0, +) / Double(pixels)
            let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pixels)
            inverses.append(1 / (variance + 1e-5).squareRoot())
            for pixel in 0..<pixels {
                let index = pixel * channels + c
                normalized[index] = (column[pixel] - mean) * inverses[c]
                result.values[index] = gamma.values[c] * normalized[index] + beta.values[c]
            }
        }
        backwardSteps.append { [normalized, inverses] in
            for c in 0..<channels {
                var (sum, product) = (0.0, 0.0)
                for pixel in 0..<pixels {
                    let index = pixel * channels + c
                    sum += result.gradient[index]
                    product += result.gradient[index] * normalized[index]
                }
                beta.gradient[c] += sum
                gamma.gradient[c] += product
                let factor = gamma.values[c] * inverses[c]
                for pixel in 0..<pixels {
                    let index = pixel * channels + c
                    input.gradient[index] +=
                        factor
                        * (result.gradient[index] - sum / Double(pixels)
                            - normalized[index] * product / Double(pixels))
                }
            }
        }
        return result
    }

    func leaky(_ input: NaiveTensor, slope: Double) -> NaiveTensor {
        guard slope != 1 else { return input }
        let result = NaiveTensor(input.shape)
        for index in 0..<input.shape.count {
            let x = input.values[index]
            smallestActivation = min(smallestActivation, abs(x))
            result.values[index] = x > 0 ? x : slope * x
        }
        backwardSteps.append {
            for index in 0..<input.shape.count {
                let factor = input.values[index] > 0 ? 1 : slope
                input.gradient[index] += factor * result.gradient[index]
            }
        }
        return result
    }

    /// Half as high and wide: means of 2x2 pixels.
    func halved(_ input: NaiveTensor) -> NaiveTensor {
        let result = NaiveTensor(
            Shape(
                height: input.shape.height / 2, width: input.shape.width / 2,
                channels: input.shape.channels))
        func forEachSample(_ body: (_ result: Int, _ input: Int) -> Void) {
            for y in 0..<2 * result.shape.height {
                for x in 0..<2 * result.shape.width {
                    for channel in 0..<input.shape.channels {
                        body(result.offset(y / 2, x / 2) + channel, input.offset(y, x) + channel)
                    }
                }
            }
        }
        forEachSample { result.values[$0] += input.values[$1] / 4 }
        backwardSteps.append {
            forEachSample { input.gradient[$1] += result.gradient[$0] / 4 }
        }
        return result
    }

    /// Twice as high and wide; bilinear samples at ((index + 0.5) / 2 - 0.5), clamped to the image.
    func upsampled(_ input: NaiveTensor, by mode: Upsampling) -> NaiveTensor {
        func samples(_ index: Int, _ count: Int) -> [(index: Int, weight: Double)] {
            guard mode == .bilinear else { return [(index / 2, 1)] }
            let position = max(0, (Double(index) + 0.5) / 2 - 0.5)
            let first = Int(position)
            let share = position - Double(first)
            return [(first, 1 - share), (min(first + 1, count - 1), share)]
        }
        let shape = Shape(
            height: 2 * input.shape.height, width: 2 * input.shape.width,
            channels: input.shape.channels)
        let result = NaiveTensor(shape)
        func forEachSample(_ body: (_ result: Int, _ input: Int, _ weight: Double) -> Void) {
            for y in 0..<shape.height {
                for x in 0..<shape.width {
                    for row in samples(y, input.shape.height) {
                        for column in samples(x, input.shape.width) {
                            body(
                                result.offset(y, x), input.offset(row.index, column.index),
                                row.weight * column.weight)
                        }
                    }
                }
            }
        }
        forEachSample { to, from, weight in
            for c in 0..<shape.channels {
                result.values[to + c] += weight * input.values[from + c]
            }
        }
        backwardSteps.append {
            forEachSample { to, from, weight in
                for c in 0..<shape.channels {
                    input.gradient[from + c] += weight * result.gradient[to + c]
                }
            }
        }
        return result
    }

    /// Side by side along the channels.
    func joined(_ parts: [NaiveTensor]) -> NaiveTensor {
        guard parts.count > 1 else { return parts[0] }
        let channels = parts.map(\.shape.channels).reduce(0, +)
        let shape = Shape(
            height: parts[0].shape.height, width: parts[0].shape.width, channels: channels)
        let result = NaiveTensor(shape)
        func forEachValue(_ body: (_ part: NaiveTensor, _ index: Int, _ result: Int) -> Void) {
            var first = 0
            for part in parts {
                let count = part.shape.channels
                for index in 0..<part.shape.count {
                    body(part, index, index / count * channels + first + index % count)
                }
                first += count
            }
        }
        forEachValue { part, index, at in result.values[at] = part.values[index] }
        backwardSteps.append {
            forEachValue { part, index, at in part.gradient[index] += result.gradient[at] }
        }
        return result
    }
}
