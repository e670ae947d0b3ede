import Imaging
import Testing

@testable import Restoration

/// Keeps what it is given, and fails at a given call.
private final class RecordingSink: ImageSink {
    var rows: [[UInt8]] = []
    var failsAt = Int.max
    var warnings: [String] { [] }

    func append(rowCount: Int, samples: UnsafeRawBufferPointer) throws(ImageError) {
        guard rows.count < failsAt else { throw ImageError(.outOfSpace, "the disk is full") }
        rows.append(Array(samples))
    }

    func complete() throws(ImageError) -> String { "" }
    func finish() throws(ImageError) {}
    func abandon() {}
}

@Suite struct BackgroundSinkTests {
    private func append(_ value: UInt8, to sink: BackgroundSink) throws {
        try sink.append(rowCount: 1, byteCount: value == 99 ? 3 : 1000) { memory in
            for index in memory.indices { memory[index] = value }
        }
    }

    @Test func `rows arrive in order and as they were filled`() throws {
        let recording = RecordingSink()
        let sink = BackgroundSink(recording)
        for value in UInt8(0)..<100 { try append(value, to: sink) }
        try sink.wait()
        #expect(recording.rows.count == 100)
        for (value, row) in recording.rows.enumerated() {
            #expect(row == [UInt8](repeating: UInt8(value), count: value == 99 ? 3 : 1000))
        }
    }

    @Test func `a failure is thrown by the next call and by that alone`() throws {
        let recording = RecordingSink()
        recording.failsAt = 1
        let sink = BackgroundSink(recording)
        try append(1, to: sink)
        try append(2, to: sink)
        #expect(throws: ImageError(.outOfSpace, "the disk is full")) { try append(3, to: sink) }
        try sink.wait()
        #expect(recording.rows.count == 1)
    }

    @Test func `what cannot be filled is not written`() throws {
        let recording = RecordingSink()
        let sink = BackgroundSink(recording)
        try append(1, to: sink)
        #expect(throws: BlendCancelled.self) {
            try sink.append(rowCount: 1, byteCount: 10) { _ in throw BlendCancelled() }
        }
        try sink.wait()
        #expect(recording.rows.count == 1)
    }
}
