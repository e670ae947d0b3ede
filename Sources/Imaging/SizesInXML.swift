// Numbers of pixels in XML: OME's description of a microscope's image, and XMP.

/// The numbers that tell of an image's own size and resolution in OME-XML and XMP.
enum SizesInXML {
    enum Meaning {
        /// Pixels.
        case width, height
        /// Pixels of a larger image, of which this one is a part.
        case whole
        /// Where the part begins in it, in pixels.
        case left, top
        /// Pixels per unit of length; a rational.
        case density
        /// Length of a pixel.
        case length
    }

    /// Attributes and elements.
    private static let names: [(name: String, meaning: Meaning)] = [
        ("SizeX", .width), ("SizeY", .height),
        ("PhysicalSizeX", .length), ("PhysicalSizeY", .length),
        ("exif:PixelXDimension", .width), ("exif:PixelYDimension", .height),
        ("tiff:ImageWidth", .width), ("tiff:ImageLength", .height),
        ("GPano:CroppedAreaImageWidthPixels", .width),
        ("GPano:CroppedAreaImageHeightPixels", .height),
        ("GPano:FullPanoWidthPixels", .whole), ("GPano:FullPanoHeightPixels", .whole),
        ("GPano:CroppedAreaLeftPixels", .left), ("GPano:CroppedAreaTopPixels", .top),
        ("tiff:XResolution", .density), ("tiff:YResolution", .density),
    ]

    /// XML as of the same image with `factor` times as many pixels along both axes. What is no
    /// number, and what is no UTF-8, stays.
    static func enlarged(_ bytes: [UInt8], by factor: Int) -> [UInt8] {
        replacing(bytes) { meaning, text in
            if meaning == .length { return Double(text).map { "\($0 / Double(factor))" } }
            // A rational is a number and what it is divided by.
            let number = text.prefix { $0 != "/" }
            let (product, overflow) = (Int(number) ?? .max).multipliedReportingOverflow(by: factor)
            return overflow ? nil : "\(product)" + text[number.endIndex...]
        }
    }

    /// XML as of a part of the image.
    static func cropped(
        _ bytes: [UInt8], from size: (width: Int, height: Int), to part: PixelRegion
    ) -> [UInt8] {
        replacing(bytes) { meaning, text in
            switch meaning {
            case .width where Int(text) == size.width: "\(part.width)"
            case .height where Int(text) == size.height: "\(part.height)"
            case .left: moved(text, by: part.x)
            case .top: moved(text, by: part.y)
            default: nil
            }
        }
    }

    private static func moved(_ text: Substring, by distance: Int) -> Substring? {
        guard let (sum, overflow) = Int(text)?.addingReportingOverflow(distance), !overflow else {
            return nil
        }
        return "\(sum)"
    }

    /// Puts what `change` makes of them in place of the numbers; nil leaves one as it is.
    private static func replacing(
        _ bytes: [UInt8], _ change: (Meaning, Substring) -> Substring?
    ) -> [UInt8] {
        guard var text = String(validating: bytes, as: UTF8.self) else { return bytes }
        for (name, meaning) in names {
            for (before, after) in [(" \(name)=\"", "\""), (" \(name)='", "'"), ("<\(name)>", "<")]
            {
                var parts = text.split(separator: before, omittingEmptySubsequences: false)
                guard parts.count > 1 else { continue }
                for index in parts.indices.dropFirst() {
                    guard let end = parts[index].firstRange(of: after)?.lowerBound,
                        let number = change(meaning, parts[index][..<end])
                    else { continue }
                    parts[index] = number + parts[index][end...]
                }
                text = parts.joined(separator: before)
            }
        }
        return Array(text.utf8)
    }
}

extension Metadata {
    /// Changes the XML of an ImageDescription, where OME keeps it (a description of another kind
    /// names none of its attributes), and of the XMP packet.
    mutating func changeXML(_ change: ([UInt8]) -> [UInt8]) {
        for index in tags.indices where tags[index].number == 270 && tags[index].kind == .ascii {
            tags[index].bytes = change(tags[index].bytes)
        }
        xmp = xmp.map(change)
    }
}
