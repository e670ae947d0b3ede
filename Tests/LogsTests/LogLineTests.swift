// Lines of the programs' logs.

import Foundation
import Logging
import Synchronization
import Testing

@testable import Logs

@Suite("A log")
struct LogLineTests {
    /// What a logger has written.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private let complete = Logger.Metadata.event(
        "stored", job: "j", tile: 17, window: 5, attempt: 2, worker: "w", host: "h", reason: "r")

    private func logged(
        _ format: LogFormat, asked: LogLevel? = nil, _ body: (Logger) -> Void
    ) -> [String] {
        let lines = Lines()
        body(
            Logger(program: "dip-x", format: format, asked: asked, level: .notice) {
                lines.add($0)
            })
        return lines.all
    }

    @Test func `people get sentences, with ids where they ask for every event`() {
        let log = { (logger: Logger) in
            logger.debug("d", metadata: complete)
            logger.info("i", metadata: complete)
            logger.notice("n", metadata: complete)
            logger.warning("w")
            logger.error("e")
        }
        #expect(
            logged(.text, log) == ["dip-x: n", "dip-x: warning: w", "dip-x: error: e"])
        let ids = " [job=j tile=17 window=5 attempt=2 worker=w]"
        #expect(
            logged(.text, asked: .debug, log) == [
                "dip-x: debug: d" + ids, "dip-x: i" + ids, "dip-x: n" + ids, "dip-x: warning: w",
                "dip-x: error: e",
            ])
        #expect(logged(.text, asked: .error, log) == ["dip-x: error: e"])
    }

    @Test func `an object has the ids as fields, and numbers are numbers`() throws {
        let message = "two\nlines, \"quoted\" \u{1B}[2J"
        let line = try #require(
            logged(.json) { $0.warning("\(message)", metadata: complete) }.first)
        #expect(!line.contains("\n") && !line.contains("\u{1B}"))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["tile"] as? Int == 17 && object["attempt"] as? Int == 2)
        #expect(object["message"] as? String == message)
        #expect(object["level"] as? String == "warning" && object["program"] as? String == "dip-x")
        let names = Set(LogField.allCases.map(\.rawValue))
            .union(["time", "level", "program", "message"])
        #expect(Set(object.keys) == names)
        let time = try #require(object["time"] as? String)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
    }

    @Test func `every field of an object is documented, and no other`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/LOGS.md"), encoding: .utf8)
        let table = try #require(
            text.components(separatedBy: "\n| field of a log line |").dropFirst().first)
        let rows = table.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
            .prefix { $0.hasPrefix("| ") }
        let documented = rows.flatMap { row in
            row.dropFirst().prefix { $0 != "|" }.matches(of: /`(\w+)`/).map { String($0.1) }
        }
        let fields = LogField.allCases.map(\.rawValue) + ["time", "level", "program", "message"]
        #expect(documented.sorted() == fields.sorted())
    }

    @Test func `times are universal and to the millisecond`() {
        #expect(LogLine.timestamp(0) == "1970-01-01T00:00:00.000Z")
        #expect(LogLine.timestamp(1_795_697_463.844) == "2026-11-26T12:51:03.844Z")
        #expect(LogLine.timestamp(1.9996) == "1970-01-01T00:00:02.000Z")
    }

    @Test func `the format is known before a command line is understood`() {
        #expect(LogFormat.asked(in: ["a", "--log-format", "json", "--nonsense"]) == .json)
        #expect(LogFormat.asked(in: ["a", "--log-format=json"]) == .json)
        for arguments in [[], ["--log-format"], ["--log-format", "xml"], ["json"]] {
            #expect(LogFormat.asked(in: arguments) == .text, "\(arguments)")
        }
    }
}
