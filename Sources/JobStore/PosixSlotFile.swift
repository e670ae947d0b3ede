// A file whose parts are written each by itself, past the system's cache where that can be.

internal import CSystem
internal import Glibc

/// A descriptor, closed with its last owner.
final class OpenFile {
    let path: String
    let descriptor: Int32

    init(path: String, descriptor: Int32) {
        (self.path, self.descriptor) = (path, descriptor)
    }

    deinit { close(descriptor) }

    func status() throws(JobStoreError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system("look at", path) }
        return status
    }

    func leaveCache(_ range: Range<Int>) {
        posix_fadvise(
            descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_DONTNEED)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(JobStoreError) {
        let done = moveAll(buffer.count) { done in
            pread(
                descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
                off_t(offset + done))
        }
        guard let done else { throw .system("read", path) }
        guard done == buffer.count else {
            throw JobStoreError(
                .corrupt, "\(path) ends at byte \(offset + done), before what is wanted of it")
        }
    }

    /// Writes all bytes; else errno says why not.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        let done = moveAll(bytes.count) { done in
            pwrite(
                descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done,
                off_t(offset + done))
        }
        return done == bytes.count
    }
}

/// Moves bytes by calls that may move fewer than they are asked for.
///
/// - Parameter move: as `read` and `write` do, from a place on.
/// - Returns: the bytes that were moved, fewer only at a file's end; nil where errno says why not.
func moveAll(_ byteCount: Int, _ move: (_ done: Int) -> Int) -> Int? {
    var done = 0
    while done < byteCount {
        let count = move(done)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return nil }
        guard count > 0 else { break }
        done += count
    }
    return done
}

/// Reading and writing go past the system's cache in whole blocks where the file system can: what
/// is written is not read soon, and filling memory of the cache takes longer than the disk does.
final class PosixSlotFile: SlotFile {
    private static let threadCount = 4

    private let file: OpenFile
    /// The same file for whole blocks past the cache; nil where that cannot be.
    private let direct: OpenFile?

    /// - Parameters:
    ///   - file: open for reading and writing.
    ///   - second: the same file, opened once more; nil where that failed.
    init(_ file: OpenFile, second: OpenFile?) {
        self.file = file
        direct = second.flatMap { csystem_bypass_cache($0.descriptor) == 0 ? $0 : nil }
    }

    var byteCount: Int { (try? file.status()).map { Int($0.st_size) } ?? 0 }
    var modificationTime: Int64 { (try? file.status())?.modificationTime ?? 0 }

    var allocatedByteCount: Int {
        get throws(JobStoreError) { Int(try file.status().st_blocks) * 512 }
    }

    func reserve(byteCount: Int) throws(JobStoreError) -> Bool {
        if csystem_reserve(file.descriptor, off_t(byteCount)) == 0 { return true }
        guard [EOPNOTSUPP, ENOSYS, EINVAL].contains(errno) else {
            throw .system("take the room of \(Self.words(byteCount)) for", file.path)
        }
        guard self.byteCount < byteCount else { return false }
        guard ftruncate(file.descriptor, off_t(byteCount)) == 0 else {
            throw .system("write", file.path)
        }
        return false
    }

    /// Such as "14 MiB", rounded up.
    static func words(_ byteCount: Int) -> String {
        let unit = byteCount < 10 << 20 ? (10, "KiB") : (20, "MiB")
        return "\((byteCount + (1 << unit.0) - 1) >> unit.0) \(unit.1)"
    }

    func leaveCache(_ range: Range<Int>) { file.leaveCache(range) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(JobStoreError) {
        try file.read(into: buffer, at: offset)
    }

    func load(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(JobStoreError) {
        if let direct, (try? direct.read(into: buffer, at: offset)) != nil { return }
        try file.read(into: buffer, at: offset)
    }

    /// Makes and writes contents on some threads, so that the disk has something to do while others
    /// are made.
    func write(_ contents: [(offset: Int, content: SlotContent)]) throws(JobStoreError) {
        let threadCount = min(contents.count, Self.threadCount)
        let calls = (0..<threadCount).map { first in
            BackgroundCall {
                Result { () throws(JobStoreError) in
                    for place in stride(from: first, to: contents.count, by: threadCount) {
                        let (offset, content) = contents[place]
                        try content.fill()
                        try self.put(UnsafeRawBufferPointer(content.memory.bytes), at: offset)
                    }
                }
            }
        }
        let results = calls.map { $0.wait() }
        for result in results { try result.get() }
        guard fdatasync(file.descriptor) == 0 else { throw .system("write", file.path) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(JobStoreError) {
        let block = BlockMemory.blockByteCount
        if let direct, bytes.count % block == 0, offset % block == 0 {
            if direct.write(bytes, at: offset) { return }
            // Its blocks are other ones than ours.
            guard errno == EINVAL else { throw .system("write", file.path) }
        }
        guard file.write(bytes, at: offset) else { throw .system("write", file.path) }
    }
}
