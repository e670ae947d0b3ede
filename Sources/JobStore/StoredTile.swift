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
    private let stored: StoredFile
    /// Its bytes, where there was memory for them.
    private let held: HeldBytes?
    /// Rows as they lie in the file, kept from call to call.
    private var halves: [UInt8] = []

    /// - Parameter memory: takes the tile where it has room; else rows are read from the file.
    init(
        checking stored: StoredFile, index: Int, manifest: JobManifest, memory: TileMemory? = nil
    ) throws(JobStoreError) {
        let shape = [
            manifest.plan.windowHeight, manifest.plan.windowWidth, manifest.image.bands,
        ]
        guard stored.facts.shape == shape, [.float16, .float32].contains(stored.facts.type) else {
            throw JobStoreError(
                .corrupt,
                "\(stored.path) holds \(stored.facts.type.rawValue) of the shape "
                    + "\(stored.facts.shape); tiles of this job are F16 or F32 of the shape "
                    + "\(shape)")
        }
        held = try stored.check(holdingIn: memory)
        self.index = index
        self.stored = stored
        attempt = stored.facts.attempt
        type = stored.facts.type
        (height, width, bands) = (shape[0], shape[1], shape[2])
    }

    /// Says that the tile is not read again soon: the system may use its memory for other ones.
    public func leaveCache() {
        if held == nil { stored.file.leaveCache(stored.dataRange) }
    }

    /// Reads rows of the window. Rows above those that were read may be gone.
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
        let range = rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount
        if let held {
            var first = 0
            held.lend(range) { bytes in
                let count = bytes.count / type.byteCount
                widen(
                    bytes, into: UnsafeMutableBufferPointer(rebasing: pixels[first..<first + count])
                )
                first += count
            }
            held.giveBack(before: range.upperBound)
            return
        }
        let offset = stored.dataRange.lowerBound + range.lowerBound
        if type == .float32 {
            try stored.file.read(into: UnsafeMutableRawBufferPointer(pixels), at: offset)
            return
        }
        if halves.count < range.count {
            halves = [UInt8](repeating: 0, count: range.count)
        }
        try halves.withUnsafeMutableBufferPointer { buffer throws(JobStoreError) in
            let part = UnsafeMutableRawBufferPointer(
                rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.count])
            try stored.file.read(into: part, at: offset)
            widen(UnsafeRawBufferPointer(part), into: pixels)
        }
    }

    private func widen(
        _ bytes: UnsafeRawBufferPointer, into pixels: UnsafeMutableBufferPointer<Float>
    ) {
        if type == .float16 {
            HalfFloat.widen(bytes, into: pixels)
        } else {
            UnsafeMutableRawBufferPointer(pixels).copyMemory(from: bytes)
        }
    }
}
