/// How one colour or alpha sample is stored.
public enum SampleType: String, Codable, Sendable {
    case uint8
    case uint16

    /// The sample that means 1.
    public var maximum: Float { self == .uint8 ? 255 : 65535 }
    public var byteCount: Int { self == .uint8 ? 1 : 2 }
}

/// A rectangle of pixels; x and y count from the upper left.
public struct PixelRegion: Hashable, Codable, Sendable {
    public var x, y, width, height: Int

    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}

/// Pixels per unit of length.
public struct Resolution: Hashable, Codable, Sendable {
    public enum Unit: String, Codable, Sendable {
        /// Only the ratio of x to y, the shape of a pixel, means something.
        case ratio
        case inch, centimeter, meter
    }

    public var x, y: Double
    public var unit: Unit

    public init(x: Double, y: Double, unit: Unit) {
        self.x = x
        self.y = y
        self.unit = unit
    }
}

/// What the sample beside the colours means.
public enum AlphaKind: String, Codable, Sendable {
    /// Opacity; the colours are independent of it.
    case unassociated
    /// Opacity; the colours are multiplied by it.
    case associated
    /// The file does not say.
    case unspecified
}

/// Lossless compression inside a TIFF.
public enum TIFFCompression: String, Codable, Sendable {
    case none, lzw, deflate, packBits
}

/// What a file says about its image before any pixel is decoded, and all that the output takes
/// over.
public struct ImageHeader: Equatable, Sendable {
    /// Pixels.
    public var width, height: Int
    /// 1 (gray) or 3 (red, green, blue).
    public var colorBands: Int
    public var alpha: AlphaKind?
    public var sampleType: SampleType
    public var format: ImageFormat
    public var resolution: Resolution?
    /// The bytes of the ICC colour profile.
    public var iccProfile: [UInt8]?
    /// How a viewer turns the stored pixels, 1 to 8 as in TIFF and EXIF; 1 is as stored.
    public var orientation: Int
    /// The compression of a TIFF; `nil` when the image comes from another format.
    public var tiffCompression: TIFFCompression?

    public init(
        width: Int, height: Int, colorBands: Int, alpha: AlphaKind? = nil, sampleType: SampleType,
        format: ImageFormat, resolution: Resolution? = nil, iccProfile: [UInt8]? = nil,
        orientation: Int = 1, tiffCompression: TIFFCompression? = nil
    ) {
        self.width = width
        self.height = height
        self.colorBands = colorBands
        self.alpha = alpha
        self.sampleType = sampleType
        self.format = format
        self.resolution = resolution
        self.iccProfile = iccProfile
        self.orientation = orientation
        self.tiffCompression = tiffCompression
    }

    public var hasAlpha: Bool { alpha != nil }
    /// Colour bands and alpha.
    public var samplesPerPixel: Int { colorBands + (hasAlpha ? 1 : 0) }
    /// The whole image as (height, width, samplesPerPixel) samples, uncompressed.
    public var decodedByteCount: Int { width * height * samplesPerPixel * sampleType.byteCount }
}
