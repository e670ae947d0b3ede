// Real sockets on loopback: what arrives, what is refused, and what a bad peer can do.

import Foundation
import Glibc
import Synchronization
import Testing

@testable import Transport

/// Waits for one message, for at most five seconds.
func receive(_ socket: RouterSocket) throws -> (peer: [UInt8], message: ReceivedMessage)? {
    var poller = Poller()
    _ = poller.add(socket)
    _ = try poller.wait(timeout: .seconds(5))
    return try socket.receive()
}

func receive(_ socket: DealerSocket) throws -> ReceivedMessage? {
    var poller = Poller()
    _ = poller.add(socket)
    _ = try poller.wait(timeout: .seconds(5))
    return try socket.receive()
}

/// Sends as soon as a connection is there, for at most five seconds.
func send(_ frames: [[UInt8]], _ socket: DealerSocket) throws -> SendOutcome {
    let clock = MonotonicClock()
    while clock.now() < .seconds(5) {
        let outcome = try socket.send(frames)
        if outcome != .full { return outcome }
        usleep(2000)
    }
    return .full
}

@Suite struct SocketTests {
    let context: MessagingContext
    let router: RouterSocket
    let endpoint: String

    init() throws {
        context = try MessagingContext()
        router = try RouterSocket(context: context, options: Self.quick)
        endpoint = try router.bind("tcp://127.0.0.1:0")
    }

    static var quick: SocketOptions {
        var options = SocketOptions()
        options.linger = .milliseconds(100)
        options.reconnectInterval = .milliseconds(10)
        options.reconnectIntervalMax = .milliseconds(50)
        return options
    }

    func dealer() throws -> DealerSocket {
        try DealerSocket(connectingTo: endpoint, context: context, options: Self.quick)
    }

    @Test func `messages go there and back with all their frames`() throws {
        let dealer = try dealer()
        let frames: [[UInt8]] = [[1, 2, 3], [], [UInt8](repeating: 7, count: 1 << 20)]
        #expect(try send(frames, dealer) == .sent)
        let received = try #require(try receive(router))
        #expect(received.message == .frames(frames))
        #expect(try router.send([[9], frames[2]], to: received.peer) == .sent)
        #expect(try receive(dealer) == .frames([[9], frames[2]]))
        #expect(try dealer.receive() == nil)
        #expect(try router.receive() == nil)
    }

    @Test func `a port of the system's choice is told`() {
        #expect(endpoint.hasPrefix("tcp://127.0.0.1:"))
        #expect(endpoint.last != "0" || endpoint.suffix(2) != ":0")
    }

    @Test func `addresses of the sixth version need nothing but brackets`() throws {
        let router = try RouterSocket(context: context, options: Self.quick)
        // A host without IPv6 has no such address.
        guard let endpoint = try? router.bind("tcp://[::1]:*") else { return }
        #expect(endpoint.hasPrefix("tcp://[::1]:"))
        let dealer = try DealerSocket(
            connectingTo: endpoint, context: context, options: Self.quick)
        #expect(try send([[1]], dealer) == .sent)
        #expect(try #require(try receive(router)).message == .frames([[1]]))
    }

    @Test func `a port in use is an error that says so`() throws {
        let second = try RouterSocket(context: context)
        do {
            _ = try second.bind(endpoint)
            Issue.record("bound twice")
        } catch {
            #expect(error.kind == .addressInUse)
            #expect(error.message.contains(endpoint))
        }
    }

    @Test func `what is not an endpoint is an error`() throws {
        let endpoints = [
            "", "5555", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "tcp://1.2.3.4:0",
            "carrier-pigeon://roof", "tcp://127.0.0.1:12\u{0}34", "tcp://nosuchinterface:5555",
            "ipc://" + String(repeating: "a", count: 300),
        ]
        for endpoint in endpoints {
            let socket = try RouterSocket(context: context)
            do {
                _ = try socket.bind(endpoint)
                Issue.record("bound to '\(endpoint)'")
            } catch {
                #expect(error.kind == .badEndpoint, "\(endpoint): \(error)")
            }
        }
        for endpoint in ["", "5555", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "tcp://127.0.0.1:0"] {
            #expect(throws: TransportError.self, "\(endpoint)") {
                try DealerSocket(connectingTo: endpoint, context: context)
            }
        }
    }

    @Test func `a peer that is unknown or has gone is unreachable and breaks nothing`() throws {
        let dealer = try dealer()
        let leaver = try self.dealer()
        #expect(try send([[1]], leaver) == .sent)
        let gone = try #require(try receive(router)).peer
        leaver.close()
        #expect(try send([[2]], dealer) == .sent)
        let peer = try #require(try receive(router)).peer

        let clock = MonotonicClock()
        var outcome = SendOutcome.sent
        while outcome != .unreachable, clock.now() < .seconds(30) {
            outcome = try router.send([[3], [4]], to: gone)
            // Who sends and never looks at the socket may not be told.
            #expect(try router.receive() == nil)
            usleep(1000)
        }
        #expect(outcome == .unreachable)
        #expect(try router.send([[3], [4]], to: [0, 1, 2, 3, 4]) == .unreachable)
        #expect(try router.send([[5], [6]], to: peer) == .sent)
        #expect(try receive(dealer) == .frames([[5], [6]]))
    }

    @Test func `a peer that goes while its messages wait to be received harms nobody`() throws {
        var options = Self.quick
        options.sendQueueMax = 1000
        options.linger = .seconds(2)
        let leaver = try DealerSocket(connectingTo: endpoint, context: context, options: options)
        #expect(try send([[0]], leaver) == .sent)
        let peer = try #require(try receive(router)).peer
        let payload = [UInt8](repeating: 1, count: 1000)
        for _ in 0..<400 { #expect(try leaver.send([payload]) == .sent) }
        leaver.close()
        usleep(200_000)
        // What a connection that has ended is sent comes back as an error, with much left unread.
        for _ in 0..<3 {
            _ = try router.send([[2]], to: peer)
            usleep(100_000)
        }
        let dealer = try dealer()
        #expect(try send([[3]], dealer) == .sent)
        var count = 0
        while let (sender, message) = try receive(router), message != .frames([[3]]) {
            #expect(sender == peer && message == .frames([payload]))
            count += 1
        }
        #expect((1...400).contains(count))
    }

    @Test func `libzmq's heartbeats, which can abort the program, are off`() {
        // ZMQ_HEARTBEAT_IVL, of a ZMQ_ROUTER and a ZMQ_DEALER.
        for type: Int32 in [6, 5] {
            #expect(!SocketOptions().values(type: type).contains { $0.option == 75 })
        }
    }

    @Test func `a full queue refuses whole messages only`() throws {
        let reader = try dealer()
        #expect(try send([[0]], reader) == .sent)
        let peer = try #require(try receive(router)).peer
        // More than the buffers of the system take.
        let payload = [UInt8](repeating: 1, count: 1 << 19)
        var sentCount = 0
        while try router.send([[UInt8(sentCount)], payload], to: peer) == .sent, sentCount < 200 {
            sentCount += 1
        }
        #expect(sentCount > 0 && sentCount < 200)
        for index in 0..<sentCount {
            #expect(try receive(reader) == .frames([[UInt8(index)], payload]), "\(index)")
        }
        #expect(try router.send([[77], payload], to: peer) == .sent)
        #expect(try receive(reader) == .frames([[77], payload]))
    }

    @Test func `nothing is queued for a coordinator that is not there`() throws {
        // A port that was free a moment ago may be another program's now; a name is nobody's.
        let deserted = "ipc://\(NSTemporaryDirectory())dip-nobody-\(UUID().uuidString)"
        let dealer = try DealerSocket(
            connectingTo: deserted, context: context, options: Self.quick)
        #expect(try dealer.send([[1]]) == .full)
    }

    @Test func `a message of ten thousand frames is dropped and told`() throws {
        let dealer = try dealer()
        #expect(try send((0..<10_000).map { [UInt8($0 % 256)] }, dealer) == .sent)
        #expect(try send([[1], [2]], dealer) == .sent)
        let nonsense = try #require(try receive(router))
        #expect(nonsense.message == .tooManyFrames(count: 10_000))
        let sense = try #require(try receive(router))
        #expect(sense.message == .frames([[1], [2]]))
        #expect(sense.peer == nonsense.peer)

        #expect(try router.send((0..<9).map { [$0] }, to: sense.peer) == .sent)
        #expect(try router.send((0..<8).map { [$0] }, to: sense.peer) == .sent)
        #expect(try receive(dealer) == .tooManyFrames(count: 9))
        #expect(try receive(dealer) == .frames((0..<8).map { [$0] }))
    }

    @Test func `a frame beyond the limit never arrives and harms nobody else`() throws {
        let bad = try dealer()
        let good = try dealer()
        #expect(try send([[UInt8](repeating: 0, count: (1 << 20) + (4 << 10) + 1)], bad) == .sent)
        #expect(try send([[1]], good) == .sent)
        #expect(try #require(try receive(router)).message == .frames([[1]]))
        usleep(20_000)
        #expect(try router.receive() == nil)
    }

    @Test func `a dealer connects again to a coordinator that comes back`() throws {
        let dealer = try dealer()
        #expect(try send([[1]], dealer) == .sent)
        #expect(try receive(router) != nil)
        router.close()
        var successor = try RouterSocket(context: context, options: Self.quick)
        let clock = MonotonicClock()
        // The port is free as soon as the I/O thread has closed it.
        while clock.now() < .seconds(5), (try? successor.bind(endpoint)) == nil {
            successor = try RouterSocket(context: context, options: Self.quick)
            usleep(2000)
        }
        // What was sent while the loss was not yet noticed is lost; later messages arrive.
        var received: ReceivedMessage?
        while received == nil, clock.now() < .seconds(5) {
            _ = try dealer.send([[2]])
            usleep(5000)
            received = try successor.receive()?.message
        }
        #expect(received == .frames([[2]]))
    }

    @Test func `a connection that ends between two frames refuses the message`() throws {
        router.close()
        let comesAndGoes = Atomic(true)
        let endpoint = endpoint
        let other = try DedicatedThread(name: "coordinators") {
            let clock = MonotonicClock()
            var times = 0
            while times < 10, clock.now() < .seconds(5) {
                if let context = try? MessagingContext(),
                    let router = try? RouterSocket(context: context, options: Self.quick),
                    (try? router.bind(endpoint)) != nil
                {
                    times += 1
                    _ = try? receive(router)
                    usleep(.random(in: 0...10_000))
                }
            }
            comesAndGoes.store(false, ordering: .releasing)
        }
        let dealer = try dealer()
        // So many that most connections end between two of them.
        let frames = [[UInt8]](repeating: [1], count: 20_000)
        var outcomes: Set<SendOutcome> = []
        while comesAndGoes.load(ordering: .acquiring) {
            try outcomes.insert(dealer.send(frames))
        }
        #expect(outcomes == [.sent, .full])
        withExtendedLifetime(other) {}
    }

    @Test func `random bytes of a port scanner harm nobody`() throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = try #require(UInt16(endpoint.split(separator: ":").last ?? "")).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        for seed in 0..<5 {
            let scanner = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(scanner) }
            let connected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(scanner, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            #expect(connected == 0)
            let noise = (0..<200).map { UInt8(truncatingIfNeeded: ($0 + seed) * 73) }
            #expect(noise.withUnsafeBytes { write(scanner, $0.baseAddress, $0.count) } == 200)
        }
        let dealer = try dealer()
        #expect(try send([[1, 2, 3]], dealer) == .sent)
        var messages: [ReceivedMessage] = []
        while messages.count < 100, messages.last != .frames([[1, 2, 3]]) {
            messages.append(try #require(try receive(router)).message)
        }
        #expect(messages.last == .frames([[1, 2, 3]]))
    }

    @Test func `a closed socket is an error and not a trap`() throws {
        let dealer = try dealer()
        dealer.close()
        dealer.close()
        #expect(throws: TransportError.self) { try dealer.send([[1]]) }
        #expect(throws: TransportError.self) { try dealer.receive() }
        var poller = Poller()
        _ = poller.add(dealer)
        #expect(throws: TransportError.self) { try poller.wait(timeout: .zero) }
    }

    @Test func `a socket keeps the context that it needs`() throws {
        let dealer = try {
            try DealerSocket(
                connectingTo: endpoint, context: try MessagingContext(), options: Self.quick)
        }()
        #expect(try send([[1]], dealer) == .sent)
    }

    @Test func `only addresses of this host stay on it`() {
        let local = [
            "ipc:///tmp/x", "inproc://x", "tcp://127.0.0.1:5", "tcp://127.9.9.9:*",
            "tcp://[::1]:5", "tcp://localhost:5", "tcp://lo:*",
        ]
        let open = [
            "tcp://0.0.0.0:5", "tcp://*:5", "tcp://[::]:5", "tcp://10.0.0.1:5", "tcp://eth0:*",
            "tcp://127.0.0.1.example.org:5", "tcp://127:5", "tcp://:5", "tcp://", "", "ws://x:1",
        ]
        for endpoint in local { #expect(Endpoint.staysOnThisHost(endpoint), "\(endpoint)") }
        for endpoint in open { #expect(!Endpoint.staysOnThisHost(endpoint), "\(endpoint)") }
    }
}
