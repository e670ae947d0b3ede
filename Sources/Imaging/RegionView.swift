// A part of an image as an image of its own.

extension PixelRegion {
    /// Whether it has pixels and all of them lie inside an image of this size.
    public func isInside(width imageWidth: Int, height imageHeight: Int) -> Bool {
        (0..<imageWidth).contains(x) && (0..<imageHeight).contains(y) && width > 0 && height > 0
            && width <= imageWidth - x && height <= imageHeight - y
    }
}

/// A rectangle of another image.
public final class RegionView: ImageSource {
    public var header: ImageHeader
    public var warnings: [String] { whole.warnings }
    private let whole: any ImageSource
    private let region: PixelRegion

    /// - Parameter region: inside the image.
    public init(_ whole: any ImageSource, _ region: PixelRegion) {
        precondition(region.isInside(width: whole.header.width, height: whole.header.height))
        self.whole = whole
        self.region = region
        header = whole.header.cropped(to: region)
    }

    public func readRaw(_ part: PixelRegion, into samples: UnsafeMutableRawBufferPointer)
        throws(ImageError)
    {
        header.check(part, byteCount: samples.count)
        try whole.readRaw(moved(part), into: samples)
    }

    public func hideMissing(
        in part: PixelRegion, of pixels: UnsafeMutableBufferPointer<Float>
    ) throws(ImageError) {
        try whole.hideMissing(in: moved(part), of: pixels)
    }

    private func moved(_ part: PixelRegion) -> PixelRegion {
        PixelRegion(
            x: part.x + region.x, y: part.y + region.y, width: part.width, height: part.height)
    }
}

extension ImageHeader {
    /// As of an image that holds this part only: what places the image on the ground moves with it.
    public func cropped(to region: PixelRegion) -> ImageHeader {
        var header = self
        header.width = region.width
        header.height = region.height
        header.metadata.tags = metadata.tags.map { $0.moved(x: region.x, y: region.y) }
        header.metadata.changeXML {
            SizesInXML.cropped($0, from: (width, height), to: region)
        }
        return header
    }
}

extension MetadataTag {
    private static let modelTiepoint = 33922
    private static let modelTransformation = 34264
    private static let rpcCoefficients = 50844

    /// Whether it is one of GeoTIFF's.
    public var isGeographic: Bool {
        TIFFTag.georeferencing.contains(number)
    }

    /// GeoTIFF's tie points, transformation and RPC coefficients for an image whose first pixel was
    /// at (x, y); any other tag as it is.
    fileprivate func moved(x: Int, y: Int) -> MetadataTag {
        guard kind == .double else { return self }
        var values = bytes.withUnsafeBytes { raw in
            (0..<count).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        switch Int(number) {
        case Self.modelTiepoint:
            // Column, row and depth in the image, then the same point on the ground.
            for point in 0..<values.count / 6 {
                values[6 * point] -= Double(x)
                values[6 * point + 1] -= Double(y)
            }
        case Self.modelTransformation where values.count == 16:
            // Four rows of four: ground = matrix times (column, row, depth, 1).
            for row in stride(from: 0, to: 12, by: 4) {
                values[row + 3] += values[row] * Double(x) + values[row + 1] * Double(y)
            }
        case Self.rpcCoefficients where values.count >= 10:
            // Biases, then the row and the column to which the ground's origin is mapped.
            values[2] -= Double(y)
            values[3] -= Double(x)
        default: return self
        }
        return MetadataTag(
            number: number, kind: kind, bytes: values.withUnsafeBytes { Array($0) })
    }
}
