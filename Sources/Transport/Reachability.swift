// Where a connection fails, step by step: the name, the port. What comes after these, sockets tell.

internal import Glibc

/// Questions that are asked before a socket connects, for somebody who wonders why it does not.
public enum Reachability {
    /// An address that a name stands for.
    public struct Address: Sendable {
        public let text: String
        let family: Int32
        let bytes: [UInt8]
        public var isIPv6: Bool { family == AF_INET6 }
    }

    /// Why an address was not connected to.
    public struct Failure: Error {
        /// Whether nothing of the host was heard: there is no way to it, or none back.
        public let isOfRoute: Bool
        public let message: String
    }

    /// What a `tcp://` endpoint names; nil for another one.
    public static func target(_ endpoint: String) -> (host: String, port: UInt16)? {
        guard let (host, port) = Endpoint.tcpParts(endpoint), let port = UInt16(port) else {
            return nil
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        return (isBracketed ? String(host.dropFirst().dropLast()) : host, port)
    }

    /// The addresses of a name, in the order in which they are tried.
    ///
    /// - Throws: `TransportError` with what the system says.
    public static func addresses(
        of host: String, port: UInt16
    ) throws(TransportError) -> [Address] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0 else {
            let reason =
                code == EAI_SYSTEM
                ? String(cString: strerror(errno)) : String(cString: gai_strerror(code))
            throw TransportError(.badEndpoint, "\(host): \(reason)")
        }
        defer { freeaddrinfo(list) }
        var found: [Address] = []
        var next = list
        while let entry = next {
            next = entry.pointee.ai_next
            let count = Int(entry.pointee.ai_addrlen)
            guard let address = entry.pointee.ai_addr else { continue }
            let bytes = [UInt8](UnsafeRawBufferPointer(start: address, count: count))
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            getnameinfo(
                address, entry.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            found.append(
                Address(
                    text: String(
                        decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)),
                        as: UTF8.self), family: entry.pointee.ai_family, bytes: bytes))
        }
        return found
    }

    /// Connects and closes again.
    ///
    /// - Returns: the time that it took.
    /// - Throws: `Failure` with what the system says, or that there was no answer.
    public static func connect(
        to address: Address, within limit: Duration
    ) throws(Failure) -> Duration {
        let descriptor = socket(
            address.family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw failure("cannot make a socket", errno) }
        defer { close(descriptor) }
        let clock = MonotonicClock()
        let status = address.bytes.withUnsafeBytes {
            Glibc.connect(
                descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t($0.count))
        }
        guard status == 0 || errno == EINPROGRESS else { throw failure(address.text, errno) }
        var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let ready = retryingInterrupts { poll(&item, 1, limit.wholeMilliseconds) }
        guard ready > 0 else {
            throw Failure(
                isOfRoute: true,
                message: "\(address.text): no answer within \(limit.wholeMilliseconds / 1000) s")
        }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else { throw failure(address.text, code) }
        return clock.now()
    }

    private static func failure(_ what: String, _ code: Int32) -> Failure {
        Failure(
            isOfRoute: [ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN, ETIMEDOUT].contains(code),
            message: "\(what): \(String(cString: strerror(code)))")
    }
}
