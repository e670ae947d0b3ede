import Glibc
import Imaging
import Testing

extension EndToEndTests {
    /// What a system may refuse: each ends with a sentence and a code, in time and by no signal.
    @Suite struct Limits {
        /// Starts a program from a shell that has done `preparation` before.
        private func start(
            _ session: Session, after preparation: String, _ program: String,
            _ arguments: [String], redirection: String = ""
        ) throws -> RunningProcess {
            let script = "\(preparation) && exec \"$0\" \"$@\" \(redirection)"
            return try session.start("/bin/sh", ["-c", script, program] + arguments)
        }

        private func restore(
            _ session: Session, after preparation: String, _ more: String...
        ) throws -> RunningProcess {
            try start(
                session, after: preparation, Programs.coordinator,
                Reference.restoration(in: session, "--workers", "1", "--iterations", "1") + more)
        }

        @Test func `files too small for the tiles are 75 before any work`() throws {
            try withSession { session in
                // In blocks of 512 bytes: too small for a tile, and for all six of 28 KiB.
                for limit in [8, 280] {
                    let process = try restore(session, after: "ulimit -f \(limit)")
                    expectRefusal(process, 75, saying: "ulimit -f")
                    #expect(session.names == ["in.png"], "\(limit) blocks")
                }
            }
        }

        @Test func `files too small for the output end the job with a sentence`() throws {
            try withSession { session in
                // Half of the bytes of 16-bit samples are noise: the output takes 80 KiB at least.
                try Picture(width: 192, height: 144, sampleType: .uint16).write(
                    session.path("in.png"))
                // Of which one tile is restored.
                let process = try restore(
                    session, after: "ulimit -f 104", "--region", "0,0,64,64")
                #expect(process.wait() == .exited(75), process.story)
                #expect(process.errors.contains("File too large"), process.story)
                #expect(process.errors.contains("out.png.dip; the same command"), process.story)
                #expect(session.names == ["in.png", "out.png.dip"])
            }
        }

        @Test func `little memory for a process is said, not waited for`() throws {
            // In KiB. How much the programs map before a fit differs from host to host.
            for (limit, option) in [("ulimit -v 300000", "-v"), ("ulimit -d 100000", "-d")] {
                try withSession { session in
                    let process = try restore(session, after: limit)
                    let end = process.wait(atMost: .seconds(20))
                    #expect([.exited(1), .exited(69)].contains(end), process.story)
                    #expect(
                        end == .exited(69) || process.errors.contains("ulimit \(option)"),
                        process.story)
                    #expect(process.descendants.isEmpty, process.story)
                }
            }
        }

        @Test func `few open files are 75 before any work`() throws {
            try withSession { session in
                expectRefusal(
                    try restore(session, after: "ulimit -n 12"), 75, saying: "ulimit -n")
                #expect(session.names == ["in.png"])
                let worker = try start(
                    session, after: "ulimit -n 8", Programs.worker,
                    ["tcp://127.0.0.1:\(try Ports.free())"])
                expectRefusal(worker, 75, saying: "ulimit -n")
            }
        }

        @Test func `a result that cannot be printed is 74`() throws {
            try withSession { session in
                let image = try Picture().write(session.path("in.png"))
                let commands = [
                    ["plan", image], ["plan", image, "--json"], ["compare", image, image],
                    ["compare", image, image, "--json"], ["--help"], ["--version"],
                ]
                for redirection in [">/dev/full", ">&-"] {
                    for command in commands {
                        let process = try start(
                            session, after: "true", Programs.coordinator, command,
                            redirection: redirection)
                        expectRefusal(process, 74, saying: "standard output")
                    }
                    let worker = try start(
                        session, after: "true", Programs.worker, ["--help"],
                        redirection: redirection)
                    expectRefusal(worker, 74, saying: "standard output")
                }
            }
        }

        @Test func `a job that shall outlive the terminal does not end with it`() throws {
            try withSession { session in
                let process = try start(
                    session, after: "trap '' HUP", Programs.coordinator,
                    Reference.restoration(in: session, "--workers", "2"))
                try session.eventually("both workers", of: process) { process.workers.count == 2 }
                process.send(SIGHUP)
                for worker in process.workers { worker.send(SIGHUP) }
                try Reference.expectSameOutput(session, process)
            }
        }
    }
}
