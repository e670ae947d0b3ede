// Compressing and writing rows beside the making of the next ones.

import Imaging
import JobStore

/// Gives rows to a sink on another thread, one call after the other and in order, so the output has
/// the same bytes. There are two memories of rows: one is written while the other is filled.
final class BackgroundSink {
    private let sink: any ImageSink
    private var memories: [UnsafeMutableRawBufferPointer] = []
    private var current: BackgroundCall<ImageError?>?

    init(_ sink: any ImageSink) { self.sink = sink }

    deinit {
        _ = current?.wait()
        for memory in memories { memory.deallocate() }
    }

    /// Fills memory of rows, waits until those before it are written, and has these written.
    ///
    /// - Parameter byteCount: of the rows; the first call has the most.
    /// - Throws: what `fill` throws, and what writing the rows before threw.
    func append(
        rowCount: Int, byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void
    ) throws {
        if memories.isEmpty {
            memories = (0..<2).map { _ in .allocate(byteCount: byteCount, alignment: 64) }
        }
        let samples = UnsafeMutableRawBufferPointer(rebasing: memories[0][..<byteCount])
        try fill(samples)
        try wait()
        current = BackgroundCall { [sink] in
            do throws(ImageError) {
                try sink.append(rowCount: rowCount, samples: UnsafeRawBufferPointer(samples))
                return nil
            } catch {
                return error
            }
        }
        memories.swapAt(0, 1)
    }

    /// Waits until all rows are written.
    func wait() throws(ImageError) {
        let writing = current
        current = nil
        if let error = writing.flatMap({ $0.wait() }) { throw error }
    }
}
