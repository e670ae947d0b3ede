// What a job is, as job.json says it.

internal import FoundationEssentials

/// The facts of a job that decide about its pixels, where it came from and how far it got.
public struct JobManifest: Codable, Equatable, Sendable {
    /// The version of the folder's layout that this program reads and writes.
    public static let formatVersion = 6

    /// Stands beside every stored tile too: none of another job is taken for one of this.
    public var jobID: String
    public var input: FileFingerprint
    public var image: Image
    public var plan: Plan
    /// What else the output depends on: options by name, in words.
    public var settings: [String: String]
    /// The name or file of the preset, as the user asks for it. Says where the configuration comes
    /// from, and decides about nothing.
    public var preset: String
    /// The hyperparameters, JSON.
    public var configuration: String
    /// Seconds since 1970.
    public var createdAt: Double
    /// The output that this job has made, known before the output takes its place; nil when there
    /// has been none.
    public var output: FileFingerprint?
    /// nil while there is something to do.
    public var completion: Completion?

    /// The image, in pixels.
    public struct Image: Codable, Equatable, Sendable {
        public var width: Int
        public var height: Int
        /// Colour bands; alpha is not restored.
        public var bands: Int
        /// Such as `uint8`.
        public var sampleType: String
        /// The values that a fit sees as 0 and 1, in words.
        public var values: String?
        /// How restored pixels are kept.
        public var precision: TilePrecision
        /// CRC-32 of all that the input's header says and the output takes over.
        public var headerChecksum: UInt32

        /// - Parameter header: A description of the header: the same words for the same header.
        public init(
            width: Int, height: Int, bands: Int, sampleType: String, values: String? = nil,
            precision: TilePrecision, header: String
        ) {
            self.width = width
            self.height = height
            self.bands = bands
            self.sampleType = sampleType
            self.values = values
            self.precision = precision
            headerChecksum = Checksum(of: Array(header.utf8)).value
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
        /// Fits of each tile, 2 to ``restartsMaximum``; nil for one.
        public var restarts: Int?

        public static let restartsMaximum = 32

        public init(
            tile: Int, overlap: Int, windowWidth: Int, windowHeight: Int, columns: [Int],
            rows: [Int], restarts: Int? = nil
        ) {
            self.tile = tile
            self.overlap = overlap
            self.windowWidth = windowWidth
            self.windowHeight = windowHeight
            self.columns = columns
            self.rows = rows
            self.restarts = restarts
        }

        public var tileCount: Int { columns.count * rows.count }
        /// What tiles, checkpoints and tries in the folder are numbered by: the fits of a tile
        /// follow one another.
        public var fitCount: Int { tileCount * (restarts ?? 1) }

        /// The numbers of a tile's fits.
        public func fits(of tile: Int) -> Range<Int> {
            tile * (restarts ?? 1)..<(tile + 1) * (restarts ?? 1)
        }

        /// Which fit of which tile has a number.
        public func place(ofFit fit: Int) -> (tile: Int, restart: Int) {
            (fit / (restarts ?? 1), fit % (restarts ?? 1))
        }

        /// What a fit is called: "tile 5", or "tile 5 restart 2" where tiles have several.
        public func name(ofFit fit: Int) -> String {
            let place = place(ofFit: fit)
            return Self.name(tile: place.tile, restart: restarts.map { _ in place.restart })
        }

        /// - Parameter restart: nil where a tile has one fit.
        public static func name(tile: Int, restart: Int?) -> String {
            "tile \(tile)" + (restart.map { " restart \($0)" } ?? "")
        }
    }

    /// How a job ended that has its output.
    public struct Completion: Codable, Equatable, Sendable {
        /// Seconds since 1970.
        public var endedAt: Double
        /// The tiles that came through unrestored, in order.
        public var unrestored: [Int]
        /// Whether tiles and tries stay.
        public var keepsBulk: Bool

        public init(endedAt: Double, unrestored: [Int], keepsBulk: Bool) {
            self.endedAt = endedAt
            self.unrestored = unrestored
            self.keepsBulk = keepsBulk
        }
    }

    /// A job of which nothing is done.
    public init(
        jobID: String, input: FileFingerprint, image: Image, plan: Plan,
        settings: [String: String] = [:], preset: String, configuration: String,
        createdAt: Double
    ) {
        self.jobID = jobID
        self.input = input
        self.image = image
        self.plan = plan
        self.settings = settings
        self.preset = preset
        self.configuration = configuration
        self.createdAt = createdAt
    }
}

// MARK: - Bytes

/// job.json: the job and a checksum over it.
private struct ManifestFile: Codable {
    var formatVersion = JobManifest.formatVersion
    /// CRC-32 of the job's shortest JSON form with sorted keys, in hexadecimal digits.
    let crc32: String
    let job: JobManifest
}

/// What every version of job.json has.
private struct ManifestVersion: Decodable {
    let formatVersion: Int
}

extension JobManifest {
    /// The most bytes of a job.json that is read.
    static let byteCountMax = 64 << 20

    func encoded() throws(JobStoreError) -> [UInt8] {
        let file = ManifestFile(crc32: try checksum(), job: self)
        return try Self.json(file, [.prettyPrinted]) + [UInt8(ascii: "\n")]
    }

    private func checksum() throws(JobStoreError) -> String {
        Checksum(of: try Self.json(self, [])).hexadecimal
    }

    private static func json(
        _ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting
    ) throws(JobStoreError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
        do {
            return [UInt8](try encoder.encode(value))
        } catch {
            throw JobStoreError(.unwritable, "the job has no JSON form: \(error)")
        }
    }

    /// - Throws: `JobStoreError` of kind `.notResumable` when the bytes are not a whole job.json
    ///   of this version.
    init(parsing bytes: [UInt8], path: String) throws(JobStoreError) {
        let (decoder, data) = (JSONDecoder(), Data(bytes))
        if let version = (try? decoder.decode(ManifestVersion.self, from: data))?.formatVersion,
            version != Self.formatVersion
        {
            throw JobStoreError(
                .notResumable,
                "\(path) has the format version \(version), and \(Self.formatVersion) is read")
        }
        guard let file = try? decoder.decode(ManifestFile.self, from: data),
            try file.job.checksum() == file.crc32, file.job.isSensible
        else {
            throw JobStoreError(
                .notResumable, "\(path) is damaged, so nobody can tell whose tiles lie beside it")
        }
        self = file.job
    }

    /// Whether sizes are such that they can be computed with.
    private var isSensible: Bool {
        let limit = 1 << 31
        let unrestored = completion?.unrestored ?? []
        return [image.width, image.height, plan.windowWidth, plan.windowHeight]
            .allSatisfy { (1..<limit).contains($0) }
            && (1...256).contains(image.bands)
            && (1...Plan.restartsMaximum).contains(plan.restarts ?? 1)
            && !plan.columns.isEmpty && !plan.rows.isEmpty && hasSensibleSlots
            && Set(unrestored).count == unrestored.count
            && unrestored.allSatisfy { 0..<plan.tileCount ~= $0 }
    }
}
