// PNG: every kind is read; written with 8 or 16 bits.

import CImageCodecs

extension ImageFormat {
    public static let png = ImageFormat(name: "PNG")
}

enum PNGFormat: FormatCodec {
    static let format = ImageFormat.png
    static let fileExtensions = ["png"]

    static func recognizes(_ prefix: [UInt8]) -> Bool {
        prefix.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    }

    static func obstacle(to header: ImageHeader) -> String? {
        let isSimple =
            (header.colorModel == .gray && header.colorBands == 1)
            || (header.colorModel == .rgb && header.colorBands == 3)
        let isSmall = header.sampleType == .uint8 || header.sampleType == .uint16
        return isSimple && isSmall ? nil : "holds gray or RGB of unsigned 8 or 16 bits"
    }

    static func open(_ descriptor: Int32, name: String, _ options: ReadingOptions)
        throws(ImageError) -> any ImageSource
    {
        var reader: OpaquePointer?
        var info = codec_info()
        try checked(name: name) {
            codec_png_open(descriptor, UInt64(options.decodedByteCountMaximum), &reader, &info, &$0)
        }
        defer { codec_png_reader_free(reader) }
        var header = ImageHeader(info, format: format)
        let beside = PNGMetadataReader(descriptor)
        header.metadata = beside.metadata
        let image = try DecodedImage(
            header: header, warnings: notTakenWarnings(beside.leftOut, name: name), name: name,
            options: options)
        try checked(name: name) { codec_png_read(reader, image.samples.baseAddress, &$0) }
        return image
    }

    static func makeEncoder(_ descriptor: Int32, name: String, header: ImageHeader)
        throws(ImageError) -> any RowEncoder
    {
        try PNGEncoder(descriptor, name: name, header: header)
    }
}

private final class PNGEncoder: RowEncoder {
    let wantsUnassociatedAlpha = true
    private(set) var warnings: [String] = []
    private let name: String
    private var writer: OpaquePointer?

    init(_ descriptor: Int32, name: String, header: ImageHeader) throws(ImageError) {
        self.name = name
        var profileDropped: Int32 = 0
        try header.withCodecInfo(name: name) { info throws(ImageError) in
            try checked(name: name) {
                codec_png_create(descriptor, &info, &writer, &profileDropped, &$0)
            }
        }
        if profileDropped != 0 {
            warnings.append("\(name): the colour profile does not fit a PNG and is left out")
        }
        let beside = PNGMetadataWriter(
            header, hasProfile: header.metadata.iccProfile != nil && profileDropped == 0)
        warnings += leftOutWarnings(beside.leftOut, format: .png, name: name)
        warnings += makerNoteWarnings(header.metadata, isBlock: true, name: name)
        for chunk in beside.chunks {
            try checked(name: name) {
                codec_png_write_chunk(writer, chunk.type, chunk.bytes, chunk.bytes.count, &$0)
            }
        }
    }

    deinit { codec_png_writer_free(writer) }

    func write(rowCount: Int, samples: UnsafeRawBufferPointer) throws(ImageError) {
        try checked(name: name) {
            codec_png_write_rows(writer, UInt32(rowCount), samples.baseAddress, &$0)
        }
    }

    func finish() throws(ImageError) {
        try checked(name: name) { codec_png_finish(writer, &$0) }
    }
}
