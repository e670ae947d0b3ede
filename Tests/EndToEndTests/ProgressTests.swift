import Dashboard
import Foundation
import Imaging
import Testing

extension EndToEndTests {
    @Suite struct ProgressOfAJob {
        private func restoration(in session: Session, _ more: String...) throws -> [String] {
            try Reference.restoration(in: session, "--workers", "2", "--iterations", "2")
                .filter { $0 != "--quiet" } + more
        }

        private func events(_ process: RunningProcess) throws -> [ProgressEvent] {
            try events(process.output.split(separator: "\n"))
        }

        private func events(_ lines: some Sequence<Substring>) throws -> [ProgressEvent] {
            try lines.map {
                try JSONDecoder().decode(ProgressEvent.self, from: Data($0.utf8))
            }
        }

        @Test func `a program reads how a job comes along and where its output is`() throws {
            try withSession { session in
                let process = try session.succeed(
                    restoration(in: session, "--progress", "json", "--quiet"))
                #expect(process.errors.isEmpty, process.story)
                let events = try events(process)
                #expect(events.first?.event == .begun)
                #expect(events.first?.snapshot?.tilesTotal == 6)
                #expect(events.count { $0.event == .workerJoined } == 2, process.story)
                // Sentences and the end are of the program, all else is of a job.
                #expect(
                    events.allSatisfy { ($0.job == nil) == [.message, .done].contains($0.event) },
                    process.story)
                let tiles = events.filter { $0.event == .tileFinished }.compactMap(\.tile)
                #expect(tiles.sorted() == Array(0..<6))
                let last = try #require(events.last)
                #expect(last.event == .done && last.exitCode == 0 && last.unrestored == 0)
                #expect(last.output == session.path("out.png"))

                let again = try session.succeed(
                    restoration(in: session, "--progress", "json"))
                let only = try self.events(again)
                #expect(only.map(\.event) == [.done], again.story)
            }
        }

        @Test func `the time left is that of all pages that are still to be restored`() throws {
            try withSession { session in
                let (page, input) = (session.path("page.tif"), session.path("in.tif"))
                try Picture(width: 64, height: 64, bands: 1).write(page)
                try JoinedTIFF(input, pages: [page, page], overwrite: false).finish()
                let iterations = 1_000_000
                let process = try session.start(
                    Programs.coordinator,
                    [
                        input, "-o", session.path("out.tif"), "--page", "all", "--workers", "1",
                        "--preset", "thin", "--tile", "64", "--overlap", "16", "--quiet",
                        "--iterations", "\(iterations)", "--progress", "json",
                    ])
                try session.eventually("a forecast", of: process) {
                    process.output.split(separator: "\n").dropLast().contains {
                        $0.contains("\"secondsLeft\"")
                    }
                }
                process.kill()
                try session.eventually("no workers") { process.descendants.isEmpty }
                let lines = process.output.split(separator: "\n")
                let known = try #require(lines.first { $0.contains("\"secondsLeft\"") })
                let event = try JSONDecoder().decode(ProgressEvent.self, from: Data(known.utf8))
                let snapshot = try #require(event.snapshot)
                // In fits of a page, of which next to nothing is done.
                let pages =
                    try #require(snapshot.secondsLeft) * #require(snapshot.iterationsPerSecond)
                    / Double(iterations)
                #expect((1.5...2.5).contains(pages), process.story)
            }
        }

        @Test func `fits that are done before they report have a rate and a time left`() throws {
            try withSession(leavesPartialFiles: true) { session in
                let input = session.path("in.png")
                try Picture(width: 800, height: 800, bands: 1).write(input)
                let process = try session.start(
                    Programs.coordinator,
                    [
                        input, "-o", session.path("out.png"), "--workers", "1", "--preset", "thin",
                        "--tile", "64", "--overlap", "16", "--iterations", "2", "--start", "random",
                        "--progress", "json", "--quiet",
                    ])
                try session.eventually("a forecast", of: process) {
                    let known = try? events(process.output.split(separator: "\n").dropLast())
                        .compactMap(\.snapshot).first { $0.secondsLeft != nil }
                    return known.map { $0.tilesStored > 0 && $0.iterationsPerSecond != nil }
                        ?? false
                }
                process.kill()
                try session.eventually("no workers") { process.descendants.isEmpty }
            }
        }

        @Test func `a program reads why there is no output`() throws {
            try withSession { session in
                let process = try session.run([session.path("none.png"), "--progress", "json"])
                let last = try #require(try events(process).last)
                #expect(last.event == .failed && last.exitCode == 66, process.story)
                #expect(process.errors.contains(try #require(last.reason)))
            }
        }

        @Test func `a terminal shows one block whose lines fit it, and is left in order`() throws {
            try withSession { session in
                let terminal = try PseudoTerminal(width: 50, height: 10)
                let process = try session.start(
                    Programs.coordinator, restoration(in: session, "--iterations", "10000"),
                    environment: ["TERM": "xterm", "NO_COLOR": "1"], terminal: terminal)
                try session.eventually("a worker's line", of: process) {
                    terminal.text.contains("/10000")
                }
                let wide = terminal.text
                terminal.resize(width: 20, height: 4)
                usleep(700_000)
                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
                let all = terminal.text
                #expect(all.contains("0/6 tiles"))
                for (text, width) in [(wide, 50), (String(all.dropFirst(wide.count)), 20)] {
                    for frame in text.components(separatedBy: "\u{1B}[J") {
                        for line in frame.components(separatedBy: "\u{1B}[K\r\n").dropLast() {
                            // A note above the block may be longer.
                            let row = line.components(separatedBy: "\r\n").last ?? ""
                            let shown = row.replacing(/\e\[[0-9]*[A-Zm]|\r/, with: "")
                            #expect(shown.count < width, "\(shown)")
                        }
                    }
                }
                // Below what was cleared stands what the program said last.
                let end = try #require(all.components(separatedBy: "\u{1B}[J").last)
                #expect(end.hasPrefix("dip-coord: error: interrupted"), "\(end.debugDescription)")
                #expect(end.hasSuffix("\r\n"))
            }
        }

        @Test func `a terminal that cannot redraw gets lines, and a quiet one nothing`() throws {
            for (terminalName, more) in [("dumb", []), ("xterm", ["--quiet"])] {
                try withSession { session in
                    let terminal = try PseudoTerminal(width: 80, height: 24)
                    let process = try session.start(
                        Programs.coordinator, restoration(in: session) + more,
                        environment: ["TERM": terminalName], terminal: terminal)
                    #expect(process.wait() == .exited(0), process.story)
                    #expect(!terminal.text.contains("\u{1B}"))
                    #expect(terminal.text.isEmpty == !more.isEmpty)
                }
            }
        }
    }
}
