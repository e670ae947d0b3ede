// An image in few pixels, for people to look at.

public import Imaging

/// 8 bits a sample, gray or RGB, not larger than a page has room for. Each pixel is the mean of a
/// square of the image's.
public struct ReducedPicture: Equatable, Sendable {
    /// What stands for a pixel of which nothing is known.
    public static let unknown: UInt8 = 128
    private static let jpegQuality = 92
    private static let profileByteCountMaximum = 64 << 10
    private static let bandRowCount = 16

    /// Pixels.
    public let width, height: Int
    /// Pixels of the image along each side of one of this.
    public let reduction: Int
    /// 1 or 3.
    public let bands: Int
    /// (H, W, bands)
    public let samples: [UInt8]
    private var profile: [UInt8]?

    public init(width: Int, height: Int, reduction: Int, bands: Int, samples: [UInt8]) {
        precondition(samples.count == width * height * bands)
        (self.width, self.height, self.reduction) = (width, height, reduction)
        (self.bands, self.samples) = (bands, samples)
    }

    /// How many pixels become one along each side, so that there are no more than in a square of
    /// `sideMaximum`, and no side is longer than four of it: of an image much wider than high some
    /// of its height is left.
    static func reduction(_ width: Int, _ height: Int, sideMaximum: Int) -> Int {
        let reduced = { (length: Int, factor: Int) in (length + factor - 1) / factor }
        var factor = max(1, reduced(max(width, height), 4 * sideMaximum))
        while reduced(width, factor) * reduced(height, factor) > sideMaximum * sideMaximum {
            factor += 1
        }
        return factor
    }

    /// Reads an image, a few rows at a time, by its header's values: 0 is black, 1 is white.
    ///
    /// - Parameter region: inside the image; nil for all of it.
    public init(
        of image: any ImageSource, region: PixelRegion?, sideMaximum: Int
    ) throws(ImageError) {
        let header = image.header
        let part =
            region ?? PixelRegion(x: 0, y: 0, width: header.width, height: header.height)
        let reduction = Self.reduction(part.width, part.height, sideMaximum: sideMaximum)
        var reducer = MeanReducer(
            width: part.width, reduction: reduction, bands: header.colorBands)
        let bands = header.colorModel == .gray ? 1 : 3
        var samples: [UInt8] = []
        for top in stride(from: 0, to: part.height, by: Self.bandRowCount) {
            let rowCount = min(Self.bandRowCount, part.height - top)
            let pixels = UnsafeMutableBufferPointer<Float>.allocate(
                capacity: rowCount * part.width * header.colorBands)
            defer { pixels.deallocate() }
            try image.readColor(
                PixelRegion(x: part.x, y: part.y + top, width: part.width, height: rowCount),
                into: pixels)
            for row in 0..<rowCount {
                reducer.add(pixels, row: row)
                guard reducer.isFull || top + row == part.height - 1 else { continue }
                Self.append(reducer.takeMeans(), header, to: &samples)
            }
        }
        self.init(
            width: (part.width + reduction - 1) / reduction,
            height: (part.height + reduction - 1) / reduction, reduction: reduction,
            bands: bands, samples: samples)
        guard header.colorModel != .cmyk, let own = header.metadata.iccProfile,
            own.count <= Self.profileByteCountMaximum
        else { return }
        profile = own
    }

    private static func append(
        _ means: [Float], _ header: ImageHeader, to samples: inout [UInt8]
    ) {
        let count = header.colorBands
        for first in stride(from: 0, to: means.count, by: count) {
            switch header.colorModel {
            case .gray: samples.append(sample(means[first]))
            case .rgb: samples += means[first..<first + 3].map(sample)
            case .cmyk:
                let light = 1 - means[first + 3]
                samples += means[first..<first + 3].map { sample((1 - $0) * light) }
            }
        }
    }

    private static func sample(_ value: Float) -> UInt8 {
        value.isNaN ? unknown : UInt8((min(max(value, 0), 1) * 255).rounded())
    }

    /// As a file of this format, PNG or JPEG.
    public func encoded(_ format: ImageFormat) throws(ImageError) -> [UInt8] {
        var header = ImageHeader(
            width: width, height: height, colorBands: bands, sampleType: .uint8, format: format,
            iccProfile: profile)
        header.jpegQuality = Self.jpegQuality
        return try ImageFormats.encoded(format, header, samples: samples)
    }
}

/// Means of squares of pixels, row of squares by row of squares; what is missing has no part.
private struct MeanReducer {
    private let width, reduction, bands: Int
    private var sums: [Float]
    private var counts: [Int32]
    private var rowCount = 0

    init(width: Int, reduction: Int, bands: Int) {
        (self.width, self.reduction, self.bands) = (width, reduction, bands)
        let count = (width + reduction - 1) / reduction * bands
        sums = Array(repeating: 0, count: count)
        counts = Array(repeating: 0, count: count)
    }

    /// Whether a row of squares has all of its rows.
    var isFull: Bool { rowCount == reduction }

    /// - Parameter pixels: rows of (width, bands).
    mutating func add(_ pixels: UnsafeMutableBufferPointer<Float>, row: Int) {
        rowCount += 1
        let first = row * width * bands
        let (width, reduction, bands) = (width, reduction, bands)
        sums.withUnsafeMutableBufferPointer { sums in
            counts.withUnsafeMutableBufferPointer { counts in
                for x in 0..<width {
                    for band in 0..<bands {
                        let value = pixels[first + x * bands + band]
                        guard !value.isNaN else { continue }
                        sums[x / reduction * bands + band] += value
                        counts[x / reduction * bands + band] += 1
                    }
                }
            }
        }
    }

    /// Of the present row of squares, (columns, bands); the next one begins.
    mutating func takeMeans() -> [Float] {
        let means = zip(sums, counts).map { $1 == 0 ? .nan : $0 / Float($1) }
        for index in sums.indices { (sums[index], counts[index]) = (0, 0) }
        rowCount = 0
        return means
    }
}
