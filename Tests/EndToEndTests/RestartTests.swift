import Glibc
import Testing

extension EndToEndTests {
    /// Coordinators that are killed and started again by the same command.
    @Suite struct Restart {
        private func start(
            _ session: Session, _ endpoint: String, _ more: String...
        ) throws -> RunningProcess {
            try session.start(
                Programs.coordinator,
                OneTile.arguments(
                    in: session, "--workers", "0", "--listen", endpoint, "--checkpoint-interval",
                    "0.1") + more)
        }

        @Test func `a worker goes on with its very iteration when its coordinator is back`() throws
        {
            try withSession(leavesPartialFiles: true) { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let first = try start(session, endpoint)
                let worker = try session.worker(endpoint)
                try OneTile.awaitCheckpoints(2, session, of: first)
                first.kill()
                let second = try start(session, endpoint)
                try OneTile.expectSameOutput(session, second)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                #expect(worker.errors.split(separator: "begins").count == 2, worker.story)
                #expect(!worker.errors.contains("goes on at"), worker.story)
                #expect(try OneTile.figure("resumedCount", in: session) == 1)
                #expect(try OneTile.figure("lostIterationCount", in: session) == 0)
            }
        }

        @Test func `a result that nobody received is delivered to the next coordinator`() throws {
            try withSession(leavesPartialFiles: true) { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let first = try start(session, endpoint)
                let worker = try session.worker(endpoint)
                try session.eventually("a fit that runs", of: worker) {
                    worker.errors.contains("begins")
                }
                first.send(SIGSTOP)
                try session.eventually("a result", of: worker) {
                    worker.errors.contains("is restored")
                }
                first.kill()
                #expect(session.storedTileCount("out.png") == 0)
                let second = try start(session, endpoint)
                try OneTile.expectSameOutput(session, second)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                #expect(worker.errors.split(separator: "begins").count == 2, worker.story)
            }
        }

        @Test func `a coordinator's own workers lose no more than the checkpoint interval`() throws
        {
            try withSession(leavesPartialFiles: true) { session in
                let arguments = try OneTile.arguments(
                    in: session, "--workers", "1", "--checkpoint-interval", "0.1")
                var coordinator = try session.start(Programs.coordinator, arguments)
                for kill in 1...2 {
                    try OneTile.awaitCheckpoints(kill, session, of: coordinator)
                    coordinator.kill()
                    try session.eventually("no workers") { coordinator.descendants.isEmpty }
                    coordinator = try session.start(Programs.coordinator, arguments)
                }
                try OneTile.expectSameOutput(session, coordinator)
                #expect(try OneTile.figure("checkpointUseCount", in: session) == 1)
            }
        }

        @Test func `a worker hands over to a coordinator that was started again`() throws {
            try withSession(leavesPartialFiles: true) { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let first = try start(session, endpoint)
                let worker = try session.worker(endpoint)
                try OneTile.awaitCheckpoints(1, session, of: first)
                first.kill()
                // It keeps the last state until somebody takes it.
                worker.send(SIGTERM)
                try session.eventually("a hand-over", of: worker) {
                    worker.errors.contains("handed over")
                }
                let second = try start(session, endpoint)
                #expect(worker.wait(atMost: .seconds(25)) == .exited(0), worker.story)
                let other = try session.worker(endpoint)
                try OneTile.expectSameOutput(session, second)
                #expect(other.wait(atMost: .seconds(10)) == .exited(0), other.story)
                #expect(other.errors.contains("goes on at iteration"), other.story)
            }
        }

        @Test func `a coordinator that is killed in every phase makes the same bytes`() throws {
            try withSession(leavesPartialFiles: true) { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let arguments = try Reference.restoration(
                    in: session, "--workers", "0", "--listen", endpoint,
                    "--checkpoint-interval", "0.3", "--lease-silence", "2")
                let workers = try (0..<2).map { _ in
                    try session.worker(endpoint, "--quiet")
                }
                var coordinator = try session.start(Programs.coordinator, arguments)
                for count in 0..<4 {
                    if count > 0 {
                        try session.awaitTiles(count, output: "out.png", of: coordinator)
                    }
                    coordinator.kill()
                    coordinator = try session.start(Programs.coordinator, arguments)
                }
                try Reference.expectSameOutput(session, coordinator)
                for worker in workers {
                    #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                }
            }
        }
    }
}
