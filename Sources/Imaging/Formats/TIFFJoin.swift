// Several TIFFs of ours become the pages of one.

import Glibc

extension ImageFormats {
    /// The pages of a file that are images of their own, from 0: not reduced ones and not masks.
    /// A file of another format than TIFF has one.
    ///
    /// - Throws: `noSuchFile`, `unreadable`.
    public static func pages(_ path: String) throws(ImageError) -> [Int] {
        let descriptor = try openForReading(path)
        defer { close(descriptor) }
        guard let pages = TIFFStructure(descriptor: descriptor)?.pages() else { return [0] }
        let whole = pages.directories.indices.filter(pages.isWhole)
        return whole.isEmpty ? [0] : whole
    }

    /// Joins TIFFs that `createSink` has made, each with its overviews, without decoding a pixel.
    /// Nothing lies at the path before all is written and synced.
    ///
    /// - Parameter willAppear: called with where the complete file lies before it takes its place.
    /// - Throws: `unreadable`, `outputExists` without `overwrite`, `unwritable`, `outOfSpace`, and
    ///   what `willAppear` throws.
    public static func joinPages(
        _ paths: [String], into path: String, overwrite: Bool,
        willAppear: (_ temporaryPath: String) throws -> Void = { _ in }
    ) throws {
        var byteCount = 0
        var isBig = false
        for part in paths {
            let descriptor = try openForReading(part)
            defer { close(descriptor) }
            guard let file = TIFFStructure(descriptor: descriptor) else {
                throw ImageError(.unreadable, "\(part) is no TIFF; it cannot become a page")
            }
            byteCount += file.byteCount
            isBig = isBig || file.isBig
        }
        // Directories are written anew and may be wider.
        isBig = isBig || byteCount > 3_500_000_000
        let output = try OutputFile(path: path, replacesExisting: overwrite)
        let join = TIFFJoin(output, isBig: isBig)
        try join.begin()
        for part in paths { try join.append(part) }
        try output.sync()
        try willAppear(output.temporaryPath)
        try output.commit()
    }

    private static func openForReading(_ path: String) throws(ImageError) -> Int32 {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw ImageError(
                errno == ENOENT ? .noSuchFile : .unreadable,
                "\(path): cannot be opened: \(systemMessage(errno))")
        }
        return descriptor
    }
}

private final class TIFFJoin {
    private let output: OutputFile
    private let writer: TIFFDirectoryWriter
    /// Where the place of the next directory is said.
    private var nextPlace: Int

    init(_ output: OutputFile, isBig: Bool) {
        self.output = output
        writer = TIFFDirectoryWriter(isBigEndian: nativeIsBig, isBig: isBig)
        nextPlace = isBig ? 8 : 4
    }

    func begin() throws(ImageError) {
        let order: [UInt8] = nativeIsBig ? [0x4D, 0x4D] : [0x49, 0x49]
        let version = writer.number(writer.isBig ? 43 : 42, 2)
        let sizes = writer.isBig ? writer.number(8, 2) + writer.number(0, 2) : []
        try put(order + version + sizes + writer.number(0, writer.isBig ? 8 : 4), at: 0)
    }

    /// Pixels first, as they are; then the directories, with places moved by as much.
    func append(_ path: String) throws(ImageError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard let file = TIFFStructure(descriptor: descriptor) else {
            throw ImageError(.unreadable, "\(path) is no TIFF; it cannot become a page")
        }
        let pages = file.pages()
        guard !pages.directories.isEmpty, !pages.endsEarly, file.isBigEndian == nativeIsBig else {
            throw ImageError(.unreadable, "\(path) is damaged or foreign; it cannot become a page")
        }
        let base = try end()
        // Behind the pixels lie the directories.
        let pixelEnd = pages.directories.map(\.offset).min() ?? 0
        try copy(descriptor, pixelEnd, to: base, path)
        for page in pages.directories {
            guard let directory = file.directory(at: page.offset) else { continue }
            var parts: [[TIFFField]] = [[], [], []]
            for (index, tags) in [[TIFFTag.exif], [TIFFTag.gps]].enumerated() {
                guard let part = subdirectory(tags[0], of: directory, in: file) else { continue }
                parts[index] = try fields(part, of: file, base, path)
                if index == 0,
                    let last = subdirectory(TIFFTag.interoperability, of: part, in: file)
                {
                    parts[2] = try fields(last, of: file, base, path)
                }
            }
            try append(try fields(directory, of: file, base, path), parts)
        }
    }

    private func subdirectory(
        _ number: UInt16, of directory: TIFFDirectory, in file: TIFFStructure
    ) -> TIFFDirectory? {
        directory[number].flatMap { file.tag($0)?.unsignedIntegers.first }
            .flatMap { file.directory(at: $0) }
    }

    /// All but pointers to directories, which are made anew.
    private func fields(
        _ directory: TIFFDirectory, of file: TIFFStructure, _ base: Int, _ path: String
    ) throws(ImageError) -> [TIFFField] {
        var fields: [TIFFField] = []
        for entry in directory.entries {
            if [TIFFTag.exif, TIFFTag.gps, TIFFTag.interoperability].contains(entry.number) {
                continue
            }
            guard let tag = file.tag(entry) else {
                throw ImageError(
                    .unreadable,
                    "\(path): its tag \(entry.number) is damaged; it cannot become a "
                        + "page")
            }
            let isPlace =
                entry.number == TIFFTag.stripOffsets || entry.number == TIFFTag.tileOffsets
            fields.append(
                .tag(isPlace ? writer.offsets(entry.number, tag.unsignedIntegers, base) : tag))
        }
        return fields
    }

    private func append(_ main: [TIFFField], _ parts: [[TIFFField]]) throws(ImageError) {
        let offset = try end()
        let bytes = writer.directories(
            main, exif: parts[0], gps: parts[1], interoperability: parts[2], at: offset, next: 0)
        guard writer.isBig || offset + bytes.count <= Int(UInt32.max) else {
            throw ImageError(
                .unwritable, "\(output.path): it becomes longer than the 4 GB of a classic TIFF")
        }
        try put(bytes, at: offset)
        try put(writer.number(offset, writer.isBig ? 8 : 4), at: nextPlace)
        let file = TIFFStructure(descriptor: output.descriptor)
        guard let written = file?.directory(at: offset) else {
            throw ImageError(.unwritable, "\(output.path): what was written cannot be read back")
        }
        nextPlace = written.nextPlace
    }

    /// Where something can be appended; even.
    private func end() throws(ImageError) -> Int {
        var status = stat()
        guard fstat(output.descriptor, &status) == 0 else {
            throw writeError(output.path, "cannot find its size", errno)
        }
        return Int(status.st_size) + Int(status.st_size) % 2
    }

    private func copy(
        _ descriptor: Int32, _ count: Int, to base: Int, _ path: String
    ) throws(ImageError) {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { piece.deallocate() }
        for first in stride(from: 0, to: count, by: piece.count) {
            let part = UnsafeMutableRawBufferPointer(
                rebasing: piece[..<min(piece.count, count - first)])
            if let code = readBytes(descriptor, part, at: first) {
                throw ImageError(.unreadable, "\(path): reading failed: \(systemMessage(code))")
            }
            let code = writeBytes(
                output.descriptor, UnsafeRawBufferPointer(part), at: base + first)
            if let code { throw writeError(output.path, "cannot write its pages", code) }
        }
    }

    private func put(_ bytes: [UInt8], at offset: Int) throws(ImageError) {
        let code = bytes.withUnsafeBytes { writeBytes(output.descriptor, $0, at: offset) }
        if let code { throw writeError(output.path, "cannot write its pages", code) }
    }
}
