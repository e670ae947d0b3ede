// Messages to workers that their connections do not take yet.

import Transport
import Wire

/// What waits to be sent, by worker. Short messages overtake the pieces of a tile.
struct PeerOutboxes {
    private struct Outbox {
        var short: [[[UInt8]]] = []
        /// The piece that is next, and those after it.
        var piece: [[UInt8]]?
        var transfers: [MessagePieces] = []

        /// The message to be sent next; nil when nothing waits.
        mutating func next() throws -> [[UInt8]]? {
            if let message = short.first { return message }
            while piece == nil, !transfers.isEmpty {
                piece = try transfers[0].next()
                if piece == nil { transfers.removeFirst() }
            }
            return piece
        }

        /// The next message has been sent.
        mutating func removeFirst() {
            if short.isEmpty { piece = nil } else { short.removeFirst() }
        }
    }

    /// A peer that lets so many short messages lie will not be spoken to any more.
    private static let shortCountMaximum = 256

    private var boxes: [PeerID: Outbox] = [:]

    /// Whether something waits.
    var isWaiting: Bool { !boxes.isEmpty }

    /// Sends a message, now or when the connection takes it.
    ///
    /// - Returns: false when the peer cannot be reached any more.
    mutating func send(
        _ frames: [[UInt8]], to peer: PeerID, on router: RouterSocket
    ) throws -> Bool {
        boxes[peer, default: Outbox()].short.append(frames)
        return try flush(peer, router)
    }

    /// Sends a tile, in place of one that was under way: its state, if it has one, then its pixels.
    mutating func send(
        _ transfers: [MessagePieces], to peer: PeerID, on router: RouterSocket
    ) throws -> Bool {
        boxes[peer, default: Outbox()].piece = nil
        boxes[peer, default: Outbox()].transfers = transfers
        return try flush(peer, router)
    }

    mutating func forget(_ peer: PeerID) { boxes[peer] = nil }

    /// Sends what the connections take.
    ///
    /// - Returns: the peers that cannot be reached any more.
    mutating func flush(to router: RouterSocket) throws -> [PeerID] {
        var lost: [PeerID] = []
        for peer in Array(boxes.keys) {
            if try !flush(peer, router) { lost.append(peer) }
        }
        return lost
    }

    private mutating func flush(_ peer: PeerID, _ router: RouterSocket) throws -> Bool {
        while let message = try boxes[peer]?.next() {
            switch try router.send(message, to: peer.bytes) {
            case .sent:
                boxes[peer]?.removeFirst()
            case .full:
                guard let count = boxes[peer]?.short.count, count > Self.shortCountMaximum else {
                    return true
                }
                boxes[peer] = nil
                return false
            case .unreachable:
                boxes[peer] = nil
                return false
            }
        }
        boxes[peer] = nil
        return true
    }
}
