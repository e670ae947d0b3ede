// A restoration of one tile that takes some seconds: time enough to end its worker or its
// coordinator.

import Testing

/// One tile of 64 x 64 pixels; its bytes are always the same.
enum OneTile {
    static let iterations = 400

    static func arguments(in session: Session, _ more: String...) throws -> [String] {
        let input = session.path("in.png")
        if Files.bytes(input) == nil {
            try Picture(width: 64, height: 64, noise: 0.15, seed: 9).write(input)
        }
        return [
            input, "-o", session.path("out.png"), "--network", "thin", "--iterations",
            "\(iterations)", "--seed", "7", "--tile", "64", "--overlap", "16",
        ] + more
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
    static func figure(_ name: String, in session: Session) throws -> Int {
        let text = Files.text(session.path("out.png.dip/report.json"))
        let line = try #require(
            text.split(separator: "\n").first { $0.contains("\"\(name)\"") },
            "report.json has no \(name): \(text)")
        return try #require(Int(line.filter(\.isNumber)), "\(line)")
    }

    /// The job's event log.
    static func events(_ session: Session) -> String {
        Files.text(session.path("out.png.dip/events.jsonl"))
    }

    /// Waits until the tile's state was stored so often.
    static func awaitCheckpoints(
        _ count: Int, _ session: Session, of process: RunningProcess
    ) throws {
        try session.eventually("\(count) stored checkpoints", of: process) {
            events(session).split(separator: "\n")
                .count { $0.contains("\"event\":\"checkpoint\"") } >= count
        }
    }
}
