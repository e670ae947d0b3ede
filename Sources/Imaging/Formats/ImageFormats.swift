// The list of formats, and the two ways in: open a file, create one.

import Glibc

/// An image file format. Each is one file of this folder that adds a `FormatCodec` to the list
/// below.
public struct ImageFormat: Hashable, Codable, Sendable, CustomStringConvertible {
    /// As it is called in sentences: "PNG".
    public let name: String

    init(name: String) { self.name = name }

    public var description: String { name }
}

/// What a format does; everything else about a file is the same for all of them.
protocol FormatCodec: SendableMetatype {
    static var format: ImageFormat { get }
    /// Lower case, without the dot.
    static var fileExtensions: [String] { get }
    /// Whether a file that begins with these bytes is of this format.
    static func recognizes(_ prefix: [UInt8]) -> Bool
    /// Why the format cannot hold such an image, as the end of a sentence; nil where it can.
    static func obstacle(to header: ImageHeader) -> String?
    /// Reads the header and checks it against the limits; then decodes, or duplicates the
    /// descriptor for later: the file is closed afterwards.
    static func open(_ descriptor: Int32, name: String, _ options: ReadingOptions)
        throws(ImageError) -> any ImageSource
    static func makeEncoder(_ descriptor: Int32, name: String, header: ImageHeader)
        throws(ImageError) -> any RowEncoder
}

/// How an image is opened.
public struct ReadingOptions: Sendable {
    /// The most bytes of decoded samples that are kept in memory.
    public var cacheByteCount = 128 << 20
    /// Where an image that cannot be read by region is decoded to when it is larger than the cache.
    public var scratchFolder: String
    /// The page of a file with several, from 0; nil for the first that is neither a smaller copy
    /// nor a mask.
    public var page: Int?
    /// Whether all other pages are read too, each by itself: then nothing is said about them.
    public var isOneOfAllPages = false
    /// The most that the samples of the whole image may take, checked before anything is taken.
    public var decodedByteCountMaximum = 1 << 44

    /// Scratch files lie in `TMPDIR`, else in `/tmp`.
    public init() {
        scratchFolder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    }
}

public enum ImageFormats {
    private static let all: [any FormatCodec.Type] = [
        PNGFormat.self,
        TIFFFormat.self,
        JPEGFormat.self,
    ]

    /// Opens an image. The format is told by the file's content, not by its name.
    ///
    /// - Throws: `noSuchFile`, `unreadable` (damaged and truncated files too), `unsupported`,
    ///   `tooLarge`.
    public static func open(
        _ path: String, _ options: ReadingOptions = ReadingOptions()
    ) throws(ImageError) -> any ImageSource {
        // Not blocking, because the path may be a pipe that nobody writes to.
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw openError(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw openError(path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "a directory" : "not a plain file"
            throw ImageError(.unreadable, "\(path) is \(kind); an image file is wanted")
        }
        let prefix = readPrefix(descriptor)
        guard let codec = all.first(where: { $0.recognizes(prefix) }) else {
            throw unrecognized(path, prefix)
        }
        if options.page ?? 0 > 0, codec.format != .tiff {
            throw ImageError(.unsupported, "\(path) is a \(codec.format), which has one page")
        }
        let source = try codec.open(descriptor, name: path, options)
        source.header.metadata.leavePreviews()
        return source
    }

    /// Creates an output image in the format of the path's extension, with everything of `header`
    /// that the format can hold. Nothing lies at the path before `finish`.
    ///
    /// - Throws: `unsupported` for another extension, `outputExists` without `overwrite`,
    ///   `unwritable`, `outOfSpace`.
    public static func createSink(_ path: String, like header: ImageHeader, overwrite: Bool = false)
        throws(ImageError) -> any ImageSink
    {
        let codec = try outputCodec(path)
        try checkKind(path, like: header)
        try checkPlace(path, overwrite: overwrite)
        let file = try OutputFile(path: path, replacesExisting: overwrite)
        let encoder = try codec.makeEncoder(file.descriptor, name: path, header: header)
        return EncodedImageSink(header: header, file: file, encoder: encoder)
    }

    /// The format that an output's extension tells; nil where it tells none.
    public static func format(ofOutput path: String) -> ImageFormat? {
        (try? outputCodec(path))?.format
    }

    /// The pages of a TIFF that are images of their own, neither smaller copies nor masks, as
    /// `ReadingOptions.page` counts, and the images of an ImageJ stack with one directory; one for
    /// other formats.
    ///
    /// - Throws: `unreadable` where there is no such file or its pages are damaged.
    public static func pages(_ path: String) throws(ImageError) -> [Int] {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw openError(path, errno) }
        defer { close(descriptor) }
        guard TIFFFormat.recognizes(readPrefix(descriptor)),
            let pages = TIFFStructure(descriptor: descriptor)?.imagePages()
        else { return [0] }
        guard !pages.endsEarly else {
            throw ImageError(
                .unreadable,
                "\(path): what follows page \(pages.directories.count) is damaged, so not all "
                    + "pages can be restored; --page takes one")
        }
        let whole = pages.directories.indices.filter(pages.isWhole)
        return whole.isEmpty ? [0] : whole
    }

    /// Checks, before any work is done, what `createSink` will check after it: that the extension
    /// is known, the folder can be written to, nothing is replaced without `overwrite`, and the
    /// output is not the input itself.
    public static func checkOutput(_ path: String, input: String, overwrite: Bool)
        throws(ImageError)
    {
        _ = try outputCodec(path)
        if areSameFile(path, input) {
            throw ImageError(
                .outputExists, "the output \(path) is the input itself; choose another output")
        }
        try checkPlace(path, overwrite: overwrite)
        // Creating a file there is the only sure answer.
        try OutputFile(path: path, replacesExisting: overwrite).discard()
    }

    /// Checks that the format of the path's extension can hold such an image.
    public static func checkKind(_ path: String, like header: ImageHeader) throws(ImageError) {
        let codec = try outputCodec(path)
        if header.hasOverviews, codec.format != .tiff {
            throw ImageError(
                .unsupported,
                "\(path): overviews are for a TIFF; choose an output that ends in .tif")
        }
        guard let obstacle = codec.obstacle(to: header) else { return }
        let alpha = header.hasAlpha ? " with alpha" : ""
        let others = all.filter { $0.obstacle(to: header) == nil }.map {
            ".\($0.fileExtensions[0])"
        }
        throw ImageError(
            .unsupported,
            "\(path): a \(codec.format) \(obstacle), but the image is \(header.kind)\(alpha), "
                + "\(header.sampleType.rawValue); choose an output that ends in "
                + others.joined(separator: " or "))
    }

    /// Whether both paths lead to one existing file, also through symbolic and hard links.
    public static func areSameFile(_ one: String, _ other: String) -> Bool {
        var (a, b) = (stat(), stat())
        guard stat(one, &a) == 0, stat(other, &b) == 0 else { return false }
        return a.st_dev == b.st_dev && a.st_ino == b.st_ino
    }

    private static func outputCodec(_ path: String) throws(ImageError) -> any FormatCodec.Type {
        let name = splitPath(path).name
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let suffix = parts.count > 1 ? parts[parts.count - 1].lowercased() : ""
        if let codec = all.first(where: { $0.fileExtensions.contains(suffix) }) { return codec }
        let known = all.flatMap { $0.fileExtensions }.map { "." + $0 }.joined(separator: ", ")
        throw ImageError(
            .unsupported,
            "\(path): the output's format is told by its extension, which may be \(known)")
    }

    private static func checkPlace(_ path: String, overwrite: Bool) throws(ImageError) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ImageError(.unwritable, "\(path) exists and is not a plain file")
        }
        if !overwrite { throw existsError(path) }
    }

    private static func openError(_ path: String, _ code: Int32) -> ImageError {
        if code == ENOENT || code == ENOTDIR {
            return ImageError(.noSuchFile, "\(path): no such file")
        }
        return ImageError(.unreadable, "\(path): cannot be opened: \(systemMessage(code))")
    }

    private static func readPrefix(_ descriptor: Int32) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            count = max(pread(descriptor, buffer.baseAddress, 16, 0), 0)
        }
    }

    private static func unrecognized(_ path: String, _ prefix: [UInt8]) -> ImageError {
        let known = listed(all.map { $0.format.name })
        if prefix.isEmpty { return ImageError(.unreadable, "\(path) is empty; it is no image") }
        guard let name = familiarFormat(prefix) else {
            return ImageError(
                .unreadable, "\(path) is not an image of a known format; \(known) are read")
        }
        return ImageError(.unsupported, "\(path) is a \(name) file; \(known) are read")
    }

    /// Formats that people try, by their first bytes, so that the sentence can name them.
    private static func familiarFormat(_ prefix: [UInt8]) -> String? {
        func has(_ text: String, at offset: Int = 0) -> Bool {
            prefix.dropFirst(offset).starts(with: Array(text.utf8))
        }
        if has("RIFF") && has("WEBP", at: 8) { return "WebP" }
        if has("ftyp", at: 4) { return "HEIF, AVIF or video" }
        if has("jP  ", at: 4) || prefix.starts(with: [0xFF, 0x4F, 0xFF, 0x51]) {
            return "JPEG 2000"
        }
        if prefix.starts(with: [0x76, 0x2F, 0x31, 0x01]) { return "OpenEXR" }
        if has("GIF8") { return "GIF" }
        if has("BM") { return "BMP" }
        if has("%PDF") { return "PDF" }
        if has("8BPS") { return "Photoshop" }
        if has("SIMPLE") { return "FITS" }
        if prefix.count > 2, has("P"), (0x31...0x37).contains(prefix[1]), prefix[2] <= 0x20 {
            return "PNM"
        }
        return nil
    }
}
