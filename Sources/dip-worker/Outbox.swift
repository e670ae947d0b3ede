// Messages that the socket does not take yet.

import Transport
import Wire

/// What waits to be sent. Short messages overtake the pieces of a result, so that a heartbeat never
/// waits behind a transfer; of those that only say how things stand, the latest one is kept. So the
/// size is bounded by one result and a few messages.
struct Outbox {
    private static let supersedable: Set<MessageKind> = [.hello, .heartbeat, .progress]

    private var short: [(kind: MessageKind, frames: [[UInt8]])] = []
    private var pieces: [[[UInt8]]] = []
    private var sentPieceCount = 0

    var isEmpty: Bool { short.isEmpty && sentPieceCount == pieces.count }

    mutating func add(_ kind: MessageKind, _ frames: [[UInt8]]) {
        if Self.supersedable.contains(kind) { short.removeAll { $0.kind == kind } }
        short.append((kind, frames))
    }

    /// Puts a result in place of the one before.
    mutating func setPieces(_ pieces: [[[UInt8]]]) {
        self.pieces = pieces
        sentPieceCount = 0
    }

    mutating func clear() {
        short = []
        setPieces([])
    }

    /// Sends what the socket takes.
    mutating func flush(to socket: DealerSocket) throws(TransportError) {
        while let first = short.first {
            guard try socket.send(first.frames) == .sent else { return }
            short.removeFirst()
        }
        while sentPieceCount < pieces.count {
            guard try socket.send(pieces[sentPieceCount]) == .sent else { return }
            sentPieceCount += 1
        }
        setPieces([])
    }
}
