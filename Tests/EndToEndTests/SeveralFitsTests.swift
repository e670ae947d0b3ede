import Foundation
import Glibc
import Testing

extension PictureTests {
    /// Several fits of each tile: restarts, and other seeds where arithmetic fails.
    @Suite struct SeveralFits {
        private func arguments(_ session: Session, _ more: String...) throws -> [String] {
            try session.restoration(
                of: Picture(width: 96, height: 64, noise: 0.15, seed: 5), preset: "thin",
                iterations: 8) + more
        }

        private func report(_ session: Session) throws -> [String: Any] {
            let bytes = try #require(Files.bytes(session.path("out.png.dip/report.json")))
            return try #require(
                try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        }

        @Test func `restarts make the same bytes with one worker and with two, one of them killed`()
            throws
        {
            var outputs: [[UInt8]?] = []
            try withSession { session in
                let process = try session.succeed(
                    arguments(session, "--workers", "1", "--restarts", "3"))
                #expect(process.errors.contains("3 fits a tile, averaged; 6 fits"), process.story)
                outputs.append(Files.bytes(session.path("out.png")))
                let report = try report(session)
                #expect((report["seeds"] as? [Int])?.first == 7)
                #expect(report["fitCount"] as? Int == 6)
            }
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator,
                    arguments(session, "--workers", "2", "--restarts", "3", "--quiet"))
                try session.awaitTiles(1, output: "out.png", of: process)
                process.workers.first?.send(SIGKILL)
                #expect(process.wait(atMost: .seconds(30)) == .exited(0), process.story)
                outputs.append(Files.bytes(session.path("out.png")))
                expectRefusal(
                    try session.run(arguments(session, "--restarts", "2")), 78,
                    saying: "restarts is 3 in the folder, but 2 is asked for")
            }
            try withSession { session in
                try session.succeed(arguments(session, "--workers", "2"))
                outputs.append(Files.bytes(session.path("out.png")))
            }
            #expect(outputs[0] != nil && outputs[0] == outputs[1])
            #expect(outputs[0] != outputs[2])
        }

        @Test func `a map that has nothing to show or no place is refused`() throws {
            try withSession { session in
                for (options, sentence) in [
                    (["--tile", "96", "--uncertainty", "map.tif"], "nothing to compare"),
                    (["--uncertainty", "map.png"], "TIFF"),
                    (["--uncertainty", "m.tif", "--disagreement", "m.tif"], "another map"),
                    (["--restarts", "33"], "1 to 32"), (["--restarts", "0"], "1 to 32"),
                ] {
                    expectRefusal(
                        try session.run(arguments(session) + options), 64, saying: sentence)
                }
            }
        }

        @Test func `a fit that collapses with every seed is given up after three of them`() throws {
            try withSession { session in
                try Files.write(
                    Array(
                        #"{"base": "thin", "collapseDecibels": 1e-9, "rollBacksMaximum": 0}"#.utf8),
                    session.path("wild.json"))
                let process = try session.run(
                    arguments(session, "--workers", "1") + [
                        "--preset", session.path("wild.json"), "--iterations", "1000",
                        "--tile", "96",
                    ])
                #expect(process.wait() == .exited(1), process.story)
                #expect(process.errors.contains("given up after 3 attempts"), process.story)
                #expect(process.errors.contains("collapsed"), process.story)
                let status = try session.status()
                let given = (status["setAside"] as? [[String: Any]])?.first
                let failures = given?["failures"] as? [[String: Any]]
                #expect(failures?.count == 3, "\(status)")
                #expect(failures?.allSatisfy { $0["isDivergence"] as? Bool == true } == true)
            }
        }
    }
}
