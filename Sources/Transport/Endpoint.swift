// Which endpoints other hosts can reach.

internal import Glibc

/// Questions about endpoints such as `tcp://127.0.0.1:5555`.
public enum Endpoint {
    /// Whether only processes of this host can reach a listener there: within the process, a
    /// socket file, or a loopback address. What is not understood is taken to be reachable.
    public static func staysOnThisHost(_ endpoint: String) -> Bool {
        if endpoint.hasPrefix("ipc://") || endpoint.hasPrefix("inproc://") {
            return true
        }
        guard let (host, _) = tcpParts(endpoint) else { return false }
        // A name such as 127.0.0.1.example.org is no address: the whole must be one.
        var address = in_addr()
        if inet_pton(AF_INET, host, &address) == 1 {
            return UInt32(bigEndian: address.s_addr) >> 24 == 127
        }
        return ["[::1]", "localhost", "lo"].contains(host)
    }

    /// Whether a listener may be asked to listen there, or a dealer to connect. libzmq itself
    /// takes a port beyond 65535 and uses what remains of it.
    public static func isWellFormed(_ endpoint: String, anyPort: Bool) -> Bool {
        guard endpoint.hasPrefix("tcp://") else { return !endpoint.utf8.contains(0) }
        guard let (_, port) = tcpParts(endpoint) else { return false }
        return anyPort && port == "*" || UInt16(port).map { anyPort || $0 > 0 } ?? false
    }

    /// Whether an endpoint stands for all addresses of its host, and of which kind.
    ///
    /// - Returns: nil where it names one address, a name, or no host at all.
    public static func allAddresses(_ endpoint: String) -> AddressFamily? {
        switch tcpParts(endpoint)?.host {
        case "*": .any
        case "0.0.0.0": .ipv4
        case "[::]": .ipv6
        default: nil
        }
    }

    /// The endpoint at another host, with its port; one that has no host stays what it is.
    ///
    /// - Parameter host: a name or an address; one of IPv6 with or without brackets.
    public static func endpoint(_ endpoint: String, at host: String) -> String {
        guard let (_, port) = tcpParts(endpoint) else { return endpoint }
        let name = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return "tcp://\(name):\(port)"
    }

    /// The endpoint with an address in the place of `localhost`, at which libzmq does not listen.
    public static func withoutLocalName(_ endpoint: String) -> String {
        tcpParts(endpoint)?.host == "localhost"
            ? self.endpoint(endpoint, at: "127.0.0.1") : endpoint
    }

    /// Whether a text names a host: a name, or an address of IPv4 or IPv6, without scheme and port.
    public static func isHost(_ text: String) -> Bool {
        var address = in6_addr()
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
        let inside = isBracketed ? String(text.dropFirst().dropLast()) : text
        // What stands behind % is an interface of this host.
        let parts = inside.split(separator: "%", omittingEmptySubsequences: false)
        if parts.count <= 2, inet_pton(AF_INET6, String(parts.first ?? ""), &address) == 1 {
            return true
        }
        return !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// Whether the endpoint's host is a name, which may stand for addresses of both kinds.
    public static func hasName(_ endpoint: String) -> Bool {
        guard let (host, _) = tcpParts(endpoint), !host.hasPrefix("[") else { return false }
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) != 1
    }

    static func hasIPv6Address(_ endpoint: String) -> Bool {
        tcpParts(endpoint)?.host.hasPrefix("[") ?? false
    }

    static func tcpParts(_ endpoint: String) -> (host: String, port: Substring)? {
        let scheme = "tcp://"
        guard endpoint.hasPrefix(scheme), !endpoint.utf8.contains(0),
            let colon = endpoint.lastIndex(of: ":")
        else { return nil }
        let start = endpoint.index(endpoint.startIndex, offsetBy: scheme.count)
        guard start < colon else { return nil }
        return (String(endpoint[start..<colon]), endpoint[endpoint.index(after: colon)...])
    }
}
