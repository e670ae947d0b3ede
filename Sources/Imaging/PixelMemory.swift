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
    var template = Array("\(folder)/dip-scratch-XXXXXX".utf8CString)
    let descriptor = template.withUnsafeMutableBufferPointer { path in
        path.baseAddress.map { mkstemp($0) } ?? -1
    }
    guard descriptor >= 0 else { throw scratchError(byteCount, folder, name, errno) }
    defer { close(descriptor) }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    template.withUnsafeBufferPointer { _ = $0.baseAddress.map { unlink($0) } }
    // With its blocks: a full disk would be a signal later.
    let code = posix_fallocate(descriptor, 0, byteCount)
    guard code == 0 else { throw scratchError(byteCount, folder, name, code) }
    guard
        let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
        memory != MAP_FAILED
    else { throw scratchError(byteCount, folder, name, errno) }
    return UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
}

private func scratchError(
    _ byteCount: Int, _ folder: String, _ name: String, _ code: Int32
) -> ImageError {
    let isFull = [ENOSPC, EDQUOT, EFBIG].contains(code)
    return ImageError(
        isFull ? .outOfSpace : .unwritable,
        "\(name): its pixels need a scratch file of \(byteCount) bytes in \(folder): "
            + "\(systemMessage(code)); set TMPDIR to a folder with room")
}
