/// Puts payloads together from their pieces. Everything that a peer declares is checked against the
/// limits before memory is taken; what a peer can hold is bounded per peer and in all.

/// The kinds of payloads, each with its own limit.
public enum PayloadKind: Hashable, CaseIterable, Sendable {
    /// A tile's degraded pixels.
    case assign
    /// A tile's restored pixels.
    case restored
    /// The state of a fit.
    case checkpoint
    /// A small picture of a tile that is being fitted.
    case preview
}

/// The payloads under way: at most one of each kind from each peer. Pieces may come in any order
/// and more than once; a piece of another payload from the same peer replaces the unfinished one.
public struct PayloadAssembler: Sendable {
    private struct Key: Hashable {
        var peer: PeerID
        var kind: PayloadKind
    }

    fileprivate struct Assembly {
        var work: TileAttempt
        var form: PayloadForm
        var crc32: UInt32
        var bytes: [UInt8]
        var hasPiece: [Bool]
        var missingCount: Int

        func belongs(_ piece: PayloadPiece, of work: TileAttempt) -> Bool {
            self.work == work && form == piece.form && crc32 == piece.crc32
                && hasPiece.count == piece.count
        }
    }

    private let payloadByteCountMaximum: [PayloadKind: Int]
    private let totalByteCountMaximum: Int
    private var assemblies: [Key: Assembly] = [:]

    /// Bytes taken by the payloads under way.
    public private(set) var byteCount = 0

    /// An assembler with nothing under way.
    ///
    /// - Parameters:
    ///   - payloadByteCountMaximum: bytes of the largest payload of each kind; kinds that are not
    ///     named are refused.
    ///   - totalByteCountMaximum: bytes of all unfinished payloads together.
    public init(payloadByteCountMaximum: [PayloadKind: Int], totalByteCountMaximum: Int) {
        self.payloadByteCountMaximum = payloadByteCountMaximum
        self.totalByteCountMaximum = totalByteCountMaximum
    }

    /// Payloads under way.
    public var assemblyCount: Int { assemblies.count }

    /// Adds a piece.
    ///
    /// - Returns: the whole payload, when this was its last missing piece and the checksum holds.
    /// - Throws: `outOfRange` for a payload above its kind's limit, `assemblyFull` when there is no
    ///   room for it (its sender may try again later), `corruptPayload` when it is not what was
    ///   described; its pieces are forgotten then.
    public mutating func add(
        _ piece: PayloadPiece, of kind: PayloadKind, for work: TileAttempt, from peer: PeerID
    ) throws(WireError) -> Payload? {
        let limit = payloadByteCountMaximum[kind] ?? 0
        guard piece.payloadByteCount <= limit else {
            throw .outOfRange(
                field: "payload.byteCount", seen: "\(piece.payloadByteCount)",
                wanted: "at most \(limit) for \(kind)")
        }
        let key = Key(peer: peer, kind: kind)
        if let assembly = assemblies[key], !assembly.belongs(piece, of: work) {
            forget(key)
        }
        if piece.count == 1 {
            forget(key)
            return try whole(piece.bytes, piece.form, crc32: piece.crc32)
        }
        if assemblies[key] == nil {
            try begin(key, piece, work)
        }
        guard assemblies[key]?.hasPiece[piece.index] == false else { return nil }
        let isComplete = assemblies[key]?.place(piece) ?? false
        guard isComplete, let assembly = assemblies[key] else { return nil }
        forget(key)
        return try whole(assembly.bytes, assembly.form, crc32: assembly.crc32)
    }

    /// Forgets whatever is under way from a peer.
    public mutating func forget(_ peer: PeerID) {
        for kind in PayloadKind.allCases { forget(Key(peer: peer, kind: kind)) }
    }

    private mutating func begin(
        _ key: Key, _ piece: PayloadPiece, _ work: TileAttempt
    ) throws(WireError) {
        guard piece.payloadByteCount <= totalByteCountMaximum - byteCount else {
            throw .assemblyFull(
                wantedByteCount: piece.payloadByteCount, limitByteCount: totalByteCountMaximum)
        }
        byteCount += piece.payloadByteCount
        assemblies[key] = Assembly(
            work: work, form: piece.form, crc32: piece.crc32,
            bytes: [UInt8](repeating: 0, count: piece.payloadByteCount),
            hasPiece: [Bool](repeating: false, count: piece.count), missingCount: piece.count)
    }

    private mutating func forget(_ key: Key) {
        guard let assembly = assemblies.removeValue(forKey: key) else { return }
        byteCount -= assembly.bytes.count
    }

    private func whole(
        _ bytes: [UInt8], _ form: PayloadForm, crc32: UInt32
    ) throws(WireError) -> Payload {
        let payload = Payload(form, checkedBytes: bytes)
        let seen = payload.crc32
        guard seen == crc32 else { throw .corruptPayload(seen: seen, wanted: crc32) }
        return payload
    }
}

extension PayloadAssembler.Assembly {
    /// Puts a missing piece in its place; true when it was the last one.
    fileprivate mutating func place(_ piece: PayloadPiece) -> Bool {
        bytes.replaceSubrange(piece.offset..<piece.offset + piece.bytes.count, with: piece.bytes)
        hasPiece[piece.index] = true
        missingCount -= 1
        return missingCount == 0
    }
}
