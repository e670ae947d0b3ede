// How many may connect: as many as leave the job the descriptors that it needs itself.

import Transport

/// Every connection takes a descriptor, before anything is known of who makes it. When few are
/// left, the socket stops listening until some have ended: workers that have joined stay, others
/// try again, and tiles can be written.
final class ConnectionLimit {
    /// What the user may want to know.
    enum Change {
        case closed(free: Int)
        case opened
    }

    /// After which the address may be free again.
    private static let interval: Duration = .milliseconds(500)

    private let router: RouterSocket
    private let endpoint: String
    private let allowed: Int
    private var isListening = true
    private var tryAt: Duration = .zero

    /// - Parameters:
    ///   - endpoint: where the socket listens.
    ///   - allowed: files that the process may have open.
    init(_ router: RouterSocket, _ endpoint: String, allowed: Int) {
        (self.router, self.endpoint, self.allowed) = (router, endpoint, allowed)
    }

    /// Looks how many descriptors are left.
    ///
    /// - Parameter reserve: that the job needs itself, and a few to spare.
    func keep(_ reserve: Int, now: Duration) throws(TransportError) -> Change? {
        // Where hardly more are allowed than the job needs, half of them are for connections.
        let reserve = min(reserve, allowed / 2)
        let free = ProgramStart.freeDescriptorCount(of: allowed)
        if isListening {
            guard free < reserve else { return nil }
            try router.unbind(endpoint)
            isListening = false
            tryAt = now + Self.interval
            return .closed(free: free)
        }
        guard free >= reserve + reserve / 2, now >= tryAt else { return nil }
        tryAt = now + Self.interval
        do {
            _ = try router.bind(endpoint)
        } catch  where error.kind == .addressInUse {
            return nil
        }
        isListening = true
        return .opened
    }
}

extension CoordinatorLoop {
    func limitConnections() throws {
        switch try connectionLimit?.keep(job.openFileCount, now: clock.now()) {
        case .closed(let free)?:
            note(
                "so many have connected that only \(free) more files can be opened: until some of "
                    + "them leave, nobody else can connect", event: "connectionsLimited")
        case .opened?: note("others can connect again", event: "connectionsOpened")
        case nil: break
        }
    }
}
