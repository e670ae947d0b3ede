// What stays the same while a job runs: what a page and a report say of it at the top.

/// A job as it was asked for. Lengths in pixels of the output.
public struct JobDescription: Codable, Equatable, Sendable {
    /// Where a tile lies in what is restored.
    public struct Window: Codable, Equatable, Sendable {
        public var x, y, width, height: Int

        public init(x: Int, y: Int, width: Int, height: Int) {
            (self.x, self.y, self.width, self.height) = (x, y, width, height)
        }
    }

    /// One of several pages that are restored one after the other.
    public struct Page: Codable, Equatable, Sendable {
        /// From 1.
        public var number: Int
        public var count: Int

        public init(number: Int, count: Int) { (self.number, self.count) = (number, count) }
    }

    public var job: String
    /// Which page the job is; nil where it is no part of others.
    public var page: Page?
    /// Paths.
    public var input, output, folder: String
    public var task, preset: String
    /// Of what is restored: the image, or its region.
    public var width, height: Int
    /// Where that begins in the whole image.
    public var originX, originY: Int
    /// Bands that are restored.
    public var bands: Int
    /// By tile.
    public var windows: [Window]
    /// Shared by neighbours, at least.
    public var overlap: Int
    /// Fits of each tile: number `restarts` times the tile's, plus the restart.
    public var restarts: Int
    public var iterationsPerTile: Int
    public var seed: UInt64
    /// Every hyperparameter, as JSON.
    public var configuration: String
    /// The command line, word by word.
    public var command: [String]
    /// What the program says of itself.
    public var version: String
    /// Where the coordinator runs.
    public var host: String
    /// Seconds since 1970.
    public var beganAt: Double

    public init(
        job: String, input: String, output: String, folder: String, task: String, preset: String,
        width: Int, height: Int, originX: Int, originY: Int, bands: Int, windows: [Window],
        overlap: Int, restarts: Int,
        iterationsPerTile: Int, seed: UInt64, configuration: String, command: [String],
        version: String, host: String, beganAt: Double
    ) {
        self.job = job
        self.input = input
        self.output = output
        self.folder = folder
        self.task = task
        self.preset = preset
        self.width = width
        self.height = height
        self.originX = originX
        self.originY = originY
        self.bands = bands
        self.windows = windows
        self.overlap = overlap
        self.restarts = restarts
        self.iterationsPerTile = iterationsPerTile
        self.seed = seed
        self.configuration = configuration
        self.command = command
        self.version = version
        self.host = host
        self.beganAt = beganAt
    }

    /// The input's file name, and which of its pages it is where all are restored.
    public var title: String {
        let name = input.split(separator: "/").last.map(String.init) ?? input
        return name + (page.map { ", page \($0.number) of \($0.count)" } ?? "")
    }

    /// Pieces of work: every fit of every tile.
    public var fitCount: Int { windows.count * restarts }

    /// The tile that a fit belongs to.
    public func tile(ofFit fit: Int) -> Int { fit / restarts }
}
