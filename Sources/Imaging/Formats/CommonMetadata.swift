// What several formats do with metadata in the same way.

/// "a", "a and b", "a, b and c".
func listed(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
}

/// What a file calls something, without what would spoil a line.
func inSentence(_ name: String) -> String {
    let letters = name.unicodeScalars.prefix(80).filter {
        $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value)
    }
    return String(String.UnicodeScalarView(letters))
}

/// One sentence about all that is left out of an input; none where there is nothing.
func notTakenWarnings(_ words: [String], name: String) -> [String] {
    words.isEmpty ? [] : ["\(name): \(listed(words)) will not be in the output"]
}

/// One sentence about all that an output's format cannot hold; none where there is nothing.
func leftOutWarnings(_ words: [String], format: ImageFormat, name: String) -> [String] {
    words.isEmpty
        ? [] : ["\(name): a \(format) cannot hold \(listed(words)) of the input"]
}

/// One sentence about maker's notes that an output has at another place than the input, where
/// that matters; none where it does not.
///
/// - Parameter isBlock: whether EXIF is a block of its own, which keeps its byte order.
func makerNoteWarnings(_ metadata: Metadata, isBlock: Bool, name: String) -> [String] {
    guard let note = metadata.makerNote, note.bytes.count > 4,
        !(isBlock && metadata.makerNoteOffset != nil), !isSelfContained(note.bytes)
    else { return [] }
    let order =
        !isBlock && metadata.exifIsBigEndian != nativeIsBig ? " and in another byte order" : ""
    return [
        "\(name): EXIF's maker notes are kept byte by byte, but at another place\(order): what "
            + "they say by places in the file will not be found there"
    ]
}

/// Whether a maker's notes hold their own byte order and count places from their own beginning.
private func isSelfContained(_ note: [UInt8]) -> Bool {
    let beginnings = [
        "Apple iOS\0", "Nikon\0\u{2}", "FUJIFILM", "GENERALE", "OLYMPUS\0", "OM SYSTEM\0",
        "PENTAX \0", "RICOH\0II", "RICOH\0MM",
    ]
    return beginnings.contains { note.starts(with: $0.utf8) }
}

extension MetadataText {
    /// As in a sentence.
    var name: String { "the text \"\(inSentence(keyword))\"" }
}

extension Metadata {
    /// With EXIF's note of the image's size as that of the output, where there is EXIF.
    func withPixelDimensions(of header: ImageHeader) -> Metadata {
        guard !exifTags.isEmpty else { return self }
        var metadata = self
        let sizes: [(number: UInt16, value: Int)] = [(40962, header.width), (40963, header.height)]
        for size in sizes {
            metadata.exifTags.removeAll { $0.number == size.number }
            let bytes = withUnsafeBytes(of: UInt32(clamping: size.value)) { Array($0) }
            metadata.exifTags.append(
                MetadataTag(number: size.number, kind: .long, bytes: bytes))
        }
        return metadata
    }

    /// Without small pictures of what the image was, and with IPTC's records in their own place
    /// when Photoshop's resources hold them too. EXIF's second directory is never read.
    mutating func leavePreviews() {
        if let bytes = photoshop {
            let resources = PhotoshopResources(bytes)
            // What cannot be taken apart stays whole.
            if !resources.isDamaged {
                photoshop = resources.others.isEmpty ? nil : resources.others
                iptc = iptc ?? resources.iptc
            }
        }
        let (start, end) = ("<xmp:Thumbnails", "</xmp:Thumbnails>")
        guard let packet = xmp, var text = String(validating: packet, as: UTF8.self) else { return }
        var isChanged = false
        while let first = text.firstRange(of: start),
            let last = text[first.upperBound...].firstRange(of: end)
        {
            text.removeSubrange(first.lowerBound..<last.upperBound)
            isChanged = true
        }
        if isChanged { xmp = Array(text.utf8) }
    }

    /// Takes a format's own note of the resolution, which has whole numbers only, unless EXIF has
    /// said the same more finely.
    mutating func take(wholeResolution whole: Resolution?) {
        guard let whole, resolution?.rounds(to: whole) != true else { return }
        resolution = whole
    }
}

extension Resolution {
    /// Whether another one is this one in whole numbers of its unit.
    fileprivate func rounds(to other: Resolution) -> Bool {
        guard let scale = pixelsPerMeter, let otherScale = other.pixelsPerMeter else {
            return self == other
        }
        let factor = scale / otherScale
        return abs(x * factor - other.x) <= 0.51 && abs(y * factor - other.y) <= 0.51
    }

    /// Pixels per metre for one pixel per unit; nil for ratios.
    private var pixelsPerMeter: Double? {
        switch unit {
        case .ratio: nil
        case .inch: 1 / 0.0254
        case .centimeter: 100
        case .meter: 1
        }
    }
}
