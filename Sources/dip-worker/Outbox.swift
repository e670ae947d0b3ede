// Messages that the socket does not take yet.

import Transport
import Wire

/// What waits to be sent. Short messages overtake the pieces of a result or a state, so that a
/// heartbeat never waits behind a transfer; of those that only say how things stand, the latest one
/// is kept. So the size is bounded by one result, one state and a few messages.
struct Outbox {
    private static let supersedable: Set<MessageKind> = [.hello, .heartbeat, .progress, .preview]

    private var short: [(kind: MessageKind, frames: [[UInt8]])] = []
    /// The piece that is next, and those after it.
    private var piece: [[UInt8]]?
    private var result: MessagePieces?
    private var state: MessagePieces?

    var isEmpty: Bool { short.isEmpty && piece == nil && result == nil && state == nil }

    mutating func add(_ kind: MessageKind, _ frames: [[UInt8]]) {
        if Self.supersedable.contains(kind) { short.removeAll { $0.kind == kind } }
        short.append((kind, frames))
    }

    /// Puts a result in place of whatever was under way: nothing else is wanted then.
    mutating func setResult(_ pieces: MessagePieces) {
        clearPieces()
        result = pieces
    }

    /// Puts a state in place of the one before.
    mutating func setState(_ pieces: MessagePieces) {
        state = pieces
    }

    mutating func clearPieces() {
        (piece, result, state) = (nil, nil, nil)
    }

    mutating func clear() {
        short = []
        clearPieces()
    }

    /// Sends what the socket takes.
    mutating func flush(to socket: DealerSocket) throws {
        while let first = short.first {
            guard try socket.send(first.frames) == .sent else { return }
            short.removeFirst()
        }
        while let frames = try nextPiece() {
            guard try socket.send(frames) == .sent else {
                piece = frames
                return
            }
            piece = nil
        }
    }

    private mutating func nextPiece() throws -> [[UInt8]]? {
        if let piece { return piece }
        if let frames = try result?.next() { return frames }
        result = nil
        if let frames = try state?.next() { return frames }
        state = nil
        return nil
    }
}
