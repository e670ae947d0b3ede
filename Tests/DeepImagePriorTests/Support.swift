import DeepImagePrior
import Foundation
import NeuralNetwork
import Safetensors

/// The kernel paths that this CPU has.
enum KernelPaths {
    static let all: [Kernels] = ["portable", "avx2", "avx512", "avx512bf16"].compactMap {
        try? Kernels(named: $0)
    }
}

/// The reference files.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/golden")

    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(
            atPath: folder.path(percentEncoded: false)
        ).filter { $0.hasSuffix(".safetensors") }.sorted()
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }
}

extension FitConfiguration {
    /// Two levels of eight channels: an iteration takes milliseconds.
    static func tiny(_ change: (inout FitConfiguration) -> Void = { _ in }) -> FitConfiguration {
        var configuration = FitConfiguration(
            downChannels: [8, 8], upChannels: [8, 8], skipChannels: [4, 4])
        configuration.inputChannels = 8
        change(&configuration)
        return configuration
    }
}

extension FitProblem {
    /// A tile whose pixels are computed from row, column and band.
    static func tile(
        _ height: Int = 32, _ width: Int = 32, bands: Int = 3, x: Int = 0, y: Int = 0,
        number: Int = 0, pixel: (Int, Int, Int) -> Float = Self.smooth
    ) -> FitProblem {
        var pixels: [Float] = []
        for row in 0..<height {
            for column in 0..<width {
                for band in 0..<bands { pixels.append(pixel(row, column, band)) }
            }
        }
        return FitProblem(
            pixels: pixels, height: height, width: width, bands: bands, originX: x, originY: y,
            tile: number)
    }

    /// Slow waves in other directions for every band, 0.1 to 0.9.
    static func smooth(_ row: Int, _ column: Int, _ band: Int) -> Float {
        let phase = Double(row) / 7 + Double(column * (band + 1)) / 11
        return Float(0.5 + 0.4 * sin(phase))
    }
}

/// A small generator, the same on every machine.
struct SmallGenerator {
    private var state: UInt64

    init(seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }

    private mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }

    mutating func pick(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() >> 33) % range.count
    }

    /// Uniform in -1 to 1.
    mutating func floats(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(next() >> 40) / 8_388_608 - 1 }
    }
}
