// Writing files whose content is safe when the call returns.

internal import CSystem
internal import Glibc

extension PosixFileSystem {
    public func write(_ bytes: [UInt8], to path: String) throws(JobStoreError) {
        try write([NewFile(path: path, content: FileContent(bytes))])
    }

    /// Makes, writes and syncs every file on a thread of its own: the system makes one flush of the
    /// disk's cache of those that are wanted at the same time.
    public func write(_ files: [NewFile]) throws(JobStoreError) {
        let places = writingMemory.places(of: files.map(\.content.byteCount))
        let writings = zip(files, places).map { Writing(file: $0, memory: $1) }
        for writing in writings.dropLast() { writing.start() }
        for writing in writings where writing.thread == nil { writing.run() }
        for writing in writings { writing.wait() }
        for case let error? in writings.map(\.error) { throw error }
    }
}

/// One file on its way to the disk.
private final class Writing {
    private let file: NewFile
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var thread: pthread_t?
    private(set) var error: JobStoreError?

    init(file: NewFile, memory: UnsafeMutableRawBufferPointer) {
        self.file = file
        self.memory = memory
    }

    /// Without another thread it stays to be run.
    func start() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Writing>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, context.toOpaque())
        if code == 0 { self.thread = thread } else { context.release() }
    }

    func wait() {
        if let thread { pthread_join(thread, nil) }
    }

    func run() {
        do throws(JobStoreError) {
            try file.content.fill(memory)
            try write()
        } catch {
            self.error = error
        }
    }

    private func write() throws(JobStoreError) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        let descriptor = Glibc.open(file.path, flags, 0o666)
        guard descriptor >= 0 else { throw .system("write", file.path) }
        let isComplete = put(descriptor) && fsync(descriptor) == 0
        let code = errno
        // A network's disk may say only now that it is full.
        let isClosed = Glibc.close(descriptor) == 0 || errno == EINTR
        guard isComplete, isClosed else {
            throw .system("write", file.path, isComplete ? errno : code)
        }
    }

    /// Whole blocks go past the system's cache, where the file system can: they are not read soon,
    /// and filling memory of the cache takes longer than the disk does.
    private func put(_ descriptor: Int32) -> Bool {
        let bytes = UnsafeRawBufferPointer(memory)
        let isWhole = bytes.count > 0 && bytes.count % BlockMemory.blockByteCount == 0
        if isWhole, csystem_bypass_cache(descriptor, 1) == 0 {
            if writeAll(bytes, to: descriptor) { return true }
            // Its blocks are other ones than ours.
            guard errno == EINVAL, csystem_bypass_cache(descriptor, 0) == 0,
                lseek(descriptor, 0, SEEK_SET) == 0
            else { return false }
        }
        return writeAll(bytes, to: descriptor)
    }
}

/// Memory for the bytes of files, aligned as disks want it, and used again and again: what is taken
/// anew is slow to come on some machines.
final class BlockMemory {
    static let blockByteCount = 4096
    private var bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    deinit { bytes.deallocate() }

    /// A place for each of some files; they hold until the next call.
    func places(of byteCounts: [Int]) -> [UnsafeMutableRawBufferPointer] {
        let rooms = byteCounts.map { ($0 / Self.blockByteCount + 1) * Self.blockByteCount }
        let byteCount = rooms.reduce(0, +)
        if bytes.count < byteCount {
            bytes.deallocate()
            bytes = .allocate(byteCount: byteCount, alignment: Self.blockByteCount)
        }
        var offset = 0
        return zip(byteCounts, rooms).map { count, room in
            defer { offset += room }
            return UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + count])
        }
    }
}

/// Writes all bytes behind what has been written; else errno says why not.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
        let count = Glibc.write(
            descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
        if count < 0 {
            if errno == EINTR { continue }
            return false
        }
        done += count
    }
    return true
}
