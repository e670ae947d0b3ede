// EXIF's block, a small TIFF without pixels: in a JPEG's APP1 behind "Exif\0\0", in a PNG's eXIf.

extension Metadata {
    /// Takes what an EXIF block says; what is there already stays. A block that is damaged gives
    /// what can be read of it. Its second directory, a thumbnail, is left out: it would show what
    /// the image was.
    ///
    /// - Returns: what was left out, in words.
    @discardableResult
    public mutating func mergeExif(_ block: [UInt8]) -> [String] {
        let preamble = Array("Exif\0\0".utf8)
        let bytes = block.starts(with: preamble) ? Array(block.dropFirst(preamble.count)) : block
        var limit = MetadataLimit()
        guard let file = TIFFStructure(block: bytes), !file.isBig,
            let directory = file.directory(at: file.firstDirectory)
        else { return ["an EXIF block of \(block.count) bytes, which is damaged"] }
        take(directory, of: file, isExif: true, &limit)
        return limit.leftOut
    }

    /// An EXIF block, little-endian, without a preamble; nil where there is nothing to say that
    /// only EXIF can. Some containers bound its size, which is the caller's to check. It leaves
    /// out `tagsBeyondExif`, and what formats have places of their own for: XMP, IPTC, Photoshop's
    /// resources, the profile.
    public func exifBlock() -> [UInt8]? {
        let own = tags.filter { TIFFTag.isForExif($0.number) && !$0.isLongOffset }
        let parts = [exifTags, gpsTags, interoperabilityTags].map { tags in
            tags.filter { !$0.isLongOffset }.map(TIFFField.tag)
        }
        let isEmpty = own.isEmpty && parts.allSatisfy(\.isEmpty)
        if isEmpty && orientation == 1 { return nil }
        var main = own.map(TIFFField.tag)
        main.append(.tag(MetadataTag(TIFFTag.orientation, short: orientation)))
        main += resolutionTags.map(TIFFField.tag)
        let writer = TIFFDirectoryWriter(isBigEndian: false, isBig: false)
        let header: [UInt8] = [0x49, 0x49, 42, 0, 8, 0, 0, 0]
        return header
            + writer.directories(
                main, exif: parts[0], gps: parts[1], interoperability: parts[2],
                at: header.count, next: 0)
    }

    /// Resolution as TIFF and EXIF say it; empty where there is none.
    var resolutionTags: [MetadataTag] {
        guard let resolution else { return [] }
        let scale = resolution.unit == .meter ? 0.01 : 1
        let unit =
            switch resolution.unit {
            case .ratio: 1
            case .inch: 2
            case .centimeter, .meter: 3
            }
        return [
            MetadataTag(TIFFTag.xResolution, rational: resolution.x * scale),
            MetadataTag(TIFFTag.yResolution, rational: resolution.y * scale),
            MetadataTag(TIFFTag.resolutionUnit, short: unit),
        ]
    }
}

extension TIFFDirectoryWriter {
    /// A directory with those of EXIF, GPS and interoperability behind it, each where it is not
    /// empty.
    func directories(
        _ main: [TIFFField], exif: [TIFFField], gps: [TIFFField], interoperability: [TIFFField],
        at offset: Int, next: Int
    ) -> [UInt8] {
        // Pointers are one entry each, whatever they say: sizes come before places.
        let hasExif = !exif.isEmpty || !interoperability.isEmpty
        var (main, exif) = (main, exif)
        if hasExif { main.append(pointer(TIFFTag.exif, to: 0)) }
        if !gps.isEmpty { main.append(pointer(TIFFTag.gps, to: 0)) }
        if !interoperability.isEmpty { exif.append(pointer(TIFFTag.interoperability, to: 0)) }
        let exifOffset = offset + byteCount(of: main)
        let gpsOffset = exifOffset + (hasExif ? byteCount(of: exif) : 0)
        let lastOffset = gpsOffset + (gps.isEmpty ? 0 : byteCount(of: gps))
        let places = [
            TIFFTag.exif: exifOffset, TIFFTag.gps: gpsOffset, TIFFTag.interoperability: lastOffset,
        ]
        let placed = { (fields: [TIFFField]) in
            fields.map { field in
                places[field.number].map { pointer(field.number, to: $0) } ?? field
            }
        }
        var bytes = directory(placed(main), at: offset, next: next)
        if hasExif { bytes += directory(placed(exif), at: exifOffset, next: 0) }
        if !gps.isEmpty { bytes += directory(gps, at: gpsOffset, next: 0) }
        if !interoperability.isEmpty {
            bytes += directory(interoperability, at: lastOffset, next: 0)
        }
        return bytes
    }
}
