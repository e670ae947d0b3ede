// The server of the live page: its socket, and the tasks that answer.

import Dashboard
import FlyingSocks
import Glibc
import Synchronization
import Transport

/// Why the page cannot be shown: a sentence.
public struct DashboardError: Error, Equatable, Sendable {
    public enum Kind: Sendable {
        /// The address cannot be had now.
        case addressInUse
        /// This host has no such address.
        case badAddress
        case system
    }

    public let kind: Kind
    public let message: String
}

/// Serves the page of a job, from `init` until `close`. Its threads are not those of the job, which
/// it never waits for and which never waits for it.
public final class DashboardServer: Sendable {
    /// `http://HOST:PORT/`, with an address that can be opened on this host.
    public let url: String
    /// What a request that changes something must bring.
    public var token: String { endpoints.rules.token }
    /// Whether other hosts can come there.
    public let isExposed: Bool

    private let endpoints: Endpoints
    private let watched: any WatchedJob
    private let limits: ConnectionLimits
    private let connectionCount = Atomic(0)
    private let executor = ServerExecutor()
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Binds the port and begins to answer.
    ///
    /// - Throws: `DashboardError` where the port cannot be had, or no thread.
    public convenience init(
        _ address: DashboardAddress, _ watched: any WatchedJob
    ) throws(DashboardError) {
        try self.init(address, watched, limits: ConnectionLimits())
    }

    init(
        _ address: DashboardAddress, _ watched: any WatchedJob, limits: ConnectionLimits
    ) throws(DashboardError) {
        self.watched = watched
        self.limits = limits
        let (socket, host, port) = try Self.listen(at: address)
        isExposed = !HostName.isLoopback(host)
        let shown = ["0.0.0.0": DashboardAddress.loopback, "::": "::1"][host] ?? host
        url = "http://\(shown.contains(":") ? "[\(shown)]" : shown):\(port)/"
        let pictures = PictureMaker(watched)
        endpoints = Endpoints(
            watched: watched, pictures: pictures,
            rules: AccessRules(
                token: AccessRules.makeToken(),
                // A name that leads to loopback is as safe as the address.
                host: isExposed ? address.host : host, ownName: ThisHost.name ?? ""))
        // Signals are for the thread that reads them: none of the server's takes any.
        var all = sigset_t()
        var former = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, &former)
        defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
        do throws(TransportError) {
            try pictures.start()
        } catch {
            try? socket.close()
            throw DashboardError(kind: .system, message: error.message)
        }
        let running = Task.detached(executorPreference: executor) { [self] in await run(socket) }
        task.withLock { $0 = running }
    }

    deinit { close() }

    /// How long a page that is still getting pictures may take between two of them.
    private static let pictureWait: Duration = .milliseconds(200)

    /// Lets open pages see how it ended, with its last pictures, for a moment at most, and stops.
    ///
    /// - Parameter wait: how long that may take.
    public func finish(wait: Duration = .milliseconds(1500)) {
        let deadline = ContinuousClock.now + wait
        while watched.hasPages, ContinuousClock.now < deadline {
            let askedAt = askedAt.withLock { $0 }
            if let askedAt, ContinuousClock.now - askedAt >= Self.pictureWait { break }
            usleep(20_000)
        }
        close()
    }

    /// When a page was told how it ended, or has got a picture since.
    private let askedAt = Mutex<ContinuousClock.Instant?>(nil)

    /// Stops at once.
    public func close() {
        endpoints.pictures.stop()
        task.withLock { task in
            task?.cancel()
            task = nil
        }
    }

    // MARK: Listening

    private static func listen(
        at address: DashboardAddress
    ) throws(DashboardError) -> (Socket, host: String, port: UInt16) {
        let name = address.host == "localhost" ? DashboardAddress.loopback : address.host
        let place = "port \(address.port) of \(address.host)"
        do {
            let socket: Socket
            if HostName.isIPv6(name) {
                socket = try Socket(domain: AF_INET6)
                try prepare(socket)
                try socket.bind(to: sockaddr_in6.inet6(ip6: name, port: address.port))
            } else {
                guard let numbers = HostName.isIPv4(name) ? name : resolved(name) else {
                    throw DashboardError(
                        kind: .badAddress,
                        message: "the dashboard cannot be at \(address.host): no address of that "
                            + "name is known; an address of this host is wanted")
                }
                socket = try Socket(domain: AF_INET)
                try prepare(socket)
                try socket.bind(to: sockaddr_in.inet(ip4: numbers, port: address.port))
            }
            try socket.listen()
            switch try socket.sockname() {
            case .ip4(let host, let port), .ip6(let host, let port): return (socket, host, port)
            case .unix: throw SocketError.unsupportedAddress
            }
        } catch let error as DashboardError {
            throw error
        } catch SocketError.failed(_, let code, let message) {
            switch code {
            case EADDRINUSE:
                throw DashboardError(
                    kind: .addressInUse,
                    message: "the dashboard cannot be at \(place), which is in use; choose another "
                        + "port, or 0 for any free one")
            case EADDRNOTAVAIL:
                throw DashboardError(
                    kind: .badAddress,
                    message: "the dashboard cannot be at \(address.host), which is no address of "
                        + "this host; without one it is at \(DashboardAddress.loopback)")
            case EACCES:
                throw DashboardError(
                    kind: .badAddress,
                    message: "the dashboard may not be at \(place); choose a port above 1023")
            default:
                throw DashboardError(
                    kind: .system, message: "the dashboard cannot be at \(place): \(message)")
            }
        } catch {
            throw DashboardError(
                kind: .system, message: "the dashboard cannot be at \(place): \(error)")
        }
    }

    private static func prepare(_ socket: Socket) throws {
        // A port is free as soon as its program has ended.
        try socket.setValue(true, for: .localAddressReuse)
        _ = fcntl(socket.file.rawValue, F_SETFD, FD_CLOEXEC)
    }

    /// The first IPv4 address of a name.
    private static func resolved(_ name: String) -> String? {
        var hints = addrinfo()
        hints.ai_family = AF_INET
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        var text = [CChar](repeating: 0, count: Int(INET_ADDRSTRLEN))
        return list.pointee.ai_addr.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
            inet_ntop(AF_INET, &$0.pointee.sin_addr, &text, socklen_t(text.count))
                .map { String(cString: $0) }
        }
    }

    // MARK: Answering

    private func run(_ socket: Socket) async {
        defer { try? socket.close() }
        let pool: some AsyncSocketPool = .make()
        guard (try? await pool.prepare()) != nil,
            let listening = try? AsyncSocket(socket: socket, pool: pool)
        else { return }
        await withDiscardingTaskGroup { group in
            group.addTask { try? await pool.run() }
            while !Task.isCancelled {
                do {
                    let peer = try await listening.accept()
                    _ = fcntl(peer.socket.file.rawValue, F_SETFD, FD_CLOEXEC)
                    guard connectionCount.load(ordering: .relaxed) < limits.connections else {
                        try? peer.socket.close()
                        continue
                    }
                    connectionCount.add(1, ordering: .relaxed)
                    group.addTask { [self] in
                        var connection = Connection(peer, limits, on: executor)
                        await connection.serve(answer)
                        connectionCount.subtract(1, ordering: .relaxed)
                    }
                } catch {
                    // A peer has gone, or there are no descriptors: neither is soon over.
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
            group.cancelAll()
        }
    }

    private func answer(_ request: Request) -> Response {
        let ended = watched.ending != nil
        let response = endpoints.answer(request)
        guard ended else { return response }
        if request.path == "/api/changes", response.status == .ok {
            askedAt.withLock { $0 = $0 ?? .now }
        } else if request.path.hasPrefix("/pictures/") {
            askedAt.withLock { if $0 != nil { $0 = .now } }
        }
        return response
    }
}
