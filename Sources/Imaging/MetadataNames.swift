// What metadata are called in sentences.

import Glibc

extension Metadata {
    /// All that there is, in words, for what a format cannot hold: "georeferencing (GeoTIFF tags)",
    /// "IPTC records", "private tag 50838".
    public var inWords: [String] {
        var words = Metadata.inWords(tags)
        let parts: [(Bool, String)] = [
            (!exifTags.isEmpty || !interoperabilityTags.isEmpty, "EXIF"),
            (!gpsTags.isEmpty, "the GPS position"),
            (xmp != nil, "XMP"), (iptc != nil, "IPTC records"),
            (photoshop != nil, "Photoshop resources"),
            (iccProfile != nil, "the colour profile"), (resolution != nil, "the resolution"),
            (orientation != 1, "the orientation \(orientation)"),
            (nodata != nil, "the nodata value \(nodata.map(Metadata.spelled) ?? "")"),
            (!texts.isEmpty, "texts"),
        ]
        words += parts.filter { $0.0 }.map { $0.1 }
        return words
    }

    /// The tags in words, each once.
    public static func inWords(_ tags: [MetadataTag]) -> [String] {
        var words: [String] = []
        for tag in tags {
            let name = name(of: tag.number)
            if !words.contains(name) { words.append(name) }
        }
        return words
    }

    /// Tags that an EXIF block does not hold: georeferencing and what else only readers of TIFF
    /// look for.
    public var tagsBeyondExif: [MetadataTag] {
        tags.filter { !TIFFTag.isForExif($0.number) || $0.isLongOffset }
    }

    /// A tag of a TIFF's own directory, as in a sentence.
    public static func name(of number: UInt16) -> String {
        if TIFFTag.georeferencing.contains(number) {
            return number == 50844
                ? "georeferencing (RPC coefficients)" : "georeferencing (GeoTIFF tags)"
        }
        if TIFFTag.imageJ.contains(number) { return "ImageJ's metadata" }
        if let name = names[number] { return name }
        return number >= 32768 ? "private tag \(number)" : "tag \(number)"
    }

    private static let names: [UInt16: String] = [
        269: "the document's name", 270: "the description", 271: "the camera's maker",
        272: "the camera's model", 290: "the gray response curve",
        291: "the gray response curve", 285: "the page's name", 297: "the page's number",
        301: "the transfer function", 305: "the software", 306: "the date", 315: "the artist",
        316: "the host computer", 318: "the white point", 319: "the primary colours", 700: "XMP",
        32781: "the image's identifier", 33432: "the copyright", 33723: "IPTC records",
        34377: "Photoshop resources", 34675: "the colour profile", 42112: "GDAL's metadata",
        51123: "Micro-Manager's metadata",
    ]
}

extension MetadataTag {
    /// Whether only BigTIFF has its type.
    var isLongOffset: Bool { [.long8, .slong8, .ifd8].contains(kind) }
}

/// The number at the beginning of GDAL's text; nil where there is none.
func parsedNodata(_ text: String) -> Double? {
    text.withCString { start in
        var end: UnsafeMutablePointer<CChar>?
        let value = strtod(start, &end)
        return end.map { UnsafePointer($0) != start } ?? false ? value : nil
    }
}
