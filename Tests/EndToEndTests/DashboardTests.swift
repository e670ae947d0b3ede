// The live page of a real job.

import Dashboard
import Foundation
import Glibc
import Testing

extension PictureTests {
    @Suite struct LivePage {
        /// Where a job's page is, and the token for its buttons.
        private struct Place {
            let port: UInt16
            let token: String

            init(_ process: RunningProcess, in session: Session) throws {
                let address = /dashboard at http:\/\/127\.0\.0\.1:(\d+)\/#token=([0-9a-f]{32})\n/
                try session.eventually("the page's address", of: process) {
                    process.errors.firstMatch(of: address) != nil
                }
                let found = try #require(process.errors.firstMatch(of: address))
                port = try #require(UInt16(found.1))
                token = String(found.2)
            }

            /// The status and what follows the head; nil where nobody answers.
            func ask(
                _ method: String, _ target: String, _ headers: [String] = [], body: String = ""
            ) -> (status: Int, body: String)? {
                let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                defer { close(descriptor) }
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = port.bigEndian
                address.sin_addr.s_addr = inet_addr("127.0.0.1")
                let isConnected = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                    }
                }
                let host = headers.contains { $0.hasPrefix("Host:") } ? [] : ["Host: localhost"]
                let lines =
                    ["\(method) \(target) HTTP/1.1"] + host + headers
                    + ["Connection: close", "Content-Length: \(body.utf8.count)", "", body]
                let bytes = Array(lines.joined(separator: "\r\n").utf8)
                guard isConnected,
                    send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
                else { return nil }
                var answer: [UInt8] = []
                var part = [UInt8](repeating: 0, count: 65536)
                while case let count = recv(descriptor, &part, part.count, 0), count > 0 {
                    answer += part.prefix(count)
                }
                let text = String(decoding: answer, as: UTF8.self)
                guard let word = text.split(separator: " ").dropFirst().first,
                    let status = Int(word),
                    let end = text.firstRange(of: "\r\n\r\n")
                else { return nil }
                return (status, String(text[end.upperBound...]))
            }

            func get(_ target: String) -> String? {
                ask("GET", target).flatMap { $0.status == 200 ? $0.body : nil }
            }
        }

        private func restoration(in session: Session, _ more: String...) throws -> [String] {
            try Reference.restoration(in: session, "--workers", "1", "--iterations", "100")
                .filter { $0 != "--quiet" } + more
        }

        @Test func `a page shows how a job comes along, and takes what is asked for`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, restoration(in: session, "--dashboard", "0"))
                let place = try Place(process, in: session)
                #expect(place.get("/")?.contains("<canvas") == true)
                #expect(place.get("/healthz") == "ok\n")
                try session.eventually("a tile at work", of: process) {
                    place.get("/api/status")?.contains("\"fitting\":1") == true
                }
                try session.eventually("the tile's metrics", of: process) {
                    place.get("/metrics")?.contains("dip_worker_fitting{") == true
                }
                try session.awaitTiles(1, output: "out.png", of: process)
                // Nobody has asked for pictures yet: a page that asks gets them made.
                try session.eventually("the stored tile's picture", of: process) {
                    _ = place.get("/api/changes?since=0")
                    return place.get("/pictures/tiles/0.jpg") != nil
                        && place.get("/pictures/given.jpg") != nil
                }
                let curve = try #require(place.get("/api/tiles/0"))
                #expect(curve.contains("\"psnrToInput\""), "\(curve)")

                let wanted = "{\"action\": \"resume\"}"
                let token = "Authorization: Bearer \(place.token)"
                for (headers, status) in [
                    ([], 401), ([token], 202), ([token, "Origin: http://evil.example"], 403),
                    ([token, "Host: evil.example"], 421),
                ] {
                    let answer = place.ask("POST", "/api/control", headers, body: wanted)
                    #expect(answer?.status == status, "\(headers)")
                }
                #expect(!(place.get("/api/changes")?.contains(place.token) ?? true))

                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
                #expect(place.get("/healthz") == nil)
            }
        }

        @Test func `a page that is open hears how the job ends`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator,
                    restoration(in: session, "--dashboard", "0", "--iterations", "3"))
                let place = try Place(process, in: session)
                var last = ""
                while let answer = place.ask("GET", "/api/changes") {
                    last = answer.body
                    usleep(20_000)
                }
                #expect(last.contains("\"ending\":\"The output is in its place"), "\(last)")
                #expect(process.wait() == .exited(0), process.story)
            }
        }

        @Test func `a page says how many tiles came through unrestored when a job was stopped`()
            throws
        {
            try withSession { session in
                // Long enough for the request to come before the last tile is done.
                let process = try session.start(
                    Programs.coordinator,
                    restoration(in: session, "--dashboard", "0", "--iterations", "200"))
                let place = try Place(process, in: session)
                // The file is there before the job knows of it.
                try session.eventually("a tile", of: process) {
                    place.ask("GET", "/api/status")?.body.contains(/"stored":[1-9]/) ?? false
                }
                let answer = place.ask(
                    "POST", "/api/control", ["Authorization: Bearer \(place.token)"],
                    body: "{\"action\": \"stopAndBlend\"}")
                #expect(answer?.status == 202, process.story)
                var last = ""
                while let answer = place.ask("GET", "/api/changes") {
                    last = answer.body
                    usleep(20_000)
                }
                #expect(process.wait() == .exited(2), process.story)
                let lines = process.errors.split(separator: "\n")
                let count = lines.count { $0.hasPrefix("UNRESTORED") }
                #expect(count > 0 && last.contains("\(count) tile"), "\(last)\n\(process.story)")
                for words in [
                    "came through unrestored", "--retry-failed", "\"fitting\":0",
                    "\"setAside\":\(count)", "\"waiting\":0", "\"workerCount\":0", "\"workers\":[]",
                ] {
                    #expect(last.contains(words), "\(words) is not in \(last)")
                }
            }
        }

        @Test func `a page shows all phases of a job`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator,
                    restoration(
                        in: session, "--dashboard", "0", "--stop", "pilots", "--iterations", "30"))
                let place = try Place(process, in: session)
                var phases: [String] = []
                while let answer = place.ask("GET", "/api/changes") {
                    if let phase = answer.body.firstMatch(of: /"phase":"(\w+)"/)?.1,
                        phases.last != String(phase)
                    {
                        phases.append(String(phase))
                    }
                    usleep(20_000)
                }
                #expect(phases.starts(with: ["pilots", "tiles"]), "\(phases)\n\(process.story)")
                #expect(process.wait() == .exited(0), process.story)
            }
        }

        @Test func `a page that cannot be there is refused before any work`() throws {
            try withSession { session in
                let process = try session.start(
                    Programs.coordinator, restoration(in: session, "--dashboard", "0"))
                let place = try Place(process, in: session)
                for (address, code, text) in [
                    ("\(place.port)", 69, "in use"), ("192.0.2.1:0", 64, "no address of this host"),
                    ("nonsense", 64, "'--dashboard"), ("70000", 64, "'--dashboard"),
                ] {
                    let other = try session.run([
                        session.path("in.png"), "-o", session.path("other.png"), "--preset",
                        "thin", "--dashboard", address,
                    ])
                    #expect(other.pollEnd() == .exited(Int32(code)), other.story)
                    #expect(other.errors.contains(text), other.story)
                    #expect(!Files.names(session.folder).contains("other.png.dip"))
                }
                process.interrupt()
                #expect(process.wait(atMost: .seconds(10)) == .exited(130), process.story)
            }
        }
    }
}
