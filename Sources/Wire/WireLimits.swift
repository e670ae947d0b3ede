/// What a message may hold at most. Both sides check before they allocate.
public enum WireLimits {
    /// The version of the protocol that this build speaks.
    public static let protocolVersion = 2
    /// Bytes of a header frame. Only `welcome` comes near: it carries the configuration.
    public static let headerByteCountMaximum = 64 * 1024
    /// Bytes of a payload frame. Every piece but a payload's last has exactly this size.
    public static let pieceByteCount = 1024 * 1024
    /// Bytes of UTF-8 of an id, a host name, a version, a launch token.
    public static let identifierByteCountMaximum = 128
    /// Names of what a worker can do, or a job needs.
    public static let capabilityCountMaximum = 64
    /// Bytes of UTF-8 of a reason. Longer ones are cut by the sender.
    public static let reasonByteCountMaximum = 1000
    /// Pixels along one side of a window.
    public static let sideMaximum = 65_536
    /// Bands of a window: half of them the image's, half of them a guide's.
    public static let bandCountMaximum = 512
    /// Pixels along one side of a preview, and its bands.
    public static let previewSideMaximum = 128
    public static let previewBandCountMaximum = 3
    /// Bytes of the state of a fit.
    public static let stateByteCountMaximum = 1 << 30
    /// Any count, index, iteration or process id.
    public static let countMaximum = Int(Int32.max)
    /// Seconds of an interval that one side sets for the other.
    public static let intervalSecondsRange = 0.01...86_400.0

    /// `text` cut to the length of a reason, whole characters only.
    public static func clipped(_ text: String) -> String {
        guard text.utf8.count > reasonByteCountMaximum else { return text }
        var byteCount = 0
        let end = text.firstIndex { character in
            byteCount += character.utf8.count
            return byteCount > reasonByteCountMaximum
        }
        return String(text[..<(end ?? text.endIndex)])
    }
}

/// Why bytes are not a message. A value to count and answer, never a reason to stop.
public enum WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The frames do not have the form of a message.
    case malformed(String)
    /// A field or a payload is outside its limits.
    case outOfRange(field: String, seen: String, wanted: String)
    /// The other side speaks another version.
    case protocolMismatch(seen: Int)
    /// A message kind that this version does not know.
    case unknownType(String)
    /// A payload arrived whole but is not what its sender described.
    case corruptPayload(seen: UInt32, wanted: UInt32)
    /// There is no room for another payload until one of those under way is complete.
    case assemblyFull(wantedByteCount: Int, limitByteCount: Int)

    public var description: String {
        switch self {
        case .malformed(let what):
            "not a message of this protocol: \(what)"
        case .outOfRange(let field, let seen, let wanted):
            "field \(field) is \(seen), wanted \(wanted)"
        case .protocolMismatch(let seen):
            "the other side speaks protocol version \(seen), "
                + "this side speaks \(WireLimits.protocolVersion)"
        case .unknownType(let type):
            "unknown message type \"\(type)\""
        case .corruptPayload(let seen, let wanted):
            "the payload's crc32 is \(seen), its header says \(wanted)"
        case .assemblyFull(let wanted, let limit):
            "no room for a payload of \(wanted) bytes: the limit for all payloads under way is "
                + "\(limit) bytes"
        }
    }
}

/// Checks of single fields, each naming what was seen and what was wanted.
enum FieldCheck {
    static func count(
        _ value: Int, _ field: String, from minimum: Int = 0,
        through maximum: Int = WireLimits.countMaximum
    ) throws(WireError) {
        guard value >= minimum, value <= maximum else {
            throw .outOfRange(
                field: field, seen: "\(value)", wanted: "\(minimum) to \(maximum)")
        }
    }

    static func identifier(_ value: String, _ field: String) throws(WireError) {
        let limit = WireLimits.identifierByteCountMaximum
        guard !value.isEmpty, value.utf8.count <= limit else {
            throw .outOfRange(
                field: field, seen: "\(value.utf8.count) bytes", wanted: "1 to \(limit) bytes")
        }
    }

    static func reason(_ value: String, _ field: String) throws(WireError) {
        let limit = WireLimits.reasonByteCountMaximum
        guard value.utf8.count <= limit else {
            throw .outOfRange(
                field: field, seen: "\(value.utf8.count) bytes", wanted: "at most \(limit) bytes")
        }
    }

    static func interval(_ value: Double, _ field: String) throws(WireError) {
        let range = WireLimits.intervalSecondsRange
        guard range.contains(value) else {
            throw .outOfRange(
                field: field, seen: "\(value)",
                wanted: "\(range.lowerBound) to \(range.upperBound) seconds")
        }
    }

    static func measure(_ value: Double?, _ field: String) throws(WireError) {
        guard value?.isFinite ?? true else {
            throw .outOfRange(field: field, seen: "\(value ?? 0)", wanted: "a finite number")
        }
    }
}
