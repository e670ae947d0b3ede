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
        let hadMakerNote = makerNote != nil
        take(directory, of: file, isExif: true, &limit)
        if !hadMakerNote, makerNote != nil {
            makerNoteOffset = file.makerNoteOffset(directory)
        }
        return limit.leftOut
    }

    /// An EXIF block without a preamble, in the byte order that EXIF had, with the maker's notes
    /// where they lay in the block that they come from; nil where there is nothing to say that
    /// only EXIF can. Some containers bound its size, which is the caller's to check. It leaves
    /// out `tagsBeyondExif`, and what formats have places of their own for: XMP, IPTC, Photoshop's
    /// resources, the profile.
    public func exifBlock() -> [UInt8]? {
        let field = { (tag: MetadataTag) in
            tag.number == TIFFTag.makerNote
                ? placeOfMakerNote.map { TIFFField.placed(tag, at: $0) } ?? .tag(tag) : .tag(tag)
        }
        let own = tags.filter { TIFFTag.isForExif($0.number) && !$0.isLongOffset }
        let parts = [exifTags, gpsTags, interoperabilityTags].map { tags in
            tags.filter { !$0.isLongOffset }.map(field)
        }
        let isEmpty = own.isEmpty && parts.allSatisfy(\.isEmpty)
        if isEmpty && orientation == 1 { return nil }
        var main = own.map(TIFFField.tag)
        main.append(.tag(MetadataTag(TIFFTag.orientation, short: orientation)))
        main += resolutionTags.map(TIFFField.tag)
        let writer = TIFFDirectoryWriter(isBigEndian: exifIsBigEndian, isBig: false)
        let directories = { (offset: Int) in
            writer.directories(
                main, exif: parts[0], gps: parts[1], interoperability: parts[2], at: offset, next: 0
            )
        }
        let start = { (offset: Int) in
            (exifIsBigEndian ? [0x4D, 0x4D] : [0x49, 0x49]) + writer.number(42, 2)
                + writer.number(offset, 4)
        }
        guard let note = makerNote, let place = placeOfMakerNote else {
            return start(8) + directories(8)
        }
        let end = place + note.bytes.count
        let padding = [UInt8](repeating: 0, count: end % 2)
        // In front of the notes where there is room, else behind them.
        let front = start(8) + directories(8)
        if front.count <= place {
            return front + [UInt8](repeating: 0, count: place - front.count) + note.bytes + padding
        }
        let gap = [UInt8](repeating: 0, count: place - 8)
        return start(end + end % 2) + gap + note.bytes + padding + directories(end + end % 2)
    }

    var makerNote: MetadataTag? { exifTags.first { $0.number == TIFFTag.makerNote } }

    /// Where a block has to have the maker's notes; nil where they may lie anywhere.
    private var placeOfMakerNote: Int? {
        guard let note = makerNote, note.bytes.count > 4, let place = makerNoteOffset, place >= 8
        else { return nil }
        return place
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

extension TIFFStructure {
    /// Where the maker's notes lie that EXIF's directory names.
    fileprivate func makerNoteOffset(_ main: TIFFDirectory) -> Int? {
        main[TIFFTag.exif].flatMap { tag($0) }?.unsignedIntegers.first
            .flatMap { directory(at: $0) }?[TIFFTag.makerNote]?.valueOffset
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
