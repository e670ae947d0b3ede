/// The names by which coordinator and workers speak of jobs, tiles and each other.

/// One restoration job. Made by the coordinator; workers only repeat it.
public struct JobID: RawRepresentable, Hashable, Codable, Sendable, CustomStringConvertible {
    /// 1 to 128 bytes of UTF-8.
    public let rawValue: String

    /// Any text; its length is checked where it meets the wire.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public var description: String { rawValue }
}

/// A tile by its index in the job's plan, from 0.
public struct TileID: RawRepresentable, Hashable, Comparable, Codable, Sendable,
    CustomStringConvertible
{
    /// The index in the plan, from 0.
    public let rawValue: Int

    /// The tile with that index.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// The tile with that index.
    public init(_ index: Int) {
        self.init(rawValue: index)
    }

    public static func < (left: TileID, right: TileID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "tile \(rawValue)" }
}

/// The number of one try at a tile, from 1. Every dispatch of a tile takes the next number.
public typealias Attempt = Int

/// One try at one tile: the fencing token that every message about work carries.
public struct TileAttempt: Hashable, Codable, Sendable, CustomStringConvertible {
    /// The tile.
    public let tile: TileID
    /// The number of the try, from 1.
    public let attempt: Attempt

    /// One try at one tile.
    public init(_ tile: TileID, attempt: Attempt) {
        self.tile = tile
        self.attempt = attempt
    }

    public var description: String { words { "\($0)" } }

    /// As its description, where tiles have other names.
    public func words(naming name: (TileID) -> String) -> String {
        "\(name(tile)) attempt \(attempt)"
    }
}

/// A worker process, by the name it chose for itself: host, process id and random digits.
public struct WorkerID: RawRepresentable, Hashable, Comparable, Codable, Sendable,
    CustomStringConvertible
{
    /// 1 to 128 bytes of UTF-8, different for every process that ever joins a job.
    public let rawValue: String

    /// Any text; its length is checked where it meets the wire.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public static func < (left: WorkerID, right: WorkerID) -> Bool {
        left.rawValue < right.rawValue
    }

    public var description: String { rawValue }
}

/// Counts the sessions of one worker process: a later greeting carries a higher number, so that a
/// greeting delayed on the way cannot undo the one after it.
public typealias IncarnationID = Int

/// The transport's address of a connection (a ROUTER's routing id). It ends with the connection;
/// the worker behind it may come back under another one.
public struct PeerID: Hashable, Sendable, CustomStringConvertible {
    /// The routing id as the transport gave it.
    public let bytes: [UInt8]

    /// The peer with that routing id.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// In hexadecimal digits.
    public var description: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
