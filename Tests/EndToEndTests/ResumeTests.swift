import Foundation
import Glibc
import JobStore
import Testing

extension EndToEndTests {
    /// The same command again, after whatever has happened.
    @Suite struct Resuming {
        private func again(_ session: Session, _ more: String...) throws -> RunningProcess {
            try session.start(
                Programs.coordinator, Reference.restoration(in: session, "--workers", "2") + more)
        }

        /// None of the tiles was written a second time.
        private func expectUntouched(
            _ stored: [Int: String], _ session: Session,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let present = try session.storedTiles()
            for (tile, identity) in stored {
                #expect(present[tile] == identity, "tile \(tile)", sourceLocation: sourceLocation)
            }
        }

        @Test func `a job whose coordinator was killed goes on with what is stored`() throws {
            try withSession { session in
                try session.beginReference(killedAfter: 2)
                let stored = try session.storedTiles()
                try #require((2..<6).contains(stored.count))
                try Reference.expectSameOutput(session, again(session, "--keep-job"))
                try expectUntouched(stored, session)
                #expect(session.events("began").last?.contains("\(stored.count) of 6") == true)
            }
        }

        @Test func `a coordinator that is killed again and again comes to the same end`() throws {
            try withSession(leavesPartialFiles: true) { session in
                // Each time a little later: at the start, in the fits, in the blend, after the end.
                var stored: [Int: String] = [:]
                for delay in stride(from: 150, through: 1500, by: 225) {
                    let process = try again(session, "--keep-job")
                    if process.wait(atMost: .milliseconds(delay)) != .overdue { break }
                    try session.eventually("no workers", within: .seconds(10)) {
                        process.descendants.isEmpty
                    }
                    #expect(process.wait() == .signalled(SIGKILL))
                    try expectUntouched(stored, session)
                    stored = try session.storedTiles()
                }
                try Reference.expectSameOutput(session, again(session, "--keep-job"))
                try expectUntouched(stored, session)
                #expect(Files.tree(session.jobFolder).filter { $0.contains(".partial") } == [])
            }
        }

        @Test func `a job that was interrupted goes on, also with other workers`() throws {
            try withSession { session in
                let process = try again(session)
                try session.awaitTiles(1, output: "out.png", of: process)
                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
                let (stored, port) = (try session.storedTiles(), try Ports.free())
                try Reference.expectSameOutput(
                    session,
                    again(
                        session, "--keep-job", "--workers", "1", "--listen",
                        "tcp://127.0.0.1:\(port)"))
                try expectUntouched(stored, session)
            }
        }

        @Test func `a complete job says so and does nothing`() throws {
            try withSession { session in
                try Reference.expectSameOutput(session, again(session))
                #expect(
                    Files.names(session.jobFolder) == ["events.jsonl", "job.json", "report.json"])
                let events = session.events("began").count
                let process = try session.run(
                    Reference.restoration(in: session).filter { $0 != "--quiet" })
                #expect(process.wait() == .exited(0), process.story)
                #expect(process.errors.contains("complete"), process.story)
                #expect(process.errors.split(separator: "\n").count == 1, process.story)
                #expect(session.events("began").count == events)
                // Another's file in the output's place is not this job's.
                try Files.write([1, 2, 3], session.path("out.png"))
                expectRefusal(
                    try session.run(Reference.restoration(in: session)), 73, saying: "--overwrite")
                unlink(session.path("out.png"))
                try Reference.expectSameOutput(session, again(session))
            }
        }

        @Test func `another job than the folder's is refused with both values`() throws {
            try withSession { session in
                try session.beginReference(killedAfter: 1)
                let before = Files.tree(session.jobFolder)
                let cases = [
                    (["--iterations", "21"], "iterations is 20 in the folder, but 21 is asked"),
                    (["--seed", "8"], "seed is 7 in the folder, but 8 is asked"),
                    (["--overlap", "17"], "overlap is 16 in the folder, but 17 is asked"),
                    (["--preset", "best"], "preset is thin in the folder, but best is asked"),
                ]
                for (options, sentence) in cases {
                    let process = try session.run(
                        Reference.restoration(in: session, "--workers", "1") + options)
                    expectRefusal(process, 78, saying: sentence)
                    #expect(process.errors.contains("--fresh"), process.story)
                }
                let input = session.path("in.png")
                let picture = try #require(Files.bytes(input))
                utimes(
                    input,
                    [
                        timeval(tv_sec: 1_000_000_000, tv_usec: 5),
                        timeval(tv_sec: 1_000_000_000, tv_usec: 5),
                    ])
                expectRefusal(
                    try session.run(Reference.restoration(in: session, "--workers", "1")), 78,
                    saying: "2001-09-09T01:46:40.000005000Z is asked")
                try Files.write(picture + [0], input)
                expectRefusal(
                    try session.run(Reference.restoration(in: session, "--workers", "1")), 78,
                    saying: "\(picture.count) bytes in the folder, but \(picture.count + 1) bytes")
                #expect(Files.tree(session.jobFolder) == before)
                try Files.write(picture, input)
                try Reference.expectSameOutput(session, again(session, "--fresh"))
                #expect(session.events("began").count == 1)
            }
        }

        @Test func `a damaged job file is refused, and a fresh start mends it`() throws {
            try withSession { session in
                try session.beginReference(killedAfter: 1)
                let path = session.jobFolder + "/job.json"
                let bytes = try #require(Files.bytes(path))
                for damaged in [
                    Array(bytes[..<100]), [],
                    Array(
                        String(decoding: bytes, as: UTF8.self).replacing("144", with: "145").utf8),
                ] {
                    try Files.write(damaged, path)
                    expectRefusal(
                        try session.run(Reference.restoration(in: session)), 78, saying: "--fresh")
                    expectRefusal(
                        try session.run(["status", session.jobFolder]), 65, saying: "damaged")
                }
                try Reference.expectSameOutput(session, again(session, "--fresh"))
            }
        }

        @Test func `a damaged tile does not count and is fitted again`() throws {
            try withSession { session in
                try session.beginReference(killedAfter: 2)
                let stored = try session.storedTiles()
                let index = try #require(stored.keys.min())
                var file = try #require(Files.bytes(session.tilesFile))
                file[session.slot(index, in: file).upperBound - 7] ^= 4
                try Files.write(file, session.tilesFile)
                #expect(try session.status()["restoredCount"] as? Int == stored.count - 1)
                try Reference.expectSameOutput(session, again(session))
                #expect(
                    session.events("assigned").contains { $0.hasPrefix("tile \(index) attempt 2 ") }
                )
            }
        }

        @Test func `states that are of no fit of the job cost iterations and nothing else`()
            throws
        {
            try withSession { session in
                try session.beginReference(killedAfter: 1)
                try session.withJobStore { store in
                    let stored = store.stateAtOpening.stored
                    // Whole by their checksums: noise, nothing, and beyond the last iteration.
                    let foreign: [(Int, [UInt8])] = [
                        (5, (0..<5000).map { UInt8(truncatingIfNeeded: $0 * $0) }), (7, []),
                        (1_000_000_000, [1, 2, 3]),
                    ]
                    for tile in 0..<Reference.tileCount where !stored.contains(tile) {
                        let (iteration, bytes) = foreign[tile % foreign.count]
                        try store.storeCheckpoint(
                            tile: tile, attempt: 1, iteration: iteration, bytes: bytes)
                    }
                }
                try Reference.expectSameOutput(session, again(session))
            }
        }

        @Test func `a folder that is kept makes the output again without a fit`() throws {
            try withSession { session in
                try Reference.expectSameOutput(session, again(session, "--keep-job"))
                #expect(session.storedTileCount("out.png") == Reference.tileCount)
                unlink(session.path("out.png"))
                try Reference.expectSameOutput(session, again(session))
                #expect(session.events("assigned").count == Reference.tileCount)
                #expect(session.storedTileCount("out.png") == 0)
            }
        }

        @Test func `an output that a killed coordinator had just made is the job's own`() throws {
            try withSession { session in
                try Reference.expectSameOutput(session, again(session, "--keep-job"))
                // Opened and left: the end of the job is no longer written down.
                try session.withJobStore { #expect($0.manifest.completion == nil) }
                try Reference.expectSameOutput(session, again(session))
            }
        }

        @Test func `tiles that were given up come through unrestored until they are retried`()
            throws
        {
            try withSession { session in
                try session.beginReference(killedAfter: 1)
                let given = 5
                try session.withJobStore { store in
                    let failures = (1...3).map {
                        TileHistory.Failure(attempt: $0, worker: "w-\($0)", reason: "failed: x")
                    }
                    try store.recordHistory(
                        TileHistory(attempts: 3, failures: failures, isSetAside: true), of: given)
                }
                let first = try session.run(
                    Reference.restoration(in: session, "--workers", "2").filter { $0 != "--quiet" })
                #expect(first.wait() == .exited(2), first.story)
                #expect(first.errors.contains("UNRESTORED tile \(given)"), first.story)
                #expect(first.errors.contains("attempt 3 on w-3: failed: x"), first.story)
                let output = try Picture(session.path("out.png"))
                #expect(
                    output.color.suffix(30)
                        == Reference.picture.color.suffix(30).map { ($0 * 255).rounded() / 255 }[
                            ...])
                let standing = try session.status()
                #expect(standing["standing"] as? String == "incomplete")
                #expect(standing["restoredCount"] as? Int == Reference.tileCount - 1)
                #expect((standing["setAside"] as? [[String: Any]])?.first?["tile"] as? Int == given)
                // Nothing to do, and not well.
                let second = try session.run(Reference.restoration(in: session))
                #expect(second.wait() == .exited(2), second.story)
                try Reference.expectSameOutput(session, again(session, "--retry-failed"))
                #expect(session.events("assigned").last?.hasPrefix("tile 5 attempt 4 ") == true)
                #expect(try session.status()["standing"] as? String == "complete")
            }
        }
    }
}
