// Test pictures: drawn, noisy where wanted, the same for the same seed.

import Glibc
import Imaging
import Testing

/// SplitMix64: the same numbers for the same seed everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A standard normal number.
    mutating func normal() -> Float {
        let radius = Float.random(in: 1e-6...1, using: &self)
        let angle = Float.random(in: 0..<2 * .pi, using: &self)
        return (-2 * log(radius)).squareRoot() * cos(angle)
    }
}

/// A picture as it lies in a file.
struct Picture {
    let header: ImageHeader
    /// (H, W, C) in [0, 1].
    let color: [Float]
    /// (H, W) in the file's scale; nil without alpha.
    let alpha: [UInt16]?

    init(header: ImageHeader, color: [Float], alpha: [UInt16]?) {
        self.header = header
        self.color = color
        self.alpha = alpha
    }

    /// Slopes, a disc and an edge, with Gaussian noise of the standard deviation `noise`.
    init(
        width: Int = 96, height: Int = 96, bands: Int = 3, hasAlpha: Bool = false,
        sampleType: SampleType = .uint8, noise: Float = 0.1, seed: Int = 1
    ) {
        var generator = SeededGenerator(seed: seed)
        header = ImageHeader(
            width: width, height: height, colorBands: bands, alpha: hasAlpha ? .unassociated : nil,
            sampleType: sampleType, format: .png)
        var color: [Float] = []
        for y in 0..<height {
            for x in 0..<width {
                let (u, v) = (Float(x) / Float(width), Float(y) / Float(height))
                let isInDisc = (u - 0.4) * (u - 0.4) + (v - 0.5) * (v - 0.5) < 0.06
                for band in 0..<bands {
                    let slope = 0.2 + 0.4 * (band == 1 ? v : u)
                    let clean = isInDisc ? 0.85 - 0.2 * Float(band) : u > 0.8 ? 0.15 : slope
                    color.append(min(max(clean + noise * generator.normal(), 0), 1))
                }
            }
        }
        self.color = color
        let maximum = UInt16(sampleType.range.high)
        alpha =
            hasAlpha
            ? (0..<width * height).map { _ in .random(in: 0...maximum, using: &generator) } : nil
    }

    /// Reads a file.
    init(_ path: String) throws {
        let source = try ImageFormats.open(path)
        let header = source.header
        let pixelCount = header.width * header.height
        var color = [Float](repeating: 0, count: pixelCount * header.colorBands)
        var alpha = [UInt16](repeating: 0, count: header.hasAlpha ? pixelCount : 0)
        try color.withUnsafeMutableBufferPointer {
            let whole = PixelRegion(x: 0, y: 0, width: header.width, height: header.height)
            try source.readColor(whole, into: $0)
        }
        if header.hasAlpha {
            var bytes = [UInt8](repeating: 0, count: header.decodedByteCount)
            try bytes.withUnsafeMutableBytes { raw in
                let whole = PixelRegion(x: 0, y: 0, width: header.width, height: header.height)
                try source.readRaw(whole, into: raw)
                for i in alpha.indices {
                    let place = i * header.samplesPerPixel + header.colorBands
                    alpha[i] =
                        header.sampleType == .uint8
                        ? UInt16(raw[place])
                        : raw.load(fromByteOffset: 2 * place, as: UInt16.self)
                }
            }
        }
        self.header = header
        self.color = color
        self.alpha = header.hasAlpha ? alpha : nil
    }

    /// Writes a file in the format of the path's extension; returns the path.
    @discardableResult
    func write(_ path: String) throws -> String {
        let sink = try ImageFormats.createSink(path, like: header)
        var bytes = [UInt8](repeating: 0, count: header.decodedByteCount)
        try bytes.withUnsafeMutableBytes { raw in
            color.withUnsafeBufferPointer { header.encode($0, into: raw) }
            for (i, value) in (alpha ?? []).enumerated() {
                let place = i * header.samplesPerPixel + header.colorBands
                if header.sampleType == .uint8 {
                    raw[place] = UInt8(value)
                } else {
                    raw.storeBytes(of: value, toByteOffset: 2 * place, as: UInt16.self)
                }
            }
            try sink.append(rowCount: header.height, samples: UnsafeRawBufferPointer(raw))
        }
        try sink.finish()
        return path
    }

    /// The mean of the squared differences of the colour samples.
    func meanSquaredError(_ other: Picture) -> Double {
        zip(color, other.color).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            / Double(color.count)
    }
}

/// Writes a TIFF of one band of 8 bits or of float32, from the value at each column and row;
/// returns its path.
@discardableResult
func writeTIFF(
    _ path: String, _ type: SampleType, side: (width: Int, height: Int),
    _ value: (Int, Int) -> Float
) throws -> String {
    let header = ImageHeader(
        width: side.width, height: side.height, colorBands: 1, sampleType: type, format: .tiff,
        tiffCompression: TIFFCompression.none)
    let values = (0..<side.width * side.height).map { value($0 % side.width, $0 / side.width) }
    let bytes = type == .uint8 ? values.map { UInt8($0) } : values.withUnsafeBytes { Array($0) }
    let sink = try ImageFormats.createSink(path, like: header, overwrite: true)
    try bytes.withUnsafeBytes { try sink.append(rowCount: side.height, samples: $0) }
    try sink.finish()
    return path
}
