// A stored tile, read row by row.

internal import Safetensors

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
        let stored = try StoredFile(
            checking: file, path: path, content: .pixels, job: manifest.jobID, tile: index)
        let shape = [
            manifest.plan.windowHeight, manifest.plan.windowWidth, manifest.image.bands,
        ]
        guard stored.facts.shape == shape, [.float16, .float32].contains(stored.facts.type) else {
            throw JobStoreError(
                .corrupt,
                "\(path) holds \(stored.facts.type.rawValue) of the shape \(stored.facts.shape); "
                    + "tiles of this job are F16 or F32 of the shape \(shape)")
        }
        self.index = index
        self.file = file
        attempt = stored.facts.attempt
        type = stored.facts.type
        dataOffset = stored.dataOffset
        (height, width, bands) = (shape[0], shape[1], shape[2])
    }

    /// A tile whose bytes have been in memory since they were made: there is nothing to check.
    init(_ slot: any ReadableFile, index: Int, attempt: Int, manifest: JobManifest) {
        (self.index, self.attempt, file) = (index, attempt, slot)
        type = manifest.image.precision.tensorType
        (height, width, bands) =
            (manifest.plan.windowHeight, manifest.plan.windowWidth, manifest.image.bands)
        dataOffset = slot.byteCount - height * width * bands * type.byteCount
    }

    /// Says that the file is not read again soon: the system may use its memory for other ones.
    public func leaveCache() { file.leaveCache(0..<file.byteCount) }

    /// Reads all of it, (H, W, C).
    ///
    /// - Throws: `JobStoreError` when the file cannot be read any more.
    public func samples() throws(JobStoreError) -> [Float] {
        var samples = [Float](repeating: 0, count: height * width * bands)
        try samples.withUnsafeMutableBufferPointer { buffer throws(JobStoreError) in
            try readRows(0..<height, into: buffer)
        }
        return samples
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
        let byteCount = rows.count * rowByteCount
        if let memory = file.memory {
            let part = UnsafeRawBufferPointer(rebasing: memory[offset..<offset + byteCount])
            if type == .float32 {
                UnsafeMutableRawBufferPointer(pixels).copyMemory(from: part)
            } else {
                HalfFloat.widen(part, into: pixels)
            }
            return
        }
        if type == .float32 {
            try file.read(into: UnsafeMutableRawBufferPointer(pixels), at: offset)
            return
        }
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
