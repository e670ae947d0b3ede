import Glibc
import Testing

extension EndToEndTests {
    /// The harness against programs that break its rules: a check that finds nothing anywhere would
    /// pass unseen.
    @Suite struct Harness {
        @Test func `a process that stays behind is noticed and ended`() throws {
            var stray: ProcessEntry?
            withKnownIssue {
                try withSession { session in
                    let shell = try session.start("/bin/sh", ["-c", "sleep 50 & exit 0"])
                    #expect(shell.wait() == .exited(0))
                    stray = shell.descendants.first
                }
            }
            let left = try #require(stray)
            try withSession { session in
                try session.eventually("the end of the process") { !left.isRunning }
            }
        }

        @Test func `a program that does not end is killed and has not passed`() throws {
            try withSession { session in
                let sleeper = try session.start("/bin/sleep", ["50"])
                #expect(sleeper.wait(atMost: .milliseconds(20)) == .overdue)
                #expect(sleeper.wait() == .signalled(SIGKILL))
            }
        }

        @Test func `a temporary file that stays behind is noticed`() throws {
            withKnownIssue {
                try withSession { session in
                    try Files.write([1], session.path(".out.png.partial-1"))
                }
            }
        }

        @Test func `two sentences and a trap are no refusal`() throws {
            for script in [
                "echo one sentence >&2; echo two sentences >&2; exit 65", "exit 65",
                "echo one sentence >&2; exit 66", "echo one sentence >&2; kill -ILL $$",
                "echo one sentence >&2; echo output; exit 65",
            ] {
                withKnownIssue("\(script)") {
                    try withSession { session in
                        expectRefusal(try session.start("/bin/sh", ["-c", script]), 65)
                    }
                }
            }
            try withSession { session in
                let shell = try session.start(
                    "/bin/sh", ["-c", "echo one sentence >&2; exit 65"])
                expectRefusal(shell, 65, saying: "sentence")
            }
        }
    }
}
