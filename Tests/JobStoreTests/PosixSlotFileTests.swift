// Slots on a real disk: written together, read past the cache, and their room taken before.

import CSystem
import Glibc
import Testing

@testable import JobStore

@Suite final class PosixSlotFileTests {
    let system = PosixFileSystem()
    let root: String

    init() throws {
        var template = Array("/tmp/dip-slots-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        root = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        for name in (try? system.list(root)) ?? [] { try? system.remove("\(root)/\(name)") }
        try? system.remove(root)
    }

    private var path: String { root + "/slots" }

    private func bytes(_ count: Int, seed: Int) -> [UInt8] {
        var generator = SplitMix(state: UInt64(seed))
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    }

    /// What both ways of reading make of a part.
    private func read(_ range: Range<Int>, of file: any SlotFile) throws -> [UInt8] {
        // Aligned, as reading past the cache wants it.
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: range.count, alignment: BlockMemory.blockByteCount)
        defer { memory.deallocate() }
        try file.load(into: memory, at: range.lowerBound)
        let bytes = try file.bytes(range)
        #expect(bytes.elementsEqual(memory), "\(range)")
        return bytes
    }

    /// What a file takes on the disk, in bytes.
    private func allocated() throws -> Int {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return Int(status.st_blocks) * 512
    }

    /// Whether the disk of temporary files takes room in advance.
    private static var reserves: Bool {
        var template = Array("/tmp/dip-reserve-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { return false }
        defer {
            close(descriptor)
            unlink(template)
        }
        var status = stat()
        return csystem_reserve(descriptor, 1 << 16) == 0 && fstat(descriptor, &status) == 0
            && Int(status.st_blocks) * 512 >= 1 << 16
    }

    @Test func `contents that are written together are each in its place`() throws {
        // Whole blocks, and such as are not.
        for unit in [4096, 3 * 4096, 1000, 4097] {
            try system.remove(path)
            let file = try system.openSlots(path)
            let contents = (0..<7).map { bytes(unit, seed: $0) }
            // The last first, and none at the beginning.
            try file.write(
                contents.enumerated().reversed().map {
                    (unit + $0.offset * unit, SlotContent($0.element))
                })
            #expect(file.byteCount == 8 * unit, "\(unit) bytes each")
            #expect(
                try read(0..<unit, of: file).allSatisfy { $0 == 0 }, "\(unit) bytes each")
            for (place, content) in contents.enumerated() {
                let range = unit + place * unit..<2 * unit + place * unit
                #expect(try read(range, of: file) == content, "\(place) of \(unit) bytes")
            }
            try file.write([(2 * unit, SlotContent(contents[6]))])
            try file.write([])
            #expect(
                try system.contents(path, byteCountMax: 8 * unit)
                    == [UInt8](repeating: 0, count: unit) + contents[0] + contents[6]
                    + contents[2...].flatMap { $0 }, "\(unit) bytes each")
            // Whoever opens it later finds what is there.
            let again = try system.openSlots(path)
            #expect(try read(unit..<2 * unit, of: again) == contents[0], "\(unit) bytes each")
            #expect(throws: JobStoreError.self) { try read(8 * unit - 1..<8 * unit + 1, of: file) }
        }
    }

    @Test func `one content that cannot be made is an error and leaves its place alone`() throws {
        let file = try system.openSlots(path)
        let former = bytes(3 * 4096, seed: 1)
        try file.write([(0, SlotContent(former))])
        let reason = JobStoreError(.corrupt, "no pixels")
        let failing = SlotContent(byteCount: 4096) { _ throws(JobStoreError) in throw reason }
        for place in 0..<3 {
            do {
                try file.write(
                    (0..<3).map {
                        let sound = SlotContent(Array(former[$0 * 4096..<($0 + 1) * 4096]))
                        return ($0 * 4096, $0 == place ? failing : sound)
                    })
                Issue.record("written with \(place) failing")
            } catch {
                #expect(error == reason, "\(place)")
            }
            #expect(try read(0..<3 * 4096, of: file) == former, "\(place)")
        }
    }

    @Test(.enabled(if: reserves, "the disk of temporary files takes no room in advance"))
    func `room that is reserved is taken on the disk, once`() throws {
        let file = try system.openSlots(path)
        let content = bytes(4096, seed: 3)
        try file.write([(4096, SlotContent(content))])
        for _ in 0..<2 {
            #expect(try file.reserve(byteCount: 1 << 20))
            #expect(file.byteCount == 1 << 20)
            #expect(try allocated() >= 1 << 20 && allocated() < 2 << 20)
            #expect(try file.allocatedByteCount == allocated())
            #expect(try read(4096..<8192, of: file) == content)
            #expect(try read(8192..<1 << 20, of: file).allSatisfy { $0 == 0 })
        }
        // Less than there is changes nothing.
        #expect(try file.reserve(byteCount: 4096))
        #expect(file.byteCount == 1 << 20)
        let before = try allocated()
        try file.write([(1 << 19, SlotContent(content))])
        // But for what a file system keeps to find it by.
        #expect(try allocated() < before + (1 << 16))
    }

    @Test(.enabled(if: reserves, "the disk of temporary files takes no room in advance"))
    func `room that no disk has is told as such and not taken`() throws {
        let file = try system.openSlots(path)
        try file.write([(0, SlotContent([1, 2, 3]))])
        do {
            _ = try file.reserve(byteCount: 1 << 60)
            Issue.record("reserved")
        } catch {
            #expect(error.kind == .outOfSpace, "\(error)")
            #expect(error.message.contains(path), "\(error)")
        }
        #expect(try system.contents(path, byteCountMax: 9) == [1, 2, 3])
    }

    @Test(arguments: [TilePrecision.float16, .float32])
    func `many tiles are stored together and read as a whole or in rows`(
        precision: TilePrecision
    ) throws {
        let manifest = try Sample.manifest(precision: precision)
        let folder = root + "/out.dip"
        let store = try JobStore.create(folder: folder, manifest: manifest, fileSystem: system)
        defer {
            store.close()
            for name in (try? system.list(folder)) ?? [] { try? system.remove("\(folder)/\(name)") }
        }
        try store.reserveSpace()
        try store.storeTiles(
            (0..<3).map { ($0, 1, Sample.pixels($0)) }, shape: Sample.shape)
        try store.storeTiles(
            [(1, 2, Sample.pixels(4)), (0, 2, Sample.pixels(3))], shape: Sample.shape)
        for (tile, seed) in [(0, 3), (1, 4), (2, 2)] {
            for isLoaded in [false, true] {
                let stored = try #require(try store.openTile(tile, isLoaded: isLoaded))
                #expect(stored.attempt == (tile < 2 ? 2 : 1), "\(tile), \(isLoaded)")
                #expect(try Sample.read(stored) == Sample.pixels(seed), "\(tile), \(isLoaded)")
            }
        }
        // Cut off within the last slot, by somebody else.
        #expect(truncate(folder + "/tiles.bin", off_t(3 * store.slotByteCount - 1)) == 0)
        for isLoaded in [false, true] {
            #expect(try store.openTile(2, isLoaded: isLoaded) == nil, "\(isLoaded)")
            #expect(try store.openTile(1, isLoaded: isLoaded) != nil, "\(isLoaded)")
        }
    }
}
