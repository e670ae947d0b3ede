// Writing a TIFF: pixels and what tells how they are stored by libtiff, all else by a directory of
// our own in the place of libtiff's, so that any tag can be kept.

import CImageCodecs
import Glibc

final class TIFFEncoder: RowEncoder {
    private(set) var warnings: [String] = []
    let wantsUnassociatedAlpha = false
    private let descriptor: Int32
    private let name: String
    private let header: ImageHeader
    private let fields: MetadataFields
    private var writer: OpaquePointer?
    private var overviews: Overviews?

    init(_ descriptor: Int32, name: String, header: ImageHeader) throws(ImageError) {
        self.descriptor = descriptor
        self.name = name
        self.header = header
        let layout = header.writtenTiles
        fields = MetadataFields(header)
        // What only BigTIFF can say makes one.
        let isBig =
            header.needsBigTIFF(tiles: layout, metadataByteCount: fields.byteCount)
            || fields.all.contains(where: \.isLongOffset)
        warnings += leftOutWarnings(fields.leftOut, format: .tiff, name: name)
        warnings += makerNoteWarnings(header.metadata, isBlock: false, name: name)
        var codecLayout = codec_tiff_layout()
        if let layout {
            codecLayout.tile_width = UInt32(layout.width)
            codecLayout.tile_height = UInt32(layout.height)
        }
        codecLayout.is_big = isBig ? 1 : 0
        try header.withCodecInfo(name: name) { info throws(ImageError) in
            try checked(name: name) {
                codec_tiff_create(descriptor, &info, &codecLayout, &writer, &$0)
            }
        }
        if header.hasOverviews { overviews = try Overviews(header, name: name) }
    }

    deinit { codec_tiff_writer_free(writer) }

    func write(rowCount: Int, samples: UnsafeRawBufferPointer) throws(ImageError) {
        try writeRows(rowCount, samples)
        try overviews?.add(rowCount: rowCount, samples)
    }

    private func writeRows(_ count: Int, _ samples: UnsafeRawBufferPointer) throws(ImageError) {
        try checked(name: name) {
            codec_tiff_write_rows(writer, UInt32(count), samples.baseAddress, &$0)
        }
    }

    func finish() throws(ImageError) {
        if let overviews {
            for level in overviews.levels {
                try checked(name: name) {
                    codec_tiff_begin_overview(
                        writer, UInt32(level.width), UInt32(level.height), &$0)
                }
                try overviews.forEachBand(of: level) { count, samples throws(ImageError) in
                    try writeRows(count, samples)
                }
            }
        }
        overviews = nil
        try checked(name: name) { codec_tiff_finish(writer, &$0) }
        try appendMetadata()
    }

    /// Writes the directories again behind everything, with the metadata, and lets the header point
    /// there. Where pixels lie is taken over entry by entry.
    private func appendMetadata() throws(ImageError) {
        let file = TIFFStructure(descriptor: descriptor)
        let directories = file.map { file in
            file.pages().directories.compactMap { file.directory(at: $0.offset) }
        }
        guard let file, let directories, !directories.isEmpty else {
            throw ImageError(.unwritable, "\(name): what was written cannot be read back")
        }
        let writer = TIFFDirectoryWriter(isBigEndian: file.isBigEndian, isBig: file.isBig)
        var offset = file.byteCount + file.byteCount % 2
        var next = 0
        // From the last on: each tells where the one behind it lies.
        for (index, directory) in directories.enumerated().reversed() {
            let bytes =
                index == 0
                ? wholeDirectory(directory, writer, at: offset, next: next)
                : writer.directory(
                    directory.entries.map(TIFFField.entry) + fields.ofOverviews.map(TIFFField.tag),
                    at: offset, next: next)
            guard file.isBig || offset + bytes.count <= Int(UInt32.max) else {
                throw ImageError(
                    .unwritable, "\(name): it becomes longer than the 4 GB of a classic TIFF")
            }
            try put(bytes, at: offset)
            next = offset
            offset += bytes.count
        }
        let place = file.isBig ? 8 : 4
        try put(writer.number(next, place), at: place)
    }

    private func wholeDirectory(
        _ former: TIFFDirectory, _ writer: TIFFDirectoryWriter, at offset: Int, next: Int
    ) -> [UInt8] {
        var known = Set(former.entries.map(\.number))
        let main =
            former.entries.map(TIFFField.entry)
            + fields.main.filter { known.insert($0.number).inserted }.map(TIFFField.tag)
        return writer.directories(
            main, exif: fields.exif.map(TIFFField.tag), gps: fields.gps.map(TIFFField.tag),
            interoperability: fields.interoperability.map(TIFFField.tag), at: offset, next: next)
    }

    private func put(_ bytes: [UInt8], at offset: Int) throws(ImageError) {
        let code = bytes.withUnsafeBytes { writeBytes(descriptor, $0, at: offset) }
        if let code { throw writeError(name, "cannot write its metadata", code) }
    }
}

extension ImageHeader {
    /// The tiles to write; nil for strips. Those of the input are kept unless they are no multiples
    /// of 16, as the format wants, or a row of them takes more than 256 MB. Overviews want tiles.
    fileprivate var writtenTiles: (width: Int, height: Int)? {
        switch tiffLayout {
        case .strips: return hasOverviews ? (256, 256) : nil
        case .tiles(let tileWidth, let tileHeight):
            let isRegular =
                tileWidth > 0 && tileHeight > 0 && tileWidth % 16 == 0 && tileHeight % 16 == 0
            let limit = 256 << 20
            let isSmall =
                tileWidth <= 65536
                && tileHeight <= limit / (max(width, tileWidth) * pixelByteCount)
            return isRegular && isSmall ? (tileWidth, tileHeight) : (256, 256)
        }
    }

    /// Whether offsets could pass 4 GB: with some room for tables, and for data that "compression"
    /// makes longer, LZW by two fifths.
    fileprivate func needsBigTIFF(
        tiles: (width: Int, height: Int)?, metadataByteCount: Int
    ) -> Bool {
        let padded = { (side: Int, tile: Int) in Double((side + tile - 1) / tile * tile) }
        let (tileWidth, tileHeight) = tiles ?? (1, 1)
        var pixels = padded(width, tileWidth) * padded(height, tileHeight)
        if hasOverviews { pixels = pixels * 4 / 3 + 64 * Double(tileWidth * tileHeight) }
        let limit = tiffCompression == .lzw ? 2.9e9 : 3.5e9
        return pixels * Double(pixelByteCount) + Double(metadataByteCount) > limit
    }
}

/// What a TIFF's directories say beside the pixels.
private struct MetadataFields {
    var main: [MetadataTag] = []
    var exif, gps, interoperability: [MetadataTag]
    /// In words.
    var leftOut: [String] = []

    init(_ header: ImageHeader) {
        let metadata = header.metadata.withTextsAsTags().withPrimariesAsTags()
        exif = metadata.exifTags
        gps = metadata.gpsTags
        interoperability = metadata.interoperabilityTags
        // One value for each sample that 8 or 16 bits can have, for one band or three.
        let curve = 1 << (8 * min(header.sampleType.byteCount, 2))
        main = metadata.tags.filter { tag in
            !TIFFTag.structural.contains(tag.number)
                && !(tag.number == TIFFTag.transferFunction && tag.count % curve != 0)
        }
        main += metadata.resolutionTags
        main.append(MetadataTag(TIFFTag.orientation, short: metadata.orientation))
        if let nodata = metadata.nodata {
            main.append(MetadataTag(TIFFTag.nodata, text: metadata.spelledNodata(nodata)))
        }
        let blocks: [(UInt16, MetadataTag.Kind, [UInt8]?)] = [
            (TIFFTag.xmp, .byte, metadata.xmp), (TIFFTag.iptc, .undefined, metadata.iptc),
            (TIFFTag.photoshop, .byte, metadata.photoshop),
            (TIFFTag.iccProfile, .undefined, metadata.iccProfile),
        ]
        for (number, kind, bytes) in blocks {
            guard let bytes, !bytes.isEmpty else { continue }
            main.append(MetadataTag(number: number, kind: kind, bytes: bytes))
        }
        leftOut = metadata.texts.map(\.name)
        leftOut += metadata.colorChunksInWords
    }

    /// What must be known to read the pixels of smaller copies.
    var ofOverviews: [MetadataTag] { main.filter { $0.number == TIFFTag.nodata } }

    var all: [MetadataTag] { main + exif + gps + interoperability }

    var byteCount: Int { all.reduce(0) { $0 + $1.bytes.count + 24 } }
}

extension Metadata {
    /// The file's own spelling where it still means the value, else the shortest one.
    fileprivate func spelledNodata(_ value: Double) -> String {
        if let nodataText, let former = parsedNodata(nodataText),
            former == value || (former.isNaN && value.isNaN)
        {
            return nodataText
        }
        return Metadata.spelled(value)
    }

    /// A number without a needless fraction.
    static func spelled(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
