// How many may connect: as many as leave the job the descriptors that it needs itself.

import Transport

/// Every connection takes a descriptor, before anything is known of who makes it. When few are
/// left, the socket stops listening until some have ended: workers that have joined stay, others
/// try again, and tiles can be written.
final class ConnectionLimit {
    /// Connections that may come before the socket has stopped listening, at most.
    private static let spareMaximum = 64
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
    /// - Parameter needed: that the job will need itself.
    /// - Returns: whether the socket has just stopped listening.
    func keep(_ needed: Int, now: Duration) throws(TransportError) -> Bool {
        // Where hardly more are allowed than the job needs, half of them are for connections.
        let reserve = min(needed + min(Self.spareMaximum, allowed / 8), allowed / 2)
        let free = ProgramStart.freeDescriptorCount(of: allowed)
        if isListening {
            guard free < reserve else { return false }
            try router.unbind(endpoint)
            isListening = false
            tryAt = now + Self.interval
            return true
        }
        guard free >= reserve + reserve / 8, now >= tryAt else { return false }
        tryAt = now + Self.interval
        do {
            _ = try router.bind(endpoint)
            isListening = true
        } catch {
            // The address is not free again yet.
            guard error.kind == .addressInUse else { throw error }
        }
        return false
    }
}

extension CoordinatorLoop {
    func limitConnections() throws {
        let needed = RestoreJob.openFileCount(
            yetToStart: max(0, job.localWorkerCount - localWorkers.runningCount))
        guard try connectionLimit?.keep(needed, now: clock.now()) ?? false else { return }
        noteStranger(
            "so many have connected that hardly more files can be opened: until some of them "
                + "leave, nobody else can connect", event: "connectionsLimited")
    }
}
