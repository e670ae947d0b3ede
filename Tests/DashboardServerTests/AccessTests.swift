// Who may see and change what.

import Testing

@testable import DashboardServer

@Suite("Access")
struct AccessTests {
    private let token = "0123456789abcdef0123456789abcdef"

    private func rules(_ host: String = "127.0.0.1") -> AccessRules {
        AccessRules(token: token, host: host, ownName: "node17")
    }

    private func status(_ check: () throws -> Void) -> Int {
        do {
            try check()
            return 200
        } catch let error as AccessRules.Refusal {
            return error.status.rawValue
        } catch {
            return -1
        }
    }

    @Test func `an address is a port, or a host and a port`() {
        typealias Address = DashboardAddress
        #expect(Address("8080") == Address(host: "127.0.0.1", port: 8080))
        #expect(Address("0.0.0.0:1") == Address(host: "0.0.0.0", port: 1))
        #expect(Address("[::1]:0") == Address(host: "::1", port: 0))
        #expect(Address("node17.example:65535") == Address(host: "node17.example", port: 65535))
        for text in [
            "", ":", ":80", "80:", "65536", "-1", "+80", "a", "a:b", "::1:80", "[::1]", "[::1]80",
            "[1.2.3.4]:80", "[::1:80", "a b:80", "http://a:80", "a/b:80", "8080 ", "٣", "[]:1",
        ] {
            #expect(Address(text) == nil, "\(text)")
        }
        #expect(Address("8080")?.staysOnThisHost == true)
        #expect(Address("[::1]:8080")?.staysOnThisHost == true)
        #expect(Address("0.0.0.0:8080")?.staysOnThisHost == false)
    }

    @Test func `a host that is not ours is refused, whatever leads there`() throws {
        for (listening, header, isOurs) in [
            ("127.0.0.1", "127.0.0.1:8080", true), ("127.0.0.1", "localhost:8080", true),
            ("127.0.0.1", "LOCALHOST", true), ("127.0.0.1", "[::1]:8080", true),
            ("127.0.0.1", "192.168.1.7", true), ("127.0.0.1", "evil.example:8080", false),
            ("127.0.0.1", "node17:8080", false), ("0.0.0.0", "node17:8080", true),
            ("0.0.0.0", "node17.cluster.example:8080", true),
            ("0.0.0.0", "node17evil.example", false), ("0.0.0.0", "localhost.evil.example", false),
            ("big.example", "big.example:8080", true), ("127.0.0.1", "", false),
            ("127.0.0.1", "localhost:8080:9", false), ("127.0.0.1", "localhost:x", false),
            ("127.0.0.1", "[::1", false), ("127.0.0.1", "[evil]:80", false),
            ("127.0.0.1", "[::1]evil", false), ("127.0.0.1", "localhost@evil.example", false),
        ] {
            let request = try Request.sample("GET", "/", ["Host": header])
            let found = status { try rules(listening).checkHost(request) }
            #expect(found == (isOurs ? 200 : 421), "\(header) at \(listening)")
        }
        var request = try Request.sample("GET", "/")
        request.headers["host"] = nil
        #expect(status { try rules().checkHost(request) } == 421)
    }

    @Test func `what is looked at needs the token beyond loopback alone`() throws {
        let bare = try Request.sample("GET", "/api/status")
        let knowing = try Request.sample(
            "GET", "/api/status", ["Authorization": "bearer \(token)"])
        let wrong = try Request.sample(
            "GET", "/api/status", ["Authorization": "Bearer \(token.dropLast())0"])
        for host in ["127.0.0.1", "::1", "localhost", "127.8.8.8"] {
            #expect(status { try rules(host).checkReading(bare) } == 200, "\(host)")
        }
        for host in ["0.0.0.0", "::", "192.168.1.7", "node17", "127.evil.example"] {
            #expect(status { try rules(host).checkReading(bare) } == 401, "\(host)")
            #expect(status { try rules(host).checkReading(wrong) } == 401, "\(host)")
            #expect(status { try rules(host).checkReading(knowing) } == 200, "\(host)")
        }
    }

    @Test func `a change needs the token, and comes from our page or from no page`() throws {
        for (headers, wanted) in [
            ([:], 401), (["Authorization": "Bearer \(token)"], 200),
            (["Authorization": "Basic \(token)"], 401), (["Authorization": token], 401),
            (["Authorization": "Bearer "], 401),
            (["Authorization": "Bearer \(token)", "Origin": "http://127.0.0.1:8080"], 200),
            (["Authorization": "Bearer \(token)", "Origin": "http://127.0.0.1:8081"], 403),
            (["Authorization": "Bearer \(token)", "Origin": "https://127.0.0.1:8080"], 403),
            (["Authorization": "Bearer \(token)", "Origin": "null"], 403),
            (["Authorization": "Bearer \(token)", "Origin": "http://evil.example"], 403),
            (["Authorization": "Bearer \(token)", "Sec-Fetch-Site": "cross-site"], 403),
            (["Authorization": "Bearer \(token)", "Sec-Fetch-Site": "same-site"], 403),
            (["Authorization": "Bearer \(token)", "Sec-Fetch-Site": "same-origin"], 200),
        ] {
            let request = try Request.sample("POST", "/api/control", headers)
            #expect(status { try rules().checkChange(request) } == wanted, "\(headers)")
        }
    }

    @Test func `tokens are long and differ`() {
        let tokens = (0..<50).map { _ in AccessRules.makeToken() }
        #expect(Set(tokens).count == 50)
        #expect(tokens.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{32}/) != nil })
    }
}
