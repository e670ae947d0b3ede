import Foundation
import Glibc
import Testing

extension EndToEndTests {
    /// A network that is cut, and one that is slow, between hosts that the tests make.
    @Suite struct Network {
        private func coordinator(
            _ hosts: TwoHosts, _ session: Session, _ more: String...
        ) throws -> RunningProcess {
            let arguments = try OneTile.arguments(
                in: session, "--workers", "0", "--listen", TwoHosts.endpoint, "--insecure")
            return try hosts.start(.coordinator, Programs.coordinator, arguments + more)
        }

        private func awaitFit(_ worker: RunningProcess, _ session: Session) throws {
            try session.eventually("a fit that runs", of: worker) {
                worker.errors.contains("begins")
            }
        }

        @Test(.enabled(if: TwoHosts.areAllowed, "network name spaces are not allowed here"))
        func `a worker whose network was cut until its lease ended goes on where it is`() throws {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                let process = try coordinator(hosts, session, "--lease-silence", "1")
                let worker = try hosts.worker()
                try awaitFit(worker, session)
                try hosts.cut()
                try session.eventually("the end of the lease", of: process) {
                    OneTile.events(session).contains("leaseEnded")
                }
                try hosts.heal()
                try OneTile.expectSameOutput(session, process)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                // It was never given the tile a second time.
                #expect(worker.errors.split(separator: "begins").count == 2, worker.story)
                #expect(!worker.errors.contains("goes on at"), worker.story)
                #expect(try OneTile.figure("resumedCount", in: session) == 1)
                #expect(try OneTile.figure("lostIterationCount", in: session) == 0)
            }
        }

        @Test(.enabled(if: TwoHosts.areAllowed, "network name spaces are not allowed here"))
        func `a network that is cut again and again costs no iteration`() throws {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                let process = try coordinator(
                    hosts, session, "--lease-silence", "1", "--checkpoint-interval", "0.2")
                let worker = try hosts.worker()
                try awaitFit(worker, session)
                // Shorter than the silence that ends a lease, and longer.
                for pause in [200_000, 1_500_000, 500_000] as [UInt32] {
                    try hosts.cut()
                    usleep(pause)
                    try hosts.heal()
                    usleep(300_000)
                }
                try OneTile.expectSameOutput(session, process)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
                #expect(worker.errors.split(separator: "begins").count == 2, worker.story)
                #expect(try OneTile.figure("lostIterationCount", in: session) == 0)
            }
        }

        @Test(.enabled(if: TwoHosts.areAllowed, "network name spaces are not allowed here"))
        func `a tile behind a network that stays cut goes on elsewhere from its checkpoint`()
            throws
        {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                let process = try coordinator(
                    hosts, session, "--lease-silence", "1", "--checkpoint-interval", "0.2")
                let lost = try hosts.worker("--reconnect-timeout", "1", "--quiet")
                try OneTile.awaitCheckpoints(1, session, of: process)
                try hosts.cut()
                expectRefusal(lost, 69, saying: "coordinator")
                let near = try hosts.start(
                    .coordinator, Programs.worker, [TwoHosts.endpoint])
                try OneTile.expectSameOutput(session, process)
                #expect(near.wait(atMost: .seconds(10)) == .exited(0), near.story)
                #expect(near.errors.contains("goes on at iteration"), near.story)
                #expect(try OneTile.figure("checkpointUseCount", in: session) == 1)
            }
        }

        @Test(.enabled(if: TwoHosts.canBeSlow, "network name spaces or tbf are not allowed here"))
        func `a state goes over a slow network and back`() throws {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                let process = try coordinator(
                    hosts, session, "--lease-silence", "8", "--checkpoint-interval", "0.5")
                let first = try hosts.worker()
                try OneTile.awaitCheckpoints(1, session, of: process)
                // A piece of a state takes a sixth of a second; the state goes there and back.
                try hosts.slow(kilobitsPerSecond: 50_000)
                first.send(SIGTERM)
                #expect(first.wait(atMost: .seconds(30)) == .exited(0), first.story)
                let second = try hosts.worker()
                try OneTile.expectSameOutput(session, process)
                #expect(second.wait(atMost: .seconds(10)) == .exited(0), second.story)
                #expect(second.errors.contains("goes on at iteration"), second.story)
            }
        }

        @Test(.enabled(if: TwoHosts.canBeDisturbed, "network name spaces or netem are not there"))
        func `a network that delays and loses packets changes no bit`() throws {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                try hosts.disturb(milliseconds: 50, lossPercent: 5)
                let process = try coordinator(
                    hosts, session, "--lease-silence", "8", "--checkpoint-interval", "0.5")
                let worker = try hosts.worker()
                try OneTile.expectSameOutput(session, process)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
            }
        }

        @Test(.enabled(if: TwoHosts.areAllowed, "mount name spaces are not allowed here"))
        func `a worker finds a coordinator whose name has got another address`() throws {
            try withSession { session in
                // The worker's own table of hosts, changed in place.
                let hosts = session.path("hosts")
                func say(_ address: String) throws {
                    let file = try #require(FileHandle(forWritingAtPath: hosts))
                    try file.truncate(atOffset: 0)
                    try file.write(contentsOf: Data("\(address) moved.test\n".utf8))
                    try file.close()
                }
                _ = FileManager.default.createFile(atPath: hosts, contents: nil)
                try say("127.0.0.2")
                let port = try Ports.free()
                let worker = try session.start(
                    "/usr/bin/unshare",
                    [
                        "--mount", "/bin/sh", "-c",
                        "mount --bind \"$1\" /etc/hosts && exec \"$2\" \"$3\"", "sh", hosts,
                        Programs.worker, "tcp://moved.test:\(port)",
                    ])
                let process = try session.start(
                    Programs.coordinator,
                    OneTile.arguments(
                        in: session, "--workers", "0", "--listen", "tcp://127.0.0.1:\(port)"))
                usleep(500_000)
                #expect(!worker.errors.contains("begins"), worker.story)
                try say("127.0.0.1")
                try OneTile.expectSameOutput(session, process)
                #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
            }
        }

        @Test(.enabled(if: TwoHosts.areAllowed, "network name spaces are not allowed here"))
        func `a worker whose coordinator's name nobody answers for ends when it is asked to`()
            throws
        {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                let resolver = try hosts.addSilentHost(beside: .workers)
                let table = session.path("resolv.conf")
                try Files.write(Array("nameserver \(resolver)\n".utf8), table)
                let worker = try hosts.start(
                    .workers, "/usr/bin/unshare",
                    [
                        "--mount", "/bin/sh", "-c",
                        "mount --bind \"$1\" /etc/resolv.conf && exec \"$2\" \"$3\"", "sh", table,
                        Programs.worker, "tcp://nowhere.test:5555",
                    ])
                try session.eventually("a name that is looked up", of: worker) {
                    worker.errors.contains("connecting to")
                }
                usleep(500_000)
                worker.send(SIGTERM)
                // Looking the name up goes on for as long as all tries of the resolver, 20 seconds.
                #expect(worker.wait(atMost: .seconds(8)) == .exited(0), worker.story)
            }
        }
    }
}
