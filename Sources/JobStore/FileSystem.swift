// The few things that the job folder asks of a disk, so that a simulation can tear writes and
// fill up between any two of them.

/// Why the job folder cannot be used: one sentence with what was seen and what to do.
public struct JobStoreError: Error, CustomStringConvertible, Sendable, Equatable {
    public enum Kind: Sendable {
        /// Another coordinator works in the folder.
        case locked
        /// The folder or a file of it cannot be made, read or written, or is not ours.
        case unwritable
        /// The disk or the quota is full.
        case outOfSpace
        /// A file is there, but is not what it should be.
        case corrupt
        /// The folder holds another job than the one asked for, or does not tell which.
        case notResumable
    }

    public let kind: Kind
    public let message: String
    public var description: String { message }

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

/// What is found under a name, without following a symbolic link.
public enum FileKind: Sendable, Equatable {
    case file
    case directory
    /// A symbolic link, a device, a socket.
    case other
}

/// Bytes that are to be written to a slot.
public struct SlotContent {
    /// Where they are made.
    let memory: BlockMemory
    /// Makes them. May be called on another thread, beside others'.
    let fill: () throws(JobStoreError) -> Void

    /// - Parameter fill: makes so many bytes.
    init(
        byteCount: Int,
        fill: @escaping (UnsafeMutableRawBufferPointer) throws(JobStoreError) -> Void
    ) {
        let memory = BlockMemory(byteCount: byteCount)
        self.memory = memory
        self.fill = { () throws(JobStoreError) in try fill(memory.bytes) }
    }

    init(_ bytes: [UInt8]) {
        self.init(byteCount: bytes.count) { memory throws(JobStoreError) in
            memory.copyBytes(from: bytes)
        }
    }

    /// - Throws: `JobStoreError` when they cannot be made.
    public func bytes() throws(JobStoreError) -> [UInt8] {
        try fill()
        return Array(memory.bytes)
    }
}

/// Memory aligned as disks want it. Other threads see it only when it has been filled.
final class BlockMemory: @unchecked Sendable {
    static let blockByteCount = 4096
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: Self.blockByteCount)
    }

    deinit { bytes.deallocate() }
}

/// Files by path. Every call is complete when it returns, or throws `JobStoreError`; a call that
/// has thrown may have done a part of its work.
public protocol FileSystem: AnyObject {
    /// What is at `path`; nil when there is nothing.
    func kind(of path: String) throws(JobStoreError) -> FileKind?
    /// Makes one directory; its parent must be there.
    func makeDirectory(_ path: String) throws(JobStoreError)
    /// The names in a directory, sorted.
    func list(_ directory: String) throws(JobStoreError) -> [String]
    /// Makes or replaces a file, which is not a link, and syncs its content (not its name).
    func write(_ bytes: [UInt8], to path: String) throws(JobStoreError)
    /// Gives a file another name in the same directory, in place of the file that had it.
    func rename(_ path: String, to newPath: String) throws(JobStoreError)
    /// Makes the names in a directory survive a crash of the host.
    func sync(directory: String) throws(JobStoreError)
    /// Removes a file or an empty directory. Nothing being there is no error.
    func remove(_ path: String) throws(JobStoreError)
    /// Opens a file for reading; nil when there is nothing.
    ///
    /// - Parameter followingLinks: Whether a symbolic link will do.
    func open(_ path: String, followingLinks: Bool) throws(JobStoreError) -> (any ReadableFile)?
    /// Opens a file to append to, made if need be, and locks it against other processes for as
    /// long as it is open.
    ///
    /// - Throws: `JobStoreError` of kind `.locked` when another process has locked it.
    func openLog(_ path: String) throws(JobStoreError) -> any LogFile
    /// Opens a file of slots for reading and writing, made if need be; a link is refused.
    func openSlots(_ path: String) throws(JobStoreError) -> any SlotFile
    /// Whether somebody has a log open and locked. Takes no lock itself.
    func isLocked(_ path: String) throws(JobStoreError) -> Bool
    /// The bytes that may still be written to the disk of a directory.
    func availableByteCount(_ directory: String) throws(JobStoreError) -> Int
}

/// An open file; it is closed when nobody holds it any more.
public protocol ReadableFile: AnyObject {
    var byteCount: Int { get }
    /// Nanoseconds since 1970.
    var modificationTime: Int64 { get }
    /// Fills all of `buffer` from `offset` on; a file that ends before is an error.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(JobStoreError)
    /// All bytes where they lie in memory, for as long as the file lives; nil where they must be
    /// read.
    var memory: UnsafeRawBufferPointer? { get }
    /// Says that a part of the file is not read again soon.
    func leaveCache(_ range: Range<Int>)
}

/// An open file whose parts are written each by itself, and may be read by others meanwhile.
public protocol SlotFile: ReadableFile {
    /// The bytes that the file takes on the disk.
    var allocatedByteCount: Int { get throws(JobStoreError) }
    /// Makes the file as long as that and takes the room for it on the disk, where the file system
    /// can; what was not there before is zeros.
    ///
    /// - Returns: whether the room is taken.
    func reserve(byteCount: Int) throws(JobStoreError) -> Bool
    /// Writes contents to their places, which lie apart, and syncs them: several in less time than
    /// one after the other. After an error any of the places may hold a part of its content.
    func write(_ contents: [(offset: Int, content: SlotContent)]) throws(JobStoreError)
    /// Reads a part once, past the system's cache where that can be.
    func load(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(JobStoreError)
}

/// An open and locked log.
public protocol LogFile: AnyObject {
    /// Adds bytes behind the others; they are not synced.
    func append(_ bytes: [UInt8]) throws(JobStoreError)
    /// Makes what was appended survive a crash of the host.
    func sync() throws(JobStoreError)
    /// Empties the log.
    func clear() throws(JobStoreError)
    /// Ends the lock.
    func close()
}

extension FileSystem {
    /// The ending of a file's name while it is being written.
    static var partialSuffix: String { ".partial" }

    /// Puts a file in its place such that at any moment, also after a crash of the host, there is
    /// the former file or the whole of this one.
    public func replace(
        _ name: String, in directory: String, with bytes: [UInt8]
    ) throws(JobStoreError) {
        let partial = "\(directory)/\(name)\(Self.partialSuffix)"
        do throws(JobStoreError) {
            try write(bytes, to: partial)
            try rename(partial, to: "\(directory)/\(name)")
        } catch {
            try? remove(partial)
            throw error
        }
        try sync(directory: directory)
    }

    /// All bytes of a file that is not a link; nil when there is nothing.
    public func contents(_ path: String, byteCountMax: Int) throws(JobStoreError) -> [UInt8]? {
        guard let file = try open(path, followingLinks: false) else { return nil }
        guard file.byteCount <= byteCountMax else {
            throw JobStoreError(
                .corrupt, "\(path) has \(file.byteCount) bytes; at most \(byteCountMax) are read")
        }
        return try file.bytes(0..<file.byteCount)
    }
}

extension ReadableFile {
    public var memory: UnsafeRawBufferPointer? { nil }
    public func leaveCache(_ range: Range<Int>) {}

    func bytes(_ range: Range<Int>) throws(JobStoreError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        try bytes.withUnsafeMutableBufferPointer { buffer throws(JobStoreError) in
            try read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
        }
        return bytes
    }
}
