// All that is reported of a restoration: report.json in the folder that --report names, field by
// field in docs/REPORT.md, and what report.html shows.

/// A restoration that has its output. What is nil is not known and left out. Times in seconds,
/// lengths in pixels of the output, PSNR in dB, seams on the scale [0, 1].
public struct Report: Codable, Equatable, Sendable {
    /// What the file is. Its name comes first among the fields, where it is looked for.
    public struct About: Codable, Equatable, Sendable {
        public static let format = "dip-coord report"

        public var format = Self.format
        public var formatVersion = 1

        public init() {}
    }

    /// A library and its version as it runs here, or another fact of the program.
    public struct Library: Codable, Equatable, Sendable {
        public var name, version: String

        public init(name: String, version: String) { (self.name, self.version) = (name, version) }
    }

    /// Where the time went.
    public struct Times: Codable, Equatable, Sendable {
        /// From the program's start to the report, of the run that has made the output.
        public var wallSeconds: Double?
        /// That all fits took whose seconds are known, those of earlier runs included.
        public var fitSeconds = 0.0
        /// The same times the threads of its worker, of workers that the coordinator has not
        /// started: as many processor seconds as they can have taken.
        public var remoteThreadSeconds = 0.0
        /// Processor seconds of the coordinator, and of the workers that it has started, in this
        /// run.
        public var coordinatorCPUSeconds, localWorkerCPUSeconds: Double?

        public init() {}
    }

    /// What workers of one kind have done on a host.
    public struct Host: Codable, Equatable, Sendable {
        public var host: String
        public var processor: String?
        public var workerCount = 0
        /// Finished, with their iterations and seconds.
        public var fits = 0, iterations = 0
        public var seconds = 0.0
        public var failures = 0
    }

    /// One fit of a tile.
    public struct Fit: Codable, Equatable, Sendable {
        public var number, tile, restart: Int
        public var region: JobDescription.Window
        public var state: JobRecord.State
        /// Whether the tile's pixels in the output are the input's.
        public var isUnrestored: Bool
        public var attempt: Int?
        public var iterations: Int
        public var loss, psnrToInput, seconds: Double?
        public var worker, host: String?
        public var failureCount: Int
        /// Of the latest failure.
        public var reason: String?
        /// Of the tile's worst pair of neighbours, among the pairs that are reported.
        public var seamRMS: Double?
        public var curve: CurveColumns
    }

    /// How pilots have found where fits stop.
    public struct Pilots: Codable, Equatable, Sendable {
        public struct Pilot: Codable, Equatable, Sendable {
            public var region: JobDescription.Window
            /// What the rule watched; nil where it was not known.
            public var values: [Double?]

            public init(region: JobDescription.Window, values: [Double?]) {
                (self.region, self.values) = (region, values)
            }
        }

        public var stop: JobReport.Stop
        /// Iterations that were allowed, and between two values.
        public var iterationsMaximum, interval: Int
        public var pilots: [Pilot]

        public init(
            stop: JobReport.Stop, iterationsMaximum: Int, interval: Int, pilots: [Pilot]
        ) {
            (self.stop, self.pilots) = (stop, pilots)
            (self.iterationsMaximum, self.interval) = (iterationsMaximum, interval)
        }
    }

    /// What the page's pictures are; their pixels are in the page alone.
    public struct Pictures: Codable, Equatable, Sendable {
        /// Pixels of the output along each side of one of theirs.
        public var reduction: Int
        public var width, height: Int
        /// What the brightest colour of the map of disagreement stands for; nil without one.
        public var disagreementMaximum: Double?

        public init(reduction: Int, width: Int, height: Int, disagreementMaximum: Double?) {
            (self.reduction, self.width, self.height) = (reduction, width, height)
            self.disagreementMaximum = disagreementMaximum
        }
    }

    public var about = About()
    /// Seconds since 1970.
    public var writtenAt: Double
    /// Whether the output was there already, and what was written down of its runs is reported.
    public var isOfEarlierRun: Bool
    /// The program's.
    public var exitCode: Int
    public var job: JobDescription
    public var libraries: [Library]
    /// Of the run that has made the output; as in the job's folder.
    public var summary: JobReport?
    public var times = Times()
    public var hosts: [Host] = []
    public var workers: [JobRecord.WorkerStory]
    /// By number.
    public var fits: [Fit]
    /// The latest ones of the run, the oldest first.
    public var events: [JobRecord.Event]
    public var warnings: [String]
    public var pilots: Pilots?
    public var pictures: Pictures?
    /// What could not be reported, in sentences.
    public var gaps: [String] = []

    /// What a record and a summary say.
    ///
    /// - Parameter writtenAt: seconds since 1970.
    public init(
        _ record: JobRecord, summary: JobReport?, libraries: [Library], warnings: [String],
        exitCode: Int, writtenAt: Double, isOfEarlierRun: Bool
    ) {
        self.writtenAt = writtenAt
        self.isOfEarlierRun = isOfEarlierRun
        self.exitCode = exitCode
        job = record.description
        self.libraries = libraries
        self.summary = summary
        self.warnings = warnings
        workers = record.workers
        events = record.events
        fits = Self.fits(record, summary)
        hosts = Self.hosts(record.workers)
        times.wallSeconds = summary?.seconds
        times.fitSeconds = fits.compactMap(\.seconds).reduce(0, +)
        times.remoteThreadSeconds = workers.filter { $0.isLocal == false }.reduce(0) {
            $0 + $1.seconds * Double($1.threads ?? 1)
        }
        noteGaps()
    }

    private static func fits(_ record: JobRecord, _ summary: JobReport?) -> [Fit] {
        let (job, unrestored) = (record.description, Set(summary?.unrestored.map(\.tile) ?? []))
        var seams: [Int: Double] = [:]
        // The worst pair comes first.
        for pair in summary?.seamPairs ?? [] {
            for tile in [pair.first, pair.second] where seams[tile] == nil {
                seams[tile] = pair.rms
            }
        }
        return record.fits.enumerated().map { number, fit in
            let tile = job.tile(ofFit: number)
            var window = job.windows[tile]
            (window.x, window.y) = (window.x + job.originX, window.y + job.originY)
            return Fit(
                number: number, tile: tile, restart: number % job.restarts, region: window,
                state: fit.state, isUnrestored: unrestored.contains(tile), attempt: fit.attempt,
                iterations: fit.iteration, loss: fit.loss, psnrToInput: fit.psnrToInput,
                seconds: fit.seconds, worker: fit.worker, host: fit.host,
                failureCount: fit.failureCount, reason: fit.reason, seamRMS: seams[tile],
                curve: CurveColumns(fit.curve))
        }
    }

    private static func hosts(_ workers: [JobRecord.WorkerStory]) -> [Host] {
        var hosts: [Host] = []
        for worker in workers {
            let index = hosts.firstIndex {
                $0.host == worker.host && $0.processor == worker.processor
            }
            let place = index ?? hosts.count
            if index == nil { hosts.append(Host(host: worker.host, processor: worker.processor)) }
            hosts[place].workerCount += 1
            hosts[place].fits += worker.fitsFinished
            hosts[place].iterations += worker.iterations
            hosts[place].seconds += worker.seconds
            hosts[place].failures += worker.failureCount
        }
        return hosts.sorted { ($0.host, $0.processor ?? "") < ($1.host, $1.processor ?? "") }
    }

    private mutating func noteGaps() {
        let unknown = fits.count { $0.state == .stored && $0.curve.iterations.isEmpty }
        if unknown > 0 {
            gaps.append(
                "of \(Text.count(unknown, Text.unit(restarts: job.restarts))) nothing is known "
                    + "but that they are stored: no line of the job's events.jsonl tells of them")
        }
        if summary == nil {
            gaps.append(
                "the summary of the run that has made the output is not in the job's folder")
        }
        if isOfEarlierRun {
            gaps.append(
                "processor seconds and messages of the runs that have made the output were not "
                    + "written down")
        }
    }
}
