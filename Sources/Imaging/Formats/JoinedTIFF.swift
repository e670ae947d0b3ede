// Several TIFFs become the pages of one, without being decoded.

import Glibc

/// A TIFF whose pages were written as files of their own, by this program: their bytes are copied,
/// and their directories written again with other places. It appears at its path when `finish`
/// returns, complete.
public final class JoinedTIFF {
    private static let copiedByteCount = 1 << 20
    private let file: OutputFile
    private let writer: TIFFDirectoryWriter
    private var byteCount: Int
    /// In the order of the file.
    private var directories: [Directories] = []
    private var isComplete = false
    /// ImageJ looks for the images of a stack behind the pixels of the first, and not by their
    /// directories.
    private let isImageJStack: Bool
    /// Sentences for the user about what the pages said and the file does not.
    public private(set) var warnings: [String] = []

    /// A page, or a smaller copy of one.
    private struct Directories {
        let main, exif, gps, interoperability: [TIFFField]
    }

    /// Copies what the files hold, in their order.
    public init(_ path: String, pages: [String], overwrite: Bool) throws(ImageError) {
        file = try OutputFile(path: path, replacesExisting: overwrite)
        // Directories are written a second time; and what only BigTIFF can say stays one.
        var isBig = false
        var pageByteCount = 0
        var stack = StackFacts()
        for page in pages {
            try Self.withPage(page) { page, offsets, _ in
                pageByteCount += page.byteCount
                isBig = isBig || page.isBig || pageByteCount > 3_500_000_000
                stack.add(page, offsets)
            }
        }
        isImageJStack = stack.isWhole
        if !stack.isWhole, let count = stack.count {
            warnings.append(
                "\(path): its pages cannot lie as ImageJ wants those of a stack (uncompressed, in "
                    + "strips, of one size); its description does not count the \(count) images")
        }
        writer = TIFFDirectoryWriter(isBigEndian: nativeIsBig, isBig: isBig)
        byteCount = isBig ? 16 : 8
        let mark: [UInt8] = nativeIsBig ? [0x4D, 0x4D] : [0x49, 0x49]
        let head =
            isBig
            ? mark + writer.number(43, 2) + writer.number(8, 2) + writer.number(0, 10)
            : mark + writer.number(42, 2) + writer.number(0, 4)
        try put(head, at: 0)
        for path in pages {
            try Self.withPage(path) { page, offsets, descriptor throws(ImageError) in
                try append(page, offsets, descriptor, path)
            }
        }
    }

    /// - Parameter body: gets the file, where its directories lie, and its descriptor.
    private static func withPage(
        _ path: String, _ body: (TIFFStructure, [Int], Int32) throws(ImageError) -> Void
    ) throws(ImageError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ImageError(.unreadable, "\(path): cannot be opened: \(systemMessage(errno))")
        }
        defer { close(descriptor) }
        let page = TIFFStructure(descriptor: descriptor)
        let pages = page?.pages()
        guard let page, let pages, page.isBigEndian == nativeIsBig, !pages.endsEarly
        else { throw ImageError(.unreadable, "\(path) is no page that was written here") }
        try body(page, pages.directories.map(\.offset), descriptor)
    }

    private func append(
        _ page: TIFFStructure, _ offsets: [Int], _ descriptor: Int32, _ path: String
    ) throws(ImageError) {
        // Behind the pixels lie the directories.
        var pixels = 0..<(offsets.min() ?? 0)
        var place = (byteCount + 15) / 16 * 16
        if isImageJStack, let offset = offsets.first,
            let plain = page.directory(at: offset).flatMap(page.plainPixels)
        {
            pixels = plain
            if !directories.isEmpty { place = byteCount }
        }
        for offset in offsets {
            guard let directory = page.directory(at: offset),
                let fields = fields(
                    of: directory, in: page, movedBy: place - pixels.lowerBound)
            else { throw ImageError(.unreadable, "\(path): its directory is damaged") }
            directories.append(fields)
        }
        try copy(descriptor, pixels, to: place)
        byteCount = place + pixels.count
    }

    /// Writes the directories and syncs the file, but leaves it beside its place.
    ///
    /// - Returns: where it lies until ``finish()`` puts it at its place.
    public func complete() throws(ImageError) -> String {
        guard !isComplete else { return file.temporaryPath }
        var next = 0
        var offset = byteCount + byteCount % 2
        // From the last on: each tells where the one behind it lies.
        for part in directories.reversed() {
            let bytes = writer.directories(
                part.main, exif: part.exif, gps: part.gps, interoperability: part.interoperability,
                at: offset, next: next)
            guard writer.isBig || offset + bytes.count <= Int(UInt32.max) else {
                throw ImageError(
                    .unwritable,
                    "\(file.path): it becomes longer than the 4 GB of a classic TIFF")
            }
            try put(bytes, at: offset)
            next = offset
            offset += bytes.count
        }
        let place = writer.isBig ? 8 : 4
        try put(writer.number(next, place), at: place)
        try file.sync()
        isComplete = true
        return file.temporaryPath
    }

    public func finish() throws(ImageError) {
        _ = try complete()
        try file.commit()
    }

    public func abandon() { file.discard() }

    // MARK: Directories

    /// What a directory says, where its pixels lie `base` bytes further on.
    private func fields(
        of directory: TIFFDirectory, in page: TIFFStructure, movedBy base: Int
    ) -> Directories? {
        func tags(_ directory: TIFFDirectory) -> [MetadataTag]? {
            let tags = directory.entries.map { page.tag($0) }
            return tags.contains { $0 == nil } ? nil : tags.compactMap { $0 }
        }
        func inner(_ number: UInt16, _ tags: [MetadataTag]) -> [MetadataTag]? {
            guard let tag = tags.first(where: { $0.number == number }) else { return [] }
            return tag.unsignedIntegers.first.flatMap { page.directory(at: $0) }.flatMap(tags(_:))
        }
        func fields(_ tags: [MetadataTag]) -> [TIFFField] {
            tags.filter { !TIFFTag.pointers.contains($0.number) }.map { .tag($0) }
        }
        guard let main = tags(directory), let exif = inner(TIFFTag.exif, main),
            let gps = inner(TIFFTag.gps, main),
            let interoperability = inner(TIFFTag.interoperability, exif)
        else { return nil }
        let moved = main.map { tag in
            if TIFFTag.pixelPlaces.contains(tag.number) {
                return writer.offsets(tag.number, tag.unsignedIntegers, base)
            }
            return isImageJStack || Metadata.imageJCount(tag) == nil ? tag : tag.withoutImageJCounts
        }
        return Directories(
            main: fields(moved), exif: fields(exif), gps: fields(gps),
            interoperability: fields(interoperability))
    }

    // MARK: Bytes

    private func put(_ bytes: [UInt8], at offset: Int) throws(ImageError) {
        let code = bytes.withUnsafeBytes { writeBytes(file.descriptor, $0, at: offset) }
        if let code { throw writeError(file.path, "cannot write it", code) }
    }

    private func copy(
        _ descriptor: Int32, _ range: Range<Int>, to place: Int
    ) throws(ImageError) {
        for offset in stride(from: 0, to: range.count, by: Self.copiedByteCount) {
            let count = min(Self.copiedByteCount, range.count - offset)
            guard let bytes = fileBytes(descriptor, at: range.lowerBound + offset, count: count)
            else {
                throw ImageError(
                    .unreadable,
                    "\(file.path): a page of it cannot be read: \(systemMessage(errno))")
            }
            try put(bytes, at: place + offset)
        }
    }
}

/// Whether pages can be laid out as a stack of ImageJ's, as the first one says that they are.
private struct StackFacts {
    /// The images that the first page's description counts; nil where it counts none.
    private(set) var count: Int?
    /// Bytes of the pixels of each page; nil where they are compressed, in tiles or not alone.
    private var byteCounts: [Int?] = []

    mutating func add(_ page: TIFFStructure, _ offsets: [Int]) {
        let directory = offsets.first.flatMap { page.directory(at: $0) }
        if byteCounts.isEmpty {
            count = directory.flatMap(page.imageJCount).flatMap { $0 > 1 ? $0 : nil }
        }
        let pixels = offsets.count == 1 ? directory.flatMap(page.plainPixels) : nil
        byteCounts.append(pixels?.count)
    }

    var isWhole: Bool {
        guard let count, let first = byteCounts.first, first != nil else { return false }
        return count == byteCounts.count && byteCounts.allSatisfy { $0 == first }
    }
}

extension TIFFTag {
    /// Where strips and tiles lie.
    fileprivate static let pixelPlaces: Set<UInt16> = [stripOffsets, tileOffsets]
    /// To directories that are written again.
    fileprivate static let pointers: Set<UInt16> = [exif, gps, interoperability]
}
