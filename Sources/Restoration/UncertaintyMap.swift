// How far the results differ that an output is the average of, as an image.

internal import Imaging

/// What the map of an output comes to, in the file's values, over the pixels that have one.
public struct UncertaintySummary: Codable, Equatable, Sendable {
    /// Of the deviations.
    public let mean: Double
    /// That 95 in 100 pixels do not exceed; up to 1 in 128 too high.
    public let percentile95: Double
    public let maximum: Double
    /// Pixels that have a deviation, of all.
    public let pixelCount: Int
    public let imagePixelCount: Int
}

/// A `FloatMap` of the output's size: in each pixel the standard deviation of the results that have
/// part in it, in the file's values; NaN where fewer than two have.
final class UncertaintyMap {
    private let map: FloatMap
    private let region: PixelRegion?
    private let width, height: Int
    private let span: Float
    /// Deviations by the upper half of their bits: larger ones have larger bits.
    private var histogram = [Int](repeating: 0, count: 1 << 16)
    private var sum = 0.0
    private var maximum: Float = 0

    /// - Parameters:
    ///   - header: the output's.
    ///   - region: of the output, which the deviations are about; nil for all of it.
    init(_ path: String, of header: ImageHeader, region: PixelRegion?) throws(ImageError) {
        map = try FloatMap(path, of: header)
        self.region = region
        (width, height) = (header.width, header.height)
        span = Float(header.values.high - header.values.low)
    }

    /// Makes the rows above the region.
    ///
    /// - Throws: `BlendCancelled`, `ImageError`.
    func begin(_ isCancelled: () -> Bool) throws {
        try appendUnknown(rowCount: region?.y ?? 0, isCancelled)
    }

    /// Takes the next full rows of the region.
    ///
    /// - Parameter deviations: (rows, region width), in the range's unit.
    func append(_ rows: Range<Int>, _ deviations: [Float]) throws(ImageError) {
        let (left, partWidth) = (region?.x ?? 0, region?.width ?? width)
        var values = [Float](repeating: .nan, count: rows.count * width)
        for row in 0..<rows.count {
            for x in 0..<partWidth {
                let value = deviations[row * partWidth + x] * span
                values[row * width + left + x] = value
                if !value.isNaN { note(value) }
            }
        }
        try append(values)
    }

    private func note(_ value: Float) {
        histogram[Int(value.bitPattern >> 16)] += 1
        sum += Double(value)
        maximum = max(maximum, value)
    }

    private func append(_ values: [Float]) throws(ImageError) {
        try values.withUnsafeBufferPointer { values throws(ImageError) in
            try map.append(rowCount: values.count / width, values)
        }
    }

    private func appendUnknown(
        rowCount: Int, _ isCancelled: () -> Bool = { false }
    ) throws {
        for top in stride(from: 0, to: rowCount, by: 32) {
            if isCancelled() { throw BlendCancelled() }
            let count = min(32, rowCount - top)
            try append([Float](repeating: .nan, count: count * width))
        }
    }

    /// Puts the map into its place.
    func finish() throws -> UncertaintySummary {
        if let region { try appendUnknown(rowCount: height - region.y - region.height) }
        try map.finish()
        let count = histogram.reduce(0, +)
        var (below, bin) = (0, 0)
        while bin < histogram.count - 1, (below + histogram[bin]) * 100 < count * 95 {
            below += histogram[bin]
            bin += 1
        }
        let bound = Float(bitPattern: UInt32(bin + 1) << 16 - 1)
        return UncertaintySummary(
            mean: count == 0 ? 0 : sum / Double(count),
            percentile95: count == 0 ? 0 : Double(min(bound, maximum)),
            maximum: Double(maximum), pixelCount: count, imagePixelCount: width * height)
    }

    func abandon() { map.abandon() }
}
