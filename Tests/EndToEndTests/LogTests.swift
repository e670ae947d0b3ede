import Foundation
import Testing

extension EndToEndTests {
    @Suite struct Logs {
        private struct Line: Decodable {
            let time, level, program, message, event: String
            let job, worker, host: String?
            let tile, window, attempt: Int?

            /// By what a worker's line and the coordinator's are joined.
            var id: String? {
                guard let job, let tile, let attempt, let worker else { return nil }
                return "\(job) \(tile) \(attempt) \(worker)"
            }
        }

        /// All of standard error; fails where a line is no object.
        private func lines(_ process: RunningProcess) throws -> [Line] {
            try process.errors.split(separator: "\n").map { line in
                do {
                    return try JSONDecoder().decode(Line.self, from: Data(line.utf8))
                } catch {
                    throw Failure("'\(line)' is no log line: \(error)\n\(process.story)")
                }
            }
        }

        private func ids(_ lines: [Line], _ event: String) -> Set<String> {
            Set(lines.filter { $0.event == event }.compactMap(\.id))
        }

        @Test func `a line of a worker is found among the coordinator's by its ids`() throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let log = ["--log-level", "info", "--log-format", "json"]
                let coordinator = try session.start(
                    Programs.coordinator,
                    Reference.restoration(
                        in: session, "--iterations", "2", "--restarts", "2", "--workers", "0",
                        "--listen", endpoint) + log)
                let worker = try session.start(Programs.worker, [endpoint] + log)
                #expect(coordinator.wait(atMost: .seconds(40)) == .exited(0), coordinator.story)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                let (own, others) = (try lines(coordinator), try lines(worker))
                #expect(ids(own, "assigned").count == 12, coordinator.story)
                #expect(ids(others, "begun") == ids(own, "assigned"), worker.story)
                #expect(ids(others, "restored") == ids(own, "stored"), worker.story)
                for (a, b) in [(own, "stored"), (others, "restored")] {
                    let tries = a.filter { $0.event == b }
                    #expect(tries.allSatisfy { ($0.window ?? $0.tile) == ($0.tile ?? 0) / 2 })
                }
                let left = try #require(others.last { $0.event == "left" }, worker.story)
                #expect(left.job == own.compactMap(\.job).first, worker.story)
                #expect(left.worker != nil && left.host != nil, worker.story)
                #expect(
                    own.first { $0.event == "began" }?.message
                        == "begins with 12 fits (6 tiles, 2 restarts)", coordinator.story)
                // events.jsonl has the same.
                let stored = try Files.text(session.path("out.png.dip/events.jsonl"))
                    .split(separator: "\n").compactMap {
                        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
                    }.filter { $0["event"] as? String == "stored" }
                let names = stored.map {
                    "\($0["job"] ?? "") \($0["tile"] ?? "") \($0["attempt"] ?? "") "
                        + "\($0["worker"] ?? "")"
                }
                #expect(Set(names) == ids(own, "stored"))
            }
        }

        @Test func `lines of this host's workers stand among the coordinator's`() throws {
            try withSession { session in
                let arguments = try Reference.restoration(
                    in: session, "--iterations", "2", "--workers", "2", "--log-format", "json",
                    "--log-level", "info"
                ).filter { $0 != "--quiet" }
                let process = try session.succeed(arguments)
                let lines = try lines(process)
                #expect(Set(lines.map(\.program)) == ["dip-coord", "dip-worker"])
                #expect(ids(lines, "restored") == ids(lines, "stored"), process.story)
                #expect(lines.count { $0.event == "summary" } == 1)
                #expect(lines.filter { $0.event == "workerJoined" }.allSatisfy { $0.host != nil })
            }
        }

        @Test func `errors are lines too, also of a command line that is refused`() throws {
            try withSession { session in
                for (arguments, code) in [
                    ([session.path("none.png")], Int32(66)), (["--nonsense"], 64),
                ] {
                    let process = try session.run(arguments + ["--log-format", "json"])
                    #expect(process.wait() == .exited(code), process.story)
                    let only = try lines(process)
                    #expect(only.map(\.level) == ["error"], process.story)
                }
            }
        }

        @Test func `levels are those that are asked for`() throws {
            try withSession { session in
                let arguments = try Reference.restoration(
                    in: session, "--iterations", "1", "--workers", "1"
                ).filter { $0 != "--quiet" }
                let warnings = try session.succeed(arguments + ["--log-level", "warning"])
                #expect(warnings.errors.isEmpty, warnings.story)
                let all = try session.succeed(
                    arguments + ["--fresh", "--overwrite", "--log-level", "info"])
                #expect(all.errors.contains("dip-worker: tile 0 attempt 1 begins"), all.story)
                #expect(
                    all.errors.contains(
                        /dip-coord: tile 0 attempt 1 is stored \[job=.* tile=0 attempt=1/),
                    all.story)
                #expect(try session.run(arguments + ["--log-level", "loud"]).wait() == .exited(64))
            }
        }
    }
}
