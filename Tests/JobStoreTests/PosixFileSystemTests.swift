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
    var tiles: String { folder + "/tiles.bin" }

    func create() throws -> JobStore {
        try JobStore.create(folder: folder, manifest: Sample.manifest(), fileSystem: system)
    }

    func resume() throws -> JobStore {
        try JobStore.resume(
            folder: folder, manifest: Sample.manifest(), fileSystem: system)
    }

    func kind(_ error: any Error) -> JobStoreError.Kind? { (error as? JobStoreError)?.kind }

    @Test func `a job goes from its beginning to its end`() throws {
        let store = try create()
        try store.storeTile(
            2, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(5))
        try store.appendEvent("{}")
        #expect(try Sample.read(try #require(try store.openTile(2))) == Sample.pixels(5))
        #expect(
            try system.list(folder) == ["attempts.log", "events.jsonl", "job.json", "tiles.bin"])
        try store.reserveSpace()
        #expect(try Sample.read(try #require(try store.openTile(2))) == Sample.pixels(5))
        try store.finish(
            report: Data("{}".utf8), completion: Sample.completion)
        store.close()
        #expect(try system.list(folder) == ["events.jsonl", "job.json", "report.json"])
        #expect(try system.contents(folder + "/events.jsonl", byteCountMax: 9) == [123, 125, 10])
        let again = try create()
        #expect(
            try system.list(folder) == ["attempts.log", "events.jsonl", "job.json", "tiles.bin"])
        #expect(try again.openTile(2) == nil)
    }

    @Test func `one coordinator at a time`() throws {
        let store = try create()
        #expect(throws: JobStoreError.self) { try create() }
        do { _ = try create() } catch { #expect(kind(error) == .locked) }
        store.close()
        _ = try create()
    }

    @Test func `a link in the place of the folder, the tiles or the events is refused`() throws {
        let victim = root + "/victim"
        try system.makeDirectory(victim)
        #expect(symlink(victim, folder) == 0)
        #expect(throws: JobStoreError.self) { try create() }
        #expect(try system.list(victim).isEmpty)
        try system.remove(folder)

        let precious = root + "/precious"
        try system.write([1, 2, 3], to: precious)
        let store = try create()
        store.close()
        try system.remove(tiles)
        #expect(symlink(precious, tiles) == 0)
        #expect(
            try JobStore.openTile(
                1, inFolder: folder, manifest: Sample.manifest(), fileSystem: system) == nil)
        do { _ = try resume() } catch { #expect("\(error)".contains("remove it"), "\(error)") }
        #expect(throws: JobStoreError.self) { try resume() }
        #expect(try system.contents(precious, byteCountMax: 9) == [1, 2, 3])
        // A fresh start puts a file in the link's place.
        let fresh = try create()
        try fresh.reserveSpace()
        try fresh.storeTile(0, attempt: 1, shape: Sample.shape, pixels: Sample.pixels(5))
        fresh.close()
        #expect(try system.kind(of: tiles) == .file)
        try system.remove(folder + "/events.jsonl")
        #expect(symlink(precious, folder + "/events.jsonl") == 0)
        #expect(throws: JobStoreError.self) { try create() }
        #expect(try system.contents(precious, byteCountMax: 9) == [1, 2, 3])
    }

    @Test func `a file or a pipe in the place of ours is refused without waiting`() throws {
        try system.write([1], to: folder)
        #expect(throws: JobStoreError.self) { try create() }
        try system.remove(folder)
        try create().close()
        for makesPipe in [true, false] {
            try system.remove(tiles)
            if makesPipe {
                #expect(mkfifo(tiles, 0o600) == 0)
            } else {
                try system.makeDirectory(tiles)
                try system.write([1], to: tiles + "/mine")
            }
            #expect(
                try JobStore.openTile(
                    1, inFolder: folder, manifest: Sample.manifest(), fileSystem: system) == nil)
            #expect(
                try JobSnapshot.read(folder: folder, fileSystem: system)?.state == JobState())
            do { _ = try resume() } catch { #expect(kind(error) == .unwritable, "\(error)") }
            #expect(throws: JobStoreError.self) { try resume() }
        }
        #expect(throws: JobStoreError.self) { try create() }
        #expect(try system.list(tiles) == ["mine"])
        try system.remove(tiles + "/mine")
        try create().close()
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
