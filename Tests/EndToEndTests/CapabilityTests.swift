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
    }
}
