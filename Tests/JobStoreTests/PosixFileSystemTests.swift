// The same rules on a real disk, and what only a real disk has: links, locks, full devices.

import FoundationEssentials
import Glibc
import Testing

@testable import JobStore

@Suite final class PosixFileSystemTests {
    let system = PosixFileSystem()
    let root: String

    init() throws {
        var template = Array("/tmp/dip-jobstore-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        root = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: root)
    }

    var folder: String { root + "/out.dip" }

    func create() throws -> JobStore {
        try JobStore.create(folder: folder, manifest: Sample.manifest(), fileSystem: system)
    }

    func kind(_ error: any Error) -> JobStoreError.Kind? { (error as? JobStoreError)?.kind }

    @Test func `a job goes from its beginning to its end`() throws {
        let store = try create()
        try store.storeTile(
            2, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(5), precision: .float16)
        try store.appendEvent("{}")
        #expect(try Sample.read(try #require(try store.openTile(2))) == Sample.pixels(5))
        #expect(try system.list(folder + "/tiles") == ["000002.safetensors"])
        try store.checkSpace(precision: .float32)
        try store.finish(
            report: Data("{}".utf8), completion: Sample.completion)
        store.close()
        #expect(try system.list(folder) == ["events.jsonl", "job.json", "report.json"])
        #expect(try system.contents(folder + "/events.jsonl", byteCountMax: 9) == [123, 125, 10])
        let again = try create()
        #expect(try system.list(folder) == ["attempts.log", "events.jsonl", "job.json", "tiles"])
        #expect(try again.openTile(2) == nil)
    }

    @Test func `many tiles are stored together, and a full disk is told`() throws {
        let store = try create()
        try store.storeTiles(
            (0..<3).map { ($0, 1, Sample.pixels($0)) }, shape: Sample.shape, precision: .float32)
        for tile in 0..<3 {
            #expect(
                try Sample.read(try #require(try store.openTile(tile))) == Sample.pixels(tile))
        }
        do {
            let full = NewFile(path: "/dev/full", content: FileContent([1]))
            try system.write([NewFile(path: root + "/a", content: FileContent([1])), full])
            Issue.record("written")
        } catch {
            #expect(error.kind == .outOfSpace)
        }
        #expect(throws: JobStoreError.self) {
            try system.write([NewFile(path: root + "/none/a", content: FileContent([1]))])
        }
    }

    @Test func `one coordinator at a time`() throws {
        let store = try create()
        #expect(throws: JobStoreError.self) { try create() }
        do { _ = try create() } catch { #expect(kind(error) == .locked) }
        store.close()
        _ = try create()
    }

    @Test func `a link in the place of the folder, a tile or the events is refused`() throws {
        let victim = root + "/victim"
        try system.makeDirectory(victim)
        #expect(symlink(victim, folder) == 0)
        #expect(throws: JobStoreError.self) { try create() }
        #expect(try system.list(victim).isEmpty)
        try system.remove(folder)

        let precious = root + "/precious"
        try system.write([1, 2, 3], to: precious)
        let store = try create()
        #expect(symlink(precious, folder + "/tiles/000000.safetensors.partial") == 0)
        #expect(symlink(precious, folder + "/tiles/000001.safetensors") == 0)
        #expect(throws: JobStoreError.self) { try store.openTile(1) }
        #expect(throws: JobStoreError.self) {
            try store.storeTile(
                0, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(5), precision: .float16)
        }
        store.close()
        try system.remove(folder + "/events.jsonl")
        #expect(symlink(precious, folder + "/events.jsonl") == 0)
        #expect(throws: JobStoreError.self) { try create() }
        #expect(try system.contents(precious, byteCountMax: 9) == [1, 2, 3])
    }

    @Test func `a file or a pipe in the place of ours is refused without waiting`() throws {
        try system.write([1], to: folder)
        #expect(throws: JobStoreError.self) { try create() }
        try system.remove(folder)
        let store = try create()
        #expect(mkfifo(folder + "/tiles/000001.safetensors", 0o600) == 0)
        #expect(throws: JobStoreError.self) { try store.openTile(1) }
        store.close()
        try system.remove(folder + "/events.jsonl")
        #expect(mkfifo(folder + "/events.jsonl", 0o600) == 0)
        #expect(throws: JobStoreError.self) { try create() }
    }

    @Test func `a folder that cannot be made is an error`() {
        for path in ["/no/such/place/out.dip", "/dev/null/out.dip", "", "/proc/out.dip"] {
            do {
                _ = try JobStore.create(
                    folder: path, manifest: Sample.manifest(), fileSystem: system)
                Issue.record("made '\(path)'")
            } catch {
                #expect(kind(error) == .unwritable, "\(path): \(error)")
            }
        }
    }

    @Test func `a full device is told as such`() {
        do {
            try system.write([1], to: "/dev/full")
            Issue.record("written")
        } catch {
            #expect(error.kind == .outOfSpace)
            #expect(error.message.contains("/dev/full"))
        }
    }

    @Test func `a fingerprint changes with the file`() throws {
        let path = root + "/input"
        var bytes = [UInt8](repeating: 3, count: 3 << 20)
        try system.write(bytes, to: path)
        let first = try FileFingerprint(path: path, fileSystem: system)
        #expect(try FileFingerprint(path: path, fileSystem: system) == first)
        bytes[5] = 4
        bytes[bytes.count - 1] = 5
        try system.write(bytes, to: path)
        let second = try FileFingerprint(path: path, fileSystem: system)
        #expect(first.byteCount == second.byteCount)
        #expect(first.headChecksum != second.headChecksum)
        #expect(first.tailChecksum != second.tailChecksum)
        #expect(symlink(path, root + "/link") == 0)
        #expect(
            try FileFingerprint(path: root + "/link", fileSystem: system).headChecksum
                == second.headChecksum)
        #expect(throws: JobStoreError.self) {
            try FileFingerprint(path: root + "/nothing", fileSystem: system)
        }
    }
}
