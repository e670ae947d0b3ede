// One way to compute a convolution, timed and checked.

import NeuralNetwork

/// What a rung of the ladder reached on one convolution.
struct LadderRung: Encodable {
    struct Pass: Encodable {
        let milliseconds: Double
        let gigaflopsPerSecond: Double

        init(seconds: Double, productCount: Int) {
            milliseconds = seconds * 1e3
            gigaflopsPerSecond = 2 * Double(productCount) / max(seconds, 1e-9) / 1e9
        }
    }

    /// Relative, 2-norm, against double precision.
    struct Errors: Encodable {
        let forward, toWeights, toInput: Double

        var largest: Double { [forward, toWeights, toInput].max() ?? 0 }
    }

    let name: String
    /// Whether the engine computes such a layer in this way.
    let isChosen: Bool
    let forward: Pass
    /// The way back to the weights alone, as a network's first layers go it.
    let toWeights: Pass
    /// The way back to the weights and to the input, which share work.
    let toBoth: Pass
    /// Nil for the reference.
    let errors: Errors?
}

extension NaiveConvolution {
    /// The reference: what it computed, and how long that took.
    func climb() -> (reference: LadderReference, rung: LadderRung) {
        func timed<Value>(_ body: () -> Value) -> (Value, Double) {
            let start = ContinuousClock.now
            let value = body()
            return (value, (ContinuousClock.now - start) / .seconds(1))
        }
        let (output, forward) = timed(output)
        let (weightGradient, toWeights) = timed(weightGradient)
        let (inputGradient, toInput) = timed(inputGradient)
        let rung = LadderRung(
            name: "naive", isChosen: false,
            forward: LadderRung.Pass(seconds: forward, productCount: outputProductCount),
            toWeights: LadderRung.Pass(seconds: toWeights, productCount: outputProductCount),
            toBoth: LadderRung.Pass(
                seconds: toWeights + toInput,
                productCount: outputProductCount + inputProductCount), errors: nil)
        let reference = LadderReference(
            shape: shape, outputChannels: outputChannels, inputChannels: inputChannels,
            output: output, weightGradient: weightGradient.flatMap { $0 },
            inputGradient: inputGradient.flatMap { $0 })
        return (reference, rung)
    }
}

/// Some channels of a convolution in double precision, and the same picked from an engine's.
struct LadderReference {
    let shape: LadderShape
    let outputChannels, inputChannels: [Int]
    let output: [Double]  // (output height, output width, channels)
    let weightGradient: [Double]  // (channels, kernel, kernel, inputs)
    let inputGradient: [Double]  // (channels, height, width)

    func errors(of run: ConvolutionRun) -> LadderRung.Errors {
        LadderRung.Errors(
            forward: relativeError(picked(output: run.output), output),
            toWeights: relativeError(picked(weights: run.weightGradient), weightGradient),
            toInput: relativeError(picked(input: run.inputGradient), inputGradient))
    }

    private func picked(output values: [Float]) -> [Float] {
        stride(from: 0, to: values.count, by: shape.outputs).flatMap { pixel in
            outputChannels.map { values[pixel + $0] }
        }
    }

    private func picked(weights values: [Float]) -> [Float] {
        let taps = shape.kernel * shape.kernel
        return outputChannels.flatMap { output in
            (0..<taps).flatMap { tap in
                (0..<shape.inputs).map { values[(output * shape.inputs + $0) * taps + tap] }
            }
        }
    }

    private func picked(input values: [Float]) -> [Float] {
        inputChannels.flatMap { channel in
            stride(from: channel, to: values.count, by: shape.inputs).map { values[$0] }
        }
    }
}

/// |a - b| / |b|, 2-norms.
func relativeError(_ values: [Float], _ reference: [Double]) -> Double {
    var (error, size) = (0.0, 0.0)
    for (value, wanted) in zip(values, reference) {
        error += (Double(value) - wanted) * (Double(value) - wanted)
        size += wanted * wanted
    }
    return (error / max(size, .leastNormalMagnitude)).squareRoot()
}

/// The engine computing one convolution along given paths.
struct ConvolutionRun {
    let output: [Float]  // (output height, output width, outputs)
    let weightGradient: [Float]  // (outputs, inputs, kernel, kernel)
    let inputGradient: [Float]  // (height, width, inputs)
    /// Medians, in seconds.
    let forward, toWeights, toBoth: Double

    /// Runs every pass for about so many seconds, and three times at least.
    init(
        _ shape: LadderShape, _ numbers: LadderNumbers, paths: PathChoice, kernels: Kernels,
        seconds: Double
    ) throws(NetworkError) {
        let description = try shape.describe()
        do {
            let network = try Network(
                description, kernels: kernels, options: NetworkOptions(paths: paths))
            Self.fill(network, numbers)
            toWeights = Self.median(of: network, backward: true, numbers, seconds)
        }
        let network = try Network(
            description, kernels: kernels,
            options: NetworkOptions(paths: paths, wantsInputGradient: true))
        Self.fill(network, numbers)
        forward = Self.median(of: network, backward: false, numbers, seconds)
        toBoth = Self.median(of: network, backward: true, numbers, seconds)
        output = Array(network.output)
        inputGradient = network.inputGradient.map { Array($0) } ?? []
        weightGradient =
            network.layout["\(LadderShape.layerName).weight"].map(network.gradient) ?? []
    }

    private static func fill(_ network: Network, _ numbers: LadderNumbers) {
        _ = network.input.update(fromContentsOf: numbers.input)
        if let weight = network.layout["\(LadderShape.layerName).weight"] {
            network.set(weight, to: numbers.weights)
        }
        network.forward()
    }

    /// Of the layer alone: what the output's bias takes lies outside.
    private static func median(
        of network: Network, backward: Bool, _ numbers: LadderNumbers, _ seconds: Double
    ) -> Double {
        var durations: [Double] = []
        var total = 0.0
        while durations.count < 3 || total < seconds {
            var start = ContinuousClock.now
            var duration = 0.0
            let observer: (String) -> Void = { name in
                let now = ContinuousClock.now
                if name == LadderShape.layerName { duration = (now - start) / .seconds(1) }
                start = now
            }
            if backward {
                _ = network.outputGradient.update(fromContentsOf: numbers.outputGradient)
                start = .now
                network.backward(observing: observer)
            } else {
                network.forward(observing: observer)
            }
            durations.append(duration)
            total += duration
        }
        return dip_bench.median(durations)
    }
}
