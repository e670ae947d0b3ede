import Glibc
import Testing

extension EndToEndTests {
    @Suite struct Interruption {
        /// A job that would take minutes, with all its workers running. Not longer: nobody ends it
        /// when the test program itself is killed.
        private func startLongJob(_ session: Session, workers: Int) throws -> RunningProcess {
            let process = try session.start(
                Programs.coordinator,
                Reference.restoration(
                    in: session, "--workers", "\(workers)", "--iterations", "10000"))
            try session.eventually("\(workers) workers and the job's folder", of: process) {
                process.workers.count == workers
                    && Files.bytes(session.path("out.png.dip/job.json")) != nil
            }
            return process
        }

        /// The job that was interrupted is one that can be done, with fewer iterations.
        private func expectAnotherRunSucceeds(_ session: Session) throws {
            let process = try session.start(
                Programs.coordinator,
                Reference.restoration(in: session, "--workers", "2", "--fresh"))
            try Reference.expectSameOutput(session, process)
        }

        @Test func `an interrupt ends the job with 130, no process and no half output`() throws {
            try withSession { session in
                let process = try startLongJob(session, workers: 2)
                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
                #expect(process.descendants.isEmpty, process.story)
                #expect(session.names == ["in.png", "out.png.dip"])
                try expectAnotherRunSucceeds(session)
            }
        }

        @Test func `a request to end and a closed terminal are interrupts`() throws {
            for signal in [SIGTERM, SIGHUP] {
                try withSession { session in
                    let process = try startLongJob(session, workers: 2)
                    process.send(signal)
                    // `timeout` and shells say it twice; that is no second request.
                    process.send(signal)
                    expectRefusal(process, 130, saying: "before any of 6 tiles")
                    #expect(session.names == ["in.png", "out.png.dip"])
                }
            }
        }

        @Test func `an interrupt in between says where the tiles are`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(in: session, "--workers", "1", "--iterations", "100"))
                // A tile that has just been stored is not counted yet.
                try session.awaitTiles(2, output: "out.png", of: process)
                process.interrupt()
                expectRefusal(process, 130, saying: "of 6 tiles were restored")
                #expect(process.errors.contains("out.png.dip; the same command"), process.story)
            }
        }

        @Test func `an interrupt also ends workers that stand still`() throws {
            try withSession { session in
                let process = try startLongJob(session, workers: 2)
                for worker in process.workers { worker.send(SIGSTOP) }
                process.interrupt()
                #expect(process.wait(atMost: .seconds(20)) == .exited(130), process.story)
                #expect(process.descendants.isEmpty, process.story)
            }
        }

        @Test func `impatience changes nothing about an interrupt`() throws {
            try withSession { session in
                let process = try startLongJob(session, workers: 2)
                for _ in 0..<4 { process.interrupt() }
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
                #expect(process.descendants.isEmpty, process.story)
                #expect(session.names == ["in.png", "out.png.dip"])
            }
        }

        @Test func `an interrupt right at the start leaves nothing running`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(
                        in: session, "--workers", "2", "--iterations", "10000"))
                try session.eventually("a first worker", of: process) {
                    !process.workers.isEmpty
                }
                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
                #expect(process.descendants.isEmpty, process.story)
            }
        }

        @Test func `a tile whose worker has answered its goodbye is handed out at once again`()
            throws
        {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let arguments = try OneTile.arguments(
                    in: session, "--workers", "0", "--listen", endpoint)
                let interrupted = try session.start(Programs.coordinator, arguments)
                let first = try session.worker(endpoint)
                try session.eventually("a fit that runs", of: first) {
                    first.errors.contains("begins")
                }
                interrupted.interrupt()
                #expect(interrupted.wait(atMost: .seconds(20)) == .exited(130), interrupted.story)
                #expect(first.wait(atMost: .seconds(10)) == .exited(0), first.story)

                // It would be kept for forty seconds.
                let process = try session.start(Programs.coordinator, arguments)
                let second = try session.worker(endpoint)
                try session.eventually("the tile", within: .seconds(20), of: second) {
                    second.errors.contains("attempt 2")
                }
                try OneTile.expectSameOutput(session, process)
                #expect(second.wait(atMost: .seconds(10)) == .exited(0), second.story)
            }
        }

        @Test func `a worker that is kept goes on where it is, at the next coordinator's port`()
            throws
        {
            try withSession { session in
                let file = session.path("endpoint")
                let arguments = try OneTile.arguments(
                    in: session, "--workers", "0", "--listen", "tcp://127.0.0.1:0",
                    "--endpoint-file", file, "--keep-workers", "--lease-silence", "1")
                let interrupted = try session.start(Programs.coordinator, arguments)
                let worker = try session.worker("--endpoint-file", file)
                try session.eventually("a fit that runs", of: worker) {
                    worker.errors.contains("begins")
                }
                interrupted.interrupt()
                #expect(interrupted.wait(atMost: .seconds(10)) == .exited(130), interrupted.story)
                #expect(Files.bytes(file) == nil)

                let process = try session.start(Programs.coordinator, arguments)
                try OneTile.expectSameOutput(session, process)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                #expect(worker.errors.split(separator: "begins").count == 2, worker.story)
                #expect(!worker.errors.contains("goes on at"), worker.story)
                #expect(try OneTile.figure("resumedCount", in: session) == 1)
            }
        }

        @Test func `a killed coordinator leaves no worker behind`() throws {
            try withSession(leavesPartialFiles: true) { session in
                let process = try startLongJob(session, workers: 3)
                process.kill()
                #expect(process.wait() == .signalled(SIGKILL))
                try session.eventually("no workers", within: .seconds(10)) {
                    process.descendants.isEmpty
                }
                #expect(Files.bytes(session.path("out.png")) == nil)
                try expectAnotherRunSucceeds(session)
            }
        }

        @Test func `a second coordinator keeps away from a job that runs`() throws {
            try withSession { session in
                let process = try startLongJob(session, workers: 1)
                let second = try session.run(
                    Reference.restoration(in: session, "--workers", "1"), atMost: .seconds(10))
                expectRefusal(second, 73, saying: "out.png.dip")
                #expect(process.pollEnd() == nil, process.story)
                #expect(process.workers.count == 1, process.story)
                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
            }
        }
    }
}
