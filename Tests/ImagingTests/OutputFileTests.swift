import Glibc
import Testing

@testable import Imaging

@Suite struct OutputFileTests {
    private let header = ImageHeader(
        width: 4, height: 6, colorBands: 1, sampleType: .uint8, format: .png)

    @Test func `nothing lies at the path before the sink has finished`() throws {
        let folder = try ScratchFolder()
        let sink = try ImageFormats.createSink(folder.path + "/a.png", like: header)
        #expect(folder.names == [".a.png.partial-\(getpid())"])
        let color = [Float](repeating: 0, count: 24)
        try color.withUnsafeBufferPointer { try sink.append(rowCount: 6, $0, header) }
        try sink.finish()
        #expect(folder.names == ["a.png"])
        sink.abandon()
        #expect(folder.names == ["a.png"])
    }

    @Test func `an abandoned or dropped sink leaves nothing behind`() throws {
        let folder = try ScratchFolder()
        let sink = try ImageFormats.createSink(folder.path + "/a.tif", like: header)
        sink.abandon()
        #expect(folder.names == [])
        do { _ = try ImageFormats.createSink(folder.path + "/b.png", like: header) }
        #expect(folder.names == [])
    }

    @Test func `what a killed program has left behind is removed, and nothing else`() throws {
        let folder = try ScratchFolder()
        // Beyond the largest number that a process can have.
        let gone = 99_999_999
        let kept = [
            ".a.png.partial-1",  // lives
            ".a.png.partial-\(gone + 1)",  // locked, by a process of another host perhaps
            ".a.png.partial-\(gone)x", ".a.png.partial-", ".a.png.partial--5",
            ".b.png.partial-\(gone)", "a.png.partial-\(gone)",
        ].sorted()
        for name in kept { _ = try folder.file(name, [7]) }
        let locked = open("\(folder.path)/.a.png.partial-\(gone + 1)", O_RDWR)
        try #require(flock(locked, LOCK_EX | LOCK_NB) == 0)
        defer { close(locked) }
        _ = try folder.file(".a.png.partial-\(gone)", [7])
        _ = try folder.file(".a.png.partial-\(getpid())", [7])

        try Picture(header, seed: 1).write(folder.path + "/a.png")
        #expect(folder.names == (kept + ["a.png"]).sorted())
    }

    @Test func `an output that is being written is not taken for one left behind`() throws {
        let folder = try ScratchFolder()
        let sink = try ImageFormats.createSink(folder.path + "/a.png", like: header)
        let error = #expect(throws: ImageError.self) {
            try ImageFormats.createSink(folder.path + "/a.png", like: header)
        }
        #expect(error?.kind == .unwritable)
        #expect(folder.names == [".a.png.partial-\(getpid())"])
        sink.abandon()
        #expect(folder.names == [])
    }

    @Test func `an existing output is replaced only when that is allowed`() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/a.png"
        try Picture(header, seed: 1).write(path)
        let before = try folder.bytes("a.png")
        let error = #expect(throws: ImageError.self) { try Picture(header, seed: 2).write(path) }
        #expect(error?.kind == .outputExists)
        #expect(try folder.bytes("a.png") == before)
        try Picture(header, seed: 2).write(path, overwrite: true)
        #expect(try folder.bytes("a.png") != before)
        #expect(folder.names == ["a.png"])
    }

    @Test func `an output that appears meanwhile is not replaced`() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/a.png"
        let sink = try ImageFormats.createSink(path, like: header)
        let color = [Float](repeating: 0, count: 24)
        try color.withUnsafeBufferPointer { try sink.append(rowCount: 6, $0, header) }
        _ = try folder.file("a.png", [7])
        let error = #expect(throws: ImageError.self) { try sink.finish() }
        #expect(error?.kind == .outputExists)
        #expect(try folder.bytes("a.png") == [7])
        sink.abandon()
        #expect(folder.names == ["a.png"])
    }

    @Test func `an output through a symbolic link leaves the link in place`() throws {
        let folder = try ScratchFolder()
        try Picture(header, seed: 1).write(folder.path + "/real.png")
        try #require(symlink("real.png", folder.path + "/link.png") == 0)
        try Picture(header, seed: 2).write(folder.path + "/link.png", overwrite: true)
        var status = stat()
        #expect(lstat(folder.path + "/link.png", &status) == 0)
        #expect(status.st_mode & S_IFMT == S_IFLNK)
        let back = try Picture(ImageFormats.open(folder.path + "/real.png"))
        #expect(back.samples == Picture(header, seed: 2).samples)
    }

    @Test func `the input itself is recognized under other names`() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/a.png"
        try Picture(header, seed: 1).write(path)
        try #require(symlink("a.png", folder.path + "/soft.png") == 0)
        try #require(link(path, folder.path + "/hard.png") == 0)
        for name in ["a.png", "soft.png", "hard.png"] {
            #expect(ImageFormats.areSameFile(path, "\(folder.path)/\(name)"))
            let error = #expect(throws: ImageError.self) {
                try ImageFormats.checkOutput(
                    "\(folder.path)/\(name)", input: path, overwrite: true)
            }
            #expect(error?.kind == .outputExists)
            #expect(error?.message.contains("input itself") == true)
        }
        #expect(!ImageFormats.areSameFile(path, folder.path + "/none.png"))
        try ImageFormats.checkOutput(folder.path + "/none.png", input: path, overwrite: false)
    }

    @Test func `outputs that cannot be are refused before any work`() throws {
        let folder = try ScratchFolder()
        let cases: [(String, ImageError.Kind)] = [
            ("\(folder.path)/a.gif", .unsupported), ("\(folder.path)/png", .unsupported),
            ("\(folder.path)/none/a.png", .unwritable), ("/proc/a.png", .unwritable),
        ]
        for (path, kind) in cases {
            let early = #expect(throws: ImageError.self, "\(path)") {
                try ImageFormats.checkOutput(path, input: "/none", overwrite: true)
            }
            #expect(early?.kind == kind, "\(path)")
            let late = #expect(throws: ImageError.self, "\(path)") {
                try ImageFormats.createSink(path, like: header)
            }
            #expect(late?.kind == kind, "\(path): \(String(describing: late))")
        }
    }

    @Test func `a full device is told apart from other failures`() throws {
        let full = open("/dev/full", O_RDWR)
        try #require(full >= 0)
        defer { close(full) }
        for codec in [PNGFormat.self, TIFFFormat.self, JPEGFormat.self] as [any FormatCodec.Type] {
            let error = #expect(throws: ImageError.self) {
                let encoder = try codec.makeEncoder(full, name: "a", header: header)
                try [UInt8](repeating: 0, count: 24).withUnsafeBytes {
                    try encoder.write(rowCount: 6, samples: $0)
                }
                try encoder.finish()
            }
            #expect(error?.kind == .outOfSpace, "\(codec): \(String(describing: error))")
        }
    }

    @Test func `an output that is not a plain file is refused`() throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/a.png"
        try #require(symlink("/dev/null", path) == 0)
        let error = #expect(throws: ImageError.self) {
            try ImageFormats.createSink(path, like: header, overwrite: true)
        }
        #expect(error?.kind == .unwritable)
    }
}
