// The restoration that several tests repeat in other circumstances: its bytes are always the same.

import Testing

/// Six tiles of 64 x 64 pixels, with iterations enough that a test can interfere.
enum Reference {
    static let tileCount = 6
    static let iterations = 20
    static let picture = Picture(width: 144, height: 96, noise: 0.15, seed: 5)

    /// The output's bytes from one worker that nobody disturbed.
    static func bytes() throws -> [UInt8] { try undisturbed.get() }

    private static let undisturbed: Result<[UInt8], any Error> = Result {
        var bytes: [UInt8]?
        try withSession { session in
            try session.succeed(restoration(in: session, "--workers", "1"))
            bytes = Files.bytes(session.path("out.png"))
        }
        return try #require(bytes)
    }

    /// The arguments for the restoration of `in.png` to `out.png`, which this also writes.
    static func restoration(in session: Session, _ more: String...) throws -> [String] {
        try session.restoration(of: picture, preset: "thin", iterations: iterations)
            + ["--quiet"] + more
    }

    /// The output of `session` has these bytes, and its program ended well.
    static func expectSameOutput(
        _ session: Session, _ process: RunningProcess,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let end = process.wait(atMost: .seconds(50))
        try #require(end == .exited(0), process.story, sourceLocation: sourceLocation)
        #expect(process.descendants.isEmpty, process.story, sourceLocation: sourceLocation)
        let output = try #require(Files.bytes(session.path("out.png")))
        #expect(
            output == (try bytes()), "other bytes than one worker's; \(process.commandLine)",
            sourceLocation: sourceLocation)
    }
}

extension Session {
    /// The arguments for a restoration of `in.png` to `out.png` in tiles of 64 pixels.
    ///
    /// - Parameter picture: what `in.png` is, where it is not there yet.
    func restoration(of picture: Picture, preset: String, iterations: Int) throws -> [String] {
        let input = path("in.png")
        if Files.bytes(input) == nil { try picture.write(input) }
        return [
            input, "-o", path("out.png"), "--preset", preset, "--iterations", "\(iterations)",
            "--seed", "7", "--tile", "64", "--overlap", "16",
        ]
    }
}
