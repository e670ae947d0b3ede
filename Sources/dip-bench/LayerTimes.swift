// Where an iteration's time goes.

import DeepImagePrior
import NeuralNetwork

/// Times the parts of iterations: each from the end of the one before.
final class PartClock {
    private let clock = ContinuousClock()
    private var lastEnd = ContinuousClock.now
    private var milliseconds: [FitPart: [Double]] = [:]

    /// At the start of an iteration.
    func start() {
        lastEnd = clock.now
    }

    func end(_ part: FitPart) {
        let end = clock.now
        milliseconds[part, default: []].append((end - lastEnd) / .milliseconds(1))
        lastEnd = end
    }

    func medianMilliseconds(_ part: FitPart) -> Double {
        milliseconds[part].map(median) ?? 0
    }
}

/// Medians of the parts of an iteration.
struct LayerTimes: Encodable {
    struct Layer: Encodable {
        let name: String
        let input: String
        let output: String
        let kernel: Int
        let stride: Int
        let forwardMilliseconds: Double
        let backwardMilliseconds: Double
        /// 2, or 1 for a layer that reads the network's input, which wants no gradient.
        let backwardPassCount: Int
        let forwardGigaflopsPerSecond: Double
        let backwardGigaflopsPerSecond: Double
    }

    let convolutions: [Layer]
    /// What lies outside the convolutions.
    let otherMilliseconds: [String: Double]

    init(_ descriptions: [NetworkDescription.Convolution], _ clock: PartClock) {
        convolutions = descriptions.map { layer in
            let forward = clock.medianMilliseconds(.forward(layer: layer.name))
            let backward = clock.medianMilliseconds(.backward(layer: layer.name))
            let operations = 2 * Double(layer.productCount)
            return Layer(
                name: layer.name, input: layer.source.shape.description,
                output: layer.outputShape.description, kernel: layer.kernel, stride: layer.stride,
                forwardMilliseconds: forward, backwardMilliseconds: backward,
                backwardPassCount: layer.backwardPassCount,
                forwardGigaflopsPerSecond: operations / max(forward, 1e-6) / 1e6,
                backwardGigaflopsPerSecond: Double(layer.backwardPassCount) * operations
                    / max(backward, 1e-6) / 1e6)
        }
        let bias = (descriptions.last?.name ?? "") + ".bias"
        otherMilliseconds = [
            "noise": clock.medianMilliseconds(.noise),
            "output": clock.medianMilliseconds(.forward(layer: bias))
                + clock.medianMilliseconds(.backward(layer: bias)),
            "loss": clock.medianMilliseconds(.loss),
            "update": clock.medianMilliseconds(.update),
        ]
    }

    func printTable() {
        print(
            padded("layer", 20) + padded("input", 14) + padded("output", 14)
                + padded("kernel", 8) + padded("forward ms (GFLOP/s)", 23)
                + "backward ms (GFLOP/s)")
        for layer in convolutions {
            let kernel = "\(layer.kernel)x\(layer.kernel)" + (layer.stride > 1 ? "/2" : "")
            let backward =
                "\(rounded(layer.backwardMilliseconds)) "
                + "(\(rounded(layer.backwardGigaflopsPerSecond)))"
            print(
                padded(layer.name, 20) + padded(layer.input, 14) + padded(layer.output, 14)
                    + padded(kernel, 8)
                    + padded(
                        "\(rounded(layer.forwardMilliseconds)) "
                            + "(\(rounded(layer.forwardGigaflopsPerSecond)))", 23) + backward)
        }
        let forward = convolutions.reduce(0) { $0 + $1.forwardMilliseconds }
        let backward = convolutions.reduce(0) { $0 + $1.backwardMilliseconds }
        print(
            padded("layers together", 56) + padded("\(rounded(forward))", 23)
                + "\(rounded(backward))")
        for (name, milliseconds) in otherMilliseconds.sorted(by: { $0.key < $1.key }) {
            print(padded(name, 56) + "\(rounded(milliseconds))")
        }
    }
}
