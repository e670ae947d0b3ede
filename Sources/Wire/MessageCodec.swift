/// Messages to frames and back. A message is a JSON header frame, and for some kinds a payload
/// frame; a payload above the piece size becomes several messages with the same header but for
/// `piece`.
internal import FoundationEssentials

/// What came out of the frames of one message.
public struct DecodedMessage: Equatable, Sendable {
    /// The header's content.
    public let message: Message
    /// The payload frame, for the kinds that have one.
    public let piece: PayloadPiece?
}

/// Encoding and decoding. Decoding any bytes gives a message or an error, within the limits.
public enum MessageCodec {
    /// The frames of each message that carries `message`: one message, or one for every piece.
    ///
    /// - Parameters:
    ///   - message: what to say.
    ///   - payload: pixels or state, for exactly the kinds that have one.
    ///   - pieceByteCount: bytes of a piece; the protocol's unless a test wants small ones.
    /// - Throws: where a field is out of range, the header is too large, or a payload is missing or
    ///   not wanted.
    public static func encode(
        _ message: Message, payload: Payload? = nil,
        pieceByteCount: Int = WireLimits.pieceByteCount
    ) throws(WireError) -> [[[UInt8]]] {
        if let payload {
            var pieces = try MessagePieces(message, payload, pieceByteCount: pieceByteCount)
            var messages: [[[UInt8]]] = []
            while let frames = try pieces.next() { messages.append(frames) }
            return messages
        }
        try message.body.check()
        guard message.kind.payloadType == nil else {
            throw .malformed("\(message.kind) without a payload")
        }
        return [[try header(message, nil)]]
    }

    /// The message in `frames`.
    ///
    /// - Throws: `protocolMismatch` and `unknownType` where the header says so, and other errors
    ///   where the frames are no message within the limits.
    public static func decode(
        _ frames: [[UInt8]], pieceByteCount: Int = WireLimits.pieceByteCount
    ) throws(WireError) -> DecodedMessage {
        precondition(pieceByteCount > 0, "a piece has at least one byte")
        guard let headerFrame = frames.first, frames.count <= 2 else {
            throw .malformed("\(frames.count) frames, wanted 1 or 2")
        }
        try FieldCheck.count(
            headerFrame.count, "header frame", from: 2, through: WireLimits.headerByteCountMaximum)
        let header: HeaderFrame
        do {
            header = try JSONDecoder().decode(HeaderFrame.self, from: Data(headerFrame))
        } catch let error as WireError {
            throw error
        } catch {
            throw .malformed("the header is not JSON with the fields of its type (\(error.story))")
        }
        try header.message.body.check()
        guard let payloadType = header.message.kind.payloadType else {
            guard frames.count == 1, header.payload == nil else {
                throw .malformed("\(header.message.kind) with a payload")
            }
            return DecodedMessage(message: header.message, piece: nil)
        }
        guard frames.count == 2, let description = header.payload else {
            throw .malformed("\(header.message.kind) without a payload")
        }
        let form = try description.checked(
            as: payloadType, frameByteCount: frames[1].count, pieceByteCount: pieceByteCount)
        return DecodedMessage(
            message: header.message,
            piece: PayloadPiece(description, form: form, bytes: frames[1]))
    }

    fileprivate static func header(
        _ message: Message, _ payload: PayloadDescription?
    ) throws(WireError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try encoder.encode(HeaderFrame(message: message, payload: payload)))
        } catch {
            throw .malformed("\(message.kind) has no JSON form (\(error))")
        }
        try FieldCheck.count(
            bytes.count, "header frame", through: WireLimits.headerByteCountMaximum)
        return bytes
    }
}

/// The messages that carry one payload, made one by one: beside the payload itself no more than a
/// piece takes memory.
public struct MessagePieces: Sendable {
    private let message: Message
    private let bytes: [UInt8]
    private let pieceByteCount: Int
    private var description: PayloadDescription

    /// Messages that are still to come.
    public private(set) var count: Int

    /// All of them, the first one next.
    ///
    /// - Throws: where a field is out of range, or the message carries no payload of this type.
    public init(
        _ message: Message, _ payload: Payload, pieceByteCount: Int = WireLimits.pieceByteCount
    ) throws(WireError) {
        precondition(pieceByteCount > 0, "a piece has at least one byte")
        try message.body.check()
        guard message.kind.payloadType == payload.type else {
            throw .malformed("\(message.kind) with a payload of \(payload.type)")
        }
        self.message = message
        self.pieceByteCount = pieceByteCount
        bytes = payload.bytes
        count = (bytes.count + pieceByteCount - 1) / pieceByteCount
        description = PayloadDescription(payload, pieceCount: count)
    }

    /// The frames of the next message; nil after the last.
    public mutating func next() throws(WireError) -> [[UInt8]]? {
        guard count > 0 else { return nil }
        let end = min(description.piece.offset + pieceByteCount, bytes.count)
        let frames = [
            try MessageCodec.header(message, description),
            Array(bytes[description.piece.offset..<end]),
        ]
        description.piece.index += 1
        description.piece.offset = end
        count -= 1
        return frames
    }
}

/// The header frame: version and type, the message's own fields beside them, and the payload's
/// description. Version and type are read first, so that they mean the same in every version.
private struct HeaderFrame: Codable {
    enum CodingKeys: String, CodingKey {
        case version = "protocol"
        case type, payload
    }

    var message: Message
    var payload: PayloadDescription?

    init(message: Message, payload: PayloadDescription?) {
        self.message = message
        self.payload = payload
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        let version = try fields.decode(Int.self, forKey: .version)
        guard version == WireLimits.protocolVersion else {
            throw WireError.protocolMismatch(seen: version)
        }
        let type = try fields.decode(String.self, forKey: .type)
        guard let kind = MessageKind(rawValue: type) else {
            throw WireError.unknownType(String(type.prefix(40)))
        }
        message = try Message(kind, from: decoder)
        payload = try fields.decodeIfPresent(PayloadDescription.self, forKey: .payload)
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(WireLimits.protocolVersion, forKey: .version)
        try fields.encode(message.kind.rawValue, forKey: .type)
        try fields.encodeIfPresent(payload, forKey: .payload)
        try message.body.encode(to: encoder)
    }
}

extension Payload {
    fileprivate var type: MessageKind.PayloadType {
        switch self {
        case .pixels: .pixels
        case .state: .state
        }
    }
}

extension Error {
    /// What a JSON decoder found, short enough for an answer on the wire.
    fileprivate var story: String {
        guard let error = self as? DecodingError else { return "unreadable" }
        switch error {
        case .keyNotFound(let key, _): return "no field \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "wrong type at \(context.path)"
        case .dataCorrupted(let context): return "corrupt at \(context.path)"
        @unknown default: return "unreadable"
        }
    }
}

extension DecodingError.Context {
    fileprivate var path: String {
        codingPath.isEmpty
            ? "the top"
            : String(codingPath.map(\.stringValue).joined(separator: ".").prefix(80))
    }
}
