// The disk.

internal import CSystem
internal import Glibc

/// The files of this host.
public final class PosixFileSystem: FileSystem {
    /// Limits the heaps of this process: threads that write come and go.
    public init() { csystem_limit_heaps(2) }

    public func kind(of path: String) throws(JobStoreError) -> FileKind? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw .system("look at", path)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }

    public func makeDirectory(_ path: String) throws(JobStoreError) {
        guard mkdir(path, 0o777) == 0 else { throw .system("make", path) }
    }

    public func list(_ directory: String) throws(JobStoreError) -> [String] {
        guard let stream = opendir(directory) else { throw .system("list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." {
                names.append(name)
            }
            errno = 0
        }
        guard errno == 0 else { throw .system("list", directory) }
        return names.sorted()
    }

    public func rename(_ path: String, to newPath: String) throws(JobStoreError) {
        guard Glibc.rename(path, newPath) == 0 else { throw .system("write", newPath) }
    }

    public func sync(directory: String) throws(JobStoreError) {
        let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("sync", directory) }
        defer { Glibc.close(descriptor) }
        // Some file systems know no syncing of directories: their names are safe or never are.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw .system("sync", directory) }
    }

    public func remove(_ path: String) throws(JobStoreError) {
        guard Glibc.remove(path) == 0 || errno == ENOENT else { throw .system("remove", path) }
    }

    public func open(
        _ path: String, followingLinks: Bool
    ) throws(JobStoreError) -> (any ReadableFile)? {
        // Without blocking: a pipe in a file's place must not hold us.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW)
        let descriptor = Glibc.open(path, flags)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("read", path)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            Glibc.close(descriptor)
            throw JobStoreError(.corrupt, "\(path) is not a file")
        }
        return PosixReadableFile(path: path, descriptor: descriptor, status: status)
    }

    public func write(_ bytes: [UInt8], to path: String) throws(JobStoreError) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        let descriptor = Glibc.open(path, flags, 0o666)
        guard descriptor >= 0 else { throw .system("write", path) }
        let isComplete =
            bytes.withUnsafeBytes { writeAll($0, to: descriptor) } && fsync(descriptor) == 0
        let code = errno
        // A network's disk may say only now that it is full.
        let isClosed = Glibc.close(descriptor) == 0 || errno == EINTR
        guard isComplete, isClosed else {
            throw .system("write", path, isComplete ? errno : code)
        }
    }

    public func openSlots(_ path: String) throws(JobStoreError) -> any SlotFile {
        let flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let descriptor = Glibc.open(path, flags | O_CREAT, 0o666)
        if descriptor < 0, [ELOOP, EISDIR].contains(errno) {
            throw JobStoreError(.unwritable, "cannot write \(path): it is not a file; remove it")
        }
        guard descriptor >= 0 else { throw .system("write", path) }
        let file = OpenFile(path: path, descriptor: descriptor)
        guard try file.status().st_mode & S_IFMT == S_IFREG else {
            throw JobStoreError(.unwritable, "cannot write \(path): it is not a file; remove it")
        }
        let second = Glibc.open(path, flags)
        return PosixSlotFile(
            file, second: second < 0 ? nil : OpenFile(path: path, descriptor: second))
    }

    public func openLog(_ path: String) throws(JobStoreError) -> any LogFile {
        // Open for reading too: network file systems lock only what is open for writing, and
        // local ones do not mind.
        let flags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC
        let descriptor = Glibc.open(path, flags, 0o666)
        guard descriptor >= 0 else { throw .system("write", path) }
        let log = PosixLogFile(path: path, descriptor: descriptor)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw JobStoreError(.unwritable, "cannot write \(path): it is not a file")
        }
        // The lock belongs to this opening of the file and goes with it, however the process ends.
        var lock = wholeFileLock
        while fcntl(descriptor, openFileSetLock, &lock) != 0 {
            if errno == EINTR { continue }
            guard errno == EAGAIN || errno == EACCES else { throw .system("lock", path) }
            throw JobStoreError(.locked, "\(path) is locked: another dip-coord is working there")
        }
        return log
    }

    public func isLocked(_ path: String) throws(JobStoreError) -> Bool {
        let descriptor = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return false }
            throw .system("read", path)
        }
        defer { Glibc.close(descriptor) }
        var lock = wholeFileLock
        guard fcntl(descriptor, openFileGetLock, &lock) == 0 else { throw .system("read", path) }
        return lock.l_type != Int16(F_UNLCK)
    }

    public func availableByteCount(_ directory: String) throws(JobStoreError) -> Int {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { throw .system("look at", directory) }
        let (bytes, overflow) = Int(clamping: status.f_bavail)
            .multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
        return overflow ? .max : bytes
    }
}

private final class PosixReadableFile: ReadableFile {
    let byteCount: Int
    let modificationTime: Int64
    private let file: OpenFile

    init(path: String, descriptor: Int32, status: stat) {
        file = OpenFile(path: path, descriptor: descriptor)
        byteCount = Int(status.st_size)
        modificationTime = status.modificationTime
    }

    func leaveCache(_ range: Range<Int>) { file.leaveCache(range) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(JobStoreError) {
        try file.read(into: buffer, at: offset)
    }
}

extension stat {
    /// Nanoseconds since 1970.
    var modificationTime: Int64 {
        Int64(st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(st_mtim.tv_nsec)
    }
}

private final class PosixLogFile: LogFile {
    private let path: String
    private var descriptor: Int32

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        close()
    }

    func append(_ bytes: [UInt8]) throws(JobStoreError) {
        guard bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) else {
            throw .system("write", path)
        }
    }

    func sync() throws(JobStoreError) {
        guard fsync(descriptor) == 0 else { throw .system("write", path) }
    }

    func clear() throws(JobStoreError) {
        guard ftruncate(descriptor, 0) == 0 else { throw .system("clear", path) }
    }

    func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }
}

// Linux's F_OFD_GETLK and F_OFD_SETLK, which the Glibc module lacks.
private let openFileGetLock: Int32 = 36
private let openFileSetLock: Int32 = 37

/// Writes all bytes behind what has been written; else errno says why not.
private func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    moveAll(bytes.count) { done in
        write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
    } == bytes.count
}

/// A lock that nobody shares, on all of a file.
private var wholeFileLock: flock {
    var lock = flock()
    lock.l_type = Int16(F_WRLCK)
    lock.l_whence = Int16(SEEK_SET)
    return lock
}

extension JobStoreError {
    /// What the system said about a path, as a sentence.
    static func system(
        _ action: String, _ path: String, _ code: Int32 = errno
    ) -> JobStoreError {
        let reason = String(cString: strerror(code))
        switch code {
        case EFBIG:
            return JobStoreError(
                .outOfSpace,
                "cannot \(action) \(path): \(reason); raise the limit (ulimit -f), or choose a "
                    + "place for larger files")
        case ENOSPC, EDQUOT:
            return JobStoreError(
                .outOfSpace,
                "cannot \(action) \(path): \(reason); free some space and run the command again")
        case ELOOP:
            return JobStoreError(
                .unwritable, "cannot \(action) \(path): a symbolic link stands in its place")
        default:
            return JobStoreError(.unwritable, "cannot \(action) \(path): \(reason)")
        }
    }
}
