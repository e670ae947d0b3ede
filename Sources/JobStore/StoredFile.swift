// A file of the job's folder that holds one tensor: safetensors, with a checksum in its metadata
// over what it is and what it holds.

internal import Safetensors

/// What the numbers in the folder's files may be: one that cannot travel in a message, or be
/// counted on from, is none that a job has written.
enum StoredLimits {
    static let number = 0...Int(Int32.max) / 2
    /// A header of ours has some hundred bytes.
    static let headerByteCountMax = 64 << 10
}

/// What the metadata of a file say, all of it under the checksum.
struct StoredFacts: Equatable {
    /// What the file holds, the name of its tensor.
    enum Content: String {
        /// A restored window, (H, W, C).
        case pixels
        /// The state of an unfinished fit, bytes.
        case state
    }

    let content: Content
    let job: String
    let tile: Int
    let attempt: Int
    /// Iterations done; 0 where that means nothing.
    let iteration: Int
    let shape: [Int]
    let type: TensorType

    /// CRC-32 of one line of these facts, to be continued with the data section.
    var checksum: Checksum {
        let numbers = "\(tile) \(attempt) \(iteration) \(shape)"
        return Checksum(
            of: Array("\(content.rawValue) \(job) \(numbers) \(type.rawValue)\n".utf8))
    }

    /// The whole file.
    ///
    /// - Parameter bytes: The tensor, row-major and little-endian.
    func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var checksum = self.checksum
        bytes.withUnsafeBytes { checksum.add($0) }
        var writer = SafetensorsWriter(metadata: metadata(checksum))
        writer.add(content.rawValue, type: type, shape: shape, bytes: bytes)
        return writer.encoded()
    }

    private func metadata(_ checksum: Checksum) -> [String: String] {
        [
            "job": job, "tile": String(tile), "attempt": String(attempt),
            "iteration": String(iteration), "crc32": String(checksum.value, radix: 16),
        ]
    }

    /// Bytes of a whole file as the form below makes it, the same for all of a job.
    static func fileByteCount(job: String, shape: [Int], type: TensorType) -> Int {
        // A character takes six bytes at most in JSON.
        let headerByteCountMin = 512 + 6 * job.utf8.count
        let block = BlockMemory.blockByteCount
        let byteCount = headerByteCountMin + shape.reduce(type.byteCount, *)
        return (byteCount + block - 1) / block * block
    }

    /// The whole file, its header long enough to make it one of whole blocks of a disk.
    ///
    /// - Parameter fill: makes the tensor, row-major and little-endian.
    func encoded(
        _ fill: @escaping (UnsafeMutableRawBufferPointer) throws(JobStoreError) -> Void
    ) -> SlotContent {
        let byteCount = Self.fileByteCount(job: job, shape: shape, type: type)
        let dataOffset = byteCount - shape.reduce(type.byteCount, *)
        return SlotContent(byteCount: byteCount) { memory throws(JobStoreError) in
            let data = UnsafeMutableRawBufferPointer(rebasing: memory[dataOffset...])
            try fill(data)
            var checksum = self.checksum
            checksum.add(UnsafeRawBufferPointer(data))
            memory.copyBytes(
                from: SafetensorsWriter.header(
                    metadata: metadata(checksum), name: content.rawValue, type: type, shape: shape,
                    byteCount: dataOffset))
        }
    }
}

/// An open file whose checksum holds.
struct StoredFile {
    let facts: StoredFacts
    let file: any ReadableFile
    /// Where the tensor begins in the file.
    let dataOffset: Int
    let dataByteCount: Int

    /// Reads all of the file once, a piece at a time.
    ///
    /// - Throws: `JobStoreError` of kind `.corrupt` when it is not what was stored for the tile.
    init(
        checking file: any ReadableFile, path: String, content: StoredFacts.Content, job: String,
        tile: Int
    ) throws(JobStoreError) {
        let header = try Self.readHeader(file, path: path)
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
        facts = StoredFacts(
            content: content, job: job, tile: tile, attempt: attempt, iteration: iteration,
            shape: entry.shape, type: entry.type)
        self.file = file
        dataOffset = header.dataOffset
        dataByteCount = header.dataByteCount

        var checksum = facts.checksum
        try Self.add(dataOffset..<dataOffset + dataByteCount, of: file, to: &checksum)
        guard checksum.value == expected else {
            throw JobStoreError(
                .corrupt,
                "\(path) has been damaged: its checksum is "
                    + "\(String(checksum.value, radix: 16)) and not \(String(expected, radix: 16))")
        }
    }

    private static func add(
        _ range: Range<Int>, of file: any ReadableFile, to checksum: inout Checksum
    ) throws(JobStoreError) {
        if let memory = file.memory {
            return checksum.add(UnsafeRawBufferPointer(rebasing: memory[range]))
        }
        let piece = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(range.count, 32 << 10), alignment: 64)
        defer { piece.deallocate() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let part = UnsafeMutableRawBufferPointer(
                rebasing: piece[..<min(piece.count, range.upperBound - offset)])
            try file.read(into: part, at: offset)
            checksum.add(UnsafeRawBufferPointer(part))
            offset += part.count
        }
    }

    private static func readHeader(
        _ file: any ReadableFile, path: String
    ) throws(JobStoreError) -> SafetensorsHeader {
        let fileByteCount = file.byteCount
        let length = try file.bytes(0..<min(SafetensorsHeader.lengthByteCount, fileByteCount))
        let offset = try orCorrupt(path) { () throws(SafetensorsError) in
            try SafetensorsHeader.dataOffset(parsing: length, fileByteCount: fileByteCount)
        }
        guard offset <= StoredLimits.headerByteCountMax else {
            throw JobStoreError(
                .corrupt,
                "\(path) begins with \(offset) bytes of header; at most "
                    + "\(StoredLimits.headerByteCountMax) are read")
        }
        let prefix = try file.bytes(0..<offset)
        return try orCorrupt(path) { () throws(SafetensorsError) in
            try SafetensorsHeader(parsing: prefix, fileByteCount: fileByteCount)
        }
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
