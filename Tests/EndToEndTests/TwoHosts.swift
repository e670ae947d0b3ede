// Two hosts with a cable between them: network name spaces that go with the last process in them.

import Foundation
import Glibc
import Testing

/// A host for the coordinator and one for its workers, and the link that can be cut and slowed.
/// Nothing of it has a name in the machine's own network, and nothing outlives its two processes.
final class TwoHosts {
    enum Side: String {
        case coordinator
        case workers

        var address: String { self == .coordinator ? "10.77.0.1" : "10.77.0.2" }
        var addressOfIPv6: String { self == .coordinator ? "fd00:77::1" : "fd00:77::2" }
        var link: String { "dip-\(rawValue.prefix(6))" }
    }

    static let endpoint = "tcp://\(Side.coordinator.address):5555"
    private static let enter = "/usr/bin/nsenter"

    private let session: Session
    /// Processes that do nothing but keep their name space.
    private var holders: [Side: RunningProcess] = [:]

    init(_ session: Session) throws {
        self.session = session
        for side in [Side.coordinator, .workers] {
            let holder = try session.start("/usr/bin/unshare", ["--net", "/bin/sleep", "55"])
            try session.eventually("a network of its own", of: holder) {
                ProcessEntry(holder.processIdentifier)?.name == "sleep"
            }
            holders[side] = holder
        }
        let (near, far) = (Side.coordinator, Side.workers)
        let other = try #require(holders[far]).processIdentifier
        try run(
            near, Self.tool("ip"),
            ["link", "add", near.link, "type", "veth", "peer", "name", far.link, "netns"]
                + ["\(other)"])
        for side in [near, far] {
            let ip = try Self.tool("ip")
            try run(side, ip, ["address", "add", side.address + "/24", "dev", side.link])
            try run(side, ip, ["link", "set", "lo", "up"])
            try run(side, ip, ["link", "set", side.link, "up"])
        }
    }

    /// Gives both hosts addresses of IPv6 too.
    func addIPv6() throws {
        for side in [Side.coordinator, .workers] {
            // Without the second in which a host asks whether another one has its address.
            try run(
                side, try Self.tool("ip"),
                ["-6", "address", "add", side.addressOfIPv6 + "/64", "dev", side.link, "nodad"])
        }
    }

    /// Gives the name spaces back. To be called when the programs in them have ended.
    func end() {
        for holder in holders.values { holder.kill() }
    }

    /// Starts a program on one of the hosts.
    func start(_ side: Side, _ program: String, _ arguments: [String]) throws -> RunningProcess {
        let holder = try #require(holders[side]).processIdentifier
        return try session.start(
            Self.enter, ["--net", "--target", "\(holder)", program] + arguments)
    }

    func worker(_ more: String...) throws -> RunningProcess {
        try start(.workers, Programs.worker, [Self.endpoint] + more)
    }

    /// Nothing passes any more: no packet, and no word that the other end has gone.
    func cut() throws {
        try run(.coordinator, Self.tool("ip"), ["link", "set", Side.coordinator.link, "down"])
    }

    func heal() throws {
        try run(.coordinator, Self.tool("ip"), ["link", "set", Side.coordinator.link, "up"])
    }

    /// Lets so many kilobits a second pass in each direction.
    func slow(kilobitsPerSecond: Int) throws {
        for side in [Side.coordinator, .workers] {
            try run(
                side, Self.tool("tc"),
                [
                    "qdisc", "add", "dev", side.link, "root", "tbf", "rate",
                    "\(kilobitsPerSecond)kbit", "burst", "32kb", "latency", "100ms",
                ])
        }
    }

    /// Keeps every packet for so long in each direction, and loses some.
    func disturb(milliseconds: Int, lossPercent: Int) throws {
        for side in [Side.coordinator, .workers] {
            try run(
                side, try Self.tool("tc"),
                [
                    "qdisc", "add", "dev", side.link, "root", "netem", "delay",
                    "\(milliseconds)ms", "loss", "\(lossPercent)%",
                ])
        }
    }

    /// Makes one more host on the link, which takes every packet and answers none; its address.
    func addSilentHost(beside side: Side) throws -> String {
        let address = "10.77.0.53"
        try run(
            side, try Self.tool("ip"),
            [
                "neighbour", "add", address, "lladdr", "02:00:00:00:00:53", "dev", side.link,
            ])
        return address
    }

    private func run(_ side: Side, _ program: String, _ arguments: [String]) throws {
        let process = try start(side, program, arguments)
        try #require(process.wait(atMost: .seconds(10)) == .exited(0), process.story)
    }

    /// Where the system keeps a program of its administrator.
    private static func tool(_ name: String) throws -> String {
        let places = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map { "\($0)/\(name)" }
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else {
            throw Failure("there is no \(name) on this machine")
        }
        return path
    }

    // MARK: What is allowed here

    private static func isAllowed(_ body: (TwoHosts) throws -> Void) -> Bool {
        guard geteuid() == 0, access(enter, X_OK) == 0, access("/usr/bin/unshare", X_OK) == 0,
            (try? tool("ip")) != nil
        else { return false }
        var isAllowed = false
        // What fails here is no failure of a test.
        withKnownIssue(isIntermittent: true) {
            try withSession { session in
                let hosts = try TwoHosts(session)
                defer { hosts.end() }
                try body(hosts)
                isAllowed = true
            }
        }
        return isAllowed
    }

    /// Whether name spaces and a link between them can be made.
    static let areAllowed = isAllowed { _ in }
    /// Whether the hosts can have addresses of IPv6.
    static let haveIPv6 = isAllowed { try $0.addIPv6() }
    /// Whether packets can be kept and lost; not every kernel can do that.
    static let canBeDisturbed = isAllowed { try $0.disturb(milliseconds: 10, lossPercent: 1) }
    /// Whether that link can be slowed.
    static let canBeSlow = isAllowed { try $0.slow(kilobitsPerSecond: 1000) }
}
