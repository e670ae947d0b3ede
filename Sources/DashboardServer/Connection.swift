// One connection of a browser: requests are read with a limit for their size and time, which
// FlyingFox's own reader does not have.

import FlyingSocks
import FoundationEssentials
import Glibc

/// How long a peer may take.
struct ConnectionLimits: Sendable {
    /// Connections at a time; further ones are closed at once.
    var connections = 256
    /// Between two requests.
    var idle: Duration = .seconds(30)
    /// From a request's first byte to its last.
    var request: Duration = .seconds(10)
    /// To take an answer.
    var response: Duration = .seconds(30)
}

struct Connection {
    private let socket: AsyncSocket
    private let limits: ConnectionLimits
    private let executor: ServerExecutor
    /// Bytes that have come and belong to no request yet.
    private var pending: [UInt8] = []

    init(_ socket: AsyncSocket, _ limits: ConnectionLimits, on executor: ServerExecutor) {
        self.socket = socket
        self.limits = limits
        self.executor = executor
    }

    /// Answers requests until the peer goes, takes too long, or says what is no request.
    mutating func serve(_ answer: @Sendable (Request) -> Response) async {
        defer { try? socket.socket.close() }
        while !Task.isCancelled {
            do {
                guard let request = try await next() else { return }
                let bytes = answer(request).bytes(
                    keepsConnection: request.keepsConnection, sendsBody: request.method != "HEAD")
                try await write(bytes)
                guard request.keepsConnection else { return }
            } catch let failure as Request.Failure {
                let response = Response.sentence(failure.status, failure.sentence)
                try? await write(response.bytes(keepsConnection: false))
                return
            } catch {
                return
            }
        }
    }

    /// The next request; nil where the peer has gone.
    private mutating func next() async throws -> Request? {
        if pending.isEmpty {
            guard let first = try? await read(within: limits.idle) else { return nil }
            pending = first
        }
        let deadline = ContinuousClock.now + limits.request
        var searched = 0
        while true {
            if let end = Self.endOfHead(pending, from: searched) {
                var request = try Request(head: pending[..<end.head])
                pending.removeFirst(end.next)
                while pending.count < request.bodyByteCount {
                    pending += try await read(until: deadline)
                }
                request.body = Array(pending.prefix(request.bodyByteCount))
                pending.removeFirst(request.bodyByteCount)
                return request
            }
            guard pending.count <= Request.Limit.head else {
                throw Request.Failure(
                    status: .headersTooLarge,
                    sentence: "A request's head has at most \(Request.Limit.head) bytes.")
            }
            searched = max(pending.count - 3, 0)
            pending += try await read(until: deadline)
        }
    }

    /// Where the headers end, with their last line's break, and what follows the empty line.
    private static func endOfHead(
        _ bytes: [UInt8], from start: Int
    ) -> (head: Int, next: Int)? {
        let newline = UInt8(ascii: "\n")
        var index = start
        while index < bytes.count {
            if bytes[index] == newline {
                if index + 1 < bytes.count, bytes[index + 1] == newline {
                    return (index + 1, index + 2)
                }
                if index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "\r"),
                    bytes[index + 2] == newline
                {
                    return (index + 1, index + 3)
                }
            }
            index += 1
        }
        return nil
    }

    private func read(until deadline: ContinuousClock.Instant) async throws -> [UInt8] {
        do {
            return try await read(within: ContinuousClock.now.duration(to: deadline))
        } catch is Overdue {
            throw Request.Failure(
                status: .timeout, sentence: "The request did not come to its end in time.")
        }
    }

    private func read(within limit: Duration) async throws -> [UInt8] {
        try await within(limit, ending: Int32(SHUT_RD)) { try await socket.read(atMost: 4096) }
    }

    private func write(_ bytes: [UInt8]) async throws {
        try await within(limits.response, ending: Int32(SHUT_RDWR)) {
            try await socket.write(Data(bytes))
        }
    }

    private struct Overdue: Error {}

    /// - Parameter direction: that ends where it takes longer, so that nobody waits for it.
    /// - Throws: `Overdue` where it takes longer.
    private func within<Value>(
        _ limit: Duration, ending direction: Int32, _ body: () async throws -> Value
    ) async throws -> Value {
        let descriptor = socket.socket.file.rawValue
        let alarm = executor.after(limit) { shutdown(descriptor, direction) }
        defer { alarm.cancel() }
        do {
            return try await body()
        } catch {
            throw alarm.hasRung ? Overdue() : error
        }
    }
}
