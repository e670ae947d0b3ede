// Where tiles lie: one file for all of a job, whose making costs a disk more than its bytes do.

internal import Safetensors
internal import Synchronization

/// The slots of a job's `tiles.bin`, one for each fit in the order of their numbers and all of one
/// length. A slot holds a whole safetensors file; it begins with zeros where nothing is stored.
struct TileSlots {
    let file: any ReadableFile
    let path: String
    let manifest: JobManifest

    /// - Parameter file: open already.
    init(_ file: any ReadableFile, of folder: JobFolder, _ manifest: JobManifest) {
        (self.file, path, self.manifest) = (file, folder.tilesPath, manifest)
    }

    /// The tiles of a folder that somebody else may work in; nil when there is no file of them.
    init?(reading folder: JobFolder, of manifest: JobManifest) throws(JobStoreError) {
        let (files, path) = (folder.fileSystem, folder.tilesPath)
        guard try files.kind(of: path) == .file,
            let file = try files.open(path, followingLinks: false)
        else { return nil }
        self.init(file, of: folder, manifest)
    }

    /// The slots that the file has room for.
    var indices: Range<Int> {
        0..<min(manifest.plan.fitCount, file.byteCount / manifest.slotByteCount)
    }

    /// Reads and checks all of a slot; nil where nothing is stored.
    ///
    /// - Parameter loaded: Its bytes, where they are in memory.
    /// - Throws: `JobStoreError` of kind `.corrupt` when it holds something else than that tile.
    func open(_ index: Int, loaded: BlockMemory? = nil) throws(JobStoreError) -> StoredTile? {
        let range = manifest.slot(of: index)
        guard range.upperBound <= file.byteCount else { return nil }
        let slot: any ReadableFile =
            if let loaded {
                LoadedSlot(loaded)
            } else {
                FileSlot(file, range)
            }
        guard try slot.bytes(0..<SafetensorsHeader.lengthByteCount).contains(where: { $0 != 0 })
        else { return nil }
        return try StoredTile(
            checking: slot, path: "\(path), slot \(index),", index: index, manifest: manifest)
    }

    /// The bytes of a slot, read past the system's cache; nil beyond the file's end.
    func load(_ index: Int) throws(JobStoreError) -> BlockMemory? {
        let range = manifest.slot(of: index)
        guard let file = file as? any SlotFile, range.upperBound <= file.byteCount else {
            return nil
        }
        let memory = BlockMemory(byteCount: range.count)
        try file.load(into: memory.bytes, at: range.lowerBound)
        return memory
    }

    /// What stands in the place of a tile that is to be stored no more.
    static var nothing: SlotContent {
        SlotContent([UInt8](repeating: 0, count: BlockMemory.blockByteCount))
    }
}

extension JobManifest {
    /// Bytes of `tiles.bin`, of which a folder needs as many free ones.
    var slotsByteCount: Int { slotByteCount * plan.fitCount }

    func slot(of index: Int) -> Range<Int> {
        index * slotByteCount..<(index + 1) * slotByteCount
    }

    /// Whether the bytes of all slots are a number that can be computed with.
    var hasSensibleSlots: Bool {
        let pixelsByteCount = [
            plan.windowHeight, plan.windowWidth, image.bands, image.precision.tensorType.byteCount,
        ].reduce(1.0) { $0 * Double($1) }
        let fitCount = [plan.columns.count, plan.rows.count, plan.restarts ?? 1]
            .reduce(1.0) { $0 * Double($1) }
        // Headers are shorter than job.json.
        return fitCount <= 0x1p28
            && fitCount * (pixelsByteCount + 8 * Double(Self.byteCountMax)) < 0x1p62
    }

    /// Bytes of a tile in the folder of a job, with all that belongs to it; at most one block too
    /// many.
    ///
    /// - Parameters: as in the plan.
    public static func slotByteCount(
        height: Int, width: Int, bands: Int, precision: TilePrecision
    ) -> Int {
        // Ids have some thirty characters.
        StoredFacts.fileByteCount(
            job: String(repeating: "0", count: 64), shape: [height, width, bands],
            type: precision.tensorType)
    }

    var slotByteCount: Int {
        StoredFacts.fileByteCount(
            job: jobID, shape: [plan.windowHeight, plan.windowWidth, image.bands],
            type: image.precision.tensorType)
    }
}

/// A part of a file as if it were one.
private final class FileSlot: ReadableFile {
    private let file: any ReadableFile
    private let range: Range<Int>

    init(_ file: any ReadableFile, _ range: Range<Int>) {
        (self.file, self.range) = (file, range)
    }

    var byteCount: Int { range.count }
    var modificationTime: Int64 { file.modificationTime }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(JobStoreError) {
        try file.read(into: buffer, at: range.lowerBound + offset)
    }

    func leaveCache(_ part: Range<Int>) {
        file.leaveCache(range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
    }
}

/// The bytes of a slot in memory.
private final class LoadedSlot: ReadableFile {
    private let content: BlockMemory

    init(_ content: BlockMemory) { self.content = content }

    var byteCount: Int { content.bytes.count }
    /// Of no file.
    var modificationTime: Int64 { 0 }
    var memory: UnsafeRawBufferPointer? { UnsafeRawBufferPointer(content.bytes) }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(JobStoreError) {
        buffer.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: content.bytes[offset..<offset + buffer.count]))
    }
}

/// Slots that have just been written and will be wanted soon: a little memory saves reading them
/// again. Used by several threads.
final class WrittenSlots: Sendable {
    struct Slot {
        let attempt: Int
        let content: BlockMemory
    }

    private struct State {
        var byteCountMaximum = 0
        var byteCount = 0
        var slots: [Int: Slot] = [:]

        mutating func take(_ index: Int) -> Slot? {
            let slot = slots.removeValue(forKey: index)
            byteCount -= slot?.content.bytes.count ?? 0
            return slot
        }
    }
    private let state = Mutex(State())

    /// - Parameter byteCountMaximum: of all; 0, as at first, keeps none.
    func keep(atMost byteCountMaximum: Int) {
        state.withLock {
            $0.byteCountMaximum = byteCountMaximum
            if byteCountMaximum == 0 { ($0.slots, $0.byteCount) = ([:], 0) }
        }
    }

    /// Keeps a tile's slot where there is room: those that came first are wanted first.
    func add(_ index: Int, _ slot: Slot) {
        state.withLock { state in
            _ = state.take(index)
            let byteCount = state.byteCount + slot.content.bytes.count
            guard byteCount <= state.byteCountMaximum else { return }
            state.slots[index] = slot
            state.byteCount = byteCount
        }
    }

    /// Gives a tile away.
    func take(_ index: Int, of manifest: JobManifest) -> StoredTile? {
        guard let slot = state.withLock({ $0.take(index) }) else { return nil }
        return StoredTile(
            LoadedSlot(slot.content), index: index, attempt: slot.attempt, manifest: manifest)
    }
}
