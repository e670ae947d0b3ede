import Foundation
import Glibc
import Testing

extension EndToEndTests {
    /// Jobs that nobody but one's own workers can join.
    @Suite struct Keys {
        private func coordinator(_ session: Session, _ more: String...) throws -> RunningProcess {
            try session.start(
                Programs.coordinator,
                Reference.restoration(
                    in: session, "--listen", "tcp://127.0.0.1:0", "--keys", session.path("keys"),
                    "--endpoint-file", session.path("endpoint"))
                    + more)
        }

        private func worker(_ session: Session, _ more: String...) throws -> RunningProcess {
            try session.start(
                Programs.worker,
                ["--endpoint-file", session.path("endpoint"), "--reconnect-timeout", "30"] + more)
        }

        private func worker(
            _ session: Session, at endpoint: String, _ more: String...
        ) throws -> RunningProcess {
            try session.start(Programs.worker, [endpoint, "--reconnect-timeout", "30"] + more)
        }

        /// A worker's end, and what it says among its notes.
        private func expect(
            _ worker: RunningProcess, toEndWith code: Int32, saying words: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(
                worker.wait(atMost: .seconds(20)) == .exited(code), worker.story,
                sourceLocation: sourceLocation)
            #expect(
                worker.errors.contains(words), worker.story, sourceLocation: sourceLocation)
        }

        private func makeKeys(_ session: Session, _ arguments: String...) throws {
            try session.succeed(["keygen"] + arguments)
        }

        @Test func `a worker with keys and a local one make the bytes of a job without keys`()
            throws
        {
            try withSession { session in
                try makeKeys(session, session.path("keys"))
                let worker = try worker(session, "--keys", session.path("keys/worker"))
                let coordinator = try coordinator(session, "--workers", "1")
                try Reference.expectSameOutput(session, coordinator)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                #expect(worker.errors.contains("is restored"), worker.story)
                #expect(Files.bytes(session.path("endpoint")) == nil, "it names nobody any more")
            }
        }

        @Test func `connections of strangers take no descriptor that the job needs`() throws {
            try withSession { session in
                try makeKeys(session, session.path("keys"))
                let port = try Ports.free()
                let arguments = try Reference.restoration(
                    in: session, "--listen", "tcp://127.0.0.1:\(port)", "--keys",
                    session.path("keys"), "--workers", "0"
                )
                .filter { $0 != "--quiet" }
                let process = try session.start(
                    "/bin/sh",
                    ["-c", "ulimit -n 128 && exec \"$0\" \"$@\"", Programs.coordinator] + arguments)
                try session.eventually("a listener", of: process) {
                    process.errors.contains("listening at")
                }
                var descriptors: [Int32] = []
                defer { for descriptor in descriptors { close(descriptor) } }
                // Until nobody listens any more; who was waiting then may have been taken.
                for _ in 0..<400 {
                    guard let descriptor = try? Ports.connect(port) else { break }
                    descriptors.append(descriptor)
                    usleep(2000)
                }
                try session.eventually("a word about it", of: process) {
                    process.errors.contains("nobody else can connect")
                }
                for descriptor in descriptors { close(descriptor) }
                descriptors = []
                // Whoever is on the list can join when they have gone.
                let worker = try worker(
                    session, at: "tcp://127.0.0.1:\(port)", "--keys", session.path("keys/worker"))
                try Reference.expectSameOutput(session, process)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
            }
        }

        @Test func `who has no keys, others or another coordinator's is told, and so is the user`()
            throws
        {
            try withSession { session in
                try makeKeys(session, session.path("keys"))
                try makeKeys(session, session.path("others"))
                let coordinator = try coordinator(session, "--workers", "0")
                let stranger = try worker(
                    session, "--keys", session.path("others/worker"), "--server-key",
                    session.path("keys/coordinator.key"))
                expect(stranger, toEndWith: 77, saying: "does not know this worker's key")
                let misled = try worker(
                    session, "--keys", session.path("keys/worker"), "--server-key",
                    session.path("others/coordinator.key"))
                let plain = try worker(session)
                try session.eventually("both are told", of: coordinator) {
                    misled.errors.contains("--server-key is probably not the key")
                        && plain.errors.contains("a coordinator that uses keys")
                        && OneTile.events(session).contains("somebody without keys")
                }
                #expect(OneTile.events(session).contains("not on the list"), coordinator.story)
                try session.eventually("both try again", of: coordinator) {
                    [misled, plain].allSatisfy { $0.errors.contains(" again") }
                }
                // One that is added while the job runs can join.
                try makeKeys(session, session.path("keys"), "--worker", "late")
                let late = try worker(session, "--keys", session.path("keys/late"))
                try Reference.expectSameOutput(session, coordinator)
                #expect(late.wait(atMost: .seconds(10)) == .exited(0), late.story)
                // They have tried many times meanwhile.
                for process in [misled, plain] {
                    process.send(SIGTERM)
                    _ = process.wait(atMost: .seconds(5))
                    let errors = process.errors.split(separator: "\n").filter {
                        $0.contains("error:")
                    }
                    #expect(errors.count == Set(errors).count, process.story)
                }
            }
        }

        @Test func `a job with keys that is asked to end hands over and goes on`() throws {
            try withSession { session in
                try makeKeys(session, session.path("keys"))
                // None of its threads may take the signal, whichever the system chooses.
                for signal in [SIGTERM, SIGINT] {
                    // One that a busy machine makes silent for the shortest time gets no goodbye.
                    let first = try coordinator(session, "--workers", "0", "--worker-wait", "0")
                    let worker = try worker(session, "--keys", session.path("keys/worker"))
                    try session.eventually("a tile begins", of: worker) {
                        worker.errors.contains("begins")
                    }
                    first.send(signal)
                    #expect(first.wait(atMost: .seconds(20)) == .exited(130), first.story)
                    #expect(first.errors.contains("interrupted"), first.story)
                    #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                }
                // Begun tiles are kept for workers that may come back, by the silence.
                try Reference.expectSameOutput(
                    session, try coordinator(session, "--workers", "1", "--lease-silence", "1"))
            }
        }

        @Test func `keys that are missing, known to others or nobody's are refused at once`() throws
        {
            try withSession { session in
                let keys = session.path("keys")
                let listen = ["--workers", "0", "--listen", "tcp://127.0.0.1:0", "--keys", keys]
                func restore() throws -> RunningProcess {
                    try session.run(Reference.restoration(in: session) + listen)
                }
                expectRefusal(try restore(), 66, saying: "coordinator.key_secret")
                try makeKeys(session, keys)
                expectRefusal(
                    try session.run(["keygen", keys]), 73, saying: "keys are not replaced")
                let secret = keys + "/coordinator.key_secret"
                chmod(secret, 0o644)
                expectRefusal(try restore(), 65, saying: "can be read by others")
                chmod(secret, 0o600)
                unlink(keys + "/workers/worker.key")
                expectRefusal(try restore(), 66, saying: "nobody could join")
                let nowhere = try worker(session, "--keys", session.path("none"))
                expect(nowhere, toEndWith: 66, saying: "worker.key_secret")
                for arguments in [["--keys", keys], listen + ["--insecure"]] {
                    expectRefusal(
                        try session.run(Reference.restoration(in: session) + arguments), 64,
                        saying: "--keys")
                }
            }
        }

        @Test func `a check names the first step that fails, and joins nothing`() throws {
            try withSession { session in
                func check(_ arguments: String...) throws -> RunningProcess {
                    let process = try session.start(Programs.worker, arguments + ["--check"])
                    _ = process.wait(atMost: .seconds(20))
                    return process
                }
                let unknown = try check("tcp://no-such-host.invalid:5555")
                expect(unknown, toEndWith: 69, saying: "no-such-host.invalid")
                expect(
                    try check("tcp://127.0.0.1:99999"), toEndWith: 64, saying: "is no endpoint")
                expect(
                    try check("ipc://" + session.path("none")), toEndWith: 69,
                    saying: "there is no")
                // Kept for documentation (RFC 5737): nobody has it, and no network leads there.
                if TwoHosts.areAllowed {
                    let hosts = try TwoHosts(session)
                    defer { hosts.end() }
                    let astray = try hosts.start(
                        .workers, Programs.worker, ["tcp://192.0.2.1:5555", "--check"])
                    expect(astray, toEndWith: 69, saying: "Network is unreachable")
                    #expect(astray.output.contains("route    FAILED"), astray.story)
                }
                #expect(unknown.output.contains("name     FAILED"), unknown.story)
                let deserted = try check("tcp://127.0.0.1:\(try Ports.free())")
                expect(deserted, toEndWith: 69, saying: "does it --listen")
                #expect(deserted.output.contains("port     FAILED"), deserted.story)

                let keys = session.path("keys")
                try makeKeys(session, keys)
                try makeKeys(session, session.path("others"))
                let coordinator = try coordinator(session, "--workers", "0")
                try session.eventually("an address", of: coordinator) {
                    Files.bytes(session.path("endpoint")) != nil
                }
                let endpoint = Files.text(session.path("endpoint")).filter { $0 != "\n" }
                let plain = try check(endpoint)
                expect(plain, toEndWith: 77, saying: "wants them here too")
                let stranger = try check(
                    endpoint, "--keys", session.path("others/worker"), "--server-key",
                    keys + "/coordinator.key")
                expect(stranger, toEndWith: 77, saying: "does not know this worker's key")
                let rightful = try check(endpoint, "--keys", keys + "/worker")
                #expect(rightful.wait(atMost: .seconds(1)) == .exited(0), rightful.story)
                #expect(
                    rightful.output.split(separator: "\n").map { $0.prefix(8) }
                        == ["name    ", "route   ", "port    ", "keys    ", "version "],
                    rightful.story)
                #expect(!OneTile.events(session).contains("workerJoined"))
                coordinator.interrupt()
                _ = coordinator.wait(atMost: .seconds(20))
            }
        }

        @Test func `a worker waits for the file with the address, and not for ever`() throws {
            try withSession { session in
                let impatient = try session.start(
                    Programs.worker,
                    [
                        "--endpoint-file", session.path("endpoint"), "--reconnect-timeout", "1",
                    ])
                expect(impatient, toEndWith: 69, saying: "told no endpoint within 1 s")
                let worker = try worker(session)
                let coordinator = try session.start(
                    Programs.coordinator,
                    Reference.restoration(
                        in: session, "--workers", "0", "--listen", "tcp://127.0.0.1:0",
                        "--endpoint-file", session.path("endpoint")))
                try Reference.expectSameOutput(session, coordinator)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
            }
        }
    }
}
