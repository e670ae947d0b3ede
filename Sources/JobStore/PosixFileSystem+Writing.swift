// Writing files whose content is safe when the call returns.

internal import CSystem
internal import Glibc

extension PosixFileSystem {
    public func write(_ bytes: [UInt8], to path: String) throws(JobStoreError) {
        try write([NewFile(path: path, content: FileContent(bytes))])
    }

    /// Makes and writes every part of every file on a thread of its own, which keeps a disk busier
    /// than one after the other, and so syncs files: the system makes one flush of the disk's cache
    /// of those that are wanted at the same time.
    public func write(_ files: [NewFile]) throws(JobStoreError) {
        let places = writingMemory.places(of: files.map(\.content.byteCount))
        let writings = zip(files, places).map { Writing(file: $0, memory: $1) }
        BesideCalls.run(writings.map { writing in { writing.run() } })
        for case let error? in writings.map(\.error) { throw error }
    }
}

/// Calls beside one another, the last of them on the caller's thread.
private final class BesideCalls {
    private let body: () -> Void
    private var thread: pthread_t?

    private init(_ body: @escaping () -> Void) { self.body = body }

    /// Returns when all have ended.
    static func run(_ bodies: [() -> Void]) {
        let calls = bodies.map(BesideCalls.init)
        for call in calls.dropLast() { call.start() }
        for call in calls where call.thread == nil { call.body() }
        for call in calls {
            if let thread = call.thread { pthread_join(thread, nil) }
        }
    }

    /// Without another thread it stays to be run.
    private func start() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context {
                    Unmanaged<BesideCalls>.fromOpaque(context).takeRetainedValue().body()
                }
                return nil
            }, context.toOpaque())
        if code == 0 { self.thread = thread } else { context.release() }
    }
}

/// One file on its way to the disk.
private final class Writing {
    private let file: NewFile
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var error: JobStoreError?

    init(file: NewFile, memory: UnsafeMutableRawBufferPointer) {
        self.file = file
        self.memory = memory
    }

    func run() {
        do throws(JobStoreError) {
            try write()
        } catch {
            self.error = error
        }
    }

    private func write() throws(JobStoreError) {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        let descriptor = Glibc.open(file.path, flags, 0o666)
        guard descriptor >= 0 else { throw .system("write", file.path) }
        var failure: JobStoreError?
        do throws(JobStoreError) {
            try put(descriptor)
            if fsync(descriptor) != 0 { throw .system("write", file.path) }
        } catch {
            failure = error
        }
        // A network's disk may say only now that it is full.
        if Glibc.close(descriptor) != 0, errno != EINTR, failure == nil {
            failure = .system("write", file.path)
        }
        if let failure { throw failure }
    }

    /// Whole blocks go past the system's cache, where the file system can: they are not read soon,
    /// and filling memory of the cache takes longer than the disk does.
    private func put(_ descriptor: Int32) throws(JobStoreError) {
        let block = BlockMemory.blockByteCount
        let isPastCache =
            memory.count > 0 && memory.count % block == 0
            && csystem_bypass_cache(descriptor, 1) == 0
        // What makes a file longer is written one after the other, the rest side by side.
        if isPastCache, file.content.parts.count > 1,
            csystem_reserve(descriptor, Int64(memory.count)) != 0,
            errno == ENOSPC || errno == EDQUOT
        {
            throw .system("write", file.path)
        }
        let parts = file.content.parts.map {
            WritingPart(part: $0, memory: memory, blockByteCount: isPastCache ? block : 1)
        }
        BesideCalls.run(parts.map { part in { part.run(descriptor, self.file.path) } })
        for case let error? in parts.map(\.error) { throw error }
        file.content.fillHead(
            UnsafeMutableRawBufferPointer(rebasing: memory[..<file.content.headByteCount]))
        // What is left: the head, and blocks that parts share.
        var start = 0
        for end in parts.map(\.wholeBlocks) + [memory.count..<memory.count] {
            try writePart(start..<end.lowerBound, of: memory, descriptor, file.path)
            start = end.upperBound
        }
    }
}

/// A part of a file on its way to the disk.
private final class WritingPart {
    private let part: FileContent.Part
    private let memory: UnsafeMutableRawBufferPointer
    /// What of the file it writes itself.
    let wholeBlocks: Range<Int>
    private(set) var error: JobStoreError?

    init(part: FileContent.Part, memory: UnsafeMutableRawBufferPointer, blockByteCount: Int) {
        self.part = part
        self.memory = memory
        let range = part.range
        let start = (range.lowerBound + blockByteCount - 1) / blockByteCount * blockByteCount
        let end = range.upperBound / blockByteCount * blockByteCount
        wholeBlocks = min(start, end)..<end
    }

    func run(_ descriptor: Int32, _ path: String) {
        do throws(JobStoreError) {
            try part.fill(UnsafeMutableRawBufferPointer(rebasing: memory[part.range]))
            try writePart(wholeBlocks, of: memory, descriptor, path)
        } catch {
            self.error = error
        }
    }
}

/// Writes a range of a file's bytes at its place.
private func writePart(
    _ range: Range<Int>, of bytes: UnsafeMutableRawBufferPointer, _ descriptor: Int32,
    _ path: String
) throws(JobStoreError) {
    var done = range.lowerBound
    var mayBypassCache = true
    while done < range.upperBound {
        let count = pwrite(
            descriptor, bytes.baseAddress.map { $0 + done }, range.upperBound - done, off_t(done))
        if count >= 0 {
            done += count
        } else if errno == EINVAL, mayBypassCache, csystem_bypass_cache(descriptor, 0) == 0 {
            // The disk's blocks are other ones than ours.
            mayBypassCache = false
        } else if errno != EINTR {
            throw .system("write", path)
        }
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
