// What the page and other programs are told: fields are those of `docs/DASHBOARD.md`, by name;
// what is nil is left out.

import Dashboard
import FoundationEssentials

/// How the job stands.
struct StatusAnswer: Codable {
    /// The job in few words.
    struct Job: Codable {
        var id, input, output, task, preset: String
        var width, height, bands, tiles, restarts, overlap, iterationsPerTile: Int
        var page: JobDescription.Page?
        var seed: UInt64
        var version, host: String
        var beganAt: Double

        init(_ job: JobDescription) {
            (id, input, output) = (job.job, job.input, job.output)
            (task, preset, page) = (job.task, job.preset, job.page)
            (width, height, bands) = (job.width, job.height, job.bands)
            (tiles, restarts, overlap) = (job.windows.count, job.restarts, job.overlap)
            (iterationsPerTile, seed) = (job.iterationsPerTile, job.seed)
            (version, host, beganAt) = (job.version, job.host, job.beganAt)
        }
    }

    var job: Job
    var revision: Int
    var progress: ProgressSnapshot?
    var counts: [String: Int]
    var ending: String?

    init(_ record: JobRecord, ending: String?) {
        job = Job(record.description)
        (revision, progress, self.ending) = (record.revision, record.snapshot, ending)
        counts = record.countsByName
    }
}

/// A job as it was asked for, and how it lies on the page.
struct JobAnswer: Codable {
    struct Mosaic: Codable {
        var width, height, factor: Int
        var cells: [JobDescription.Window]
    }

    var description: JobDescription
    var mosaic: Mosaic

    init(_ description: JobDescription) {
        self.description = description
        let grid = MosaicGrid(
            width: description.width, height: description.height, windows: description.windows)
        mosaic = Mosaic(
            width: grid.width, height: grid.height, factor: grid.factor, cells: grid.cells)
    }
}

/// A fit as it stands.
struct FitAnswer: Codable {
    var number: Int
    var state: JobRecord.State
    var attempt: Int?
    var iteration: Int
    var loss, psnrToInput, seconds: Double?
    var worker, host: String?
    var failureCount: Int
    var reason: String?
    /// At which iteration the latest picture of it was made.
    var preview: Int?
    var curve: [Curve.Point]?

    /// - Parameter hasCurve: whether its curve is told.
    init(_ number: Int, _ fit: JobRecord.Fit, preview: Int?, hasCurve: Bool) {
        (self.number, state, attempt, iteration) = (number, fit.state, fit.attempt, fit.iteration)
        (loss, psnrToInput, seconds) = (fit.loss, fit.psnrToInput, fit.seconds)
        (worker, host) = (fit.worker, fit.host)
        (failureCount, reason) = (fit.failureCount, fit.reason)
        self.preview = preview
        curve = hasCurve ? fit.curve.points : nil
    }
}

/// What has changed since a page has asked.
struct ChangesAnswer: Codable {
    struct Pictures: Codable {
        /// Rows of the mosaic of the given image that are there.
        var rowsGiven: Int
        var revision: Int
        /// Tiles that are in the mosaic of what is restored since the revision that was asked
        /// about.
        var painted: [Int]
    }

    var job: String
    var revision: Int
    var progress: ProgressSnapshot?
    var counts: [String: Int]
    var fits: [FitAnswer]
    /// Absent where nothing about them has changed.
    var workers: [JobRecord.WorkerStory]?
    var events: [JobRecord.Event]
    var pictures: Pictures?
    var ending: String?
}

/// A tile with its fits and their curves.
struct TileAnswer: Codable {
    var tile: Int
    var window: JobDescription.Window
    var fits: [FitAnswer]
}

/// What is asked of a running job.
struct ControlRequest: Codable {
    enum Action: String, Codable, CaseIterable {
        case drain, pause, resume, stopAndBlend
    }

    var action: Action
    /// Of `drain`.
    var worker: String?
}

extension JobRecord {
    /// How many fits are in each state, none left out.
    var countsByName: [String: Int] {
        let counts = counts
        return State.allCases.reduce(into: [:]) { $0[$1.rawValue] = counts[$1] ?? 0 }
    }
}

extension Response {
    /// - Parameter value: numbers that are none become "NaN", "Infinity" and "-Infinity".
    static func json(_ value: some Encodable, _ status: Status = .ok) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        guard let bytes = try? encoder.encode(value) else {
            return .sentence(.failed, "This cannot be told.")
        }
        return Response(status: status, kind: .json, body: Array(bytes))
    }
}
