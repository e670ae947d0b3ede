// A disk in memory that fails, or loses its power, at any one operation.

@testable import JobStore

/// Content is safe once it is written, as the protocol promises; a name only once its directory
/// has been synced.
final class MemoryFileSystem: FileSystem {
    final class Node {
        var bytes: [UInt8]?
        /// What a crash of the host leaves of a log.
        var syncedByteCount: Int
        /// What a crash of the host leaves of a file of slots; nil for any other.
        var syncedSlots: [UInt8]?
        var isLocked = false

        /// - Parameter bytes: nil makes a directory.
        init(_ bytes: [UInt8]?) {
            self.bytes = bytes
            syncedByteCount = bytes?.count ?? 0
        }
    }

    struct Failure {
        /// The operation that fails, from 1; those that only read do not count.
        var operation: Int
        /// Whether every later operation fails too.
        var isCrash: Bool
        /// How much of the failing operation happens, from 0 to 1.
        var share: Double
    }

    private(set) var names: [String: Node] = ["/": Node(nil)]
    private var durableNames: [String: Node] = ["/": Node(nil)]
    private(set) var operationCount = 0
    /// Bytes of the largest buffer that was taken to read into.
    var largestRead = 0
    var failure: Failure?
    /// The most bytes that were asked for at once, which is what a reader has taken memory for.
    private(set) var largestReadByteCount = 0
    /// The bytes that may still be written.
    var availableByteCount = 20_000

    /// The disk after the host has started again: what was not synced, names, the ends of logs and
    /// the beginnings of slots that were being written, is there or not.
    func rebooted(keepingUnsynced: Bool) -> MemoryFileSystem {
        let system = MemoryFileSystem()
        system.names = (keepingUnsynced ? names : durableNames).mapValues { node in
            Node(
                node.bytes.map { bytes in
                    if keepingUnsynced { return bytes }
                    return node.syncedSlots ?? Array(bytes.prefix(node.syncedByteCount))
                })
        }
        system.durableNames = system.names
        return system
    }

    /// The disk when the program has been killed and started again: nobody holds a lock.
    func restarted() -> MemoryFileSystem { rebooted(keepingUnsynced: true) }

    func file(_ path: String) -> [UInt8]? { names[path]?.bytes }

    func setFile(_ path: String, _ bytes: [UInt8]) {
        names[path] = Node(bytes)
        durableNames[path] = names[path]
    }

    /// Changes a file that may be open.
    func overwriteFile(_ path: String, _ bytes: [UInt8]) {
        names[path]?.bytes = bytes
        if names[path]?.syncedSlots != nil { names[path]?.syncedSlots = bytes }
    }

    /// Counts an operation; the share of it that happens when it fails, else nil.
    private func failingShare() throws(JobStoreError) -> Double? {
        operationCount += 1
        guard let failure, operationCount >= failure.operation else { return nil }
        if operationCount == failure.operation { return failure.share }
        guard failure.isCrash else { return nil }
        throw Self.error
    }

    static let error = JobStoreError(.outOfSpace, "the disk of the test is full")

    private func perform(_ change: () -> Void) throws(JobStoreError) {
        let share = try failingShare()
        if (share ?? 1) > 0.5 {
            change()
        }
        if share != nil { throw Self.error }
    }

    private func parent(_ path: String) -> String {
        let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        return parent.isEmpty ? "/" : parent
    }

    func kind(of path: String) throws(JobStoreError) -> FileKind? {
        names[path].map { $0.bytes == nil ? .directory : .file }
    }

    func makeDirectory(_ path: String) throws(JobStoreError) {
        try perform { names[path] = Node(nil) }
    }

    func list(_ directory: String) throws(JobStoreError) -> [String] {
        guard names[directory] != nil else {
            throw JobStoreError(.unwritable, "cannot list \(directory)")
        }
        return names.keys.filter { parent($0) == directory && $0 != directory }
            .map { String($0.split(separator: "/").last ?? "") }.sorted()
    }

    func write(_ bytes: [UInt8], to path: String) throws(JobStoreError) {
        let share = try failingShare()
        guard names[parent(path)] != nil else {
            throw JobStoreError(.unwritable, "cannot write \(path)")
        }
        let node = names[path] ?? Node([])
        names[path] = node
        node.bytes = Array(bytes.prefix(Int(Double(bytes.count) * (share ?? 1))))
        node.syncedByteCount = node.bytes?.count ?? 0
        if share != nil { throw Self.error }
    }

    func rename(_ path: String, to newPath: String) throws(JobStoreError) {
        try perform {
            names[newPath] = names[path]
            names[path] = nil
        }
    }

    func sync(directory: String) throws(JobStoreError) {
        try perform {
            for path in Set(names.keys).union(durableNames.keys) where parent(path) == directory {
                durableNames[path] = names[path]
            }
        }
    }

    func remove(_ path: String) throws(JobStoreError) {
        try perform { names[path] = nil }
    }

    func open(_ path: String, followingLinks: Bool) throws(JobStoreError) -> (any ReadableFile)? {
        names[path]?.bytes.map { MemoryFile($0, system: self) }
    }

    func openLog(_ path: String) throws(JobStoreError) -> any LogFile {
        try perform { names[path] = names[path] ?? Node([]) }
        guard let node = names[path] else { throw Self.error }
        guard !node.isLocked else { throw JobStoreError(.locked, "\(path) is locked") }
        node.isLocked = true
        return MemoryLog(node: node, system: self)
    }

    func openSlots(_ path: String) throws(JobStoreError) -> any SlotFile {
        try perform { names[path] = names[path] ?? Node([]) }
        guard let node = names[path], let bytes = node.bytes else { throw Self.error }
        node.syncedSlots = node.syncedSlots ?? bytes
        return MemorySlots(node: node, system: self)
    }

    func isLocked(_ path: String) throws(JobStoreError) -> Bool { names[path]?.isLocked ?? false }

    func availableByteCount(_ directory: String) throws(JobStoreError) -> Int {
        availableByteCount
    }

    fileprivate func read(
        _ content: [UInt8], into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(JobStoreError) {
        largestReadByteCount = max(largestReadByteCount, buffer.count)
        guard offset >= 0, offset + buffer.count <= content.count else {
            throw JobStoreError(.corrupt, "the file ends")
        }
        largestRead = max(largestRead, buffer.count)
        buffer.copyBytes(from: content[offset..<offset + buffer.count])
    }

    private final class MemoryFile: ReadableFile {
        let content: [UInt8]
        let system: MemoryFileSystem

        init(_ content: [UInt8], system: MemoryFileSystem) {
            self.content = content
            self.system = system
        }

        var byteCount: Int { content.count }
        var modificationTime: Int64 { 7 }

        func read(
            into buffer: UnsafeMutableRawBufferPointer, at offset: Int
        ) throws(JobStoreError) {
            try system.read(content, into: buffer, at: offset)
        }
    }

    /// A write that is cut short has written the beginning; what a crash leaves of it is the end,
    /// as a disk may write blocks in any order.
    private final class MemorySlots: SlotFile {
        let node: Node
        let system: MemoryFileSystem

        init(node: Node, system: MemoryFileSystem) {
            self.node = node
            self.system = system
        }

        var byteCount: Int { node.bytes?.count ?? 0 }
        var allocatedByteCount: Int { byteCount }
        var modificationTime: Int64 { 7 }

        func reserve(byteCount: Int) throws(JobStoreError) -> Bool {
            try system.perform {
                let missing = max(byteCount - self.byteCount, 0)
                node.bytes? += [UInt8](repeating: 0, count: missing)
            }
            return true
        }

        func write(_ contents: [(offset: Int, content: SlotContent)]) throws(JobStoreError) {
            for (offset, content) in contents {
                let bytes = try content.bytes()
                let share = try system.failingShare()
                let count = Int(Double(bytes.count) * (share ?? 1))
                Self.put(bytes[..<count], at: offset, of: &node.bytes)
                guard share != nil else { continue }
                Self.put(
                    bytes.suffix(count), at: offset + bytes.count - count, of: &node.syncedSlots)
                throw MemoryFileSystem.error
            }
            node.syncedSlots = node.bytes
        }

        private static func put(_ part: ArraySlice<UInt8>, at offset: Int, of file: inout [UInt8]?)
        {
            let missing = max(offset + part.count - (file?.count ?? 0), 0)
            file? += [UInt8](repeating: 0, count: missing)
            file?.replaceSubrange(offset..<offset + part.count, with: part)
        }

        func read(
            into buffer: UnsafeMutableRawBufferPointer, at offset: Int
        ) throws(JobStoreError) {
            try system.read(node.bytes ?? [], into: buffer, at: offset)
        }

        func load(
            into buffer: UnsafeMutableRawBufferPointer, at offset: Int
        ) throws(JobStoreError) {
            try read(into: buffer, at: offset)
        }
    }

    private final class MemoryLog: LogFile {
        let node: Node
        let system: MemoryFileSystem
        private var isOpen = true

        init(node: Node, system: MemoryFileSystem) {
            self.node = node
            self.system = system
        }

        func append(_ bytes: [UInt8]) throws(JobStoreError) {
            let share = try system.failingShare()
            node.bytes? += bytes.prefix(Int(Double(bytes.count) * (share ?? 1)))
            if share != nil { throw MemoryFileSystem.error }
        }

        func sync() throws(JobStoreError) {
            try system.perform { node.syncedByteCount = node.bytes?.count ?? 0 }
        }

        func clear() throws(JobStoreError) {
            try system.perform {
                node.bytes = []
                node.syncedByteCount = 0
            }
        }

        func close() {
            if isOpen { node.isLocked = false }
            isOpen = false
        }
    }
}
