import Glibc
import Testing
import Wire

extension EndToEndTests {
    /// Tiles that fail on every worker, and workers on which every tile fails.
    @Suite struct Poison {
        private func start(_ session: Session, _ endpoint: String) throws -> RunningProcess {
            try session.start(
                Programs.coordinator,
                Reference.restoration(in: session, "--workers", "0", "--listen", endpoint)
                    .filter { $0 != "--quiet" })
        }

        @Test func `a tile that failed on three workers is listed with 2 until it is retried`()
            throws
        {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let first = try start(session, endpoint)
                var failed: Set<TileID?> = []
                for name in ["a", "b", "c"] {
                    let stranger = try StrangeWorker(endpoint)
                    try stranger.sayHello(session, name: name)
                    failed.insert(try stranger.fail(session))
                    try stranger.say(.goodbye(Goodbye(reason: "enough")), nil, session)
                    try session.eventually("\(name)'s leaving", of: first) {
                        session.events("workerGone").contains { $0.contains("worker \(name)") }
                    }
                }
                #expect(failed == [TileID(0)])
                let worker = try session.worker(endpoint, "--quiet")
                #expect(first.wait(atMost: .seconds(40)) == .exited(2), first.story)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                #expect(first.errors.contains("UNRESTORED tile 0 (64 x 64 pixels"), first.story)
                #expect(first.errors.contains("no luck"), first.story)
                #expect(first.errors.contains("tiles      5 of 6"), first.story)
                #expect(first.errors.contains("3 attempts failed"), first.story)
                #expect(try session.status()["standing"] as? String == "incomplete")

                try Reference.expectSameOutput(
                    session,
                    session.start(
                        Programs.coordinator,
                        Reference.restoration(in: session, "--workers", "1", "--retry-failed")))
            }
        }

        @Test func `a worker on which three tiles failed is refused, and others do its work`()
            throws
        {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let process = try start(session, endpoint)
                let worker = try session.worker(endpoint, "--quiet")
                try session.awaitTiles(1, output: "out.png", of: process)
                // It keeps its tile: the job cannot end, and the stranger is not the only one.
                worker.send(SIGSTOP)
                let stranger = try StrangeWorker(endpoint)
                try stranger.sayHello(session)
                var failed: Set<TileID?> = []
                for _ in 0..<3 {
                    failed.insert(try stranger.fail(session))
                    try stranger.say(.heartbeat(Heartbeat()), nil, session)
                }
                #expect(failed.count == 3)
                guard case .refused(let refusal) = try stranger.receive(.refused, session) else {
                    return
                }
                #expect(refusal.code == .failures)
                worker.send(SIGCONT)
                try Reference.expectSameOutput(session, process)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                #expect(process.errors.contains("3 attempts failed, 1 refused"), process.story)
            }
        }
    }
}
