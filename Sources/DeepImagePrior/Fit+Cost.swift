// What a fit takes, without running it.

public import NeuralNetwork

// Heights and widths here are those of restored tiles.
extension Fit {
    /// Arithmetic of one iteration on such a tile, in floating-point operations.
    ///
    /// - Throws: `FitError.invalid` for a size that the network cannot take.
    public static func operationsPerIteration(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) -> Double {
        try describe(configuration, height, width, bands).operationsPerIteration
    }

    /// The convolutions of the network for such a tile, in the order in which they run forward.
    ///
    /// - Throws: `FitError.invalid` for a size that the network cannot take.
    public static func layers(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) -> [NetworkDescription.Convolution] {
        try describe(configuration, height, width, bands).convolutions
    }

    /// Bytes that a fit of such a tile holds: network, optimizer, input, averages and snapshot.
    ///
    /// - Throws: `FitError.invalid` for a size that the network cannot take.
    public static func memoryByteCount(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int,
        threadCount: Int = 1
    ) throws(FitError) -> Int {
        let description = try describe(configuration, height, width, bands)
        do throws(NetworkError) {
            let pixels = height * width
            let masked = configuration.input == .masked ? MaskedPicture.valuesPerSample : 0
            let detail =
                configuration.recoversDetail ? DetailRecovery.valuesPerPixel(bands: bands) : 0
            let arrays =
                pixels * (configuration.inputChannels + (4 + masked) * bands + detail)
                + 3 * StopMonitor.valueCountMaximum(configuration, sampleCount: pixels * bands)
            let snapshot = 3 * (try Network.parameterCount(of: description))
            let options = configuration.networkOptions(threadCount: threadCount)
            return try Network.memoryByteCount(of: description, options: options)
                + (arrays + snapshot) * MemoryLayout<Float>.stride
        } catch {
            throw FitError(error)
        }
    }

    /// Bytes that the encoded state of a fit of such a tile does not exceed.
    ///
    /// - Throws: `FitError.invalid` for a size that the network cannot take.
    public static func stateByteCountMaximum(
        _ configuration: FitConfiguration, height: Int, width: Int, bands: Int
    ) throws(FitError) -> Int {
        let description = try describe(configuration, height, width, bands)
        do throws(NetworkError) {
            return FitState.byteCountMaximum(
                configuration, parameterCount: try Network.parameterCount(of: description),
                sampleCount: height * width * bands)
        } catch {
            throw FitError(error)
        }
    }

    private static func describe(
        _ configuration: FitConfiguration, _ height: Int, _ width: Int, _ bands: Int
    ) throws(FitError) -> NetworkDescription {
        try configuration.validate()
        do throws(NetworkError) {
            return try configuration.network(bands: bands).describe(height: height, width: width)
        } catch {
            throw FitError(error)
        }
    }

    /// The loops for this machine's processor.
    static func kernels() throws(FitError) -> Kernels {
        do throws(NetworkError) { return try .forThisMachine() } catch { throw FitError(error) }
    }
}

extension FitError {
    init(_ error: NetworkError) {
        switch error {
        case .outOfMemory(let byteCount): self = .outOfMemory(byteCount: byteCount)
        case .invalid, .unknownKernelPath, .noThread: self = .invalid(error.description)
        }
    }
}
