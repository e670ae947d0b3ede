import Glibc
import Testing

extension EndToEndTests {
    @Suite struct OneAnswer {
        @Test func `three and eight workers make the same bytes as one`() throws {
            for workers in ["3", "8"] {
                try withSession { session in
                    let process = try session.start(
                        Programs.coordinator,
                        Reference.restoration(in: session, "--workers", workers))
                    try Reference.expectSameOutput(session, process)
                }
            }
        }

        @Test func `another seed makes other bytes`() throws {
            try withSession { session in
                try session.succeed(
                    Reference.restoration(in: session, "--workers", "2", "--seed", "8"))
                #expect(Files.bytes(session.path("out.png")) != (try Reference.bytes()))
            }
        }

        @Test func `killed workers are started again and the bytes stay the same`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, Reference.restoration(in: session, "--workers", "3"))
                try session.awaitTiles(1, output: "out.png", of: process)
                let first = process.workers
                #expect(first.count == 3, process.story)
                try #require(first.first, process.story).send(SIGKILL)
                let known = Set(first.map(\.processIdentifier))
                try session.eventually("another worker", of: process) {
                    process.workers.contains { !known.contains($0.processIdentifier) }
                }
                try Reference.expectSameOutput(session, process)
            }
        }

        @Test func `the bytes stay the same when all workers are killed at once`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, Reference.restoration(in: session, "--workers", "2"))
                try session.awaitTiles(1, output: "out.png", of: process)
                for worker in process.workers { worker.send(SIGKILL) }
                try Reference.expectSameOutput(session, process)
            }
        }

        @Test func `the bytes stay the same when a worker stands still for a while`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, Reference.restoration(in: session, "--workers", "2"))
                try session.awaitTiles(1, output: "out.png", of: process)
                let stopped = try #require(process.workers.first, process.story)
                stopped.send(SIGSTOP)
                // The other one does what is left but for the stopped one's tile.
                try session.awaitTiles(Reference.tileCount - 1, output: "out.png", of: process)
                stopped.send(SIGCONT)
                try Reference.expectSameOutput(session, process)
            }
        }

        @Test func `workers that join late and leave early make the same bytes`() throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(in: session, "--workers", "0", "--listen", endpoint))
                let early = try session.worker(endpoint)
                try session.awaitTiles(1, output: "out.png", of: process)
                #expect(process.workers.isEmpty, process.story)

                let late = try session.worker(endpoint)
                try session.eventually("the second worker to join", of: late) {
                    late.errors.contains("joined")
                }
                early.send(SIGTERM)
                #expect(early.wait(atMost: .seconds(15)) == .exited(0), early.story)
                #expect(process.pollEnd() == nil, process.story)

                try Reference.expectSameOutput(session, process)
                #expect(late.wait(atMost: .seconds(15)) == .exited(0), late.story)
            }
        }

        @Test func `local and remote workers together make the same bytes`() throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                // The worker waits for its coordinator.
                let remote = try session.worker(endpoint)
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(in: session, "--workers", "1", "--listen", endpoint))
                try session.eventually("the remote worker to join", of: remote) {
                    remote.errors.contains("joined")
                }
                remote.send(SIGKILL)
                try Reference.expectSameOutput(session, process)
                remote.wait()
            }
        }
    }
}
