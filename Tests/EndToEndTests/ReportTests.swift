import Dashboard
import Foundation
import Glibc
import Testing

extension PictureTests {
    @Suite struct Reports {
        private func restoration(in session: Session, _ more: String...) throws -> [String] {
            try Reference.restoration(in: session, "--report", session.path("report")) + more
        }

        private func report(_ session: Session, _ folder: String = "report") throws -> Report {
            let bytes = try #require(Files.bytes(session.path(folder) + "/report.json"))
            return try JSONDecoder().decode(Report.self, from: Data(bytes))
        }

        private func page(_ session: Session) -> String {
            Files.text(session.path("report") + "/report.html")
        }

        @Test func `a job that is gone on with is reported whole, and again when it is complete`()
            throws
        {
            try withSession(leavesPartialFiles: true) { session in
                let arguments = try restoration(in: session, "--workers", "2")
                let first = try session.start(Programs.coordinator, arguments)
                try session.awaitTiles(2, output: "out.png", of: first)
                first.kill()
                try session.eventually("no workers") { first.descendants.isEmpty }
                let process = try session.start(Programs.coordinator, arguments)
                try Reference.expectSameOutput(session, process)

                let report = try report(session)
                #expect(report.fits.map(\.state) == Array(repeating: .stored, count: 6))
                let earlier = try #require(report.summary?.fitCountOfEarlierRuns)
                #expect(earlier >= 2)
                for fit in report.fits {
                    #expect(fit.curve.iterations.last == Reference.iterations, "\(fit)")
                    #expect(fit.seconds ?? 0 > 0 && fit.worker != nil && fit.loss != nil, "\(fit)")
                }
                #expect(report.workers.map(\.fitsFinished).reduce(0, +) >= 6)
                #expect(report.workers.allSatisfy { $0.isLocal == true && $0.processor != nil })
                #expect(report.times.coordinatorCPUSeconds ?? 0 > 0)
                #expect(report.times.localWorkerCPUSeconds ?? 0 > 0)
                #expect(report.pictures?.width == 144 && report.pictures?.height == 96)
                #expect(report.pictures?.disagreementMaximum ?? 0 > 0)
                #expect(report.gaps.isEmpty, "\(report.gaps)")
                #expect(page(session).components(separatedBy: "data:image/").count == 4)

                try session.succeed(arguments)
                let again = try self.report(session)
                #expect(again.isOfEarlierRun)
                #expect(again.fits.map(\.curve) == report.fits.map(\.curve))
                #expect(again.fits.map(\.seconds) == report.fits.map(\.seconds))
                #expect(again.fits.map(\.worker) == report.fits.map(\.worker))
                #expect(again.summary == report.summary)
                #expect(again.gaps.count == 2, "\(again.gaps)")
                #expect(page(session).components(separatedBy: "data:image/").count == 3)
            }
        }

        @Test func `a folder that cannot be written is refused before the first tile`() throws {
            try withSession { session in
                let file = session.path("file")
                _ = FileManager.default.createFile(atPath: file, contents: Data())
                let own = session.path("out.png.dip")
                for (folder, code) in [(file, Int32(73)), (file + "/r", 73), ("", 64), (own, 64)] {
                    let arguments = try Reference.restoration(in: session, "--report", folder)
                    expectRefusal(try session.run(arguments), code, saying: "report")
                }
                #expect(session.names.sorted() == ["file", "in.png"])
            }
        }

        @Test func `a file that is no report is not replaced, a report is`() throws {
            try withSession { session in
                let folder = session.path("report")
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: false)
                let strange = folder + "/report.html"
                try Data("<html>mine</html>".utf8).write(to: URL(filePath: strange))
                let arguments = try restoration(in: session, "--workers", "1", "--iterations", "1")
                expectRefusal(try session.run(arguments), 73, saying: strange)
                #expect(Files.text(strange) == "<html>mine</html>")
                #expect(Files.bytes(session.path("out.png")) == nil)
                try FileManager.default.removeItem(atPath: strange)
                try session.succeed(arguments)
                let former = page(session)
                try session.succeed(arguments)
                #expect(page(session) != former)
            }
        }

        @Test func `a report that cannot be written at the end leaves the output`() throws {
            try withSession(leavesPartialFiles: true) { session in
                // With --quiet, which leaves out what is no error.
                let arguments = try restoration(in: session, "--workers", "1")
                let process = try session.start(Programs.coordinator, arguments)
                try session.awaitTiles(1, output: "out.png", of: process)
                let strange = session.path("report")
                _ = FileManager.default.createFile(atPath: strange, contents: Data())
                #expect(process.wait(atMost: .seconds(40)) == .exited(74), process.story)
                #expect(process.errors.contains("the output is made"), process.story)
                #expect(Files.bytes(session.path("out.png")) == (try Reference.bytes()))
            }
        }

        @Test func `lines that are torn or foreign do not keep a job from its report`() throws {
            try withSession { session in
                let arguments = try restoration(in: session, "--workers", "1", "--iterations", "2")
                try session.succeed(arguments)
                let log = session.path("out.png.dip/events.jsonl")
                var bytes = try #require(Files.bytes(log))
                let lines = bytes.split(separator: UInt8(ascii: "\n"))
                let stored = lines.filter {
                    String(decoding: $0, as: UTF8.self).contains(#""event":"received""#)
                }
                #expect(stored.count == 6)
                // Of the last tile half a line is there, and of all others nothing.
                bytes = Array("\u{0}\n[1]\nno JSON\n".utf8) + stored[0] + [10]
                bytes += stored[5].prefix(stored[5].count / 2)
                try Data(bytes).write(to: URL(filePath: log))
                try session.succeed(arguments)
                let report = try report(session)
                #expect(report.fits.count { !$0.curve.iterations.isEmpty } == 1)
                #expect(report.gaps.contains { $0.hasPrefix("of 5 tiles nothing is known") })
            }
        }
    }
}
