// What a job is, as job.json says it.

internal import FoundationEssentials

/// The facts of a job that decide about its pixels, and where it came from.
public struct JobManifest: Codable, Equatable, Sendable {
    /// The version of the folder's layout that this program writes.
    public static let currentFormatVersion = 1

    public var formatVersion = JobManifest.currentFormatVersion
    /// Stands in every tile file too, so that no tile of another job is taken for one of this.
    public var jobID: String
    public var input: InputFingerprint
    public var image: Image
    public var plan: Plan
    /// The hyperparameters, JSON that this room does not look into.
    public var configuration: String
    /// Seconds since 1970.
    public var createdAt: Double

    /// The image, in pixels.
    public struct Image: Codable, Equatable, Sendable {
        public var width: Int
        public var height: Int
        /// Colour bands; alpha is not restored.
        public var bands: Int
        /// `uint8` or `uint16`.
        public var sampleType: String

        public init(width: Int, height: Int, bands: Int, sampleType: String) {
            self.width = width
            self.height = height
            self.bands = bands
            self.sampleType = sampleType
        }
    }

    /// The windows, in pixels: every column of `columns` with every row of `rows`.
    public struct Plan: Codable, Equatable, Sendable {
        public var tile: Int
        public var overlap: Int
        public var windowWidth: Int
        public var windowHeight: Int
        public var columns: [Int]
        public var rows: [Int]

        public init(
            tile: Int, overlap: Int, windowWidth: Int, windowHeight: Int, columns: [Int],
            rows: [Int]
        ) {
            self.tile = tile
            self.overlap = overlap
            self.windowWidth = windowWidth
            self.windowHeight = windowHeight
            self.columns = columns
            self.rows = rows
        }

        public var tileCount: Int { columns.count * rows.count }
    }

    public init(
        jobID: String, input: InputFingerprint, image: Image, plan: Plan, configuration: String,
        createdAt: Double
    ) {
        self.jobID = jobID
        self.input = input
        self.image = image
        self.plan = plan
        self.configuration = configuration
        self.createdAt = createdAt
    }

    func encoded() throws(JobStoreError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            throw JobStoreError(.unwritable, "the job has no JSON form: \(error)")
        }
    }

    init(parsing bytes: [UInt8], path: String) throws(JobStoreError) {
        do {
            self = try JSONDecoder().decode(JobManifest.self, from: Data(bytes))
        } catch {
            throw JobStoreError(.corrupt, "\(path) does not describe a job: \(error)")
        }
        guard formatVersion == Self.currentFormatVersion else {
            throw JobStoreError(
                .corrupt,
                "\(path) has the format version \(formatVersion); "
                    + "\(Self.currentFormatVersion) is read")
        }
    }
}

/// What tells one input file from another without reading all of it.
public struct InputFingerprint: Codable, Equatable, Sendable {
    /// As the user named it; it does not count when files are compared.
    public var path: String
    public var byteCount: Int
    /// Nanoseconds since 1970.
    public var modificationTime: Int64
    /// CRC-32 of the first and of the last mebibyte.
    public var headChecksum: UInt32
    public var tailChecksum: UInt32

    static let sampleByteCount = 1 << 20

    /// Takes the fingerprint of a file.
    ///
    /// - Throws: `JobStoreError` when it cannot be read.
    public init(path: String, fileSystem: any FileSystem) throws(JobStoreError) {
        guard let file = try fileSystem.open(path, followingLinks: true) else {
            throw JobStoreError(.unwritable, "cannot read \(path): there is no such file")
        }
        let sampleByteCount = min(file.byteCount, Self.sampleByteCount)
        self.path = path
        byteCount = file.byteCount
        modificationTime = file.modificationTime
        headChecksum = Checksum(of: try file.bytes(0..<sampleByteCount)).value
        tailChecksum =
            Checksum(
                of: try file.bytes(file.byteCount - sampleByteCount..<file.byteCount)
            ).value
    }
}
