// Where the page is to be found.

import Glibc

/// A host and a port to listen at.
public struct DashboardAddress: Equatable, Sendable {
    /// An address in numbers, or a name; without brackets.
    public let host: String
    /// 0 for any free one.
    public let port: UInt16

    /// The loopback address of IPv4.
    public static let loopback = "127.0.0.1"

    public init(host: String = loopback, port: UInt16) {
        (self.host, self.port) = (host, port)
    }

    /// `8080`, `0.0.0.0:8080`, `name:8080` or `[::1]:8080`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let last = parts.last, last.allSatisfy(\.isASCIIDigit), let port = UInt16(last) else {
            return nil
        }
        guard parts.count > 1 else {
            self.init(port: port)
            return
        }
        var host = text.dropLast(last.count + 1)
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard HostName.isIPv6(host) else { return nil }
        } else {
            guard HostName.isWellFormed(host) else { return nil }
        }
        self.init(host: String(host), port: port)
    }

    /// Whether only this host can come there.
    public var staysOnThisHost: Bool { HostName.isLoopback(host) }
}

/// What a host is called.
enum HostName {
    static func isIPv4(_ text: some StringProtocol) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, String(text), &address) == 1
    }

    static func isIPv6(_ text: some StringProtocol) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, String(text), &address) == 1
    }

    static func isLoopback(_ text: some StringProtocol) -> Bool {
        let name = text.lowercased()
        return name == "localhost" || (isIPv4(name) && name.hasPrefix("127.")) || name == "::1"
    }

    /// Letters, digits, points and dashes.
    static func isWellFormed(_ text: some StringProtocol) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCIIDigit || $0.isASCIILetter || ".-_".contains($0) }
    }
}

extension Character {
    var isASCIIDigit: Bool { ("0"..."9").contains(self) }
    var isASCIILetter: Bool { ("a"..."z").contains(self) || ("A"..."Z").contains(self) }
}
