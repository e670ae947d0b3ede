import Foundation
import Glibc
import Testing
import Wire

extension PictureTests {
    /// Pilots find one iteration at which all fits stop.
    @Suite struct Pilots {
        /// Noise so strong that fits come down to it soon: two pilots of six tiles.
        private func arguments(_ session: Session, _ more: String...) throws -> [String] {
            try Reference.restoration(in: session) + [
                "--stop", "pilots", "--iterations", "60", "--sigma", "45",
            ] + more
        }

        private func fact(_ session: Session) throws -> [String: Any] {
            let bytes = try #require(Files.bytes(session.path("out.png.dip/stop.json")))
            return try #require(
                JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        }

        @Test func `all fits stop at the iteration that two pilots have found`() throws {
            try withSession { session in
                try session.succeed(arguments(session, "--workers", "2"))
                let stop = try fact(session)
                let iteration = try #require(stop["iteration"] as? Int)
                #expect(stop["isConfirmed"] as? Bool == true)
                #expect((stop["pilots"] as? [Any])?.count == 2)
                #expect((10..<60).contains(iteration))
                let found = try #require(Files.bytes(session.path("out.png")))
                #expect(try OneTile.number("iterationsPerTile", in: session) == Double(iteration))
                let again = try session.start(
                    Programs.coordinator, arguments(session, "--workers", "2"))
                #expect(again.wait(atMost: .seconds(20)) == .exited(0), again.story)
                #expect(Files.bytes(session.path("out.png")) == found)

                // As if somebody had known it.
                try session.succeed(
                    Reference.restoration(
                        in: session, "--iterations", "\(iteration)", "--workers", "2", "--fresh",
                        "--overwrite"))
                #expect(Files.bytes(session.path("out.png")) == found)
            }
        }

        @Test func `the job of the pilots has the same name for the next coordinator`() throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                var names: [JobID] = []
                for _ in 0..<2 {
                    let process = try session.start(
                        Programs.coordinator,
                        arguments(session, "--workers", "0", "--listen", endpoint))
                    let worker = try StrangeWorker(endpoint)
                    try worker.sayHello(session)
                    guard case .welcome(let welcome) = try worker.receive(.welcome, session) else {
                        return
                    }
                    names.append(welcome.job)
                    process.kill()
                    _ = process.wait(atMost: .seconds(10))
                }
                #expect(names.count == 2 && names.first == names.last, "\(names)")
                #expect(names.first?.rawValue.hasSuffix("-pilots") == true, "\(names)")
            }
        }

        @Test func `coordinators that are killed in either phase come to the same end`() throws {
            try withSession(leavesPartialFiles: true) { session in
                try session.succeed(arguments(session, "--workers", "2"))
                let found = try #require(Files.bytes(session.path("out.png")))
                try FileManager.default.removeItem(atPath: session.jobFolder)
                unlink(session.path("out.png"))
                var phases: Set<String> = []
                var end = ProcessEnd.overdue
                for delay in stride(from: 200, through: 6000, by: 300) where end != .exited(0) {
                    let process = try session.start(
                        Programs.coordinator, arguments(session, "--workers", "2"))
                    end = process.wait(atMost: .milliseconds(delay))
                    if end == .exited(0) { break }
                    process.kill()
                    try session.eventually("no workers", within: .seconds(10)) {
                        process.descendants.isEmpty
                    }
                    let hasBegun = ["job.json", "stop.json.dip/job.json"].contains {
                        Files.bytes("\(session.jobFolder)/\($0)") != nil
                    }
                    guard hasBegun else { continue }
                    phases.insert(try session.status()["phase"] as? String ?? "none")
                }
                if end != .exited(0) {
                    try session.succeed(arguments(session, "--workers", "2"))
                }
                #expect(Files.bytes(session.path("out.png")) == found)
                #expect(phases.contains("pilots"), "\(phases)")
                #expect(
                    Files.tree(session.jobFolder).filter { $0.contains(".partial") } == [])
            }
        }

        @Test func `another rule than that of a job that was begun is refused`() throws {
            try withSession { session in
                try session.succeed(arguments(session, "--workers", "2"))
                let other = try session.start(
                    Programs.coordinator,
                    Reference.restoration(
                        in: session, "--stop", "per-tile", "--iterations", "60", "--workers", "1"))
                #expect(other.wait(atMost: .seconds(20)) == .exited(78), other.story)
                #expect(other.errors.contains("all tiles where pilots found it"), other.story)
                #expect(other.errors.contains("each tile by held-out"), other.story)
            }
        }

        @Test func `each tile stops where it is best itself, when that is asked for`() throws {
            try withSession { session in
                try session.succeed(
                    Reference.restoration(
                        in: session, "--stop", "per-tile", "--iterations", "60", "--sigma", "auto",
                        "--workers", "2"))
                let iterations = try OneTile.number("iterations", in: session)
                #expect((60..<360).contains(iterations))
            }
        }

        @Test(
            arguments: [
                (["--stop", "fixed", "--sigma", "10"], "looks for no point"),
                (["--stop-rule", "noise-level"], "needs --sigma"),
                (["--stop-rule", "variance", "--sigma", "3"], "does not ask for it"),
                (["--stop-rule", "fixed"], "held-out, variance or noise-level is wanted"),
                (["--sigma", "0"], "--sigma"), (["--sigma", "400"], "smaller deviation"),
            ])
        func `options about stopping that make no sense are refused`(
            options: [String], sentence: String
        ) throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, Reference.restoration(in: session) + options)
                #expect(process.wait(atMost: .seconds(20)) == .exited(64), process.story)
                #expect(process.errors.contains(sentence), process.story)
            }
        }
    }
}
