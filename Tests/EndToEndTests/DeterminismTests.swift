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

        @Test func `the bytes stay the same when a worker is killed in the middle`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, Reference.restoration(in: session, "--workers", "3"))
                try session.awaitTiles(1, output: "out.png", of: process)
                let workers = process.workers
                #expect(workers.count == 3, process.story)
                try #require(workers.first, process.story).send(SIGKILL)
                try Reference.expectSameOutput(session, process)
            }
        }

        @Test func `workers that are all killed are started again and the bytes stay the same`()
            throws
        {
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
                try session.eventually("all tiles but one, or the end") {
                    session.storedTileCount("out.png") >= Reference.tileCount - 1
                        || process.pollEnd() != nil
                }
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

                // With a tile in its hands: the job cannot end before the other one has joined.
                early.send(SIGSTOP)
                let late = try session.worker(endpoint)
                try session.eventually("the second worker to join", of: late) {
                    late.errors.contains("joined")
                }
                early.send(SIGTERM)
                early.send(SIGCONT)
                #expect(early.wait(atMost: .seconds(15)) == .exited(0), early.story)
                #expect(process.pollEnd() == nil, process.story)

                try Reference.expectSameOutput(session, process)
                #expect(late.wait(atMost: .seconds(15)) == .exited(0), late.story)
            }
        }

        /// Nobody tells that a remote worker has lost its power: only its silence does.
        @Test func `tiles of workers that fell silent go to another, with the same bytes`() throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                // The worker waits for its coordinator.
                let remote = try session.worker(endpoint)
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(
                        in: session, "--workers", "2", "--listen", endpoint, "--lease-silence",
                        "4"))
                try session.eventually("the remote worker to join", of: remote) {
                    remote.errors.contains("joined")
                }
                try session.awaitTiles(1, output: "out.png", of: process)
                try #require(process.workers.first, process.story).send(SIGSTOP)
                remote.kill()
                // The one that stands still is no longer needed, and ends with the job.
                try Reference.expectSameOutput(session, process)
            }
        }
    }
}
