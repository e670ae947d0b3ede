// Numbers about the output's pixels in few pixels, for people to look at.

/// Each value is the greatest in a square of the image's pixels, so that what is thin is still
/// seen.
public struct ReducedMap: Equatable, Sendable {
    /// Pixels.
    public let width, height: Int
    /// Pixels of the image along each side of one of this.
    public let reduction: Int
    /// (H, W), 0 or more.
    public let values: [Float]

    public var maximum: Float { values.max() ?? 0 }

    /// Black over purple and orange to light yellow: brighter for more, also in print and for
    /// those who see no colours.
    private static let ramp: [(red: Float, green: Float, blue: Float)] = [
        (0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164),
    ]

    /// RGB, where the last of the colours stands for `maximum` and above it.
    public func picture(maximum: Float) -> ReducedPicture {
        let colors: [[UInt8]] = (0..<256).map { level in
            let place = Float(level) / 255 * Float(Self.ramp.count - 1)
            let index = min(Int(place), Self.ramp.count - 2)
            let (a, b, share) = (Self.ramp[index], Self.ramp[index + 1], place - Float(index))
            return [
                a.red + share * (b.red - a.red), a.green + share * (b.green - a.green),
                a.blue + share * (b.blue - a.blue),
            ].map { UInt8($0.rounded()) }
        }
        let samples = values.flatMap { value in
            colors[maximum > 0 ? Int(min(value / maximum, 1) * 255) : 0]
        }
        return ReducedPicture(
            width: width, height: height, reduction: reduction, bands: 3, samples: samples)
    }
}

/// Makes a `ReducedMap` of rows that come from top to bottom.
final class MapReducer {
    private let width, height, reduction: Int
    private var values: [Float] = []
    private var rowCount = 0

    init(width: Int, height: Int, sideMaximum: Int) {
        (self.width, self.height) = (width, height)
        reduction = ReducedPicture.reduction(width, height, sideMaximum: sideMaximum)
    }

    private var columnCount: Int { (width + reduction - 1) / reduction }

    /// Takes the next full rows.
    func append(_ rows: UnsafeBufferPointer<Float>) {
        for first in stride(from: 0, to: rows.count, by: width) {
            if rowCount % reduction == 0 {
                values += repeatElement(0, count: columnCount)
            }
            let place = values.count - columnCount
            let (width, reduction) = (width, reduction)
            values.withUnsafeMutableBufferPointer { values in
                for x in 0..<width {
                    let column = place + x / reduction
                    values[column] = max(values[column], rows[first + x])
                }
            }
            rowCount += 1
        }
    }

    /// After the last row.
    func finish() -> ReducedMap {
        precondition(rowCount == height, "\(rowCount) of \(height) rows")
        return ReducedMap(
            width: columnCount, height: (height + reduction - 1) / reduction,
            reduction: reduction, values: values)
    }
}
