// What a file of the job's folder holds: safetensors of one tensor or of several tiles, with a
// checksum in its metadata for each of them, over what it is and what it holds.

internal import Safetensors

/// What the numbers in the folder's files may be: one that cannot travel in a message, or be
/// counted on from, is none that a job has written.
enum StoredLimits {
    static let number = 0...Int(Int32.max) / 2
    /// A header of ours has some hundred bytes, and as many for each further tile.
    static let headerByteCountMax = 64 << 10
    /// Tiles in one file, where so many or more are stored together.
    static let groupCount = 4...32
}

/// What the metadata of a file say of a tensor, all of it under the checksum.
struct StoredFacts: Equatable {
    /// What it is, the tensor's name where it is alone in its file.
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

    /// The whole file of one tensor.
    ///
    /// - Parameter bytes: The tensor, row-major and little-endian.
    func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var checksum = self.checksum
        bytes.withUnsafeBytes { checksum.add($0) }
        var writer = SafetensorsWriter(metadata: metadata(checksum))
        writer.add(content.rawValue, type: type, shape: shape, bytes: bytes)
        return writer.encoded()
    }

    fileprivate func metadata(_ checksum: Checksum) -> [String: String] {
        [
            "job": job, "tile": String(tile), "attempt": String(attempt),
            "iteration": String(iteration), "crc32": String(checksum.value, radix: 16),
        ]
    }
}

// MARK: Tiles

/// A tile that is to be written.
struct TileContent {
    let facts: StoredFacts
    /// Makes the tensor, row-major and little-endian. May be called on another thread.
    let fill: (UnsafeMutableRawBufferPointer) throws(JobStoreError) -> Void

    private var byteCount: Int { facts.shape.reduce(facts.type.byteCount, *) }

    /// The name of its tensor in a file of several.
    static func groupedName(_ facts: StoredFacts) -> String {
        "\(facts.content.rawValue).\(facts.tile)"
    }

    /// The metadata of its tensor in a file of several.
    private func groupedMetadata(_ checksum: Checksum) -> String {
        "\(facts.attempt) \(checksum.hexadecimal)"
    }

    /// The file of one tile.
    var file: FileContent {
        Self.file([self], names: [facts.content.rawValue]) { facts.metadata($0[0]) }
    }

    /// The file of several tiles of one job.
    static func file(_ tiles: [TileContent]) -> FileContent {
        let names = tiles.map { groupedName($0.facts) }
        return file(tiles, names: names) { checksums in
            var metadata = ["job": tiles.first?.facts.job ?? ""]
            for (place, tile) in tiles.enumerated() {
                metadata[names[place]] = tile.groupedMetadata(checksums[place])
            }
            return metadata
        }
    }

    /// The whole file, its header long enough to make it one of whole blocks of a disk.
    private static func file(
        _ tiles: [TileContent], names: [String],
        metadata: @escaping ([Checksum]) -> [String: String]
    ) -> FileContent {
        let dataByteCount = tiles.reduce(0) { $0 + $1.byteCount }
        // A character takes six bytes at most in JSON.
        let headerByteCountMin =
            256 + 256 * tiles.count + 6 * (tiles.first?.facts.job.utf8.count ?? 0)
        let block = BlockMemory.blockByteCount
        let byteCount = (headerByteCountMin + dataByteCount + block - 1) / block * block
        let checksums = TileChecksums(count: tiles.count)
        var offset = byteCount - dataByteCount
        var parts: [FileContent.Part] = []
        for (place, tile) in tiles.enumerated() {
            let range = offset..<offset + tile.byteCount
            offset = range.upperBound
            parts.append(
                FileContent.Part(range: range) { data throws(JobStoreError) in
                    try tile.fill(data)
                    var checksum = tile.facts.checksum
                    checksum.add(UnsafeRawBufferPointer(data))
                    checksums.values[place] = checksum
                })
        }
        return FileContent(byteCount: byteCount, parts: parts) { head in
            let tensors = zip(names, tiles).map { ($0, $1.facts.type, $1.facts.shape) }
            head.copyBytes(
                from: SafetensorsWriter.header(
                    metadata: metadata(Array(checksums.values)), tensors: tensors,
                    byteCount: head.count))
        }
    }
}

/// The checksums of a file's tiles; threads set each its own.
private final class TileChecksums {
    let values: UnsafeMutableBufferPointer<Checksum>

    init(count: Int) {
        values = .allocate(capacity: count)
        values.initialize(repeating: Checksum())
    }

    deinit { values.deallocate() }
}
