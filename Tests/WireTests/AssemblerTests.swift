import Testing

@testable import Wire

/// Pieces to payloads: any order, any repetition, within the limits.
struct AssemblerTests {
    private let peer = PeerID(bytes: [1])
    private let other = PeerID(bytes: [2])
    private let work = Samples.work

    private func assembler(payload: Int = 10_000, total: Int = 100_000) -> PayloadAssembler {
        PayloadAssembler(
            payloadByteCountMaximum: [.assign: payload], totalByteCountMaximum: total)
    }

    @Test func `pieces in any order and more than once give the payload once`() throws {
        for seed in 0..<200 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let payload = try Samples.payload(
                height: Int.random(in: 1...6, using: &generator),
                width: Int.random(in: 1...6, using: &generator))
            let pieces = try Samples.pieces(
                payload, pieceByteCount: Int.random(in: 1...80, using: &generator))
            var assembler = assembler()
            var order = pieces.shuffled(using: &generator)
            let last = order.removeLast()
            for piece in order + order.shuffled(using: &generator) {
                let whole = try assembler.add(piece, of: .assign, for: work, from: peer)
                #expect(whole == nil, "seed \(seed)")
            }
            let whole = try assembler.add(last, of: .assign, for: work, from: peer)
            #expect(whole == payload, "seed \(seed)")
            #expect(assembler.byteCount == 0 && assembler.assemblyCount == 0, "seed \(seed)")
        }
    }

    @Test func `two peers and two kinds do not mix`() throws {
        let payload = try Samples.payload()
        let pieces = try Samples.pieces(payload, pieceByteCount: 64)
        var assembler = PayloadAssembler(
            payloadByteCountMaximum: [.assign: 1000, .restored: 1000], totalByteCountMaximum: 5000)
        for piece in pieces.dropLast() {
            _ = try assembler.add(piece, of: .assign, for: work, from: peer)
            _ = try assembler.add(piece, of: .restored, for: work, from: peer)
            _ = try assembler.add(piece, of: .assign, for: work, from: other)
        }
        #expect(assembler.assemblyCount == 3)
        #expect(assembler.byteCount == 3 * payload.bytes.count)
        let whole = try assembler.add(pieces[pieces.count - 1], of: .assign, for: work, from: peer)
        #expect(whole == payload)
        assembler.forget(other)
        #expect(assembler.assemblyCount == 1)
    }

    @Test func `another attempt replaces the unfinished one`() throws {
        let payload = try Samples.payload()
        let pieces = try Samples.pieces(payload, pieceByteCount: 64)
        let next = TileAttempt(work.tile, attempt: work.attempt + 1)
        var assembler = assembler()
        _ = try assembler.add(pieces[0], of: .assign, for: work, from: peer)
        #expect(try assembler.add(pieces[1], of: .assign, for: next, from: peer) == nil)
        #expect(assembler.assemblyCount == 1 && assembler.byteCount == payload.bytes.count)
        #expect(try assembler.add(pieces[0], of: .assign, for: next, from: peer) == payload)
    }

    @Test func `a payload above its limit takes no memory`() throws {
        let payload = try Samples.payload()
        let pieces = try Samples.pieces(payload, pieceByteCount: 64)
        var assembler = assembler(payload: payload.bytes.count - 1)
        #expect(throws: WireError.self) {
            try assembler.add(pieces[0], of: .assign, for: work, from: peer)
        }
        #expect(throws: WireError.self) {
            try assembler.add(pieces[0], of: .restored, for: work, from: peer)
        }
        #expect(assembler.byteCount == 0)
    }

    @Test func `when all room is taken the next payload has to wait`() throws {
        let payload = try Samples.payload()
        let pieces = try Samples.pieces(payload, pieceByteCount: 64)
        let size = payload.bytes.count
        var assembler = assembler(total: size)
        _ = try assembler.add(pieces[0], of: .assign, for: work, from: peer)
        #expect(
            throws: WireError.assemblyFull(wantedByteCount: size, limitByteCount: size)
        ) {
            try assembler.add(pieces[0], of: .assign, for: work, from: other)
        }
        #expect(try assembler.add(pieces[1], of: .assign, for: work, from: peer) == payload)
        #expect(try assembler.add(pieces[0], of: .assign, for: work, from: other) == nil)
    }

    @Test func `a payload that is not what was described is dropped`() throws {
        let payload = try Samples.payload()
        let message = Message.assign(Assign(job: Samples.job, work: work, originX: 0, originY: 0))
        for pieceByteCount in [64, 1000] {
            var assembler = assembler()
            var messages = try MessageCodec.encode(
                message, payload: payload, pieceByteCount: pieceByteCount)
            messages[0][1][5] ^= 1
            let pieces = try messages.compactMap {
                try MessageCodec.decode($0, pieceByteCount: pieceByteCount).piece
            }
            #expect(throws: WireError.self) {
                for piece in pieces {
                    _ = try assembler.add(piece, of: .assign, for: work, from: peer)
                }
            }
            #expect(assembler.assemblyCount == 0 && assembler.byteCount == 0)
        }
    }

    @Test func `a payload above one piece travels in pieces of one mebibyte`() throws {
        let shape = PixelShape(height: 600, width: 150, bands: 3)
        let payload = Payload.pixels(
            try PixelPayload(
                shape: shape, pixels: [Float](repeating: 0.25, count: 600 * 150 * 3)))
        let message = Message.assign(Assign(job: Samples.job, work: work, originX: 0, originY: 0))
        let messages = try MessageCodec.encode(message, payload: payload)
        #expect(messages.map { $0[1].count } == [1_048_576, 31_424])
        var assembler = assembler(payload: 2_000_000, total: 2_000_000)
        var whole: Payload?
        for frames in messages {
            guard let piece = try MessageCodec.decode(frames).piece else { continue }
            whole = try assembler.add(piece, of: .assign, for: work, from: peer)
        }
        #expect(whole == payload)
    }
}
