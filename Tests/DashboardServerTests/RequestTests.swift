// Bytes become requests, or a reason why not.

import Testing

@testable import DashboardServer

@Suite("Requests")
struct RequestTests {
    private func failure(_ head: String) -> Int? {
        do {
            _ = try Request(head: head.utf8)
            return nil
        } catch {
            return error.status.rawValue
        }
    }

    @Test func `a head is read whole`() throws {
        let request = try Request(
            head: "GET /api/changes?since=12&event=&x HTTP/1.1\r\nHost: a\r\nX-Y:  b c \r\n".utf8)
        #expect(request.method == "GET" && request.path == "/api/changes")
        #expect(request.query == ["since": "12", "event": "", "x": ""])
        #expect(request.number("since") == 12 && request.number("event") == nil)
        #expect(request.headers == ["host": "a", "x-y": "b c"])
        #expect(request.keepsConnection && request.bodyByteCount == 0)
    }

    @Test func `a connection is kept as its version and header say`() throws {
        for (version, header, keeps) in [
            ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
        ] {
            let request = try Request(head: "GET / HTTP/\(version)\r\n\(header)".utf8)
            #expect(request.keepsConnection == keeps, "\(version) \(header)")
        }
    }

    @Test func `what is no request is refused with its reason`() {
        for (head, status) in [
            ("", 400), ("GET", 400), ("GET /", 400), ("GET / HTTP/2.0", 400),
            ("GET x HTTP/1.1", 400), ("GET  / HTTP/1.1", 400), ("G/T / HTTP/1.1", 400),
            ("GET / HTTP/1.1\r\nno colon", 400), ("GET / HTTP/1.1\r\n: x", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400),
            ("POST / HTTP/1.1\r\nContent-Length: -1", 400),
            ("POST / HTTP/1.1\r\nContent-Length: x", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6", 400),
            ("POST / HTTP/1.1\r\nContent-Length: 4097", 413),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked", 411),
            ("GET / HTTP/1.1" + String(repeating: "\r\na: b", count: 100), 431),
        ] {
            #expect(failure(head) == status, "\(head.prefix(60).debugDescription)")
        }
    }

    @Test(arguments: 0..<40)
    func `no bytes trap`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let sample = Array(
            "POST /api/control?a=b HTTP/1.1\r\nHost: a:1\r\nContent-Length: 12\r\nOrigin: x\r\n"
                .utf8)
        for _ in 0..<200 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                default: bytes.removeSubrange(place..<min(place + 9, bytes.count))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            // A request or a failure: either is an answer.
            _ = try? Request(head: bytes)
        }
    }
}

/// Numbers from a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
