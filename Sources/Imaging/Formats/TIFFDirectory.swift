// The directories of a TIFF, as tables of entries, beside what libtiff makes of them.
//
// Formats: TIFF 6.0 (Adobe, 1992) and BigTIFF, both byte orders.

import Glibc

/// A TIFF, or a block that is built like one, such as EXIF's. Nothing of it is believed: what lies
/// outside its bytes is not there.
struct TIFFStructure {
    /// Of the whole file or block.
    let byteCount: Int
    let isBigEndian: Bool
    /// BigTIFF, with offsets of 8 bytes.
    let isBig: Bool
    let firstDirectory: Int
    private let read: (_ offset: Int, _ count: Int) -> [UInt8]?

    init?(block: [UInt8]) {
        self.init(byteCount: block.count) { Array(block[$0..<$0 + $1]) }
    }

    /// A file that stays open and as it is as long as this is used.
    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(byteCount: Int(status.st_size)) { fileBytes(descriptor, at: $0, count: $1) }
    }

    /// - Parameter read: gets what lies inside `byteCount`.
    private init?(byteCount: Int, read: @escaping (_ offset: Int, _ count: Int) -> [UInt8]?) {
        guard byteCount >= 8, let head = read(0, min(byteCount, 16)) else { return nil }
        switch (head[0], head[1]) {
        case (0x49, 0x49): isBigEndian = false
        case (0x4D, 0x4D): isBigEndian = true
        default: return nil
        }
        let number = { [isBigEndian] (place: Int, count: Int) in
            unsignedNumber(head[place..<place + count], isBigEndian: isBigEndian)
        }
        switch number(2, 2) {
        case 42:
            isBig = false
            firstDirectory = number(4, 4)
        case 43:
            guard head.count == 16, number(4, 2) == 8 else { return nil }
            isBig = true
            firstDirectory = number(8, 8)
        default: return nil
        }
        self.byteCount = byteCount
        self.read = read
    }

    /// Bytes inside the file; nil where they are not.
    private func bytes(at offset: Int, count: Int) -> [UInt8]? {
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
            return nil
        }
        return read(offset, count)
    }

    /// The directory at an offset; nil where there is none or it is cut short.
    func directory(at offset: Int) -> TIFFDirectory? {
        let (countBytes, entryBytes) = isBig ? (8, 20) : (2, 12)
        // A directory never lies in the header.
        guard offset >= 8, let head = bytes(at: offset, count: countBytes) else { return nil }
        let count = unsignedNumber(head[...], isBigEndian: isBigEndian)
        // More tags there are not.
        guard (1...65535).contains(count),
            let table = bytes(at: offset + countBytes, count: count * entryBytes)
        else { return nil }
        let entries = (0..<count).map { index in
            entry(
                table[index * entryBytes..<(index + 1) * entryBytes],
                at: offset + countBytes + index * entryBytes)
        }
        let nextPlace = offset + countBytes + count * entryBytes
        let next = bytes(at: nextPlace, count: isBig ? 8 : 4)
            .map { unsignedNumber($0[...], isBigEndian: isBigEndian) }
        return TIFFDirectory(
            offset: offset, entries: entries, next: next ?? 0, nextPlace: nextPlace)
    }

    private func entry(_ raw: ArraySlice<UInt8>, at offset: Int) -> TIFFEntry {
        let number = { (place: Int, count: Int) in
            let first = raw.startIndex + place
            return unsignedNumber(raw[first..<first + count], isBigEndian: isBigEndian)
        }
        let (count, valuePlace, valueBytes) =
            isBig ? (number(4, 8), 12, 8) : (number(4, 4), 8, 4)
        let type = UInt16(number(2, 2))
        let size = MetadataTag.Kind(rawValue: type).map { kind in
            count.multipliedReportingOverflow(by: kind.byteCount)
        }
        let isInside = size.map { !$0.overflow && $0.partialValue <= valueBytes } ?? true
        return TIFFEntry(
            number: UInt16(number(0, 2)), type: type, count: count,
            valueOffset: isInside ? offset + valuePlace : number(valuePlace, valueBytes),
            raw: Array(raw))
    }

    /// The values of an entry; nil where its type is unknown or they lie outside the file.
    ///
    /// - Parameter isSwapped: to native byte order; else as in the file.
    func tag(_ entry: TIFFEntry, isSwapped: Bool = true) -> MetadataTag? {
        guard let kind = entry.kind, let size = entry.byteCount, size > 0,
            var bytes = bytes(at: entry.valueOffset, count: size)
        else { return nil }
        if isSwapped { swapWords(&bytes, kind, isBigEndian: isBigEndian) }
        return MetadataTag(number: entry.number, kind: kind, bytes: bytes)
    }

    /// The pages: the chain of directories, up to the first that is damaged or was there before.
    func pages(maximum: Int = 65536) -> TIFFPages {
        var pages = TIFFPages()
        var seen: Set<Int> = []
        var tableBytes = 0
        var offset = firstDirectory
        while offset != 0, pages.directories.count < maximum {
            // Directories that lie on one another are no pages, and would take for ever.
            guard seen.insert(offset).inserted, tableBytes <= byteCount,
                let directory = directory(at: offset)
            else {
                pages.endsEarly = true
                break
            }
            tableBytes += directory.nextPlace - offset
            pages.directories.append(TIFFPage(offset: offset, kind: kind(of: directory)))
            offset = directory.next
        }
        if offset != 0 { pages.endsEarly = true }
        return pages
    }
}

extension TIFFStructure {
    /// The images in full size that lie in the SubIFDs of pages which are smaller copies of them.
    func fullImages(of pages: TIFFPages) -> [TIFFPage] {
        pages.directories.prefix(16).flatMap { page -> [TIFFPage] in
            let entry = directory(at: page.offset)?[TIFFTag.subDirectories]
            let offsets = entry.flatMap { tag($0) }?.unsignedIntegers ?? []
            return offsets.prefix(16).compactMap { offset in
                guard let inner = directory(at: offset), kind(of: inner) & 5 == 0 else {
                    return nil
                }
                return TIFFPage(offset: offset, kind: 0, outer: page.offset)
            }
        }
    }

    /// NewSubfileType, or what the tag before it in history says.
    private func kind(of directory: TIFFDirectory) -> Int {
        let value = { (number: UInt16) in
            directory[number].flatMap { $0.count == 1 ? tag($0) : nil }?.unsignedIntegers.first
        }
        return value(254) ?? (value(255) == 2 ? 1 : 0)
    }
}

/// The chain of directories of a file.
struct TIFFPages {
    var directories: [TIFFPage] = []
    /// Whether something follows that is no directory.
    var endsEarly = false

    func isReduced(_ page: Int) -> Bool { directories[page].kind & 1 != 0 }
    func isMask(_ page: Int) -> Bool { directories[page].kind & 4 != 0 }
    /// Neither: an image of its own.
    func isWhole(_ page: Int) -> Bool { directories[page].kind & 5 == 0 }
}

struct TIFFPage {
    /// Where its directory lies.
    var offset: Int
    /// Its NewSubfileType: bit 0 a reduced image, bit 2 a mask.
    var kind: Int
    /// How many bytes behind the place that the directory names the pixels lie.
    var displacement = 0
    /// Where the directory lies of which it is a SubIFD; nil for one of the chain.
    var outer: Int?
}

struct TIFFDirectory {
    let offset: Int
    let entries: [TIFFEntry]
    /// Where the next directory lies; 0 after the last.
    let next: Int
    /// Where that is said.
    let nextPlace: Int

    /// The first entry of a number.
    subscript(_ number: UInt16) -> TIFFEntry? { entries.first { $0.number == number } }
}

/// An entry as it stands in a directory.
struct TIFFEntry {
    let number: UInt16
    let type: UInt16
    let count: Int
    /// Where the values lie: in the directory itself when they are few.
    let valueOffset: Int
    /// The entry's 12 or 20 bytes.
    let raw: [UInt8]

    var kind: MetadataTag.Kind? { MetadataTag.Kind(rawValue: type) }

    /// Bytes of all values; nil where the type is unknown or the count absurd.
    var byteCount: Int? {
        guard let kind else { return nil }
        let (size, overflow) = count.multipliedReportingOverflow(by: kind.byteCount)
        return overflow ? nil : size
    }
}

extension MetadataTag {
    /// Values of the unsigned integer types; empty for others.
    var unsignedIntegers: [Int] {
        switch kind {
        case .byte, .short, .long, .long8, .ifd, .ifd8:
            stride(from: 0, to: bytes.count, by: kind.byteCount).map { first in
                unsignedNumber(bytes[first..<first + kind.byteCount], isBigEndian: nativeIsBig)
            }
        default: []
        }
    }

    /// Values of the integer, rational and floating-point types as far as they are finite.
    var reals: [Double] {
        switch kind {
        case .rational:
            let parts = stride(from: 0, to: bytes.count, by: 4).map { first in
                Double(unsignedNumber(bytes[first..<first + 4], isBigEndian: nativeIsBig))
            }
            return stride(from: 0, to: parts.count - 1, by: 2)
                .map { parts[$0] / parts[$0 + 1] }.filter(\.isFinite)
        case .float, .double:
            return bytes.withUnsafeBytes { raw in
                (0..<count).map { index in
                    kind == .float
                        ? Double(raw.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
                        : raw.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
                }
            }.filter(\.isFinite)
        default: return unsignedIntegers.map(Double.init)
        }
    }
}

let nativeIsBig = 1.bigEndian == 1

/// A number of up to 8 bytes; those above what an Int holds become the largest.
func unsignedNumber(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> Int {
    var value: UInt64 = 0
    if isBigEndian {
        for byte in bytes { value = value << 8 | UInt64(byte) }
    } else {
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
    }
    return Int(clamping: value)
}

/// Turns values around where the byte order is not the host's.
func swapWords(_ bytes: inout [UInt8], _ kind: MetadataTag.Kind, isBigEndian: Bool) {
    let word = kind.wordByteCount
    guard isBigEndian != nativeIsBig, word > 1 else { return }
    for first in stride(from: 0, through: bytes.count - word, by: word) {
        bytes[first..<first + word].reverse()
    }
}
