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

/// What the sample beside the colours means.
public enum AlphaKind: String, Codable, Sendable {
    /// Opacity; the colours are independent of it.
    case unassociated
    /// Opacity; the colours are multiplied by it.
    case associated
    /// The file does not say anything about it.
    case unspecified
}

/// What the first colour bands mean.
public enum ColorModel: String, Codable, Sendable {
    /// One band of brightness; further ones mean nothing of themselves.
    case gray
    /// Red, green, blue, and what may follow.
    case rgb
    /// Cyan, magenta, yellow, black, and what may follow.
    case cmyk
}

/// Lossless compression inside a TIFF.
public enum TIFFCompression: String, CaseIterable, Codable, Sendable {
    case none, lzw, deflate, zstd, packBits
}

/// How the pixels of a TIFF lie in the file.
public enum TIFFLayout: Hashable, Codable, Sendable {
    case strips
    /// Pixels.
    case tiles(width: Int, height: Int)
}

/// What a file says about its image before any pixel is decoded, and all that the output takes
/// over.
public struct ImageHeader: Equatable, Sendable {
    /// Pixels.
    public var width, height: Int
    /// All samples of a pixel but alpha.
    public var colorBands: Int
    public var colorModel: ColorModel
    public var alpha: AlphaKind?
    public var sampleType: SampleType
    public var format: ImageFormat
    public var metadata = Metadata()
    /// The compression of a TIFF; `nil` when the image comes from another format.
    public var tiffCompression: TIFFCompression?
    /// How finely a JPEG is written, 1 to 100; from 90 on, colours as finely as brightness.
    public var jpegQuality = 95
    /// The output's, if it is a TIFF.
    public var tiffLayout = TIFFLayout.strips
    /// Whether a TIFF is written with smaller copies of its image, each half as large as the one
    /// before, for viewers.
    public var hasOverviews = false
    /// How samples become numbers in [0, 1] and numbers become samples again.
    public var values: ValueRange

    /// Unless they are given, three bands are RGB, others gray, and values are the type's.
    public init(
        width: Int, height: Int, colorBands: Int, colorModel: ColorModel? = nil,
        alpha: AlphaKind? = nil, sampleType: SampleType,
        format: ImageFormat, resolution: Resolution? = nil, iccProfile: [UInt8]? = nil,
        orientation: Int = 1, tiffCompression: TIFFCompression? = nil
    ) {
        self.width = width
        self.height = height
        self.colorBands = colorBands
        self.colorModel = colorModel ?? (colorBands == 3 ? .rgb : .gray)
        self.alpha = alpha
        self.sampleType = sampleType
        self.format = format
        self.tiffCompression = tiffCompression
        values = sampleType.range
        metadata.resolution = resolution
        metadata.iccProfile = iccProfile
        metadata.orientation = orientation
    }

    /// The value of missing samples as samples can hold it: what the file says, rounded once to
    /// floating point of their size. NaN where there is none.
    public var missingSample: Double {
        guard let nodata = metadata.nodata else { return .nan }
        switch sampleType {
        case .float16: return Double(Float16(nodata))
        case .float32:
            // Few digits of the largest float, as many programs write it, are meant to be all.
            let most = Double(Float.greatestFiniteMagnitude)
            let isMost = abs(abs(nodata) / most - 1) < 1e-6
            return isMost ? (nodata < 0 ? -most : most) : Double(Float(nodata))
        default: return nodata
        }
    }

    public var hasAlpha: Bool { alpha != nil }
    /// Colour bands and alpha.
    public var samplesPerPixel: Int { colorBands + (hasAlpha ? 1 : 0) }
    public var pixelByteCount: Int { samplesPerPixel * sampleType.byteCount }
    /// The whole image as (height, width, samplesPerPixel) samples, uncompressed.
    public var decodedByteCount: Int { width * height * pixelByteCount }
    /// With the overviews that are to be written.
    public var writtenByteCount: Int { decodedByteCount + overviewByteCount }
    /// Of all overviews together, uncompressed: 1/4 + 1/16 + ...
    public var overviewByteCount: Int { hasOverviews ? decodedByteCount / 3 : 0 }

    /// As in a sentence: "512 x 300 RGB, uint8".
    public var kind: String {
        let model =
            switch (colorModel, colorBands) {
            case (.gray, 1): "gray"
            case (.rgb, 3): "RGB"
            case (.cmyk, 4): "CMYK"
            default: "\(colorBands) bands"
            }
        return "\(width) x \(height) \(model)"
    }
}
