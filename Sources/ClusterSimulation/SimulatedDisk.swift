/// A disk in memory that tears and fails writes, and whose host may lose its power.
///
/// It promises what a file system promises and no more: content is safe when `write` returns, a
/// name when its directory was synced, a slot when writing it has returned, appended lines never.
/// What is not safe may be there after a loss of power, or not, or in part.
import JobStore

final class SimulatedDisk: FileSystem {
    /// What becomes of an operation that changes something.
    enum Fate {
        case done
        /// It fails when this share of it has happened.
        case fails(share: Double)
        /// The process that asked dies when this share of it has happened.
        case kills(share: Double)
    }

    private final class Node {
        /// nil for a directory.
        var bytes: [UInt8]?
        /// Bytes that survive a loss of power for sure.
        var safeByteCount = 0
        /// What lay where a write came to no end: each of its pieces is there, or the former one.
        var torn: [(offset: Int, former: ArraySlice<UInt8>)] = []
        var isLocked = false
        init(_ bytes: [UInt8]?) { self.bytes = bytes }
    }

    private var names: [String: Node]
    private var safeNames: [String: Node]
    /// Decides about each operation.
    var fate: () -> Fate = { .done }
    /// The process that used the disk has died in the middle of an operation: nothing works for
    /// it any more, until ``restart()`` or ``losePower(using:)``.
    private(set) var isDead = false
    /// Operations that changed something, or tried.
    private(set) var operationCount = 0
    /// Processes that have used the disk; what one of them had open means nothing to the next.
    private var life = 0

    static let failure = JobStoreError(.outOfSpace, "the simulated disk failed")
    private static let death = JobStoreError(.unwritable, "the process of this disk has died")

    /// The image that is to be restored, which nobody writes.
    static let input = "/input.png"

    init() {
        names = ["/": Node(nil), Self.input: Node([1, 2, 3])]
        names[Self.input]?.safeByteCount = 3
        safeNames = names
    }

    // MARK: What befalls it

    /// The process that had files open has ended; all that it did is there.
    func restart() {
        isDead = false
        life += 1
        for node in names.values { node.isLocked = false }
    }

    /// The host has ended and started again: of what was not safe, each name and each torn end of
    /// a file is there or not.
    func losePower(using generator: inout SeededGenerator) {
        restart()
        var kept: [String: Node] = [:]
        for path in Set(names.keys).union(safeNames.keys).sorted() {
            let candidates = [names[path], safeNames[path]]
            guard let node = candidates[Int.random(in: 0...1, using: &generator)] else { continue }
            kept[path] = node
        }
        // A name is there only in a directory that is.
        for path in kept.keys.sorted() where kept[Self.parent(path)]?.bytes != nil {
            kept[path] = nil
        }
        kept = kept.filter { path, _ in Self.ancestors(path).allSatisfy { kept[$0] != nil } }
        for path in kept.keys.sorted() {
            guard let node = kept[path], let bytes = node.bytes else { continue }
            let safe = min(node.safeByteCount, bytes.count)
            let count = Int.random(in: safe...bytes.count, using: &generator)
            let survivor = Node(
                Array(Self.withTornPieces(bytes, node.torn, using: &generator).prefix(count)))
            survivor.safeByteCount = count
            kept[path] = survivor
        }
        names = kept
        safeNames = kept
    }

    private static func withTornPieces(
        _ bytes: [UInt8], _ torn: [(offset: Int, former: ArraySlice<UInt8>)],
        using generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = bytes
        for (offset, former) in torn {
            for start in stride(from: 0, to: former.count, by: 512)
            where Bool.random(using: &generator) {
                let piece = former.dropFirst(start).prefix(512)
                let place = offset + start
                bytes.replaceSubrange(place..<place + piece.count, with: piece)
            }
        }
        return bytes
    }

    // MARK: What is on it

    /// Files and directories there are now.
    var nameCount: Int { names.count }

    /// The content of a file, for a look from outside.
    func file(_ path: String) -> [UInt8]? { names[path]?.bytes }

    /// Paths of all files, sorted.
    var files: [String] { names.filter { $0.value.bytes != nil }.keys.sorted() }

    private static func parent(_ path: String) -> String {
        let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        return parent.isEmpty ? "/" : parent
    }

    private static func ancestors(_ path: String) -> [String] {
        var ancestors: [String] = []
        var path = path
        while path != "/" {
            path = parent(path)
            ancestors.append(path)
        }
        return ancestors
    }

    /// The share of an operation that happens when it does not succeed, else nil.
    private func failingShare() throws(JobStoreError) -> Double? {
        guard !isDead else { throw Self.death }
        operationCount += 1
        switch fate() {
        case .done: return nil
        case .fails(let share): return share
        case .kills(let share):
            isDead = true
            return share
        }
    }

    private var error: JobStoreError { isDead ? Self.death : Self.failure }

    private func perform(_ change: () -> Void) throws(JobStoreError) {
        let share = try failingShare()
        if (share ?? 1) > 0.5 { change() }
        if share != nil { throw error }
    }

    private func requireLife() throws(JobStoreError) {
        if isDead { throw Self.death }
    }

    private func requireParent(_ path: String) throws(JobStoreError) {
        guard let directory = names[Self.parent(path)], directory.bytes == nil else {
            throw JobStoreError(.unwritable, "cannot write \(path): there is no such directory")
        }
    }

    // MARK: FileSystem

    func kind(of path: String) throws(JobStoreError) -> FileKind? {
        try requireLife()
        return names[path].map { $0.bytes == nil ? .directory : .file }
    }

    func makeDirectory(_ path: String) throws(JobStoreError) {
        try requireParent(path)
        guard names[path] == nil else {
            throw JobStoreError(.unwritable, "cannot make \(path): it exists")
        }
        try perform { names[path] = Node(nil) }
    }

    func list(_ directory: String) throws(JobStoreError) -> [String] {
        try requireLife()
        guard let node = names[directory], node.bytes == nil else {
            throw JobStoreError(.unwritable, "cannot list \(directory)")
        }
        return names.keys.filter { Self.parent($0) == directory && $0 != directory }
            .map { String($0.split(separator: "/").last ?? "") }.sorted()
    }

    func write(_ bytes: [UInt8], to path: String) throws(JobStoreError) {
        try requireParent(path)
        let share = try failingShare()
        // A file that has the name is emptied and written anew, safe names of it included.
        let node = names[path] ?? Node([])
        names[path] = node
        node.bytes = Array(bytes.prefix(Int(Double(bytes.count) * (share ?? 1))))
        node.safeByteCount = share == nil ? bytes.count : 0
        if share != nil { throw error }
    }

    func rename(_ path: String, to newPath: String) throws(JobStoreError) {
        try requireParent(newPath)
        guard names[path] != nil else {
            throw JobStoreError(.unwritable, "cannot rename \(path): there is no such file")
        }
        try perform {
            names[newPath] = names[path]
            names[path] = nil
        }
    }

    func sync(directory: String) throws(JobStoreError) {
        try perform {
            for path in Set(names.keys).union(safeNames.keys)
            where Self.parent(path) == directory && path != "/" {
                safeNames[path] = names[path]
            }
        }
    }

    func remove(_ path: String) throws(JobStoreError) {
        try requireLife()
        if let node = names[path], node.bytes == nil, !(try list(path)).isEmpty {
            throw JobStoreError(.unwritable, "cannot remove \(path): it is not empty")
        }
        try perform { names[path] = nil }
    }

    func open(_ path: String, followingLinks: Bool) throws(JobStoreError) -> (any ReadableFile)? {
        try requireLife()
        return names[path]?.bytes.map(ReadableBytes.init)
    }

    func openLog(_ path: String) throws(JobStoreError) -> any LogFile {
        try requireParent(path)
        try perform { names[path] = names[path] ?? Node([]) }
        guard let node = names[path] else { throw error }
        guard !node.isLocked else { throw JobStoreError(.locked, "\(path) is locked") }
        node.isLocked = true
        return Log(node: node, disk: self)
    }

    func openSlots(_ path: String) throws(JobStoreError) -> any SlotFile {
        try requireParent(path)
        try perform { names[path] = names[path] ?? Node([]) }
        guard let node = names[path] else { throw error }
        return Slots(node: node, disk: self)
    }

    func isLocked(_ path: String) throws(JobStoreError) -> Bool {
        try requireLife()
        return names[path]?.isLocked == true
    }

    func availableByteCount(_ directory: String) throws(JobStoreError) -> Int { 1 << 40 }

    private final class ReadableBytes: ReadableFile {
        let content: [UInt8]
        init(_ content: [UInt8]) { self.content = content }
        var byteCount: Int { content.count }
        var modificationTime: Int64 { 7 }

        func read(
            into buffer: UnsafeMutableRawBufferPointer, at offset: Int
        ) throws(JobStoreError) {
            guard offset >= 0, offset <= content.count, buffer.count <= content.count - offset
            else { throw JobStoreError(.corrupt, "the file ends before what is wanted of it") }
            buffer.copyBytes(from: content[offset..<offset + buffer.count])
        }
    }

    private final class Slots: SlotFile {
        private let node: Node
        private let disk: SimulatedDisk

        init(node: Node, disk: SimulatedDisk) {
            self.node = node
            self.disk = disk
        }

        var byteCount: Int { node.bytes?.count ?? 0 }
        var allocatedByteCount: Int { byteCount }
        var modificationTime: Int64 { 7 }

        func reserve(byteCount: Int) throws(JobStoreError) -> Bool {
            try disk.perform { extend(to: byteCount) }
            return true
        }

        private func extend(to byteCount: Int) {
            let missing = max(byteCount - self.byteCount, 0)
            node.bytes? += [UInt8](repeating: 0, count: missing)
        }

        func write(_ contents: [(offset: Int, content: SlotContent)]) throws(JobStoreError) {
            for (offset, content) in contents {
                let bytes = try content.bytes()
                let share = try disk.failingShare()
                let count = Int(Double(bytes.count) * (share ?? 1))
                extend(to: offset + count)
                if share != nil, let former = node.bytes?[offset..<offset + count] {
                    node.torn.append((offset, former))
                }
                node.bytes?.replaceSubrange(offset..<offset + count, with: bytes[..<count])
                if share != nil { throw disk.error }
            }
            node.safeByteCount = byteCount
            node.torn = []
        }

        func read(
            into buffer: UnsafeMutableRawBufferPointer, at offset: Int
        ) throws(JobStoreError) {
            try disk.requireLife()
            try ReadableBytes(node.bytes ?? []).read(into: buffer, at: offset)
        }

        func load(
            into buffer: UnsafeMutableRawBufferPointer, at offset: Int
        ) throws(JobStoreError) {
            try read(into: buffer, at: offset)
        }
    }

    private final class Log: LogFile {
        let node: Node
        let disk: SimulatedDisk
        let life: Int
        var isOpen = true

        init(node: Node, disk: SimulatedDisk) {
            self.node = node
            self.disk = disk
            life = disk.life
        }

        func append(_ bytes: [UInt8]) throws(JobStoreError) {
            let share = try disk.failingShare()
            node.bytes? += bytes.prefix(Int(Double(bytes.count) * (share ?? 1)))
            if share != nil { throw disk.error }
        }

        func sync() throws(JobStoreError) {
            try disk.perform { node.safeByteCount = node.bytes?.count ?? 0 }
        }

        func clear() throws(JobStoreError) {
            try disk.perform {
                node.bytes = []
                node.safeByteCount = 0
            }
        }

        func close() {
            guard isOpen else { return }
            isOpen = false
            if disk.life == life { node.isLocked = false }
        }
    }
}
