// Compressing and writing rows beside the making of the next ones.

import Glibc
import Imaging

/// Gives rows to a sink on another thread, one call after the other and in order, so the output has
/// the same bytes. There are two memories of rows: one is written while the other is filled.
final class BackgroundSink {
    private let sink: any ImageSink
    private var memories: [UnsafeMutableRawBufferPointer] = []
    private var current: Writing?

    init(_ sink: any ImageSink) { self.sink = sink }

    deinit {
        current?.wait()
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
        current = Writing(rowCount, UnsafeRawBufferPointer(samples), to: sink)
        memories.swapAt(0, 1)
    }

    /// Waits until all rows are written.
    func wait() throws(ImageError) {
        let writing = current
        current = nil
        if let error = writing?.wait() { throw error }
    }
}

/// One call of a sink, on a thread that ends with it.
private final class Writing {
    private let rowCount: Int
    private let samples: UnsafeRawBufferPointer
    private let sink: any ImageSink
    private var error: ImageError?
    private var thread: pthread_t?

    init(_ rowCount: Int, _ samples: UnsafeRawBufferPointer, to sink: any ImageSink) {
        self.rowCount = rowCount
        self.samples = samples
        self.sink = sink
        var started = pthread_t()
        let context = Unmanaged.passRetained(self)
        let code = pthread_create(
            &started, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Writing>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context.toOpaque())
        if code == 0 {
            thread = started
        } else {
            // Without another thread it takes longer.
            context.release()
            run()
        }
    }

    private func run() {
        do throws(ImageError) {
            try sink.append(rowCount: rowCount, samples: samples)
        } catch {
            self.error = error
        }
    }

    /// Waits for the thread; to be called once.
    @discardableResult func wait() -> ImageError? {
        if let thread { pthread_join(thread, nil) }
        return error
    }
}
