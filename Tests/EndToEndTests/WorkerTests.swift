import DeepImagePrior
import Glibc
import Testing
import Wire

extension EndToEndTests {
    @Suite struct WorkersAlone {
        private let configuration = FitConfiguration(preset: .thin).json

        @Test func `a worker that finds no coordinator gives up with 69`() throws {
            try withSession { session in
                let worker = try session.worker(
                    "tcp://127.0.0.1:\(try Ports.free())", "--reconnect-timeout", "1", "--quiet")
                expectRefusal(worker, 69, saying: "coordinator")
            }
        }

        @Test func `a worker whose coordinator has gone gives up with 69`() throws {
            try withSession { session in
                let coordinator = try StrangeCoordinator()
                let worker = try session.worker(
                    coordinator.endpoint, "--reconnect-timeout", "1", "--quiet")
                try coordinator.welcome(worker, configuration: configuration, session)
                _ = try coordinator.receive(.heartbeat, worker, session)
                coordinator.vanish()
                expectRefusal(worker, 69, saying: "coordinator")
            }
        }

        @Test func `a worker in the middle of a tile ends when it is asked to`() throws {
            try withSession { session in
                let coordinator = try StrangeCoordinator()
                let worker = try session.worker(coordinator.endpoint, "--quiet")
                try coordinator.welcome(worker, configuration: configuration, session)
                let shape = PixelShape(height: 64, width: 64, bands: 1)
                let pixels = try PixelPayload(
                    shape: shape, pixels: [Float](repeating: 0.5, count: 64 * 64))
                let work = TileAttempt(TileID(0), attempt: 1)
                let job = JobID(rawValue: "strange")
                try coordinator.say(
                    .assign(Assign(job: job, work: work, originX: 0, originY: 0)), .pixels(pixels))
                _ = try coordinator.receive(.progress, worker, session)
                worker.send(SIGTERM)
                _ = try coordinator.receive(.goodbye, nil, session)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
            }
        }

        @Test func `a worker leaves with its terminal, unless it shall outlive it`() throws {
            try withSession { session in
                for isIgnored in [false, true] {
                    let coordinator = try StrangeCoordinator()
                    let worker = try session.start(
                        "/bin/sh",
                        [
                            "-c", "\(isIgnored ? "trap '' HUP; " : "")exec \"$0\" \"$@\"",
                            Programs.worker, coordinator.endpoint, "--quiet",
                        ])
                    try coordinator.welcome(worker, configuration: configuration, session)
                    // It has joined: before that there is nobody to say goodbye to.
                    _ = try coordinator.receive(.heartbeat, worker, session)
                    worker.send(SIGHUP)
                    if isIgnored {
                        _ = try coordinator.receive(.heartbeat, worker, session)
                        worker.send(SIGTERM)
                    }
                    _ = try coordinator.receive(.goodbye, nil, session)
                    #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                }
            }
        }

        @Test func `a worker refuses a configuration that it does not know, with 77`() throws {
            try withSession { session in
                for text in [
                    #"{"no":"such"}"#, "nonsense", "",
                    "{\"spiceLevel\":3," + configuration.dropFirst(),
                ] {
                    let coordinator = try StrangeCoordinator()
                    let worker = try session.worker(coordinator.endpoint, "--quiet")
                    try coordinator.welcome(worker, configuration: text, session)
                    expectRefusal(worker, 77)
                }
            }
        }

        @Test func `a worker leaves a coordinator of another protocol, with 77`() throws {
            try withSession { session in
                let coordinator = try StrangeCoordinator()
                let worker = try session.worker(coordinator.endpoint, "--quiet")
                _ = try coordinator.receive(.hello, worker, session)
                try coordinator.say([Array(#"{"protocol":77,"type":"welcome"}"#.utf8)])
                expectRefusal(worker, 77, saying: "77")
            }
        }

        @Test func `a worker outlives nonsense from its coordinator`() throws {
            try withSession { session in
                let coordinator = try StrangeCoordinator()
                let worker = try session.worker(coordinator.endpoint, "--quiet")
                try coordinator.welcome(worker, configuration: configuration, session)
                // Not those of another protocol: a worker leaves for them.
                for seed in 0..<40 where seed % 10 != 5 {
                    try coordinator.say(Nonsense.frames(seed: seed))
                    _ = try coordinator.receive(.heartbeat, worker, session)
                }
                try coordinator.say(.goodbye(Goodbye(reason: "enough")))
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
            }
        }

        @Test func `arguments that make no sense are 64`() throws {
            try withSession { session in
                for arguments in [
                    [], ["nonsense"], ["http://127.0.0.1:80"], ["tcp://127.0.0.1"],
                    ["tcp://127.0.0.1:99999"], ["tcp://127.0.0.1:1", "--reconnect-timeout", "0"],
                    ["tcp://127.0.0.1:1", "--reconnect-timeout", "nan"],
                    ["tcp://127.0.0.1:1", "--no-such-option"],
                    ["tcp://127.0.0.1:1", "tcp://127.0.0.1:2"],
                ] {
                    let worker = try session.start(Programs.worker, arguments)
                    worker.wait(atMost: .seconds(10))
                    #expect(worker.wait() == .exited(64), worker.story)
                }
            }
        }
    }
}
