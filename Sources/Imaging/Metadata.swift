/// What a file says beside its pixels. Each format reads into it and writes from it what it can
/// hold, and names the rest in a warning.
public struct Metadata: Equatable, Sendable {
    /// The bytes of the ICC colour profile.
    public var iccProfile: [UInt8]?
    public var resolution: Resolution?
    /// How a viewer turns the stored pixels, 1 to 8 as in TIFF and EXIF; 1 is as stored.
    public var orientation = 1
    /// The value of missing samples (GDAL_NODATA).
    public var nodata: Double?

    public init() {}
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
