// The event log, read again in pieces.

import Foundation
import Glibc
import JobStore
import Testing

struct EventReadingTests {
    private func lines(_ log: [UInt8]?, atMost limit: Int = 100) throws -> [String] {
        let folder = NSTemporaryDirectory() + "dip-events-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        if let log { try Data(log).write(to: URL(filePath: folder + "/events.jsonl")) }
        var lines: [String] = []
        try JobStore.readEvents(
            inFolder: folder, fileSystem: PosixFileSystem(), lineByteCountMaximum: limit
        ) { lines.append(String(decoding: $0, as: UTF8.self)) }
        return lines
    }

    @Test func `whole lines come in order, a torn one and one that is too long do not`() throws {
        #expect(try lines(nil) == [])
        #expect(try lines([]) == [])
        #expect(try lines(Array("a\n\nb\nc".utf8)) == ["a", "", "b"])
        let long = String(repeating: "x", count: 101)
        #expect(try lines(Array("a\n\(long)\nb\n".utf8)) == ["a", "b"])
        #expect(try lines(Array("\(long.dropLast())\n".utf8)).map(\.count) == [100])
    }

    @Test func `lines that lie across pieces are whole, and endless ones are left out`() throws {
        // Pieces are of 1 MiB.
        let line = String(repeating: "y", count: 999)
        let count = 2200
        let log = Array(String(repeating: line + "\n", count: count).utf8)
        let read = try lines(log, atMost: 1000)
        #expect(read.count == count && read.allSatisfy { $0 == line })
        let endless = [UInt8](repeating: 65, count: 3 << 20)
        #expect(try lines(endless + Array("\nz\n".utf8)) == ["z"])
    }
}
