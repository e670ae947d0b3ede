// The server on a real port.

import Dashboard
import Foundation
import Imaging
import Synchronization
import Testing

@testable import DashboardServer

@Suite("The server", .serialized, .timeLimit(.minutes(1)))
struct ServerTests {
    private let job = SampleJob()

    private func withServer(
        _ limits: ConnectionLimits = ConnectionLimits(),
        _ body: (DashboardServer, UInt16) throws -> Void
    ) throws {
        let server = try DashboardServer(DashboardAddress(port: 0), job, limits: limits)
        defer { server.close() }
        let port = try #require(server.url.wholeMatch(of: /http:\/\/127\.0\.0\.1:(\d+)\//))
        try body(server, try #require(UInt16(port.1)))
    }

    private func get(_ target: String, _ port: UInt16) -> String {
        let browser = Browser(port: port)
        browser.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return browser.receiveAll()
    }

    @Test func `requests on one connection are answered one after the other`() throws {
        try withServer { _, port in
            let browser = Browser(port: port)
            // Two at once, and one in pieces.
            browser.send(
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    + "HEAD /api/status HTTP/1.1\r\nHost: localhost\r\n\r\nGET /heal")
            browser.send("thz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r")
            browser.send("\n\r\n")
            let text = browser.receiveAll()
            #expect(text.matches(of: /HTTP\/1\.1 200 OK/).count == 3, "\(text)")
            #expect(text.components(separatedBy: "\r\n\r\nok\n").count == 3, "\(text)")
            #expect(!text.contains("\"counts\""))
        }
    }

    @Test func `a body is read whole before it is answered`() throws {
        try withServer { server, port in
            let browser = Browser(port: port)
            let body = "{\"action\": \"pause\"}"
            browser.send(
                "POST /api/control HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Authorization: Bearer \(server.token)\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n" + body.prefix(5))
            browser.send(String(body.dropFirst(5)))
            #expect(browser.receiveAll().hasPrefix("HTTP/1.1 202"))
            #expect(job.state.withLock { $0.controls } == [.pause])
        }
    }

    @Test func `a head without an end is refused, and takes no more than its share`() throws {
        try withServer { _, port in
            let browser = Browser(port: port)
            let part = String(repeating: "a", count: 4096)
            var sent = 0
            // The system's buffers take some MiB before the server's end shows.
            while sent < 16384, browser.send(part) { sent += 1 }
            #expect(sent < 16384, "the server took \(sent * 4096) bytes")
            #expect(get("/healthz", port).contains("ok"))
        }
    }

    @Test func `who is too slow is left, and nobody waits for it`() throws {
        let limits = ConnectionLimits(
            connections: 4, idle: .milliseconds(300), request: .milliseconds(300),
            response: .milliseconds(300))
        try withServer(limits) { _, port in
            let slow = Browser(port: port)
            slow.send("GET / HT")
            let silent = Browser(port: port)
            #expect(get("/healthz", port).contains("ok"))
            #expect(slow.receiveAll().hasPrefix("HTTP/1.1 408"))
            #expect(silent.receive() == nil)
        }
    }

    @Test func `connections are bounded, and free again when they end`() throws {
        let limits = ConnectionLimits(connections: 3, idle: .seconds(20))
        try withServer(limits) { _, port in
            var open = (0..<3).map { _ in Browser(port: port) }
            for browser in open {
                browser.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(browser.receive()?.contains("ok") == true)
            }
            #expect(get("/healthz", port).isEmpty)
            open.removeAll()
            let deadline = ContinuousClock.now + .seconds(5)
            while get("/healthz", port).isEmpty, ContinuousClock.now < deadline { usleep(5000) }
            #expect(get("/healthz", port).contains("ok"))
        }
    }

    @Test func `a port that is in use is named`() throws {
        try withServer { _, port in
            let error = #expect(throws: DashboardError.self) {
                try DashboardServer(DashboardAddress(port: port), job)
            }
            #expect(error?.kind == .addressInUse)
            #expect(error?.message.contains("port \(port) of 127.0.0.1") == true)
        }
        for host in ["192.0.2.1", "no-such-name.invalid", "2001:db8::1"] {
            let error = #expect(throws: DashboardError.self) {
                try DashboardServer(DashboardAddress(host: host, port: 0), job)
            }
            #expect(error?.kind == .badAddress, "\(host): \(error?.message ?? "")")
        }
    }

    @Test func `a server that is closed answers no more`() throws {
        try withServer { server, port in
            #expect(get("/healthz", port).contains("ok"))
            server.close()
            let deadline = ContinuousClock.now + .seconds(5)
            while !get("/healthz", port).isEmpty, ContinuousClock.now < deadline { usleep(5000) }
            #expect(get("/healthz", port).isEmpty)
        }
    }

    @Test func `pictures of what is given and what is stored come while a page is open`() throws {
        let path = FileManager.default.temporaryDirectory.path + "/given-\(UUID()).png"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let header = ImageHeader(
            width: 160, height: 112, colorBands: 3, sampleType: .uint8,
            format: .png)
        let sink = try ImageFormats.createSink(path, like: header)
        try [UInt8](repeating: 200, count: header.decodedByteCount).withUnsafeBytes {
            try sink.append(rowCount: 112, samples: $0)
        }
        try sink.finish()
        job.state.withLock {
            $0.pictures = PictureSource(
                job: "j", width: 160, height: 112, bands: 3, isInk: false, restarts: 1,
                windows: JobDescription.sample().windows, open: { try ImageFormats.open(path) },
                result: { fit in
                    fit == 1 ? [Float](repeating: 0.25, count: 64 * 64 * 3) : nil
                })
        }
        try withServer { _, port in
            #expect(get("/pictures/given.jpg", port).hasPrefix("HTTP/1.1 202"))
            let deadline = ContinuousClock.now + .seconds(20)
            var text = ""
            // Tile 1 is the one that is stored.
            while ContinuousClock.now < deadline,
                !(text.contains("\"painted\":[1]") && text.contains("\"rowsGiven\":112"))
            {
                text = get("/api/changes?picture=0", port)
                usleep(5000)
            }
            #expect(text.contains("\"painted\":[1]"), "\(text)")
            for target in ["given.jpg", "restored.jpg", "tiles/1.jpg"] {
                #expect(get("/pictures/\(target)", port).hasPrefix("HTTP/1.1 200"), "\(target)")
            }
            #expect(get("/pictures/tiles/0.jpg", port).hasPrefix("HTTP/1.1 202"))
            for target in ["windows/1/given.jpg", "windows/1/restored.jpg"] {
                while get("/pictures/\(target)", port).hasPrefix("HTTP/1.1 202"),
                    ContinuousClock.now < deadline
                { usleep(5000) }
                #expect(get("/pictures/\(target)", port).hasPrefix("HTTP/1.1 200"), "\(target)")
            }
        }
    }
}
