// dip-worker --check: can a coordinator be reached from here? Name, route, port, keys and version,
// one after the other, so that the first that fails is named.

import Cluster
import Glibc
import Transport
import Wire

/// Asks a coordinator without joining it.
struct Check {
    private static let connectTime: Duration = .seconds(5)
    private static let answerTime: Duration = .seconds(10)

    let endpoint: String
    let curve: CurveRole?
    let console: Console

    /// Prints each step; the exit code.
    func run() throws -> Int32 {
        guard Endpoint.isWellFormed(endpoint, anyPort: false) else {
            fail("name", "'\(endpoint)' is no endpoint", "tcp://HOST:PORT or ipc://PATH is wanted")
            return ExitCode.usage
        }
        guard let target = Reachability.target(endpoint) else {
            let path = String(endpoint.dropFirst("ipc://".count))
            // A name that begins so is Linux's own, and no file's.
            guard path.hasPrefix("@") || access(path, F_OK) == 0 else {
                fail(
                    "name", "there is no \(path) on this host",
                    "is the coordinator running, on this host, with the same --listen?")
                return ExitCode.unavailable
            }
            say("name", "\(path) is a file of this host")
            return try checkAnswer(usesIPv6: false)
        }
        guard let address = checkPort(target.host, target.port) else {
            return ExitCode.unavailable
        }
        return try checkAnswer(usesIPv6: address.isIPv6)
    }

    private func say(_ step: String, _ what: String) {
        let space = String(repeating: " ", count: max(1, 9 - step.count))
        console.output("\(step)\(space)\(what)")
    }

    private func fail(_ step: String, _ what: String, _ advice: String) {
        say(step, "FAILED: \(what)")
        console.error("\(what); \(advice)")
    }

    /// The first address that answers.
    private func checkPort(_ host: String, _ port: UInt16) -> Reachability.Address? {
        let addresses: [Reachability.Address]
        do throws(TransportError) {
            addresses = try Reachability.addresses(of: host, port: port)
        } catch {
            fail("name", error.message, "use a name or an address that this host knows")
            return nil
        }
        say("name", "\(host) is \(addresses.map(\.text).joined(separator: ", "))")
        var failures: [Reachability.Failure] = []
        for address in addresses {
            do throws(Reachability.Failure) {
                let time = try Reachability.connect(to: address, within: Self.connectTime)
                say("route", "\(address.text) is reached in \(milliseconds(time)) ms")
                say("port", "\(port) of \(address.text) answers")
                return address
            } catch {
                failures.append(error)
            }
        }
        let messages = failures.map(\.message).joined(separator: "; ")
        guard failures.contains(where: { !$0.isOfRoute }) else {
            fail(
                "route", messages,
                "is that host on, and does every network between let port \(port) pass, there and "
                    + "back? A firewall that drops looks like this too")
            return nil
        }
        say("route", "that host answers")
        fail(
            "port", "port \(port): \(messages)",
            "is the coordinator running, and does it --listen at an address that this host "
                + "reaches, not at 127.0.0.1?")
        return nil
    }

    private func milliseconds(_ time: Duration) -> String {
        let tenths = Int((time / .milliseconds(0.1)).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private func checkAnswer(usesIPv6: Bool) throws -> Int32 {
        var options = SocketOptions()
        options.curve = curve
        options.usesIPv6 = usesIPv6
        let socket = try DealerSocket(
            connectingTo: endpoint, context: try MessagingContext(), options: options)
        defer { socket.abandon() }
        var poller = Poller()
        _ = poller.add(socket)
        if let handshakes = socket.handshakes { _ = poller.add(handshakes) }
        let question = try MessageCodec.encode(.heartbeat(Heartbeat())).first ?? []
        let clock = MonotonicClock()
        var isAsked = false
        var isThrough = false
        while clock.now() < Self.answerTime {
            while let outcome = socket.handshakes?.next() {
                if outcome == .succeeded {
                    if !isThrough { sayHandshake() }
                    isThrough = true
                } else {
                    return failHandshake(outcome)
                }
            }
            // Without a hello it is answered and not taken for a worker.
            if !isAsked { isAsked = try socket.send(question) == .sent }
            while let received = try socket.receive() {
                // It may be here before the news of the handshake.
                if !isThrough { sayHandshake() }
                isThrough = true
                if let code = check(received) { return code }
            }
            _ = try poller.wait(timeout: .milliseconds(100))
        }
        // With keys nothing is said before the handshake is through.
        fail(
            curve == nil || isThrough ? "version" : "keys",
            "\(endpoint) accepts connections and says nothing",
            "is it a dip-coord that listens there?")
        return ExitCode.unavailable
    }

    private func sayHandshake() {
        if case .client(_, let server) = curve {
            say("keys", "the coordinator holds \(server), and lets this worker join")
        } else {
            say("keys", "none: nothing is encrypted")
        }
    }

    private func failHandshake(_ outcome: HandshakeOutcome) -> Int32 {
        if outcome == .refused {
            fail(
                "keys", "the coordinator does not know this worker's key",
                "its public key must lie in the folder workers of the coordinator's --keys")
            return ExitCode.refused
        }
        fail(
            "keys", "the handshake fails",
            curve == nil
                ? "a coordinator that uses --keys wants them here too"
                : "is it started with --keys, and is --server-key its key?")
        return ExitCode.refused
    }

    /// The exit code when the answer tells it.
    private func check(_ received: ReceivedMessage) -> Int32? {
        guard case .frames(let frames) = received else { return nil }
        do throws(WireError) {
            _ = try MessageCodec.decode(frames)
        } catch .protocolMismatch(let seen) {
            fail(
                "version",
                "the coordinator speaks protocol version \(seen), this worker "
                    + "\(WireLimits.protocolVersion)", "use programs of one version")
            return ExitCode.refused
        } catch {
            fail("version", "the answer is no message: \(error)", "is it a dip-coord?")
            return ExitCode.unavailable
        }
        say("version", "protocol version \(WireLimits.protocolVersion) on both sides")
        return ExitCode.success
    }
}
