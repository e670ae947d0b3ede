// Messages to workers that their connections do not take yet.

import Transport
import Wire

/// What waits to be sent, by worker. Short messages overtake the pieces of a tile.
struct PeerOutboxes {
    private struct Outbox {
        var short: [[[UInt8]]] = []
        var pieces: ArraySlice<[[UInt8]]> = []
        var isEmpty: Bool { short.isEmpty && pieces.isEmpty }
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
    ) throws(TransportError) -> Bool {
        boxes[peer, default: Outbox()].short.append(frames)
        return try flush(peer, router)
    }

    /// Sends a tile, in place of one that was under way.
    mutating func send(
        pieces: [[[UInt8]]], to peer: PeerID, on router: RouterSocket
    ) throws(TransportError) -> Bool {
        boxes[peer, default: Outbox()].pieces = pieces[...]
        return try flush(peer, router)
    }

    mutating func forget(_ peer: PeerID) { boxes[peer] = nil }

    /// Sends what the connections take.
    ///
    /// - Returns: the peers that cannot be reached any more.
    mutating func flush(to router: RouterSocket) throws(TransportError) -> [PeerID] {
        var lost: [PeerID] = []
        for peer in Array(boxes.keys) {
            if try !flush(peer, router) { lost.append(peer) }
        }
        return lost
    }

    private mutating func flush(
        _ peer: PeerID, _ router: RouterSocket
    ) throws(TransportError) -> Bool {
        while let message = boxes[peer]?.short.first ?? boxes[peer]?.pieces.first {
            switch try router.send(message, to: peer.bytes) {
            case .sent:
                if boxes[peer]?.short.isEmpty == false {
                    boxes[peer]?.short.removeFirst()
                } else {
                    boxes[peer]?.pieces.removeFirst()
                }
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
