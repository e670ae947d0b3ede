import Foundation
import Glibc
import Testing

extension PictureTests {
    @Suite struct Errors {
        /// Runs a restoration of the named file to `out.png`.
        private func restore(
            _ session: Session, _ input: String, _ more: String...
        ) throws -> RunningProcess {
            try session.run(
                [
                    session.path(input), "-o", session.path("out.png"), "--workers", "1",
                    "--iterations", "1", "--tile", "64", "--overlap", "16", "--quiet",
                ] + more, atMost: .seconds(15))
        }

        /// Nothing was made beside the input.
        private func expectUntouched(
            _ session: Session, _ names: [String],
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(session.names == names.sorted(), sourceLocation: sourceLocation)
        }

        @Test func `a missing input is 66`() throws {
            try withSession { session in
                expectRefusal(try restore(session, "none.png"), 66, saying: "none.png")
                expectUntouched(session, [])
            }
        }

        @Test func `what is no image is 65`() throws {
            try withSession { session in
                try Files.write([], session.path("empty.png"))
                try Files.write(Array("This is a text.\n".utf8), session.path("text.png"))
                mkdir(session.path("folder.png"), 0o777)
                let names = ["empty.png", "folder.png", "text.png"]
                for name in names {
                    expectRefusal(try restore(session, name), 65, saying: name)
                }
                expectUntouched(session, names)
            }
        }

        @Test func `a truncated image is 65`() throws {
            try withSession { session in
                for name in ["whole.png", "whole.tif"] {
                    try Picture().write(session.path(name))
                    let bytes = try #require(Files.bytes(session.path(name)))
                    let cut = "cut." + name
                    for count in [20, bytes.count / 2, bytes.count - 100] {
                        try Files.write(Array(bytes[..<count]), session.path(cut))
                        expectRefusal(try restore(session, cut), 65, saying: cut)
                    }
                    unlink(session.path(name))
                }
                expectUntouched(session, ["cut.whole.png", "cut.whole.tif"])
            }
        }

        @Test func `an absurd size in the header is 65, at once`() throws {
            try withSession { session in
                let largest = Int(Int32.max)
                for (width, height) in [
                    (largest, largest), (largest, 1), (1, largest), (0, 5), (500_000, 500_000),
                ] {
                    try Files.write(
                        HandmadePNG.header(width: width, height: height), session.path("in.png"))
                    expectRefusal(try restore(session, "in.png"), 65, saying: "in.png")
                }
                expectUntouched(session, ["in.png"])
            }
        }

        @Test func `an output where nothing can be written is 73`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                let outputs = [
                    session.path("none/out.png"), session.path("in.png/out.png"), "/proc/out.png",
                    "/proc/self/out.tif",
                ]
                for output in outputs {
                    expectRefusal(try restore(session, "in.png", "-o", output), 73, saying: output)
                }
                expectRefusal(
                    try restore(session, "in.png", "-o", outputs[0]), 73,
                    saying: "there is no folder \(session.path("none"))")
                mkdir(session.path("folder.png"), 0o777)
                expectRefusal(
                    try restore(session, "in.png", "-o", session.path("folder.png")), 73,
                    saying: "folder.png")
                expectUntouched(session, ["folder.png", "in.png"])
            }
        }

        @Test func `an output that exists is 73 and stays as it is`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                try Files.write([7, 7, 7], session.path("out.png"))
                expectRefusal(try restore(session, "in.png"), 73, saying: "--overwrite")
                #expect(Files.bytes(session.path("out.png")) == [7, 7, 7])
                expectUntouched(session, ["in.png", "out.png"])
            }
        }

        @Test func `a folder in the place of the job's that is not a job's is 73 and stays`() throws
        {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                mkdir(session.path("out.png.dip"), 0o777)
                try Files.write([7], session.path("out.png.dip/letter"))
                expectRefusal(try restore(session, "in.png"), 73, saying: "out.png.dip")
                #expect(Files.tree(session.path("out.png.dip")) == ["letter"])
            }
        }

        @Test func `an output that appears during the job is 73 and stays as it is`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, Reference.restoration(in: session, "--workers", "2"))
                try session.awaitTiles(1, output: "out.png", of: process)
                try Files.write([7, 7, 7], session.path("out.png"))
                process.wait()
                expectRefusal(process, 73, saying: "--overwrite")
                #expect(process.errors.contains("out.png.dip; the same command"), process.story)
                #expect(Files.bytes(session.path("out.png")) == [7, 7, 7])
            }
        }

        @Test func `a job whose folder vanishes is 73 and leaves nothing running`() throws {
            try withSession { session in
                mkdir(session.path("sub"), 0o777)
                // Three results that cannot be stored end a job; fewer are sent again later.
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(
                        in: session, "--workers", "3", "-o", session.path("sub/out.png")))
                try session.awaitTiles(1, output: "sub/out.png", of: process)
                // Files may come while the folder is emptied.
                try session.eventually("an empty place") {
                    try? FileManager.default.removeItem(atPath: session.path("sub"))
                    return Files.names(session.folder).contains("sub") == false
                }
                expectRefusal(process, 73, saying: "sub/out.png")
            }
        }

        @Test func `the output is never the input, under no other name`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                let bytes = Files.bytes(session.path("in.png"))
                symlink("in.png", session.path("soft.png"))
                link(session.path("in.png"), session.path("hard.png"))
                for name in ["in.png", "soft.png", "hard.png"] {
                    expectRefusal(
                        try restore(session, "in.png", "--overwrite", "-o", session.path(name)),
                        73, saying: "the input")
                }
                #expect(Files.bytes(session.path("in.png")) == bytes)
                expectUntouched(session, ["hard.png", "in.png", "soft.png"])
            }
        }

        @Test func `a port in use is 69`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                let (descriptor, port) = try Ports.listen()
                defer { close(descriptor) }
                expectRefusal(
                    try restore(session, "in.png", "--listen", "tcp://127.0.0.1:\(port)"), 69,
                    saying: "\(port)")
            }
        }

        @Test func `no worker within the time to wait is 69`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                expectRefusal(
                    try restore(
                        session, "in.png", "--workers", "0", "--worker-wait", "1", "--listen",
                        "tcp://127.0.0.1:\(try Ports.free())"), 69, saying: "worker")
                #expect(Files.bytes(session.path("out.png")) == nil)
            }
        }

        @Test func `a worker program that is not there is 69`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                mkdir(session.path("alone"), 0o777)
                let program = session.path("alone/dip-coord")
                try FileManager.default.copyItem(atPath: Programs.coordinator, toPath: program)
                let process = try session.start(
                    program,
                    [
                        session.path("in.png"), "-o", session.path("out.png"), "--workers", "1",
                        "--iterations", "1", "--quiet",
                    ])
                process.wait(atMost: .seconds(15))
                expectRefusal(process, 69, saying: "dip-worker")
                #expect(Files.bytes(session.path("out.png")) == nil)
            }
        }

        @Test func `a worker program that ends at once is 69`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                mkdir(session.path("alone"), 0o777)
                let program = session.path("alone/dip-coord")
                try FileManager.default.copyItem(atPath: Programs.coordinator, toPath: program)
                symlink("/bin/false", session.path("alone/dip-worker"))
                let process = try session.start(
                    program,
                    [
                        session.path("in.png"), "-o", session.path("out.png"), "--workers", "2",
                        "--iterations", "1", "--quiet", "--worker-wait", "2",
                    ])
                #expect(process.wait(atMost: .seconds(30)) == .exited(69), process.story)
                #expect(process.errors.contains("worker"), process.story)
                #expect(process.descendants.isEmpty, process.story)
            }
        }

        @Test func `option values that make no sense are 64`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                let cases = [
                    ["--tile", "3"], ["--tile", "0"], ["--tile", "-64"], ["--tile", "large"],
                    ["--tile", "99999999999999999999"], ["--overlap", "64"],
                    ["--overlap", "100"], ["--overlap=-1"], ["--iterations", "0"],
                    ["--iterations=-5"], ["--iterations", "9223372036854775807"],
                    ["--preset", "thick"], ["--seed", "many"], ["--workers=-1"],
                    ["--workers", "1000000"], ["--worker-wait=-1"], ["--worker-wait", "nan"],
                    ["--no-such-option"], ["--workers"], ["another.png"],
                    ["--listen", "nonsense"], ["--listen", "tcp://127.0.0.1"],
                    ["--listen", "tcp://127.0.0.1:99999"], ["-o", session.path("out.gif")],
                    ["-o", session.path("out")], ["-o", ""], ["--quality", "0"],
                    ["--quality", "101"], ["--loss", "cubed"], ["--tv=-1"], ["--tv", "nan"],
                    ["--tv", "1001"], ["--noise", "pink"], ["--counts-per-value", "2"],
                    ["--noise", "poisson", "--counts-per-value", "0"],
                    ["--noise", "poisson", "--counts-per-value", "inf"],
                    ["--noise", "gaussian", "--counts-per-value", "2"],
                ]
                for more in cases {
                    let process = try session.run(
                        [
                            session.path("in.png"), "-o", session.path("out.png"), "--tile", "64",
                            "--overlap", "16", "--workers", "1", "--iterations", "1", "--quiet",
                        ] + more, atMost: .seconds(15))
                    expectRefusal(process, 64)
                }
                expectUntouched(session, ["in.png"])
            }
        }

        @Test func `a value that makes no sense is told with what is wanted and the help`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                let image = session.path("in.png")
                let cases: [(arguments: [String], words: String)] = [
                    (["--compression", "jpg"], "'none', 'lzw', 'deflate', 'zstd' or 'packBits'"),
                    (["--stop-rule", "none"], "one of 'held-out', 'variance' or 'noise-level'"),
                    (["--input", "nothing"], "'noise', 'masked', 'coarse', 'image' or 'meshgrid'"),
                    (["--log-level", "loud"], ": trace, debug, info, notice, warning, error"),
                    (["--sigma", "-5"], "above 0, or auto"), (["--range", "5,3"], "LOW,HIGH"),
                    (["--range=-1.7e308,1.7e308"], "LOW,HIGH"),
                    (["--dashboard", "99999"], "0 to 65535"), (["--region", "1,2"], "X,Y,WIDTH"),
                    (["--page", "0"], "1 to 65535, or all"),
                    (["--compression", "zstd"], "is for a TIFF, but the output"),
                    (["-o", "x.jpg", "--compression", "LZW"], "the output x.jpg is a JPEG"),
                    (["-o", "x.jpg", "--compression", "packbits"], "the output x.jpg is a JPEG"),
                    (["--quality", "80"], "is for a JPEG, but the output"),
                    (["-o", "x.tif", "--quality", "80"], "the output x.tif is a TIFF"),
                ]
                for (arguments, words) in cases {
                    let process = try session.run([image] + arguments)
                    expectRefusal(process, 64, saying: words)
                    #expect(process.errors.contains("(see dip-coord help restore)"), process.story)
                }
                expectRefusal(
                    try session.run(["plan", image, "--tile", "7"]), 64,
                    saying: "(see dip-coord help plan)")
                expectRefusal(
                    try session.start(Programs.worker, ["tcp://a:1", "--log-level", "loud"]), 64,
                    saying: "warning, error (see dip-worker --help)")
                expectRefusal(
                    try session.run([image, "--preset", session.path("none.json")]), 66,
                    saying: "none.json")
                expectUntouched(session, ["in.png"])
            }
        }

        @Test func `nothing to restore is 64`() throws {
            try withSession { session in
                expectRefusal(try session.run(["--workers", "1"]), 64)
                expectRefusal(try session.run(["compare", "one.png"]), 64)
                expectRefusal(try session.run(["plan"]), 64)
            }
        }

        @Test func `listening beyond this host without leave is 64`() throws {
            try withSession { session in
                try Picture().write(session.path("in.png"))
                for address in ["0.0.0.0", "*", "[::]", "192.0.2.1"] {
                    expectRefusal(
                        try restore(session, "in.png", "--listen", "tcp://\(address):0"), 64,
                        saying: "--keys")
                }
                expectUntouched(session, ["in.png"])
            }
        }

        @Test func `listening beyond this host is possible with leave`() throws {
            try withSession { session in
                try Picture(width: 64, height: 64).write(session.path("in.png"))
                let process = try restore(
                    session, "in.png", "--listen", "tcp://0.0.0.0:\(try Ports.free())",
                    "--insecure")
                #expect(process.wait() == .exited(0), process.story)
            }
        }
    }
}
