// What happens in a restoration, for programs: one JSON object each.

/// Its fields are those of `docs/PROGRESS.md`, by name; what is nil is left out. A snapshot's
/// fields stand beside the others.
@dynamicMemberLookup
public struct ProgressEvent: Codable, Equatable, Sendable {
    /// What has happened.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// A job, or its pilots, begins or is gone on with.
        case begun
        /// How things stand.
        case progress
        case tileFinished
        /// A try at a tile came to nothing.
        case tileFailed
        /// A tile is given up.
        case tileSetAside
        case workerJoined
        case workerLeft
        /// A note or a warning for people.
        case message
        /// The output is in its place.
        case done
        /// There is no output.
        case failed
    }

    /// What is said beside the snapshot.
    public struct Facts: Codable, Equatable, Sendable {
        public var event: Kind
        /// Seconds since 1970.
        public var time: Double
        public var job: String?
        public var tile, attempt: Int?
        /// The worker's name.
        public var worker: String?
        public var host: String?
        /// Of the finished tile.
        public var iterations: Int?
        /// That the finished tile's fit took.
        public var seconds: Double?
        /// Of the finished tile, to its given pixels, in dB.
        public var psnr: Double?
        /// Of the finished tile's last iteration.
        public var loss: Double?
        public var reason: String?
        /// For people.
        public var message: String?
        /// The output's path.
        public var output: String?
        public var exitCode: Int?
        /// Tiles whose pixels in the output are the input's.
        public var unrestored: Int?
    }

    public var facts: Facts
    /// How things stand, at events that tell it.
    public var snapshot: ProgressSnapshot?

    public init(_ event: Kind, time: Double) {
        facts = Facts(event: event, time: time)
    }

    public subscript<Value>(dynamicMember fact: WritableKeyPath<Facts, Value>) -> Value {
        get { facts[keyPath: fact] }
        set { facts[keyPath: fact] = newValue }
    }

    public init(from decoder: any Decoder) throws {
        facts = try Facts(from: decoder)
        let hasSnapshot = facts.event == .progress || facts.event == .begun
        snapshot = hasSnapshot ? try ProgressSnapshot(from: decoder) : nil
    }

    public func encode(to encoder: any Encoder) throws {
        try facts.encode(to: encoder)
        try snapshot?.encode(to: encoder)
    }
}
