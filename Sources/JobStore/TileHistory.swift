// What is remembered of the tries at each tile, in attempts.log: one line for every change, the
// last line of a tile counts, and a line counts only when its checksum holds.

internal import FoundationEssentials

/// What is remembered of the tries at one tile, whatever becomes of coordinators.
public struct TileHistory: Codable, Equatable, Sendable {
    /// A try that came to nothing and counts against the tile.
    public struct Failure: Codable, Equatable, Sendable {
        /// The number of the try, from 1.
        public var attempt: Int
        /// Who had it.
        public var worker: String
        /// What happened, as the end of "the worker ...".
        public var reason: String
        /// Whether the worker died or fell silent.
        public var isDeath: Bool
        /// Whether the fit's arithmetic came to nothing; nil where not.
        public var isDivergence: Bool?

        public init(
            attempt: Int, worker: String, reason: String, isDeath: Bool = false,
            isDivergence: Bool = false
        ) {
            self.attempt = attempt
            self.worker = worker
            self.reason = reason
            self.isDeath = isDeath
            self.isDivergence = isDivergence ? true : nil
        }
    }

    /// Tries handed out so far: the number of the latest one.
    public var attempts: Int
    /// The tries that failed, the oldest first.
    public var failures: [Failure]
    /// Whether the tile has been given up.
    public var isSetAside: Bool
    /// Seeds that have failed, and the last try that had one of them; nil where none has.
    public var seedsFailed, lastAttemptOfFailedSeed: Int?
    /// Whether nobody can come back with one of the tries; nil where somebody may.
    public var isAtRest: Bool?

    public init(
        attempts: Int = 0, failures: [Failure] = [], isSetAside: Bool = false,
        seedsFailed: Int? = nil, lastAttemptOfFailedSeed: Int? = nil, isAtRest: Bool = false
    ) {
        self.attempts = attempts
        self.failures = failures
        self.isSetAside = isSetAside
        self.seedsFailed = seedsFailed
        self.lastAttemptOfFailedSeed = lastAttemptOfFailedSeed
        self.isAtRest = isAtRest ? true : nil
    }
}

extension TileHistory {
    fileprivate var hasSensibleSeeds: Bool {
        let (count, last) = (seedsFailed ?? 0, lastAttemptOfFailedSeed ?? 0)
        return (0...attempts).contains(last) && (0...last).contains(count)
            && (count == 0) == (last == 0)
    }
}

/// A line of attempts.log.
private struct HistoryLine: Codable {
    let tile: Int
    let history: TileHistory

    /// `CRC JSON\n`, the checksum as eight hexadecimal digits over the JSON text.
    func encoded() throws(JobStoreError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            let json = [UInt8](try encoder.encode(self))
            return Array(Checksum(of: json).hexadecimal.utf8) + [UInt8(ascii: " ")] + json
                + [UInt8(ascii: "\n")]
        } catch {
            throw JobStoreError(.unwritable, "the tries at tile \(tile) have no JSON form")
        }
    }

    /// - Parameter line: without its line break.
    /// - Returns: nil for a line that is not whole.
    init?(parsing line: ArraySlice<UInt8>) {
        guard line.count > 9, line[line.startIndex + 8] == UInt8(ascii: " ") else { return nil }
        let json = Array(line.dropFirst(9))
        guard Checksum(of: json).hexadecimal.utf8.elementsEqual(line.prefix(8)),
            let decoded = try? JSONDecoder().decode(HistoryLine.self, from: Data(json)),
            StoredLimits.number ~= decoded.history.attempts,
            decoded.history.hasSensibleSeeds
        else { return nil }
        self = decoded
    }

    init(tile: Int, history: TileHistory) {
        self.tile = tile
        self.history = history
    }
}

/// attempts.log, open for appending.
struct HistoryLog {
    private static let pieceByteCount = 1 << 20
    /// Longer lines are not ours.
    private static let lineByteCountMax = 1 << 20

    private let log: LineLog

    /// Writes the log anew, without what was superseded or torn, and opens it.
    init(
        rewriting histories: [Int: TileHistory], in folder: JobFolder
    ) throws(JobStoreError) {
        var bytes: [UInt8] = []
        for (tile, history) in histories.sorted(by: { $0.key < $1.key }) {
            bytes += try HistoryLine(tile: tile, history: history).encoded()
        }
        try folder.fileSystem.replace(JobFolder.attemptsName, in: folder.path, with: bytes)
        log = LineLog(try folder.fileSystem.openLog(folder.attemptsPath))
    }

    func append(_ histories: [Int: TileHistory]) throws(JobStoreError) {
        for (tile, history) in histories.sorted(by: { $0.key < $1.key }) {
            try log.append(HistoryLine(tile: tile, history: history).encoded())
        }
        try log.sync()
    }

    func close() { log.close() }

    /// The latest whole line of every tile of the plan, also while somebody appends.
    static func read(
        _ folder: JobFolder, tileCount: Int
    ) throws(JobStoreError) -> [Int: TileHistory] {
        guard let file = try folder.fileSystem.open(folder.attemptsPath, followingLinks: false)
        else { return [:] }
        var histories: [Int: TileHistory] = [:]
        var rest: [UInt8] = []
        var offset = 0
        while offset < file.byteCount {
            let next = min(offset + pieceByteCount, file.byteCount)
            rest += try file.bytes(offset..<next)
            offset = next
            var start = rest.startIndex
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if let line = HistoryLine(parsing: rest[start..<end]), 0..<tileCount ~= line.tile {
                    histories[line.tile] = line.history
                }
                start = end + 1
            }
            rest.removeSubrange(..<start)
            if rest.count > lineByteCountMax { rest = [] }
        }
        return histories
    }
}

/// A log of lines: after a write that was torn, the next line still begins a line.
final class LineLog {
    private let log: any LogFile
    private var lineIsTorn: Bool

    /// - Parameter isTorn: Whether the log may end within a line.
    init(_ log: any LogFile, isTorn: Bool = false) {
        self.log = log
        lineIsTorn = isTorn
    }

    /// - Parameter line: with its line break.
    func append(_ line: [UInt8]) throws(JobStoreError) {
        let bytes = lineIsTorn ? [UInt8(ascii: "\n")] + line : line
        lineIsTorn = true
        try log.append(bytes)
        lineIsTorn = false
    }

    func sync() throws(JobStoreError) { try log.sync() }
    func clear() throws(JobStoreError) {
        try log.clear()
        lineIsTorn = false
    }

    func close() { log.close() }
}
