import Foundation
import Glibc
import Testing

extension PictureTests {
    /// All fits begin with the weights of one tile's fit.
    @Suite struct Starts {
        private func arguments(_ session: Session, _ more: String...) throws -> [String] {
            try session.restoration(of: Reference.picture, preset: "fast", iterations: 12) + more
        }

        private func output(_ more: String...) throws -> [UInt8]? {
            var bytes: [UInt8]?
            try withSession { session in
                try session.succeed(arguments(session) + more)
                bytes = Files.bytes(session.path("out.png"))
            }
            return bytes
        }

        @Test func `the same weights make the same bytes, shared in the job or from a file`() throws
        {
            let shared = try output("--workers", "1", "--start", "shared")
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator,
                    arguments(
                        session, "--workers", "2", "--quiet", "--save-start",
                        session.path("start.safetensors")))
                try session.awaitTiles(1, output: "out.png", of: process)
                process.workers.first?.send(SIGKILL)
                #expect(process.wait(atMost: .seconds(60)) == .exited(0), process.story)
                #expect(Files.bytes(session.path("out.png")) == shared)
                let again = try session.succeed(
                    arguments(
                        session, "--start-from", session.path("start.safetensors"), "--fresh",
                        "--overwrite"))
                #expect(Files.bytes(session.path("out.png")) == shared, again.story)
                #expect(!again.errors.contains("making the weights"), again.story)
            }
            #expect(try shared != nil && shared != output("--start", "random"))
        }

        @Test func `a coordinator that is killed in any phase goes on, and ends the same`() throws {
            let undisturbed = try output("--workers", "2", "--start", "shared", "--stop", "pilots")
            try withSession(leavesPartialFiles: true) { session in
                var phases: Set<String> = []
                var end = ProcessEnd.overdue
                for delay in stride(from: 250, through: 6000, by: 150) where end != .exited(0) {
                    let process = try session.start(
                        Programs.coordinator,
                        arguments(
                            session, "--workers", "2", "--start", "shared", "--stop", "pilots"))
                    end = process.wait(atMost: .milliseconds(delay))
                    if end == .exited(0) { break }
                    process.kill()
                    try session.eventually("no workers", within: .seconds(10)) {
                        process.descendants.isEmpty
                    }
                    let status = try session.run(["status", session.jobFolder, "--json"])
                    let object = try? JSONSerialization.jsonObject(with: Data(status.output.utf8))
                    if let phase = (object as? [String: Any])?["phase"] as? String {
                        phases.insert(phase)
                    }
                }
                #expect(end == .exited(0))
                #expect(phases.contains("start"), "\(phases)")
                #expect(Files.bytes(session.path("out.png")) == undisturbed)
            }
        }

        @Test func `another job is told from this one by what the user has said`() throws {
            try withSession { session in
                try session.succeed(arguments(session, "--workers", "2", "--start", "shared"))
                let different: [([String], String)] = [
                    (["--iterations", "14"], "iterations is 12 in the folder, but 14 is asked"),
                    (["--tile", "80"], "tile is 64 in the folder, but 80 is asked"),
                    (["--preset", "thin"], "preset is fast in the folder, but thin is"),
                    (["--seed", "3"], "seed is 7 in the folder, but 3 is asked"),
                    (["--start", "random"], "start is "),
                ]
                for (options, sentence) in different {
                    expectRefusal(
                        try session.run(arguments(session, "--start", "shared") + options), 78,
                        saying: "\(session.jobFolder) holds another job: \(sentence)")
                }
            }
        }

        @Test func `weights that cannot be used are refused before anything runs`() throws {
            try withSession { session in
                let file = session.path("start.safetensors")
                try session.succeed(arguments(session, "--save-start", file))
                for (options, code, sentence) in [
                    (["--preset", "thin", "--start-from", file], 65, "has the shape"),
                    (["--start-from", session.path("in.png")], 65, "cannot be read"),
                    (["--start-from", session.path("none")], 66, "is not there"),
                    (["--start", "random", "--save-start", file], 64, "shares no weights"),
                    (["--start", "shared", "--start-from", file], 64, "does not go with it"),
                    (["--save-start", session.path("in.png")], 73, "holds no start weights"),
                ] as [([String], Int32, String)] {
                    expectRefusal(
                        try session.run(
                            arguments(session, "-o", session.path("other.png")) + options),
                        code, saying: sentence)
                }
            }
        }
    }
}
