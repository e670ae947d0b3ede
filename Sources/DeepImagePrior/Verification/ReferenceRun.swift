// Running a reference case through the engine.

import NeuralNetwork
import Safetensors

/// The network of a reference case with the case's parameters, and its optimizer.
struct ReferenceRun {
    let network: Network
    private let file: SafetensorsFile
    private let target: [Float]  // (height, width, channels)
    private let mask: [Float]  // (height, width, channels)
    private var adam = Adam()

    init(_ reference: ReferenceCase, kernels: Kernels) throws {
        let header = reference.header
        let levels = header.down.count
        let configuration = SkipNetworkConfiguration(
            inputChannels: header.inputChannels, outputChannels: header.outputChannels,
            down: header.down, up: header.up, skip: header.skip,
            filterDown: header.filterDown.values(levels: levels),
            filterUp: header.filterUp.values(levels: levels),
            upsampling: [Upsampling](repeating: header.upsample, count: levels),
            downsampling: header.downsample ?? .stride, padding: header.pad,
            hasSigmoid: header.sigmoid, hasOneByOneUp: header.oneByOneUp)
        let description = try configuration.describe(height: header.height, width: header.width)
        network = try Network(description, kernels: kernels)
        file = reference.file
        for parameter in network.layout.parameters {
            let values = try Self.tensor("weight/\(parameter.name)", parameter.count, in: file)
            network.set(parameter, to: values)
        }
        let (input, output) = (network.inputShape, network.outputShape)
        let z = Self.channelsLast(try Self.tensor("z", input.count, in: file), input)
        _ = network.input.update(fromContentsOf: z)
        target = Self.channelsLast(try Self.tensor("target", output.count, in: file), output)
        let plane =
            header.masked
            ? try Self.tensor("mask", output.pixels, in: file)
            : [Float](repeating: 1, count: output.pixels)
        mask = plane.flatMap { [Float](repeating: $0, count: output.channels) }
    }

    private static func tensor(
        _ name: String, _ count: Int, in file: SafetensorsFile
    ) throws -> [Float] {
        let values = try file.float32s(name)
        guard values.count == count else {
            throw ReferenceCase.FormatError(
                description: "\(name) has \(values.count) values where the network needs \(count)")
        }
        return values
    }

    /// From (channels, height, width) to (height, width, channels).
    private static func channelsLast(_ values: [Float], _ shape: Shape) -> [Float] {
        var result = [Float](repeating: 0, count: values.count)
        for channel in 0..<shape.channels {
            for pixel in 0..<shape.pixels {
                result[pixel * shape.channels + channel] = values[channel * shape.pixels + pixel]
            }
        }
        return result
    }

    /// Forward and backward; returns the mean of ((output - target) mask)^2.
    func computeGradients() -> Double {
        network.forward()
        let (output, gradient) = (network.output, network.outputGradient)
        var sum = 0.0
        for index in output.indices {
            let difference = (output[index] - target[index]) * mask[index]
            sum += Double(difference) * Double(difference)
            gradient[index] = 2 * difference * mask[index] / Float(output.count)
        }
        network.backward()
        return sum / Double(output.count)
    }

    mutating func takeStep(learningRate: Double) {
        adam.step(network, learningRate: learningRate)
    }

    func compareOutput() throws -> ReferenceCase.Deviation {
        let shape = network.outputShape
        let expected = Self.channelsLast(try Self.tensor("output", shape.count, in: file), shape)
        return ReferenceCase.Deviation(
            quantity: "output", worst: "output",
            error: Self.relativeError(Array(network.output), expected),
            tolerance: ReferenceCase.outputTolerance)
    }

    /// The worst relative error over all parameters, and the largest value among those whose exact
    /// gradient is zero. Those are left out after optimizer steps.
    func compareParameters(
        _ prefix: String, _ values: (Parameter) -> [Float]
    ) throws -> [ReferenceCase.Deviation] {
        let quantity = prefix == "gradient" ? "gradients" : "weights after 3 steps"
        var worst = (name: "", error: 0.0)
        var zero = (name: "", error: 0.0)
        for parameter in network.layout.parameters {
            let expected = try Self.tensor("\(prefix)/\(parameter.name)", parameter.count, in: file)
            let actual = values(parameter)
            if parameter.hasNoEffect {
                let largest = zip(actual, expected).map { abs(Double($0) - Double($1)) }.max() ?? 0
                if !(largest <= zero.error) { zero = (parameter.name, largest) }
            } else {
                let error = Self.relativeError(actual, expected)
                if !(error <= worst.error) { worst = (parameter.name, error) }
            }
        }
        let relative = ReferenceCase.Deviation(
            quantity: quantity, worst: worst.name, error: worst.error,
            tolerance: ReferenceCase.gradientTolerance)
        guard prefix == "gradient" else { return [relative] }
        let absolute = ReferenceCase.Deviation(
            quantity: "zero gradients", worst: zero.name, error: zero.error,
            tolerance: ReferenceCase.zeroTolerance)
        return [relative, absolute]
    }

    /// |a - b| / |b| in the 2-norm; not a number stays not a number, and so out of tolerance.
    static func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
        var (difference, size) = (0.0, 0.0)
        for (a, b) in zip(actual, expected) {
            difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
            size += Double(b) * Double(b)
        }
        return (difference / max(size, 1e-30)).squareRoot()
    }
}
