import Testing

@testable import Wire

/// Hostile bytes: the decoder gives a message or an error for any of them.
struct DecoderFuzzTests {
    private let pieceByteCount = 64

    /// The frames of one message of every kind; those with a payload in small pieces.
    private func frames() throws -> [[[UInt8]]] {
        try Samples.all.flatMap {
            try MessageCodec.encode(
                $0, payload: Samples.payload(for: $0), pieceByteCount: pieceByteCount)
        }
    }

    /// Decodes, and adds what decodes to an assembler that must stay within its limits.
    private func feed(
        _ frames: [[UInt8]], to assembler: inout PayloadAssembler, _ seed: String
    ) {
        guard
            let decoded = try? MessageCodec.decode(frames, pieceByteCount: pieceByteCount),
            let piece = decoded.piece, let work = decoded.message.subject?.work
        else { return }
        let kinds: [MessageKind: PayloadKind] = [.assign: .assign, .checkpoint: .checkpoint]
        let kind = kinds[decoded.message.kind] ?? .restored
        let peer = PeerID(bytes: [UInt8(truncatingIfNeeded: work.attempt)])
        _ = try? assembler.add(piece, of: kind, for: work, from: peer)
        #expect(assembler.byteCount <= 2000, "\(seed)")
    }

    private func assembler() -> PayloadAssembler {
        PayloadAssembler(
            payloadByteCountMaximum: [.assign: 1000, .restored: 1000, .checkpoint: 1000],
            totalByteCountMaximum: 2000)
    }

    @Test func `random bytes never trap`() {
        var assembler = assembler()
        for seed in 0..<4000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let frames = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
            }
            feed(frames, to: &assembler, "seed \(seed)")
        }
    }

    @Test func `every prefix of every message is refused`() throws {
        for message in try frames() {
            for length in 0..<message[0].count {
                let cut = [Array(message[0].prefix(length))] + message.dropFirst()
                #expect(throws: WireError.self, "\(length) bytes") {
                    try MessageCodec.decode(cut, pieceByteCount: pieceByteCount)
                }
            }
        }
    }

    @Test func `flipped bits and swapped bytes never trap`() throws {
        let messages = try frames()
        var assembler = assembler()
        for seed in 0..<8000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var message = messages[Int.random(in: 0..<messages.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let frame = Int.random(in: 0..<message.count, using: &generator)
                let place = Int.random(in: 0..<message[frame].count, using: &generator)
                if Bool.random(using: &generator) {
                    message[frame][place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                } else {
                    message[frame][place] =
                        Array("0123456789-.eE\"{}[],:null".utf8).randomElement(using: &generator)
                        ?? 0
                }
            }
            feed(message, to: &assembler, "seed \(seed)")
        }
    }

    @Test func `what decodes can be encoded again`() throws {
        let messages = try frames()
        for seed in 0..<2000 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var message = messages[Int.random(in: 0..<messages.count, using: &generator)]
            let place = Int.random(in: 0..<message[0].count, using: &generator)
            message[0][place] ^= 1 << UInt8.random(in: 0...7, using: &generator)
            guard
                let decoded = try? MessageCodec.decode(message, pieceByteCount: pieceByteCount),
                decoded.piece == nil
            else { continue }
            let again = try MessageCodec.encode(decoded.message)
            #expect(try MessageCodec.decode(again[0]) == decoded, "seed \(seed)")
        }
    }
}
