// What the network is given as its input z.

import NeuralNetwork

/// What z is: noise, or a picture of `inputChannels` bands, or both. Each iteration adds fresh
/// noise to it.
public enum NetworkInput: String, Codable, Sendable, CaseIterable {
    /// Uniform noise, cut from one field over the whole image.
    case noise
    /// The same noise, but the first channels are the given pixels at a lower resolution: means
    /// over blocks of `coarseBlock` pixels, times `coarseScale`. A network that sees where it is
    /// has far less to learn, and what it learns holds on other tiles too.
    ///
    /// Not published; docs/QUALITY.md has what it gains.
    case coarse
    /// The same noise, but the first channels are the given pixels themselves, times `maskedScale`.
    /// Each iteration hides another `maskedShare` of their samples, which it shows as the mean of
    /// those around them, and asks for those only: see `MaskedPicture`.
    ///
    /// Not published in this form; docs/QUALITY.md has what it gains.
    case masked
    /// The given pixels themselves, of as many bands; enlarged bilinearly where the restored tile
    /// is larger, 0.5 where a sample is missing.
    case image
    /// Two channels that say where a pixel lies in the whole restored image:
    /// column / (width - 1), row / (height - 1). Published for a large hole (inpainting.ipynb,
    /// "vase").
    case meshgrid
    /// The problem's guide, another picture of the same place; 0.5 where a sample is missing.
    case guide

    /// Whether a picture takes the first channels, and noise the others.
    public var isPictureInNoise: Bool { self == .coarse || self == .masked }

    /// z of a restored tile, (outputHeight, outputWidth, inputChannels).
    ///
    /// - Parameter problem: valid for the configuration; NaN where pixels are missing.
    func z(
        of problem: FitProblem, _ configuration: FitConfiguration, kernels: Kernels
    ) -> [Float] {
        switch self {
        case .noise, .masked: NoiseField(configuration).cut(problem, kernels: kernels)
        case .coarse: problem.coarsePictureInNoise(configuration, kernels: kernels)
        case .image: problem.enlargedPixels()
        case .meshgrid: problem.meshgrid()
        case .guide: problem.guide.map { $0.isNaN ? 0.5 : $0 }
        }
    }
}

extension FitProblem {
    /// Checks what z is made of.
    func validateInput(for configuration: FitConfiguration) throws(FitError) {
        let channels = configuration.inputChannels
        switch configuration.input {
        case .noise: break
        case .coarse, .masked:
            guard bands < channels else {
                throw .invalid(
                    "a network input of \(channels) channels has no room for a picture of "
                        + "\(bands) bands and noise")
            }
        case .image:
            guard bands == channels else {
                throw .invalid(
                    "a network input of \(channels) channels is no tile of \(bands) bands")
            }
        case .meshgrid:
            let sides = 1...Int(Int32.max)
            guard let imageWidth, let imageHeight, sides.contains(imageWidth),
                sides.contains(imageHeight)
            else { throw .invalid("the tile came without the size of the image it lies in") }
        case .guide:
            guard guideBands == channels, guide.count == outputHeight * outputWidth * channels
            else {
                throw .invalid(
                    "a guide of \(guideBands) bands and \(guide.count) values came to a network "
                        + "input of \(channels) channels")
            }
            guard !guide.contains(where: \.isInfinite) else {
                throw .invalid("the guide holds infinite values")
            }
        }
    }

    fileprivate func coarsePictureInNoise(
        _ configuration: FitConfiguration, kernels: Kernels
    ) -> [Float] {
        var z = NoiseField(configuration).cut(self, kernels: kernels)
        let coarse = CoarsePicture(self, block: configuration.coarseBlock)
        z.withUnsafeMutableBufferPointer {
            coarse.write(
                into: $0, height: outputHeight, width: outputWidth,
                channels: configuration.inputChannels, scale: Float(configuration.coarseScale))
        }
        return z
    }

    fileprivate func enlargedPixels() -> [Float] {
        let pixels = pixels.map { $0.isNaN ? 0.5 : $0 }
        guard factor > 1 else { return pixels }
        var z = [Float](repeating: 0, count: outputCount)
        let small = CoarsePicture(
            pixels, rows: height, columns: width, bands: bands, side: factor)
        z.withUnsafeMutableBufferPointer {
            small.write(
                into: $0, height: outputHeight, width: outputWidth, channels: bands, scale: 1)
        }
        return z
    }

    fileprivate func meshgrid() -> [Float] {
        let across = Double(max((imageWidth ?? 0) - 1, 1))
        let down = Double(max((imageHeight ?? 0) - 1, 1))
        return (0..<outputHeight).flatMap { y in
            (0..<outputWidth).flatMap { x in
                [Float(Double(originX + x) / across), Float(Double(originY + y) / down)]
            }
        }
    }
}
