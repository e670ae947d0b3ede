// Files of the job's folder, read and checked.

internal import Safetensors

/// What an open file says that it holds at a place of it.
struct StoredFile {
    let facts: StoredFacts
    let file: any ReadableFile
    let path: String
    /// Where the tensor lies in the file.
    let dataRange: Range<Int>
    private let expectedChecksum: UInt32

    /// The one tensor of a file; ``check(holdingIn:)`` tells whether it is whole.
    ///
    /// - Throws: `JobStoreError` of kind `.corrupt` when it is not what was stored for the tile.
    init(
        reading file: any ReadableFile, path: String, content: StoredFacts.Content, job: String,
        tile: Int, memory: TileMemory? = nil
    ) throws(JobStoreError) {
        let header = try Self.readHeader(file, path: path, memory: memory)
        guard let entry = header.tensors[content.rawValue], header.tensors.count == 1,
            let attempt = header.metadata["attempt"].flatMap({ Int($0) }),
            let iteration = header.metadata["iteration"].flatMap({ Int($0) }),
            StoredLimits.number ~= attempt, StoredLimits.number ~= iteration,
            let expected = header.metadata["crc32"].flatMap({ UInt32($0, radix: 16) }),
            header.metadata["job"] == job, header.metadata["tile"] == String(tile)
        else {
            throw JobStoreError(
                .corrupt, "\(path) does not hold the \(content) of tile \(tile) of this job")
        }
        let facts = StoredFacts(
            content: content, job: job, tile: tile, attempt: attempt, iteration: iteration,
            shape: entry.shape, type: entry.type)
        self.init(file, path, facts, entry, header, expected)
    }

    /// The tiles of a file of several, by their numbers; those that cannot be understood are left
    /// out.
    ///
    /// - Throws: `JobStoreError` of kind `.corrupt` when it is not such a file of the job.
    static func tiles(
        of file: any ReadableFile, path: String, job: String, memory: TileMemory? = nil
    ) throws(JobStoreError) -> [Int: StoredFile] {
        let header = try readHeader(file, path: path, memory: memory)
        guard header.metadata["job"] == job else {
            throw JobStoreError(.corrupt, "\(path) does not hold tiles of this job")
        }
        var tiles: [Int: StoredFile] = [:]
        for (name, entry) in header.tensors {
            let words = header.metadata[name]?.split(separator: " ") ?? []
            guard words.count == 2, let attempt = Int(words[0]),
                let expected = UInt32(words[1], radix: 16),
                let tile = name.split(separator: ".").last.flatMap({ Int($0) }),
                StoredLimits.number ~= attempt, StoredLimits.number ~= tile
            else { continue }
            let facts = StoredFacts(
                content: .pixels, job: job, tile: tile, attempt: attempt, iteration: 0,
                shape: entry.shape, type: entry.type)
            guard name == TileContent.groupedName(facts) else { continue }
            tiles[tile] = StoredFile(file, path, facts, entry, header, expected)
        }
        return tiles
    }

    private init(
        _ file: any ReadableFile, _ path: String, _ facts: StoredFacts, _ entry: TensorEntry,
        _ header: SafetensorsHeader, _ expected: UInt32
    ) {
        self.facts = facts
        self.file = file
        self.path = path
        let start = header.dataOffset + entry.byteRange.lowerBound
        dataRange = start..<start + entry.byteRange.count
        expectedChecksum = expected
    }

    /// Reads all of the tensor once, into memory or a piece at a time.
    ///
    /// - Parameter memory: where it stays, if there is room.
    /// - Returns: the bytes of the tensor where they stay, else nil.
    /// - Throws: `JobStoreError` of kind `.corrupt` when its checksum does not hold.
    @discardableResult
    func check(holdingIn memory: TileMemory? = nil) throws(JobStoreError) -> HeldBytes? {
        var checksum = facts.checksum
        var held: HeldBytes?
        if let memory, dataRange.lowerBound % facts.type.byteCount == 0 {
            held = try HeldBytes(reading: dataRange, of: file, into: memory)
        }
        if let held {
            held.lend(0..<dataRange.count) { checksum.add($0) }
        } else {
            try addFile(to: &checksum)
        }
        guard checksum.value == expectedChecksum else {
            throw JobStoreError(
                .corrupt,
                "\(path) has been damaged: the checksum of tile \(facts.tile) is "
                    + "\(checksum.hexadecimal) and not "
                    + "\(String(expectedChecksum, radix: 16))")
        }
        return held
    }

    private func addFile(to checksum: inout Checksum) throws(JobStoreError) {
        let piece = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(dataRange.count, 32 << 10), alignment: 64)
        defer { piece.deallocate() }
        var offset = dataRange.lowerBound
        while offset < dataRange.upperBound {
            let part = UnsafeMutableRawBufferPointer(
                rebasing: piece[..<min(piece.count, dataRange.upperBound - offset)])
            try file.read(into: part, at: offset)
            checksum.add(UnsafeRawBufferPointer(part))
            offset += part.count
        }
    }

    private static func readHeader(
        _ file: any ReadableFile, path: String, memory: TileMemory?
    ) throws(JobStoreError) -> SafetensorsHeader {
        let fileByteCount = file.byteCount
        var prefix = try firstBlocks(of: file, memory)
        let offset = try orCorrupt(path) { () throws(SafetensorsError) in
            try SafetensorsHeader.dataOffset(parsing: prefix, fileByteCount: fileByteCount)
        }
        guard offset <= StoredLimits.headerByteCountMax else {
            throw JobStoreError(
                .corrupt,
                "\(path) begins with \(offset) bytes of header; at most "
                    + "\(StoredLimits.headerByteCountMax) are read")
        }
        if prefix.count < offset { prefix = try file.bytes(0..<offset) }
        return try orCorrupt(path) { () throws(SafetensorsError) in
            try SafetensorsHeader(parsing: prefix, fileByteCount: fileByteCount)
        }
    }

    /// The header's length at least, and most often all of it.
    private static func firstBlocks(
        of file: any ReadableFile, _ memory: TileMemory?
    ) throws(JobStoreError) -> [UInt8] {
        let length = min(SafetensorsHeader.lengthByteCount, file.byteCount)
        guard let memory else { return try file.bytes(0..<length) }
        let range = 0..<min(4 * BlockMemory.blockByteCount, file.byteCount)
        guard let held = try HeldBytes(reading: range, of: file, into: memory) else {
            return try file.bytes(0..<length)
        }
        var bytes: [UInt8] = []
        held.lend(range) { bytes += $0 }
        return bytes
    }

    private static func orCorrupt<Value>(
        _ path: String, _ body: () throws(SafetensorsError) -> Value
    ) throws(JobStoreError) -> Value {
        do {
            return try body()
        } catch {
            throw JobStoreError(.corrupt, "\(path) is not a stored file: \(error)")
        }
    }
}
