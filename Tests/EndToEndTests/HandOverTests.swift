import Glibc
import Testing
import Wire

extension EndToEndTests {
    /// Workers that leave, or die, in the middle of a tile: another one goes on where they were,
    /// and the output has the bytes of an undisturbed run.
    @Suite struct HandOver {
        @Test(arguments: [SIGTERM, SIGINT])
        func `a worker that is asked to end hands its tile over to another one`(
            signal: Int32
        ) throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let coordinator = try session.start(
                    Programs.coordinator,
                    OneTile.arguments(
                        in: session, "--workers", "0", "--listen", endpoint,
                        "--checkpoint-interval", "0.1"))
                let first = try session.worker(endpoint)
                try OneTile.awaitCheckpoints(2, session, of: coordinator)
                first.send(signal)
                #expect(first.wait(atMost: .seconds(20)) == .exited(0), first.story)
                #expect(first.errors.contains("handed over"), first.story)
                let second = try session.worker(endpoint)
                try OneTile.expectSameOutput(session, coordinator)
                #expect(second.wait(atMost: .seconds(10)) == .exited(0), second.story)
                #expect(second.errors.contains("goes on at iteration"), second.story)
                #expect(try OneTile.figure("checkpointUseCount", in: session) == 1)
                #expect(try OneTile.figure("lostIterationCount", in: session) == 0)
            }
        }

        @Test func `a killed worker's tile goes on from its latest checkpoint`() throws {
            try withSession { session in
                let coordinator = try session.start(
                    Programs.coordinator,
                    OneTile.arguments(
                        in: session, "--workers", "1", "--checkpoint-interval", "0.1"))
                try OneTile.awaitCheckpoints(2, session, of: coordinator)
                try #require(coordinator.workers.first, coordinator.story).send(SIGKILL)
                try OneTile.expectSameOutput(session, coordinator)
                #expect(coordinator.descendants.isEmpty, coordinator.story)
                #expect(try OneTile.figure("checkpointUseCount", in: session) == 1)
                #expect(
                    try OneTile.figure("lostIterationCount", in: session) < OneTile.iterations / 2)
                #expect(coordinator.errors.contains("1 used"), coordinator.story)
                #expect(Files.names(session.path("out.png.dip/checkpoints")).isEmpty)
            }
        }

        @Test func `a worker that is killed again and again loses nothing but time`() throws {
            try withSession { session in
                let coordinator = try session.start(
                    Programs.coordinator,
                    OneTile.arguments(
                        in: session, "--workers", "1", "--checkpoint-interval", "0.1"))
                // After each, the next one has come further.
                for attempt in 1...3 {
                    try OneTile.awaitCheckpoints(1, ofAttempt: attempt, session, of: coordinator)
                    try #require(coordinator.workers.first, coordinator.story).send(SIGKILL)
                }
                try OneTile.expectSameOutput(session, coordinator)
                #expect(try OneTile.figure("checkpointUseCount", in: session) == 3)
            }
        }

        @Test func `an interrupted job goes on with the iteration at which it was interrupted`()
            throws
        {
            try withSession { session in
                let arguments = try OneTile.arguments(
                    in: session, "--workers", "1", "--checkpoint-interval", "3600",
                    // Heartbeats, and with them reports on the fit, follow the silence.
                    "--lease-silence", "2", "--progress", "json")
                let first = try session.start(Programs.coordinator, arguments)
                try session.eventually("a report on the fit", of: first) {
                    first.output.contains("\"loss\":")
                }
                try #require(!first.output.contains("tileFinished"), first.story)
                first.interrupt()
                #expect(first.wait(atMost: .seconds(20)) == .exited(130), first.story)
                #expect(
                    Files.names(session.path("out.png.dip/checkpoints")).count == 1, first.story)
                let second = try session.start(Programs.coordinator, arguments)
                try OneTile.expectSameOutput(session, second)
                #expect(try OneTile.figure("checkpointUseCount", in: session) == 1)
            }
        }

        @Test func `a worker leaves by itself when its lifetime is over`() throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let coordinator = try session.start(
                    Programs.coordinator,
                    OneTile.arguments(in: session, "--workers", "0", "--listen", endpoint))
                let first = try session.worker(endpoint, "--lifetime", "1")
                #expect(first.wait(atMost: .seconds(20)) == .exited(0), first.story)
                #expect(first.errors.contains("its lifetime is over"), first.story)
                let second = try session.worker(endpoint)
                try OneTile.expectSameOutput(session, coordinator)
                #expect(second.wait(atMost: .seconds(10)) == .exited(0), second.story)
                #expect(try OneTile.figure("lostIterationCount", in: session) == 0)
                // Leaving in good order is no failure, and the fit's time is that of both workers.
                #expect(OneTile.events(session).contains("\"isFailure\":false"))
                #expect(!OneTile.events(session).contains("\"isFailure\":true"))
                #expect(try OneTile.number("fitSeconds", in: session) >= 0.9)
            }
        }

        @Test func `a worker that is asked twice ends at once`() throws {
            try withSession { session in
                let coordinator = try StrangeCoordinator()
                let worker = try session.worker(coordinator.endpoint, "--grace", "60")
                try coordinator.busy(worker, session)
                worker.send(SIGTERM)
                _ = try coordinator.receive(.checkpoint, worker, session)
                #expect(worker.pollEnd() == nil, worker.story)
                // Signals that follow at once are one request.
                usleep(400_000)
                worker.send(SIGTERM)
                #expect(worker.wait(atMost: .seconds(5)) == .exited(130), worker.story)
            }
        }

        @Test func `a worker whose state nobody acknowledges leaves when its grace is over`()
            throws
        {
            try withSession { session in
                let coordinator = try StrangeCoordinator()
                let worker = try session.worker(coordinator.endpoint, "--grace", "1")
                try coordinator.busy(worker, session)
                worker.send(SIGTERM)
                _ = try coordinator.receive(.checkpoint, worker, session)
                // The session goes on, but nobody says that the state is stored.
                try coordinator.say(.heartbeat(Heartbeat()))
                _ = try coordinator.receive(.goodbye, nil, session)
                #expect(worker.wait(atMost: .seconds(5)) == .exited(0), worker.story)
            }
        }
    }
}
