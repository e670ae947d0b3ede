// TIFF: integers and floating point of any number of bands, in strips or tiles.

import CImageCodecs
import Glibc

extension ImageFormat {
    public static let tiff = ImageFormat(name: "TIFF")
}

enum TIFFFormat: FormatCodec {
    static let format = ImageFormat.tiff
    static let fileExtensions = ["tif", "tiff"]

    /// Little and big endian, classic (42) and BigTIFF (43).
    static func recognizes(_ prefix: [UInt8]) -> Bool {
        for version: UInt8 in [42, 43] {
            if prefix.starts(with: [0x49, 0x49, version, 0])
                || prefix.starts(with: [0x4D, 0x4D, 0, version])
            {
                return true
            }
        }
        return false
    }

    static func obstacle(to header: ImageHeader) -> String? { nil }

    /// What fits the cache is decoded at once, so that damage shows early; larger images are read
    /// block by block, but for blocks that are too large for that, which go to a scratch file.
    static func open(_ descriptor: Int32, name: String, _ options: ReadingOptions)
        throws(ImageError) -> any ImageSource
    {
        let structure = TIFFStructure(descriptor: descriptor)
        let pages = structure?.imagePages() ?? TIFFPages()
        let page = try choosePage(pages, name: name, options)
        let place =
            page < pages.directories.count
            ? pages.directories[page] : TIFFPage(offset: structure?.firstDirectory ?? 0, kind: 0)
        let file = try TIFFFile(descriptor, place, name: name, options)
        var header = ImageHeader(
            file.info, format: format, tiffCompression: TIFFCompression(file.info.compression))
        if file.isTiled {
            header.tiffLayout = .tiles(width: file.blockWidth, height: file.blockHeight)
        }
        var limit = MetadataLimit()
        if let structure { header.metadata.take(place, of: structure, &limit) }
        var warnings = pageWarnings(pages, page, name: name, options)
        if let structure,
            let sentence = file.prepareForMissingBlocks(structure, place.offset, header)
        {
            warnings.append(sentence)
        }
        header.adaptMetadata(to: file, &limit)
        if options.isOneOfAllPages, place.displacement > 0 { header.metadata.leaveImageJ() }
        if pages.directories.count < 2, let count = header.metadata.leaveImageJStack() {
            warnings.append(
                "\(name) is a stack of \(count) images of ImageJ with one page, and the others do "
                    + "not follow the first uncompressed and whole; only the first is used, the "
                    + "others are not in the output")
        } else if !options.isOneOfAllPages, let count = header.metadata.leaveImageJStack() {
            warnings.append(
                "\(name) is a stack of \(count) images of ImageJ, of which one is used; the "
                    + "output's description does not count the others")
        }
        if !options.isOneOfAllPages, pages.directories.count > 1,
            let count = header.metadata.planesOfOME, count > 1
        {
            warnings.append(
                "\(name): its OME-XML tells of \(count) planes; the output takes it over, but has "
                    + "one of them")
        }
        warnings += sidecarWarnings(name)
        if !limit.leftOut.isEmpty {
            warnings.append("\(name): left out: \(limit.leftOut.joined(separator: ", "))")
        }
        let blockByteCount = file.blockWidth * file.blockHeight * header.pixelByteCount
        if header.decodedByteCount > options.cacheByteCount,
            blockByteCount <= options.cacheByteCount / 4
        {
            return BlockImage(
                header: header, warnings: warnings, name: name, decoder: file,
                cacheByteCount: options.cacheByteCount)
        }
        let image = try DecodedImage(
            header: header, warnings: warnings, name: name, options: options)
        try decode(file.reader, file.blocks, into: image, name: name)
        return image
    }

    /// The first that is neither a smaller copy nor a mask, unless the user asks for one.
    private static func choosePage(
        _ pages: TIFFPages, name: String, _ options: ReadingOptions
    ) throws(ImageError) -> Int {
        let count = pages.directories.count
        guard let page = options.page else {
            return (0..<count).first { pages.isWhole($0) } ?? 0
        }
        guard page < max(count, 1) else {
            throw ImageError(.unreadable, "\(name) has no page \(page + 1); it has \(count)")
        }
        return page
    }

    private static func pageWarnings(
        _ pages: TIFFPages, _ page: Int, name: String, _ options: ReadingOptions
    ) -> [String] {
        var warnings: [String] = []
        let all = pages.directories.indices
        let isChosen = options.page == nil && !options.isOneOfAllPages
        let others = all.filter { $0 != page && pages.isWhole($0) }.count
        if isChosen, !all.isEmpty, !all.contains(where: pages.isWhole) {
            warnings.append(
                "\(name) says of all its pages that they are reduced images or masks; the first is "
                    + "used")
        }
        if isChosen, page > 0, pages.directories[page].outer != nil {
            warnings.append(
                "\(name): its pages are smaller copies; the image in full size in a SubIFD is used")
        } else if isChosen, page > 0 {
            warnings.append(
                "\(name): the first page is no image in full size; page \(page + 1) is used")
        }
        if isChosen, others > 0 || pages.endsEarly {
            warnings.append(
                "\(name) holds more than one page; \(page > 0 ? "that one" : "the first") is used "
                    + "(see --page)")
        }
        // What belongs to a page follows it.
        let beside = all.filter { $0 > page }.prefix { !pages.isWhole($0) }
        if beside.contains(where: { pages.isMask($0) && !pages.isReduced($0) }) {
            warnings.append(
                "\(name) has a mask of transparent pixels; it is ignored, and the output has none")
        }
        if beside.contains(where: { pages.isReduced($0) && !pages.isMask($0) }) {
            warnings.append("\(name) has overviews; the output has them only with --pyramid")
        }
        return warnings
    }

    private static func decode(
        _ reader: OpaquePointer?, _ blocks: codec_blocks, into image: DecodedImage, name: String
    ) throws(ImageError) {
        let header = image.header
        let pixelBytes = header.samplesPerPixel * header.sampleType.byteCount
        let blockWidth = Int(blocks.block_width)
        let blockHeight = Int(blocks.block_height)
        let rowBytes = header.width * pixelBytes
        var block: UnsafeMutableRawPointer?
        defer { free(block) }
        for index in 0..<blocks.columns * blocks.rows {
            let x = Int(index % blocks.columns) * blockWidth
            let y = Int(index / blocks.columns) * blockHeight
            if blockWidth == header.width && y + blockHeight <= header.height {
                // Full rows go straight to their place.
                let place = image.samples.baseAddress?.advanced(by: y * rowBytes)
                try checked(name: name) { codec_tiff_read_block(reader, index, place, &$0) }
                continue
            }
            // malloc, because it can say no.
            guard let bytes = block ?? malloc(blockWidth * blockHeight * pixelBytes) else {
                throw ImageError(.tooLarge, "\(name): memory ran out for its tiles")
            }
            block = bytes
            try checked(name: name) { codec_tiff_read_block(reader, index, bytes, &$0) }
            let count = min(blockWidth, header.width - x) * pixelBytes
            for row in 0..<min(blockHeight, header.height - y) {
                let from = row * blockWidth * pixelBytes
                let to = (y + row) * rowBytes + x * pixelBytes
                UnsafeMutableRawBufferPointer(rebasing: image.samples[to..<to + count])
                    .copyMemory(from: UnsafeRawBufferPointer(start: bytes + from, count: count))
            }
        }
    }

    static func makeEncoder(_ descriptor: Int32, name: String, header: ImageHeader)
        throws(ImageError) -> any RowEncoder
    {
        try TIFFEncoder(descriptor, name: name, header: header)
    }
}

/// An open file, with a descriptor of its own.
private final class TIFFFile: BlockDecoder {
    private(set) var reader: OpaquePointer?
    private(set) var info = codec_info()
    private(set) var blocks = codec_blocks()
    private let descriptor: Int32
    private let name: String

    var blockWidth: Int { Int(blocks.block_width) }
    var blockHeight: Int { Int(blocks.block_height) }
    var columns: Int { Int(blocks.columns) }

    var isTiled: Bool { blocks.is_tiled != 0 }

    init(_ other: Int32, _ page: TIFFPage, name: String, _ options: ReadingOptions)
        throws(ImageError)
    {
        self.name = name
        descriptor = fcntl(other, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else {
            throw ImageError(.unreadable, "\(name): cannot be opened: \(systemMessage(errno))")
        }
        try checked(name: name) {
            codec_tiff_open(
                descriptor, UInt64(options.decodedByteCountMaximum), UInt64(page.offset), &reader,
                &info, &blocks, &$0)
        }
        codec_tiff_displace(reader, UInt64(page.displacement))
    }

    deinit {
        codec_tiff_reader_free(reader)
        close(descriptor)
    }

    /// What to say about strips or tiles that were never written: GDAL leaves out those of missing
    /// samples only. They become that value, or 0 where the file does not name one.
    ///
    /// - Parameter header: With the nodata value as the file says it.
    func prepareForMissingBlocks(
        _ structure: TIFFStructure, _ directory: Int, _ header: ImageHeader
    ) -> String? {
        guard let directory = structure.directory(at: directory) else { return nil }
        let values = { (tile: UInt16, strip: UInt16) in
            (directory[tile] ?? directory[strip]).flatMap { structure.tag($0) }?.unsignedIntegers
        }
        guard let counts = values(325, 279), let offsets = values(324, 273) else { return nil }
        let missing = zip(counts, offsets).filter { $0 == 0 && $1 == 0 }.count
        guard missing > 0 else { return nil }
        var meaning = "0"
        if let nodata = header.metadata.nodata, !header.hasAlpha,
            header.sampleType.isFloatingPoint || nodata.isFinite
        {
            let sample = header.sampleType.bytes(nearest: nodata)
            sample.withUnsafeBytes { codec_tiff_set_missing(reader, $0.baseAddress) }
            meaning = "the nodata value"
        }
        return "\(name): \(missing) of its \(counts.count) strips or tiles were never written; "
            + "they are read as \(meaning)"
    }

    /// What a stored sample of this value is decoded to; nil where there is no such number.
    func decoded(_ number: Double) -> Double? {
        var number = number
        return codec_tiff_decoded_number(reader, &number) != 0 ? number : nil
    }

    func decode(_ index: Int, into samples: UnsafeMutableRawBufferPointer) throws(ImageError) {
        try checked(name: name) {
            codec_tiff_read_block(reader, UInt32(index), samples.baseAddress, &$0)
        }
    }
}

extension ImageHeader {
    /// Makes metadata true of the samples as they are decoded; what cannot be made so is left out.
    fileprivate mutating func adaptMetadata(to file: TIFFFile, _ limit: inout MetadataLimit) {
        metadata.leaveStatistics()
        if alpha != nil {
            metadata.moveSampleItems(from: Int(file.info.alpha_place), to: colorBands)
        }
        if let nodata = metadata.nodata {
            metadata.nodata = file.decoded(nodata)
            if metadata.nodata == nil {
                limit.leaveOut("the nodata value \(Metadata.spelled(nodata))")
            }
            if metadata.nodata != nodata, !nodata.isNaN { metadata.nodataText = nil }
        }
        // Curves have a value for each number that a sample can be.
        let length = 1 << (8 * min(sampleType.byteCount, 2))
        let isAsStored = file.decoded(0) == 0
        let curves = metadata.tags.filter { tag in
            [TIFFTag.grayResponseCurve, TIFFTag.transferFunction].contains(tag.number)
                && !(isAsStored && tag.count % length == 0)
        }
        for curve in curves {
            limit.leaveOut(Metadata.name(of: curve.number))
            let isResponse = curve.number == TIFFTag.grayResponseCurve
            metadata.tags.removeAll {
                $0.number == curve.number || isResponse && $0.number == TIFFTag.grayResponseUnit
            }
        }
    }
}
