// A tile's file: safetensors with one tensor and, in its metadata, what tile it is and a checksum
// over that and the pixels.

internal import Safetensors

/// What a tile's metadata say, all of it under the checksum.
struct TileFacts: Equatable {
    static let tensorName = "pixels"

    let job: String
    let tile: Int
    let attempt: Int
    /// Height, width, bands.
    let shape: [Int]
    let type: TensorType

    /// CRC-32 of one line of these facts and the data section.
    private var line: [UInt8] {
        Array("\(job) \(tile) \(attempt) \(shape) \(type.rawValue)\n".utf8)
    }

    var checksumOfFacts: Checksum { Checksum(of: line) }

    func checksum(_ bytes: [UInt8]) -> UInt32 {
        var checksum = checksumOfFacts
        bytes.withUnsafeBytes { checksum.add($0) }
        return checksum.value
    }

    func metadata(checksum: UInt32) -> [String: String] {
        [
            "job": job, "tile": String(tile), "attempt": String(attempt),
            "crc32": String(checksum, radix: 16),
        ]
    }
}

/// A stored tile whose checksum holds, open for reading.
public final class StoredTile {
    public let index: Int
    public let attempt: Int
    public let height: Int
    public let width: Int
    public let bands: Int
    private let type: TensorType
    private let file: any ReadableFile
    private let dataOffset: Int
    /// Rows as they lie in the file, kept from call to call.
    private var halves: [UInt8] = []

    init(
        checking file: any ReadableFile, path: String, index: Int, manifest: JobManifest
    ) throws(JobStoreError) {
        let header = try Self.readHeader(file, path: path)
        let plan = manifest.plan
        let shape = [plan.windowHeight, plan.windowWidth, manifest.image.bands]
        guard let entry = header.tensors[TileFacts.tensorName], header.tensors.count == 1,
            entry.shape == shape, entry.type == .float16 || entry.type == .float32,
            let attempt = header.metadata["attempt"].flatMap({ Int($0) }),
            let expected = header.metadata["crc32"].flatMap({ UInt32($0, radix: 16) }),
            header.metadata["job"] == manifest.jobID, header.metadata["tile"] == String(index)
        else {
            throw JobStoreError(.corrupt, "\(path) is not tile \(index) of this job")
        }
        self.index = index
        self.attempt = attempt
        (height, width, bands) = (shape[0], shape[1], shape[2])
        self.type = entry.type
        self.file = file
        dataOffset = header.dataOffset

        var checksum = TileFacts(
            job: manifest.jobID, tile: index, attempt: attempt, shape: shape, type: type
        ).checksumOfFacts
        let end = header.dataOffset + header.dataByteCount
        var offset = header.dataOffset
        while offset < end {
            let next = min(offset + (1 << 20), end)
            try file.bytes(offset..<next).withUnsafeBytes { checksum.add($0) }
            offset = next
        }
        guard checksum.value == expected else {
            throw JobStoreError(
                .corrupt,
                "\(path) has been damaged: its checksum is "
                    + "\(String(checksum.value, radix: 16)) and not \(String(expected, radix: 16))")
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
            throw JobStoreError(.corrupt, "\(path) is not a stored tile: \(error)")
        }
    }

    /// Reads rows of the window.
    ///
    /// - Parameters:
    ///   - rows: Rows of the window, within its height.
    ///   - pixels: Filled with (rows, W, C), restored pixels as they were stored.
    /// - Throws: `JobStoreError` when the file cannot be read any more.
    public func readRows(
        _ rows: Range<Int>, into pixels: UnsafeMutableBufferPointer<Float>
    ) throws(JobStoreError) {
        let rowValueCount = width * bands
        precondition(rows.lowerBound >= 0 && rows.upperBound <= height, "rows of the window")
        precondition(pixels.count == rows.count * rowValueCount, "as many pixels as rows have")
        let rowByteCount = rowValueCount * type.byteCount
        let offset = dataOffset + rows.lowerBound * rowByteCount
        if type == .float32 {
            try file.read(into: UnsafeMutableRawBufferPointer(pixels), at: offset)
            return
        }
        let byteCount = rows.count * rowByteCount
        if halves.count < byteCount {
            halves = [UInt8](repeating: 0, count: byteCount)
        }
        try halves.withUnsafeMutableBufferPointer { buffer throws(JobStoreError) in
            let part = UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(buffer)[..<byteCount])
            try file.read(into: part, at: offset)
            HalfFloat.widen(UnsafeRawBufferPointer(part), into: pixels)
        }
    }
}
