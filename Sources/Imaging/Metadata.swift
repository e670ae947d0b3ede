/// What a file says beside its pixels, in one form for all formats. Each format reads into it, and
/// writes from it what it can hold; the rest is named in a warning.
public struct Metadata: Equatable, Sendable {
    /// The bytes of the ICC colour profile.
    public var iccProfile: [UInt8]?
    public var resolution: Resolution?
    /// How a viewer turns the stored pixels, 1 to 8 as in TIFF and EXIF; 1 is as stored. The
    /// pixels stay as stored, so it holds for the output too. It is not among `tags`.
    public var orientation = 1
    /// The value of missing samples (GDAL_NODATA), as the file says it: `missingSample` of the
    /// header is what samples are compared with.
    public var nodata: Double?
    /// How a TIFF spells that value where that is not the shortest way; the output takes it over
    /// while it means `nodata`.
    public var nodataText: String?
    /// Descriptive tags of a TIFF's own directory or of EXIF's first one: descriptions, dates,
    /// georeferencing, what other programs keep in private tags. None that tells how pixels are
    /// stored, and none that has a property of its own here.
    public var tags: [MetadataTag] = []
    /// EXIF's own directory (TIFF tag 34665): exposure, lens, dates, maker's notes.
    public var exifTags: [MetadataTag] = []
    /// Whether EXIF was big-endian, where it was read from.
    public var exifIsBigEndian = false
    /// Where the maker's notes (tag 37500 of `exifTags`) lay in the EXIF block that they were read
    /// from: many say where their parts are by places in it. nil where they come from a TIFF.
    public var makerNoteOffset: Int?
    /// EXIF's directory of the place (TIFF tag 34853).
    public var gpsTags: [MetadataTag] = []
    /// EXIF's directory of interoperability (tag 40965 of `exifTags`' directory).
    public var interoperabilityTags: [MetadataTag] = []
    /// The XMP packet (TIFF tag 700).
    public var xmp: [UInt8]?
    /// IPTC-IIM records (TIFF tag 33723).
    public var iptc: [UInt8]?
    /// Photoshop's image resources (TIFF tag 34377, JPEG's APP13), without IPTC's.
    public var photoshop: [UInt8]?
    /// PNG's texts and JPEG's comments, in the order of the file.
    public var texts: [MetadataText] = []
    /// PNG's chunks about colour (gAMA, cHRM, sRGB, cICP, bKGD), as they are stored.
    public var pngColorChunks: [PNGChunk] = []

    public init() {}
}

/// One entry of a TIFF directory.
public struct MetadataTag: Hashable, Sendable {
    /// The types of TIFF 6 and BigTIFF by their numbers.
    public enum Kind: UInt16, Sendable {
        case byte = 1
        case ascii, short, long, rational, sbyte, undefined, sshort, slong, srational, float,
            double, ifd
        case long8 = 16
        case slong8, ifd8

        /// Bytes of a value.
        public var byteCount: Int {
            switch self {
            case .byte, .ascii, .sbyte, .undefined: 1
            case .short, .sshort: 2
            case .long, .slong, .float, .ifd: 4
            case .rational, .srational, .double, .long8, .slong8, .ifd8: 8
            }
        }

        /// Bytes that change places between the byte orders: a rational is two numbers.
        public var wordByteCount: Int {
            self == .rational || self == .srational ? 4 : byteCount
        }
    }

    public var number: UInt16
    public var kind: Kind
    /// The values, in native byte order.
    public var bytes: [UInt8]

    public init(number: UInt16, kind: Kind, bytes: [UInt8]) {
        self.number = number
        self.kind = kind
        self.bytes = bytes
    }

    public var count: Int { bytes.count / kind.byteCount }

    /// Of kind `ascii`: what stands before the first zero.
    var text: String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}

/// A named text.
public struct MetadataText: Hashable, Sendable {
    /// "Title", "Author", "Description", "Comment" or whatever the file says.
    public var keyword: String
    public var text: String
    /// A language tag such as "de"; empty where the file names none.
    public var language: String
    /// The keyword in that language.
    public var translatedKeyword: String

    public init(
        keyword: String, text: String, language: String = "", translatedKeyword: String = ""
    ) {
        self.keyword = keyword
        self.text = text
        self.language = language
        self.translatedKeyword = translatedKeyword
    }
}

/// A chunk of a PNG.
public struct PNGChunk: Hashable, Sendable {
    /// Four letters.
    public var type: String
    public var bytes: [UInt8]

    public init(type: String, bytes: [UInt8]) {
        self.type = type
        self.bytes = bytes
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
