/// What a worker can do beyond the messages that every one understands: named in its greeting, and
/// in the answer where the job needs it.

/// The name of something that not every worker can do. Names that this build does not know are
/// kept, and mean nothing to it.
public struct Capability: RawRepresentable, Hashable, Comparable, Codable, Sendable,
    CustomStringConvertible
{
    /// 1 to 128 bytes of UTF-8.
    public let rawValue: String

    /// Any text; its length is checked where it meets the wire.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// It sends the state of its fit when asked to, and goes on from one that it is given.
    public static let state = Capability(rawValue: "state")
    /// It sends a picture of its fit when asked to.
    public static let preview = Capability(rawValue: "preview")
    /// It restores a window larger than it was given (`factor` in the configuration).
    public static let upscale = Capability(rawValue: "upscale")
    /// It looks at a guide's bands behind those of the image, and leaves them out of its result.
    public static let guide = Capability(rawValue: "guide")
    /// It answers with a curve in the place of pixels (`measuresStop` in the configuration).
    public static let measuresStop = Capability(rawValue: "measuresStop")

    /// It answers with its network's weights in the place of pixels (`givesWeights` in the
    /// configuration).
    public static let givesWeights = Capability(rawValue: "givesWeights")

    /// What a worker can do that names nothing. It does not grow with what there is.
    public static let unnamed: [Capability] = [.state, .preview, .upscale, .guide, .measuresStop]
    /// Everything that this build can do.
    public static let all = unnamed + [.givesWeights]

    public static func < (left: Capability, right: Capability) -> Bool {
        left.rawValue < right.rawValue
    }

    public var description: String { rawValue }
}

extension [Capability] {
    /// In a sentence.
    public var words: String { sorted().map(\.rawValue).joined(separator: ", ") }

    func check(_ field: String) throws(WireError) {
        guard count <= WireLimits.capabilityCountMaximum else {
            throw .outOfRange(
                field: field, seen: "\(count) names",
                wanted: "at most \(WireLimits.capabilityCountMaximum)")
        }
        for name in self { try FieldCheck.identifier(name.rawValue, field) }
    }
}
