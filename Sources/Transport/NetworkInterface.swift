// The network interfaces of this host and their addresses, for those who know the one and not the
// other.

internal import Glibc

/// A kind of addresses.
public enum AddressFamily: Sendable {
    /// Of either kind, those of IPv4 first.
    case any
    case ipv4
    case ipv6
}

/// One address of an interface, or an interface that has none.
public struct NetworkInterface: Equatable, Sendable {
    /// As `ip link` calls it.
    public let name: String
    /// In digits, without brackets; nil where the interface has no address.
    public let address: String?

    /// An entry of the table.
    public init(name: String, address: String?) {
        self.name = name
        self.address = address
    }

    /// Whether other hosts can connect to the address without saying through which of their own
    /// interfaces: addresses of one link alone (fe80::) are not of this kind.
    private var isUsable: Bool { address.map { !$0.hasPrefix("fe80:") } ?? false }

    private func isOf(_ family: AddressFamily) -> Bool {
        guard let address else { return false }
        return switch family {
        case .any: true
        case .ipv4: !address.contains(":")
        case .ipv6: address.contains(":")
        }
    }

    // MARK: Choosing

    /// The address at which to listen on an interface of this host.
    ///
    /// - Parameter family: which addresses will do.
    /// - Returns: the first one of IPv4, else the first one of IPv6 that is not of its link alone.
    /// - Throws: `TransportError` of kind `.badEndpoint` which names the interfaces that there are,
    ///   where there is none of that name or it has no such address.
    public static func address(
        of name: String, _ family: AddressFamily
    ) throws(TransportError) -> String {
        try address(of: name, family, among: try all())
    }

    /// As above, on a host with these interfaces.
    static func address(
        of name: String, _ family: AddressFamily, among all: [NetworkInterface]
    ) throws(TransportError) -> String {
        let own = all.filter { $0.name == name }
        let usable = own.filter { $0.isUsable && $0.isOf(family) }
        if let found = usable.first(where: { $0.isOf(.ipv4) }) ?? usable.first,
            let address = found.address
        {
            return address
        }
        let lack =
            switch family {
            case _ where own.isEmpty: "this host has no interface '\(name)'"
            case .any: "interface \(name) has no address that other hosts could use"
            case .ipv4: "interface \(name) has no address of IPv4"
            case .ipv6: "interface \(name) has no address of IPv6 that other hosts could use"
            }
        throw TransportError(.badEndpoint, "\(lack); there are \(words(for: all))")
    }

    /// lo (127.0.0.1, ::1), eth0 (192.0.2.2), ifb0 (no address)
    private static func words(for all: [NetworkInterface]) -> String {
        var names: [String] = []
        var addresses: [String: [String]] = [:]
        for entry in all {
            if addresses[entry.name] == nil { names.append(entry.name) }
            addresses[entry.name, default: []] += entry.address.map { [$0] } ?? []
        }
        let each = names.map { name in
            let list = addresses[name, default: []].joined(separator: ", ")
            return "\(name) (\(list.isEmpty ? "no address" : list))"
        }
        return each.isEmpty ? "none at all" : each.joined(separator: ", ")
    }

    // MARK: Asking the system

    /// Every address of every interface of this host, in the system's order.
    ///
    /// - Throws: `TransportError` of kind `.system`.
    static func all() throws(TransportError) -> [NetworkInterface] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { throw .system("cannot list network interfaces") }
        defer { freeifaddrs(list) }
        var found: [NetworkInterface] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            let address = entry.ifa_addr.flatMap(text)
            // Each has an entry of its own besides those of its addresses.
            let name = String(cString: entry.ifa_name)
            if address != nil || !found.contains(where: { $0.name == name }) {
                found.append(NetworkInterface(name: name, address: address))
            }
        }
        return found
    }

    /// In digits; nil for what is no address of IPv4 or IPv6.
    private static func text(_ address: UnsafeMutablePointer<sockaddr>) -> String? {
        let size: Int
        switch Int32(address.pointee.sa_family) {
        case AF_INET: size = MemoryLayout<sockaddr_in>.size
        case AF_INET6: size = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
            getnameinfo(
                address, socklen_t(size), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        return String(
            decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
