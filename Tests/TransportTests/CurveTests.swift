// Encrypted sockets on loopback: who gets in, who does not, and what both sides are told.

import Foundation
import Glibc
import Synchronization
import Testing

@testable import Transport

@Suite(.serialized, .timeLimit(.minutes(1))) final class CurveTests {
    private let context: MessagingContext
    private let folder: String
    private let coordinator: CurveKeyPair
    private let worker: CurveKeyPair
    private let authenticator: Authenticator
    private let router: RouterSocket
    private let endpoint: String

    init() throws {
        context = try MessagingContext()
        folder =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("curve-\(UUID().uuidString)").path
        let keys = KeyFolder(folder)
        worker = try KeyFolder(try keys.make(worker: "worker")).worker()
        coordinator = try keys.coordinator()
        authenticator = try Authenticator(context: context, folder: keys, local: [])
        var options = SocketTests.quick
        options.curve = .server(coordinator)
        router = try RouterSocket(context: context, options: options)
        endpoint = try router.bind("tcp://127.0.0.1:0")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func dealer(
        _ pair: CurveKeyPair?, server: CurvePublicKey? = nil, at endpoint: String? = nil
    ) throws -> DealerSocket {
        var options = SocketTests.quick
        options.curve = pair.map { .client($0, server: server ?? coordinator.publicKey) }
        return try DealerSocket(
            connectingTo: endpoint ?? self.endpoint, context: context, options: options)
    }

    /// The first outcome of a socket's handshakes, for at most five seconds.
    private func handshake(_ socket: MessageSocket) throws -> HandshakeOutcome? {
        let monitor = try #require(socket.handshakes)
        let clock = MonotonicClock()
        while clock.now() < .seconds(5) {
            if let outcome = monitor.next() { return outcome }
            usleep(2000)
        }
        return nil
    }

    /// Nothing comes from a dealer, however often it tries.
    private func expectSilence(_ dealer: DealerSocket) throws {
        let clock = MonotonicClock()
        while clock.now() < .milliseconds(300) {
            #expect(try dealer.send([[1]]) == .full)
            #expect(try router.receive() == nil)
            usleep(5000)
        }
    }

    private func expectServiceForTheRightful() throws {
        let dealer = try dealer(worker)
        #expect(try send([[1], [2, 3]], dealer) == .sent)
        let received = try #require(try receive(router))
        #expect(received.message == .frames([[1], [2, 3]]))
        #expect(try router.send([[4]], to: received.peer) == .sent)
        #expect(try receive(dealer) == .frames([[4]]))
    }

    @Test func `a worker on the list is served`() throws {
        let dealer = try dealer(worker)
        #expect(try handshake(dealer) == .succeeded)
        #expect(try handshake(router) == .succeeded)
        try expectServiceForTheRightful()
        #expect(authenticator.takeRefusals() == [])
    }

    @Test func `an unknown key is refused, and both sides are told`() throws {
        let stranger = try CurveKeyPair()
        let dealer = try dealer(stranger)
        #expect(try handshake(dealer) == .refused)
        let refusal = try #require(authenticator.takeRefusals().first)
        #expect(refusal == .init(address: "127.0.0.1", key: stranger.publicKey))
        try expectSilence(dealer)
        try expectServiceForTheRightful()
    }

    @Test func `a worker that is added to the list gets in without a restart`() throws {
        let second = try KeyFolder(try KeyFolder(folder).make(worker: "second")).worker()
        usleep(250_000)
        let dealer = try dealer(second)
        #expect(try handshake(dealer) == .succeeded)
    }

    @Test func `a coordinator with another key gets nothing from a worker`() throws {
        let dealer = try dealer(worker, server: try CurveKeyPair().publicKey)
        #expect(try handshake(dealer) == .brokenOff)
        #expect(try handshake(router) == .foreign)
        try expectSilence(dealer)
    }

    @Test func `who does not encrypt gets nothing`() throws {
        let dealer = try dealer(nil)
        #expect(try handshake(router) == .foreign)
        try expectSilence(dealer)
        try expectServiceForTheRightful()
    }

    @Test func `a coordinator that does not encrypt gets nothing`() throws {
        let plain = try RouterSocket(context: context, options: SocketTests.quick)
        let dealer = try dealer(worker, at: try plain.bind("tcp://127.0.0.1:0"))
        #expect([.foreign, .brokenOff].contains(try handshake(dealer)))
        #expect(try dealer.send([[1]]) == .full)
        #expect(try plain.receive() == nil)
    }

    @Test func `scanners and hundreds of silent connections keep nobody out`() throws {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        var generator = SystemRandomNumberGenerator()
        for index in 0..<300 {
            let descriptor = try TCP.connect(to: endpoint)
            descriptors.append(descriptor)
            guard index % 3 > 0 else { continue }
            var bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // Half of them begin as ZeroMQ does.
            if index % 3 == 1 {
                bytes[0] = 0xFF
                bytes[9] = 0x7F
                bytes[10] = 3
            }
            _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
        try expectServiceForTheRightful()
    }

    @Test func `bytes that are altered on the way end the connection and never arrive`() throws {
        let proxy = try TCPProxy(to: endpoint)
        let dealer = try dealer(worker, at: proxy.endpoint)
        #expect(try send([[1, 2, 3]], dealer) == .sent)
        #expect(try receive(router)?.message == .frames([[1, 2, 3]]))
        proxy.alter()
        #expect(try dealer.send([[UInt8](repeating: 9, count: 1000)]) == .sent)
        let clock = MonotonicClock()
        var arrived: [ReceivedMessage] = []
        while clock.now() < .milliseconds(500) {
            if let message = try router.receive()?.message { arrived.append(message) }
            usleep(5000)
        }
        #expect(arrived == [])
        #expect(proxy.alteredCount == 1)
    }

    @Test func `a session that is recorded and played again says nothing`() throws {
        let proxy = try TCPProxy(to: endpoint)
        let dealer = try dealer(worker, at: proxy.endpoint)
        #expect(try send([[1, 2, 3]], dealer) == .sent)
        #expect(try receive(router) != nil)
        dealer.close()
        let recording = proxy.recording
        #expect(recording.count > 300)
        let descriptor = try TCP.connect(to: endpoint)
        defer { close(descriptor) }
        _ = Glibc.send(descriptor, recording, recording.count, Int32(MSG_NOSIGNAL))
        usleep(300_000)
        #expect(try router.receive() == nil)
        try expectServiceForTheRightful()
    }
}

/// Without anybody who answers for keys.
@Suite struct UnattendedCurveTests {
    @Test func `a list that nobody keeps lets nobody in`() throws {
        // In a process of its own there would be no authenticator at all; here the request is
        // answered by one that knows nobody.
        let context = try MessagingContext()
        var door = Authenticator.Door(workers: KeyFolder("/nowhere").workers, local: [])
        let key = [UInt8](repeating: 1, count: 32)
        let request = ["1.0", "1", "dip", "127.0.0.1", "", "CURVE"].map { Array($0.utf8) } + [key]
        #expect(door.answer(request, now: .zero).refusal != nil)
        withExtendedLifetime(context) {}
    }
}

enum TCP {
    /// A connection to `tcp://127.0.0.1:PORT`.
    static func connect(to endpoint: String) throws -> Int32 {
        let port = try #require(endpoint.split(separator: ":").last.flatMap { UInt16($0) })
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0, "connect: \(String(cString: strerror(errno)))")
        return descriptor
    }

    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// Passes one connection on, records what the client sends, and can alter a byte of it.
final class TCPProxy: Sendable {
    private struct State {
        var recording: [UInt8] = []
        var isAltering = false
        var alteredCount = 0
    }

    let endpoint: String
    private let state = Mutex(State())

    init(to target: String) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = TCP.loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(listener, $0, size) == 0 && listen(listener, 4) == 0)
                try #require(getsockname(listener, $0, &size) == 0)
            }
        }
        endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        let server = try TCP.connect(to: target)
        _ = try DedicatedThread(name: "proxy") { [self] in
            let client = accept(listener, nil, nil)
            // What connects again finds nobody.
            close(listener)
            pass(client, server)
            close(client)
            close(server)
        }
    }

    /// From here on a byte of whatever the client sends is another one.
    func alter() { state.withLock { $0.isAltering = true } }
    var alteredCount: Int { state.withLock { $0.alteredCount } }
    var recording: [UInt8] { state.withLock { $0.recording } }

    private func pass(_ client: Int32, _ server: Int32) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var items = [client, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&items, 2, 10_000) > 0 else { return }
            for (item, target) in zip(items, [server, client]) where item.revents != 0 {
                let count = read(item.fd, &buffer, buffer.count)
                guard count > 0 else { return }
                if item.fd == client {
                    state.withLock {
                        if $0.isAltering, $0.alteredCount == 0 {
                            buffer[count / 2] ^= 1
                            $0.alteredCount += 1
                        }
                        $0.recording += buffer[..<count]
                    }
                }
                guard
                    Glibc.send(target, buffer, count, Int32(MSG_NOSIGNAL)) == count
                else { return }
            }
        }
    }
}
