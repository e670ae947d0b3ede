import Glibc
import Testing

extension EndToEndTests {
    /// Where a coordinator listens, and what it tells of that.
    @Suite struct Addresses {
        private func arguments(_ session: Session, _ more: [String]) throws -> [String] {
            let input = session.path("in.png")
            if Files.bytes(input) == nil {
                try Picture(width: 64, height: 64).write(input)
            }
            return [
                input, "-o", session.path("out.png"), "--workers", "0", "--tile", "64",
                "--overlap", "16", "--iterations", "1",
            ] + more
        }

        @Test func `an interface of this host alone needs no keys`() throws {
            try withSession { session in
                let file = session.path("endpoint")
                let process = try session.start(
                    Programs.coordinator,
                    try arguments(
                        session,
                        ["--listen", "tcp://*:0", "--interface", "lo", "--endpoint-file", file]))
                try session.eventually("an address", of: process) { Files.bytes(file) != nil }
                let endpoint = Files.text(file)
                #expect(endpoint.hasPrefix("tcp://127.0.0.1:"), "\(endpoint)")
                #expect(
                    process.errors.contains(
                        "listening at \(endpoint.filter { $0 != "\n" }), interface lo"),
                    process.story)
                try session.eventually("a job", of: process) {
                    OneTile.events(session).contains("began")
                }
                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
                #expect(Files.bytes(file) == nil)
            }
        }

        @Test func `a coordinator that ends leaves what another one has written`() throws {
            try withSession { session in
                let file = session.path("endpoint")
                let process = try session.start(
                    Programs.coordinator,
                    arguments(
                        session,
                        [
                            "--workers", "0", "--listen", "tcp://localhost:0", "--endpoint-file",
                            file,
                        ]))
                try session.eventually("an address", of: process) { Files.bytes(file) != nil }
                // libzmq itself listens at no localhost.
                #expect(Files.text(file).hasPrefix("tcp://127.0.0.1:"))
                try Files.write(Array("tcp://127.0.0.1:7\n".utf8), file)
                try session.eventually("a job", of: process) {
                    OneTile.events(session).contains("began")
                }
                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
                #expect(Files.text(file) == "tcp://127.0.0.1:7\n")
            }
        }

        @Test(arguments: ["", "tcp://h", "h:5555", "a b", "[fd00::1", "h/"])
        func `an address to be told that is none is 64`(_ host: String) throws {
            try withSession { session in
                let process = try session.run(
                    try arguments(
                        session,
                        [
                            "--quiet", "--workers", "0", "--listen", "tcp://127.0.0.1:0",
                            "--endpoint-file", session.path("e"), "--advertise", host,
                        ]), atMost: .seconds(15))
                expectRefusal(process, 64, saying: "--advertise is '\(host)'")
            }
        }

        @Test(arguments: [
            (["--listen", "tcp://*:0", "--interface", "lo7"], "lo (127.0.0.1"),
            (["--listen", "tcp://127.0.0.1:0", "--interface", "lo"], "tcp://*:PORT"),
            (["--listen", "ipc:///tmp/x", "--interface", "lo"], "tcp://*:PORT"),
            (["--interface", "lo", "--workers", "1"], "--listen"),
            (
                ["--listen", "ipc:///tmp/x", "--endpoint-file", "/tmp/x", "--advertise", "h"],
                "--advertise"
            ),
        ])
        func `an interface that is not there or cannot be meant is 64`(
            options: [String], text: String
        ) throws {
            try withSession { session in
                let process = try session.run(
                    try arguments(session, ["--quiet"] + options), atMost: .seconds(15))
                expectRefusal(process, 64, saying: text)
            }
        }

        @Test func `a file for the address that cannot be written is 73 and leaves no socket`()
            throws
        {
            try withSession { session in
                mkdir(session.path("folder"), 0o777)
                for name in ["no/such/folder", "folder"] {
                    let process = try session.run(
                        try arguments(
                            session,
                            [
                                "--quiet", "--listen", "ipc://" + session.path("socket"),
                                "--endpoint-file", session.path(name),
                            ]), atMost: .seconds(15))
                    expectRefusal(process, 73, saying: "\(session.path(name)): ")
                }
                #expect(session.names == ["folder", "in.png"])
            }
        }
    }
}
