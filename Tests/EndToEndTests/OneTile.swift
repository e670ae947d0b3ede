// A restoration of one tile that takes some seconds: time enough to end its worker or its
// coordinator.

import Foundation
import Testing

/// One tile of 64 x 64 pixels; its bytes are always the same.
enum OneTile {
    /// As many as take a core of this machine four seconds, whoever else wants it: the first
    /// checkpoint comes after more than one, and tests interfere several times. Of two trials the
    /// faster one counts.
    static let iterations: Int = {
        let trial = 60
        let seconds = (0..<2).compactMap { _ in
            var seconds: Double?
            try? withSession { session in
                seconds = try session.succeed(
                    arguments(in: session, iterations: trial, ["--workers", "1", "--quiet"])
                ).processorSeconds
            }
            return seconds
        }
        let fastest = max(seconds.min() ?? 1, 1e-3)
        return min(max(trial, Int(4 * Double(trial) / fastest)), 20_000)
    }()

    static func arguments(in session: Session, _ more: String...) throws -> [String] {
        try arguments(in: session, iterations: iterations, more)
    }

    private static func arguments(
        in session: Session, iterations: Int, _ more: [String]
    ) throws -> [String] {
        try session.restoration(
            of: Picture(width: 64, height: 64, noise: 0.15, seed: 9), preset: "thin",
            iterations: iterations) + more
    }

    /// The output's bytes from one worker that nobody disturbed.
    private static let undisturbed: Result<[UInt8], any Error> = Result {
        var bytes: [UInt8]?
        try withSession { session in
            try session.succeed(arguments(in: session, "--workers", "1", "--quiet"))
            bytes = Files.bytes(session.path("out.png"))
        }
        return try #require(bytes)
    }

    /// The program has ended well and made the bytes of an undisturbed run.
    static func expectSameOutput(
        _ session: Session, _ coordinator: RunningProcess,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let end = coordinator.wait(atMost: .seconds(50))
        try #require(end == .exited(0), coordinator.story, sourceLocation: sourceLocation)
        #expect(coordinator.descendants.isEmpty, coordinator.story, sourceLocation: sourceLocation)
        #expect(
            Files.bytes(session.path("out.png")) == (try undisturbed.get()),
            "other bytes than those of an undisturbed run; \(coordinator.story)",
            sourceLocation: sourceLocation)
    }

    /// What report.json says under a name.
    static func number(_ name: String, in session: Session) throws -> Double {
        let bytes = try #require(Files.bytes(session.path("out.png.dip/report.json")))
        let report = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        return try #require(
            report?[name] as? Double, "report.json has no \(name): \(report ?? [:])")
    }

    static func figure(_ name: String, in session: Session) throws -> Int {
        Int(try number(name, in: session))
    }

    /// The job's event log.
    static func events(_ session: Session) -> String {
        Files.text(session.path("out.png.dip/events.jsonl"))
    }

    /// Waits until the state of the tile was stored so often, or that of one try at it.
    static func awaitCheckpoints(
        _ count: Int, ofAttempt attempt: Int? = nil, _ session: Session,
        of process: RunningProcess
    ) throws {
        let name = attempt.map { "attempt \($0) " } ?? ""
        try session.eventually("\(count) stored checkpoints", of: process) {
            session.events("checkpoint").count { name.isEmpty || $0.contains(name) } >= count
        }
    }
}
