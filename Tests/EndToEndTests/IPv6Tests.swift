import Foundation
import Glibc
import Testing

extension EndToEndTests {
    /// Hosts that know each other by addresses of the sixth version, and by interfaces.
    @Suite(.enabled(if: TwoHosts.haveIPv6, "network name spaces or IPv6 are not there"))
    struct IPv6 {
        /// A job of one quick tile that waits for workers, and where its endpoint file says.
        private func start(
            _ hosts: TwoHosts, _ session: Session, _ options: String...
        ) throws -> (process: RunningProcess, endpoint: String) {
            let (input, file) = (session.path("in.png"), session.path("endpoint"))
            try Picture(width: 64, height: 64).write(input)
            let process = try hosts.start(
                .coordinator, Programs.coordinator,
                [
                    input, "-o", session.path("out.png"), "--preset", "thin", "--tile", "64",
                    "--overlap", "16", "--iterations", "1", "--workers", "0", "--insecure",
                    "--endpoint-file", file,
                ] + options)
            try session.eventually("an address", of: process) { Files.bytes(file) != nil }
            return (process, Files.text(file).filter { $0 != "\n" })
        }

        private func check(
            _ endpoint: String, _ hosts: TwoHosts, naming address: String
        ) throws {
            let check = try hosts.start(.workers, Programs.worker, [endpoint, "--check"])
            #expect(check.wait(atMost: .seconds(20)) == .exited(0), check.story)
            #expect(check.output.contains("5555 of \(address) answers"), check.story)
        }

        /// A worker whose table of names has these lines. Its network is that of the workers.
        private func startNamed(
            _ line: String, _ hosts: TwoHosts, _ session: Session, _ arguments: [String]
        ) throws -> RunningProcess {
            let table = session.path("hosts")
            try Files.write(Array((line + "\n").utf8), table)
            return try hosts.start(
                .workers, "/usr/bin/unshare",
                [
                    "--mount", "/bin/sh", "-c",
                    "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"", "sh", table,
                    Programs.worker,
                ] + arguments)
        }

        private func expectEnd(_ process: RunningProcess, _ worker: RunningProcess) {
            #expect(process.wait(atMost: .seconds(30)) == .exited(0), process.story)
            #expect(worker.wait(atMost: .seconds(10)) == .exited(0), worker.story)
        }

        @Test func `a worker finds a coordinator by the address in its file`() throws {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                try hosts.addIPv6()
                let (process, endpoint) = try start(
                    hosts, session, "--listen", "tcp://[::]:5555", "--advertise", "fd00:77::1")
                #expect(endpoint == "tcp://[fd00:77::1]:5555")
                try check(endpoint, hosts, naming: "fd00:77::1")
                let worker = try hosts.start(
                    .workers, Programs.worker, ["--endpoint-file", session.path("endpoint")])
                expectEnd(process, worker)
            }
        }

        @Test func `who listens at all addresses of IPv6 does so at those of IPv4`() throws {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                try hosts.addIPv6()
                let (process, _) = try start(hosts, session, "--listen", "tcp://[::]:5555")
                try check(TwoHosts.endpoint, hosts, naming: "10.77.0.1")
                expectEnd(process, try hosts.worker())
            }
        }

        @Test func `a worker finds a coordinator that is at its name's address of IPv6 alone`()
            throws
        {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                try hosts.addIPv6()
                let (process, _) = try start(
                    hosts, session, "--listen", "tcp://[fd00:77::1]:5555")
                let endpoint = "tcp://six.test:5555"
                let lines = ["fd00:77::1 six.test", "10.77.0.1 six.test\nfd00:77::1 six.test"]
                for line in lines {
                    let check = try startNamed(line, hosts, session, [endpoint, "--check"])
                    #expect(check.wait(atMost: .seconds(20)) == .exited(0), check.story)
                }
                let worker = try startNamed(lines[1], hosts, session, [endpoint])
                expectEnd(process, worker)
            }
        }

        @Test(arguments: [
            ("tcp://*:5555", "tcp://10.77.0.1:5555"),
            ("tcp://[::]:5555", "tcp://[fd00:77::1]:5555"),
        ])
        func `an interface is listened at by its address and no other`(
            listen: String, wanted: String
        ) throws {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                try hosts.addIPv6()
                let (process, endpoint) = try start(
                    hosts, session, "--listen", listen, "--interface",
                    TwoHosts.Side.coordinator.link)
                #expect(endpoint == wanted)
                let other = listen.contains("[") ? "10.77.0.1" : "[fd00:77::1]"
                let lost = try hosts.start(
                    .workers, Programs.worker, ["tcp://\(other):5555", "--check"])
                #expect(lost.wait(atMost: .seconds(20)) == .exited(69), lost.story)
                expectEnd(process, try hosts.start(.workers, Programs.worker, [endpoint]))
            }
        }
    }
}
