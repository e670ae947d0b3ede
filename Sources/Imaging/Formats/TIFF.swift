// TIFF: integers and floating point of any number of bands, in strips or tiles; written in strips.

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
        let file = try TIFFFile(descriptor, name: name, options)
        let header = ImageHeader(
            file.info, format: format, tiffCompression: TIFFCompression(file.info.compression))
        let warnings =
            file.blocks.more_pages == 0 || options.page > 0
            ? [] : ["\(name) holds more than one page; the first is used (see --page)"]
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

    init(_ other: Int32, name: String, _ options: ReadingOptions) throws(ImageError) {
        self.name = name
        descriptor = fcntl(other, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else {
            throw ImageError(.unreadable, "\(name): cannot be opened: \(systemMessage(errno))")
        }
        try checked(name: name) {
            codec_tiff_open(
                descriptor, UInt64(options.decodedByteCountMaximum), UInt32(clamping: options.page),
                &reader, &info, &blocks, &$0)
        }
    }

    deinit {
        codec_tiff_reader_free(reader)
        close(descriptor)
    }

    func decode(_ index: Int, into samples: UnsafeMutableRawBufferPointer) throws(ImageError) {
        try checked(name: name) {
            codec_tiff_read_block(reader, UInt32(index), samples.baseAddress, &$0)
        }
    }
}

private final class TIFFEncoder: RowEncoder {
    let warnings: [String] = []
    let wantsUnassociatedAlpha = false
    private let name: String
    private var writer: OpaquePointer?

    init(_ descriptor: Int32, name: String, header: ImageHeader) throws(ImageError) {
        self.name = name
        try header.withCodecInfo(name: name) { info throws(ImageError) in
            try checked(name: name) { codec_tiff_create(descriptor, &info, &writer, &$0) }
        }
    }

    deinit { codec_tiff_writer_free(writer) }

    func write(rowCount: Int, samples: UnsafeRawBufferPointer) throws(ImageError) {
        try checked(name: name) {
            codec_tiff_write_rows(writer, UInt32(rowCount), samples.baseAddress, &$0)
        }
    }

    func finish() throws(ImageError) {
        try checked(name: name) { codec_tiff_finish(writer, &$0) }
    }
}
