// Which tags of a TIFF say what: those of the pixels, those with a property of their own in
// `Metadata`, and all others.

import Glibc

enum TIFFTag {
    static let subfileType: UInt16 = 254
    static let photometric: UInt16 = 262
    static let description: UInt16 = 270
    static let stripOffsets: UInt16 = 273
    static let orientation: UInt16 = 274
    static let xResolution: UInt16 = 282
    static let yResolution: UInt16 = 283
    static let grayResponseUnit: UInt16 = 290
    static let grayResponseCurve: UInt16 = 291
    static let resolutionUnit: UInt16 = 296
    static let transferFunction: UInt16 = 301
    static let whitePoint: UInt16 = 318
    static let primaryChromaticities: UInt16 = 319
    static let tileOffsets: UInt16 = 324
    static let subDirectories: UInt16 = 330
    static let referenceBlackWhite: UInt16 = 532
    static let xmp: UInt16 = 700
    static let iptc: UInt16 = 33723
    static let photoshop: UInt16 = 34377
    static let exif: UInt16 = 34665
    static let iccProfile: UInt16 = 34675
    static let gps: UInt16 = 34853
    static let makerNote: UInt16 = 37500
    static let interoperability: UInt16 = 40965
    static let gdalMetadata: UInt16 = 42112
    static let nodata: UInt16 = 42113

    /// How pixels are stored and what samples are. The output has its own.
    static let structural: Set<UInt16> = [
        254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 284, 288,
        289, 292, 293, 317, 320, 322, 323, 324, 325, 326, 327, 328, 332, 334, 338,
        339, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 559,
        50674,
    ]

    /// Of those, what an EXIF block says about its JPEG.
    static let structuralInExif: Set<UInt16> = [529, 531, 532]

    /// What points into the file, repeats its pixels or counts what restoring changes: copied it
    /// would lie.
    static let bound: [UInt16: String] = [
        280: "the least and the largest sample", 281: "the least and the largest sample",
        340: "the least and the largest sample", 341: "the least and the largest sample",
        330: "further images (SubIFDs)", 400: "a directory of global parameters",
        33628: "MetaMorph's places in the file", 33629: "MetaMorph's places in the file",
        33630: "MetaMorph's places in the file", 33631: "MetaMorph's places in the file",
        34412: "the Zeiss LSM directory", 37724: "Photoshop's layers",
        65426: "NDPI's places in the file", 65432: "NDPI's places in the file",
    ]

    static let georeferencing: Set<UInt16> = [
        33550, 33922, 33918, 33919, 33920, 34264, 34735, 34736, 34737, 50844,
    ]
    static let imageJ: Set<UInt16> = [50838, 50839]
    static let grayResponse: Set<UInt16> = [grayResponseUnit, grayResponseCurve]

    /// Whether an EXIF block holds it: what TIFF readers alone would look for it does not.
    static func isForExif(_ number: UInt16) -> Bool {
        !georeferencing.contains(number) && !imageJ.contains(number)
            && !grayResponse.contains(number) && ![42112, 51123].contains(number) && number < 65000
    }
}

/// What metadata may take, and what was left out for this or another reason.
struct MetadataLimit {
    var byteCount = 64 << 20
    /// In words, each once; only the first ones of very many.
    private(set) var leftOut: [String] = []

    mutating func leaveOut(_ what: String) {
        if leftOut.count < 20, !leftOut.contains(what) { leftOut.append(what) }
    }
}

extension Metadata {
    /// Takes what a directory says beside the pixels, and what the directories of EXIF and GPS say
    /// that belong to it. What is there already stays.
    mutating func take(
        _ directory: TIFFDirectory, of file: TIFFStructure, isExif: Bool = false,
        _ limit: inout MetadataLimit
    ) {
        takeOrientationAndResolution(directory, of: file)
        var known = Set(tags.map(\.number))
        for entry in directory.entries {
            switch entry.number {
            case TIFFTag.orientation, TIFFTag.xResolution, TIFFTag.yResolution,
                TIFFTag.resolutionUnit:
                continue
            case TIFFTag.xmp: takeBlock(\.xmp, entry, of: file, &limit)
            case TIFFTag.iptc: takeBlock(\.iptc, entry, of: file, &limit)
            case TIFFTag.photoshop: takeBlock(\.photoshop, entry, of: file, &limit)
            case TIFFTag.iccProfile: takeBlock(\.iccProfile, entry, of: file, &limit)
            case TIFFTag.nodata: takeNodata(entry, of: file)
            case TIFFTag.referenceBlackWhite where !isExif:
                if directory.needsReferenceBlackWhite(entry, of: file) {
                    limit.leaveOut("the reference black and white")
                }
            case TIFFTag.exif:
                takeDirectory(entry, \.exifTags, "EXIF's directory", of: file, &limit)
            case TIFFTag.gps: takeDirectory(entry, \.gpsTags, "GPS's directory", of: file, &limit)
            case TIFFTag.interoperability:
                takeInteroperability(entry, of: file, &limit)
            case let number
            where TIFFTag.structural.contains(number)
                && !(isExif && TIFFTag.structuralInExif.contains(number)):
                continue
            default: take(entry, \.tags, of: file, &known, &limit)
            }
        }
    }

    /// Takes what the directories of a page say beside the pixels: its own, and the one of which it
    /// is a SubIFD, but for where that one's smaller copy lies on the ground.
    mutating func take(_ page: TIFFPage, of file: TIFFStructure, _ limit: inout MetadataLimit) {
        guard let directory = file.directory(at: page.offset) else { return }
        take(directory, of: file, &limit)
        guard let outer = page.outer.flatMap(file.directory(at:)) else { return }
        let entries = outer.entries.filter {
            $0.number != TIFFTag.subDirectories && !TIFFTag.georeferencing.contains($0.number)
        }
        take(
            TIFFDirectory(
                offset: outer.offset, entries: entries, next: outer.next,
                nextPlace: outer.nextPlace),
            of: file, &limit)
    }

    private mutating func takeOrientationAndResolution(
        _ directory: TIFFDirectory, of file: TIFFStructure
    ) {
        let tag = { (number: UInt16) in
            // One value each: what says that it has more is damaged.
            directory[number].flatMap { $0.count == 1 ? file.tag($0) : nil }
        }
        if orientation == 1, let value = tag(TIFFTag.orientation)?.unsignedIntegers.first,
            (1...8).contains(value)
        {
            orientation = value
        }
        guard resolution == nil, let x = tag(TIFFTag.xResolution)?.reals.first,
            let y = tag(TIFFTag.yResolution)?.reals.first, x > 0, y > 0, x < 1e9, y < 1e9
        else { return }
        let unit = tag(TIFFTag.resolutionUnit)?.unsignedIntegers.first ?? 2
        resolution = Resolution(
            x: x, y: y, unit: unit == 1 ? .ratio : unit == 3 ? .centimeter : .inch)
    }

    /// Text such as "-9999" or "nan".
    private mutating func takeNodata(_ entry: TIFFEntry, of file: TIFFStructure) {
        guard nodata == nil, entry.kind == .ascii, entry.count < 1000, let tag = file.tag(entry)
        else { return }
        let text = tag.text
        guard let value = parsedNodata(text) else { return }
        nodata = value
        nodataText = text == Metadata.spelled(value) ? nil : text
    }

    /// Bytes that have a format of their own: as they are, for they are one stream whatever the
    /// type says.
    private mutating func takeBlock(
        _ place: WritableKeyPath<Metadata, [UInt8]?>, _ entry: TIFFEntry, of file: TIFFStructure,
        _ limit: inout MetadataLimit
    ) {
        guard self[keyPath: place] == nil, let size = entry.byteCount else { return }
        guard size <= limit.byteCount else {
            limit.leaveOut("\(Metadata.name(of: entry.number)) of \(size) bytes")
            return
        }
        guard var tag = file.tag(entry, isSwapped: false) else { return }
        // IPTC's records begin with 1C; some programs swapped them as the words that they are not.
        if entry.number == TIFFTag.iptc, entry.kind == .long, tag.bytes.first != 0x1C,
            tag.bytes.count >= 4, tag.bytes[3] == 0x1C
        {
            swapWords(&tag.bytes, .long, isBigEndian: !nativeIsBig)
        }
        limit.byteCount -= size
        self[keyPath: place] = tag.bytes
    }

    private mutating func takeDirectory(
        _ entry: TIFFEntry, _ place: WritableKeyPath<Metadata, [MetadataTag]>, _ name: String,
        of file: TIFFStructure, _ limit: inout MetadataLimit
    ) {
        guard entry.count == 1, let offset = file.tag(entry)?.unsignedIntegers.first,
            let directory = file.directory(at: offset)
        else {
            limit.leaveOut("\(name), which is damaged")
            return
        }
        var known = Set(self[keyPath: place].map(\.number))
        if place == \.exifTags, known.isEmpty { exifIsBigEndian = file.isBigEndian }
        for entry in directory.entries {
            switch entry.number {
            case TIFFTag.interoperability where place == \.exifTags:
                takeInteroperability(entry, of: file, &limit)
            // They would point to where something lay.
            case TIFFTag.exif, TIFFTag.gps, TIFFTag.interoperability: continue
            default: take(entry, place, of: file, &known, &limit)
            }
        }
    }

    private mutating func takeInteroperability(
        _ entry: TIFFEntry, of file: TIFFStructure, _ limit: inout MetadataLimit
    ) {
        takeDirectory(
            entry, \.interoperabilityTags, "EXIF's directory of interoperability", of: file,
            &limit)
    }

    private mutating func take(
        _ entry: TIFFEntry, _ place: WritableKeyPath<Metadata, [MetadataTag]>,
        of file: TIFFStructure, _ known: inout Set<UInt16>, _ limit: inout MetadataLimit
    ) {
        let isMain = place == \.tags
        let name = isMain ? Metadata.name(of: entry.number) : "tag \(entry.number) of EXIF"
        guard known.insert(entry.number).inserted else { return }
        if let what = isMain ? TIFFTag.bound[entry.number] : nil { return limit.leaveOut(what) }
        guard let kind = entry.kind else {
            return limit.leaveOut("\(name), of the unknown type \(entry.type)")
        }
        if [.ifd, .ifd8].contains(kind) {
            return limit.leaveOut("the directory of \(name)")
        }
        // An entry without values is as good as none.
        if entry.count == 0 { return }
        guard let size = entry.byteCount, size <= limit.byteCount else {
            return limit.leaveOut("\(name) of \(entry.count) values")
        }
        guard let tag = file.tag(entry) else { return limit.leaveOut("\(name), which is damaged") }
        limit.byteCount -= size
        self[keyPath: place].append(tag)
    }
}

extension TIFFDirectory {
    /// Whether a ReferenceBlackWhite says something of samples that are not YCbCr: other values
    /// for black and white than the least and the largest ones.
    fileprivate func needsReferenceBlackWhite(_ entry: TIFFEntry, of file: TIFFStructure) -> Bool {
        let value = { (number: UInt16) in self[number].flatMap { file.tag($0) }?.reals.first }
        guard value(TIFFTag.photometric) != 6, let tag = file.tag(entry) else { return false }
        let most = exp2(value(258) ?? 1) - 1
        return tag.reals.enumerated().contains { $0.element != ($0.offset % 2 == 0 ? 0 : most) }
    }
}
