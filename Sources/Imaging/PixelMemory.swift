// Room for samples: memory, or a file that the system pages in and out.

import Glibc

/// Bytes that are freed with their last owner.
final class PixelMemory {
    let bytes: UnsafeMutableRawBufferPointer
    private let isMapped: Bool

    /// Memory for not more than `options.cacheByteCount` bytes, else a scratch file without a name.
    init(byteCount: Int, name: String, options: ReadingOptions) throws(ImageError) {
        isMapped = byteCount > options.cacheByteCount
        if isMapped {
            bytes = try mappedScratch(byteCount, folder: options.scratchFolder, name: name)
            return
        }
        // malloc, because it can say no; an array of this size would trap.
        guard let memory = malloc(max(byteCount, 1)) else {
            throw ImageError(
                .tooLarge, "\(name): memory ran out for \(byteCount) bytes of its pixels")
        }
        bytes = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    }

    deinit {
        if isMapped {
            munmap(bytes.baseAddress, bytes.count)
        } else {
            free(bytes.baseAddress)
        }
    }
}

private func mappedScratch(
    _ byteCount: Int, folder: String, name: String
) throws(ImageError) -> UnsafeMutableRawBufferPointer {
    let file = try ScratchFile(
        byteCount: byteCount, folder: folder, wantedBy: "\(name): its pixels need",
        advice: "; set TMPDIR to a folder with room")
    guard
        let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0),
        memory != MAP_FAILED
    else { throw file.error(errno) }
    return UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
}

/// A file without a name, which goes with its last owner.
final class ScratchFile {
    let descriptor: Int32
    private let sentence: (Int32) -> ImageError

    /// Takes the blocks on the disk at once: a full disk would be found too late.
    ///
    /// - Parameters:
    ///   - byteCount: 0 where nobody knows it before.
    ///   - wantedBy: as in "a.tif: its pixels need", for the error.
    ///   - advice: the end of that sentence.
    init(byteCount: Int, folder: String, wantedBy: String, advice: String = "")
        throws(ImageError)
    {
        sentence = { code in
            let isFull = [ENOSPC, EDQUOT, EFBIG].contains(code)
            return ImageError(
                isFull ? .outOfSpace : .unwritable,
                "\(wantedBy) a scratch file of \(byteCount) bytes in \(folder): "
                    + systemMessage(code) + advice)
        }
        var template = Array("\(folder)/dip-scratch-XXXXXX".utf8CString)
        descriptor = template.withUnsafeMutableBufferPointer { path in
            path.baseAddress.map { mkstemp($0) } ?? -1
        }
        guard descriptor >= 0 else { throw sentence(errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        template.withUnsafeBufferPointer { _ = $0.baseAddress.map { unlink($0) } }
        let code = byteCount == 0 ? 0 : posix_fallocate(descriptor, 0, byteCount)
        if code != 0 { throw sentence(code) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func error(_ code: Int32) -> ImageError { sentence(code) }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ImageError) {
        if let code = writeBytes(descriptor, bytes, at: offset) { throw sentence(code) }
    }

    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(ImageError) {
        if let code = readBytes(descriptor, bytes, at: offset) { throw sentence(code) }
    }
}

/// Writes all bytes; else the system's error.
func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int32? {
    transferBytes(count: bytes.count) { done in
        pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
    }
}

/// Reads all bytes; else the system's error, EIO at the file's end.
func readBytes(
    _ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer, at offset: Int
) -> Int32? {
    transferBytes(count: bytes.count) { done in
        pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, offset + done)
    }
}

private func transferBytes(count: Int, _ next: (_ done: Int) -> Int) -> Int32? {
    var done = 0
    while done < count {
        let moved = next(done)
        if moved < 0 && errno == EINTR { continue }
        guard moved > 0 else { return moved < 0 ? errno : EIO }
        done += moved
    }
    return nil
}
