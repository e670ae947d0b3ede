// Who may see the page, and who may change something with it.

/// Rules for requests, by what their heads say.
struct AccessRules: Sendable {
    /// Why a request is refused.
    struct Refusal: Error, Equatable {
        var status: Response.Status
        var sentence: String
    }

    /// What a request that changes something must bring, printed when the program starts.
    let token: String
    /// Whether what is looked at needs the token too: others can reach the port.
    let readingNeedsToken: Bool
    /// Names by which the page is known, in lower case, besides addresses in numbers.
    private let names: Set<String>

    /// - Parameters:
    ///   - host: what the server listens at.
    ///   - ownName: this host's.
    init(token: String, host: String, ownName: String) {
        self.token = token
        readingNeedsToken = !HostName.isLoopback(host)
        var names: Set = ["localhost", host.lowercased()]
        if readingNeedsToken, !ownName.isEmpty { names.insert(ownName.lowercased()) }
        self.names = names
    }

    /// 128 random bits in hexadecimal digits.
    static func makeToken() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let part = String(UInt32.random(in: 0...UInt32.max, using: &generator), radix: 16)
            return String(repeating: "0", count: 8 - part.count) + part
        }
        .joined()
    }

    /// - Throws: `Refusal` for a host that is not ours: the page of another one whose name was made
    ///   to lead here (DNS rebinding) would say that.
    func checkHost(_ request: Request) throws(Refusal) {
        guard let host = request.headers["host"], isOurs(host) else {
            throw Refusal(
                status: .misdirected,
                sentence: "The Host header names another host; open the address that dip-coord "
                    + "has printed.")
        }
    }

    /// - Throws: `Refusal` where what is looked at needs the token, and it is not there.
    func checkReading(_ request: Request) throws(Refusal) {
        if readingNeedsToken { try checkToken(request) }
    }

    /// - Throws: `Refusal` without the token, or from a page of another origin.
    func checkChange(_ request: Request) throws(Refusal) {
        if let origin = request.headers["origin"] {
            guard let host = request.headers["host"],
                origin.lowercased()
                    == "http://\(host)"
                    .lowercased()
            else {
                throw Refusal(
                    status: .forbidden,
                    sentence: "The request comes from a page of another origin; only the "
                        + "dashboard's own page may change something.")
            }
        }
        if let site = request.headers["sec-fetch-site"], site != "same-origin", site != "none" {
            throw Refusal(
                status: .forbidden,
                sentence: "The request comes from another site; only the dashboard's own page may "
                    + "change something.")
        }
        try checkToken(request)
    }

    private func checkToken(_ request: Request) throws(Refusal) {
        let given = request.headers["authorization"].flatMap { value in
            value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : nil
        }
        guard let given, Self.areEqual(given, token) else {
            throw Refusal(
                status: .unauthorized,
                sentence: "The token is missing or wrong; it stands behind #token= in the address "
                    + "that dip-coord has printed, and goes into the header Authorization: Bearer "
                    + "TOKEN.")
        }
    }

    /// In a time that does not tell how much of it is right.
    private static func areEqual(_ a: String, _ b: String) -> Bool {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Whether a Host header is one that the page is opened by.
    private func isOurs(_ header: String) -> Bool {
        var host = Substring(header.lowercased())
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return false }
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || Self.isPort(rest) else { return false }
            return HostName.isIPv6(host[host.index(after: host.startIndex)..<end])
        }
        if let colon = host.firstIndex(of: ":") {
            guard Self.isPort(host[colon...]) else { return false }
            host = host[..<colon]
        }
        if HostName.isIPv4(host) || names.contains(String(host)) { return true }
        // A name of this host with its domain; what is read needs the token there.
        return readingNeedsToken
            && names.contains { $0 != "localhost" && host.hasPrefix($0 + ".") }
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && UInt16(text.dropFirst()) != nil
    }
}
