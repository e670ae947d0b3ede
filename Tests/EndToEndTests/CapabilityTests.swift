import Testing
import Wire

extension EndToEndTests {
    /// Workers that cannot do what a job needs.
    @Suite struct Capabilities {
        @Test func `a worker that cannot upscale is refused by a job that does, at once`() throws {
            try withSession { session in
                try Picture(width: 64, height: 64).write(session.path("in.png"))
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let process = try session.start(
                    Programs.coordinator,
                    [
                        session.path("in.png"), "-o", session.path("out.png"), "--task", "upscale",
                        "--factor", "2", "--tile", "64", "--overlap", "16", "--iterations", "1",
                        "--workers", "0", "--listen", endpoint, "--worker-wait", "3",
                    ])
                let worker = try StrangeWorker(endpoint)
                try worker.sayHello(
                    session, can: Capability.all.filter { $0 != .upscale })
                guard case .refused(let refusal) = try worker.receive(.refused, session) else {
                    return
                }
                #expect(refusal.code == .capabilities)
                #expect(
                    refusal.reason == "the job needs what this worker cannot do: upscale")
                #expect(process.wait(atMost: .seconds(20)) == .exited(69), process.story)
                #expect(process.errors.contains("stranger was refused"), process.story)
                #expect(process.errors.contains("no worker came within 3 s that"), process.story)
            }
        }

        @Test func `a worker that cannot be a pilot waits for the tiles`() throws {
            try withSession { session in
                let endpoint = "tcp://127.0.0.1:\(try Ports.free())"
                let process = try session.start(
                    Programs.coordinator,
                    Reference.restoration(in: session) + [
                        "--stop", "pilots", "--iterations", "60", "--sigma", "45",
                        "--workers", "1", "--listen", endpoint,
                    ])
                let worker = try StrangeWorker(endpoint)
                try worker.sayHello(session, can: [])
                guard case .welcome(let first) = try worker.receive(.welcome, session) else {
                    return
                }
                #expect(first.requires == nil, "no upscaling, no guide, and nothing of pilots")
                // The first word after the pilots is answered by the job of the tiles.
                try session.eventually("tiles", within: .seconds(30)) {
                    try worker.say(.heartbeat(Heartbeat()), nil, session)
                    return try worker.receive(session).contains {
                        if case .refused(let refusal) = $0 {
                            refusal.code == .helloWanted
                        } else {
                            false
                        }
                    }
                }
                try worker.sayHello(session, incarnation: 2, can: [])
                guard case .assign(let assigned) = try worker.receive(.assign, session) else {
                    return
                }
                #expect(assigned.job != first.job)
                try worker.say(.goodbye(Goodbye(reason: "seen enough")), nil, session)
                #expect(process.wait(atMost: .seconds(50)) == .exited(0), process.story)
            }
        }
    }
}
