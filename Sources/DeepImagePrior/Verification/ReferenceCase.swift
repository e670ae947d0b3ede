// Cases computed by another program (PyTorch in double precision), and how far we are from them.

import FoundationEssentials
public import NeuralNetwork
public import Safetensors

/// One reference file: a small skip network with its input, target, parameters, and what the other
/// program computed. The format is described in `docs/NUMERICS.md`.
public struct ReferenceCase {
    /// What was compared, how far off it is, and how far it may be.
    public struct Deviation: Sendable {
        /// `output`, `gradient`, `weights after 3 steps`, `losses`, ...
        public let quantity: String
        /// Where the largest error of this quantity is.
        public let worst: String
        public let error: Double
        public let tolerance: Double

        public var isWithinTolerance: Bool { error <= tolerance }
    }

    /// Why a file is not a reference case.
    public struct FormatError: Error, CustomStringConvertible {
        public let description: String
    }

    /// The network's description in the file's metadata.
    struct Header: Decodable {
        let inputChannels, outputChannels: Int
        let down, up, skip: [Int]
        let filterDown, filterUp: LevelList
        let pad: Padding
        let upsample: Upsampling
        /// Absent where the convolutions have a stride.
        let downsample: Downsampling?
        let sigmoid, oneByOneUp, masked: Bool
        let steps: Int
        let learningRate: Double
        let height, width: Int

        enum CodingKeys: String, CodingKey {
            case inputChannels = "input_channels"
            case outputChannels = "output_channels"
            case down, up, skip
            case filterDown = "filter_down"
            case filterUp = "filter_up"
            case pad, upsample, downsample, sigmoid
            case oneByOneUp = "one_by_one_up"
            case masked, steps
            case learningRate = "learning_rate"
            case height, width
        }
    }

    /// One number for all levels, or one for each.
    enum LevelList: Decodable {
        case same(Int)
        case each([Int])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Int.self) {
                self = .same(value)
            } else {
                self = .each(try container.decode([Int].self))
            }
        }

        func values(levels: Int) -> [Int] {
            switch self {
            case .same(let value): return [Int](repeating: value, count: levels)
            case .each(let values): return values
            }
        }
    }

    let header: Header
    let file: SafetensorsFile

    /// Tolerances: the relative L2 error of the output and the first loss; that of gradients,
    /// weights and later losses; the absolute size of gradients whose exact value is zero.
    static let outputTolerance = 1e-5
    static let gradientTolerance = 1e-3
    static let zeroTolerance = 1e-6

    /// - Throws: `FormatError` where the metadata does not describe a case.
    public init(_ file: SafetensorsFile) throws {
        guard let text = file.header.metadata["case"] else {
            throw FormatError(description: "the file's metadata has no \"case\"")
        }
        do {
            header = try JSONDecoder().decode(Header.self, from: Data(text.utf8))
        } catch {
            throw FormatError(description: "the file's \"case\" is not understood: \(error)")
        }
        self.file = file
    }

    /// Computes the case with our engine and compares everything that the file holds.
    ///
    /// - Throws: `NetworkError`, `SafetensorsError` or `FormatError` where the file asks for a
    ///   network that cannot be built or lacks a tensor.
    public func compare(kernels: Kernels) throws -> [Deviation] {
        var run = try ReferenceRun(self, kernels: kernels)
        var deviations: [Deviation] = []
        var losses: [Double] = []
        let expectedLosses = try file.float32s("losses").map(Double.init)
        for step in 0..<max(header.steps, 3) {
            losses.append(run.computeGradients())
            if step == 0 {
                deviations.append(try run.compareOutput())
                deviations += try run.compareParameters("gradient") { run.network.gradient(of: $0) }
            }
            run.takeStep(learningRate: header.learningRate)
            if step == 2 {
                deviations += try run.compareParameters("after3") { run.network.values(of: $0) }
            }
        }
        let pairs = zip(losses, expectedLosses).map { abs($0 - $1) / max(abs($1), 1e-30) }
        guard pairs.count == header.steps, let first = pairs.first, let worst = pairs.max() else {
            throw FormatError(
                description: "\(expectedLosses.count) losses for \(header.steps) steps")
        }
        deviations.append(
            Deviation(
                quantity: "first loss", worst: "step 1", error: first,
                tolerance: Self.outputTolerance))
        deviations.append(
            Deviation(
                quantity: "losses", worst: "step \((pairs.firstIndex(of: worst) ?? 0) + 1)",
                error: worst, tolerance: Self.gradientTolerance))
        return deviations
    }
}
