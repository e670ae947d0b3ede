// JPEG: 8 bits, gray, RGB and CMYK; written baseline.

import CImageCodecs

extension ImageFormat {
    public static let jpeg = ImageFormat(name: "JPEG")
}

enum JPEGFormat: FormatCodec {
    static let format = ImageFormat.jpeg
    static let fileExtensions = ["jpg", "jpeg"]
    /// Pixels: what libjpeg writes and reads.
    static let sideMaximum = 65500

    static func recognizes(_ prefix: [UInt8]) -> Bool { prefix.starts(with: [0xFF, 0xD8, 0xFF]) }

    static func obstacle(to header: ImageHeader) -> String? {
        let isKnown =
            switch (header.colorModel, header.colorBands) {
            case (.gray, 1), (.rgb, 3), (.cmyk, 4): true
            default: false
            }
        guard isKnown, header.sampleType == .uint8, !header.hasAlpha else {
            return "holds gray, RGB or CMYK of unsigned 8 bits without alpha"
        }
        guard max(header.width, header.height) <= sideMaximum else {
            return "has sides of at most \(sideMaximum) pixels"
        }
        return nil
    }

    static func open(_ descriptor: Int32, name: String, _ options: ReadingOptions)
        throws(ImageError) -> any ImageSource
    {
        var reader: OpaquePointer?
        var info = codec_info()
        // A progressive file's coefficients stay in memory, two bytes for a sample.
        let memoryLimit = options.cacheByteCount.multipliedReportingOverflow(by: 8)
        try checked(name: name) {
            codec_jpeg_open(
                descriptor, UInt64(options.decodedByteCountMaximum),
                memoryLimit.overflow ? .max : UInt64(memoryLimit.partialValue), &reader, &info, &$0)
        }
        defer { codec_jpeg_reader_free(reader) }
        var header = ImageHeader(info, format: format)
        var segments = JPEGSegments(descriptor)
        header.metadata = segments.metadata()
        let warnings = notTakenWarnings(segments.leftOut, name: name)
        let image = try DecodedImage(
            header: header, warnings: warnings, name: name, options: options)
        try checked(name: name) { codec_jpeg_read(reader, image.samples.baseAddress, &$0) }
        return image
    }

    static func makeEncoder(_ descriptor: Int32, name: String, header: ImageHeader)
        throws(ImageError) -> any RowEncoder
    {
        try JPEGEncoder(descriptor, name: name, header: header)
    }
}

private final class JPEGEncoder: RowEncoder {
    let wantsUnassociatedAlpha = false
    let warnings: [String]
    private let name: String
    private var writer: OpaquePointer?

    init(_ descriptor: Int32, name: String, header: ImageHeader) throws(ImageError) {
        self.name = name
        let segments = JPEGSegmentWriter(header)
        warnings =
            leftOutWarnings(segments.leftOut, format: .jpeg, name: name)
            + makerNoteWarnings(segments.exif, isBlock: true, name: name)
        try header.withCodecInfo(name: name) { info throws(ImageError) in
            try checked(name: name) {
                codec_jpeg_create(descriptor, &info, Int32(header.jpegQuality), &writer, &$0)
            }
        }
        for segment in segments.segments {
            try checked(name: name) {
                codec_jpeg_write_segment(
                    writer, Int32(segment.marker), segment.bytes, segment.bytes.count, &$0)
            }
        }
    }

    deinit { codec_jpeg_writer_free(writer) }

    func write(rowCount: Int, samples: UnsafeRawBufferPointer) throws(ImageError) {
        try checked(name: name) {
            codec_jpeg_write_rows(writer, UInt32(rowCount), samples.baseAddress, &$0)
        }
    }

    func finish() throws(ImageError) {
        try checked(name: name) { codec_jpeg_finish(writer, &$0) }
    }
}
