// What a restoration came to: the summary for people, report.json in the job's folder for programs.

/// Times in seconds, lengths in pixels, PSNR in dB, seams on the scale [0, 1].
public struct JobReport: Codable, Equatable, Sendable {
    /// A tile whose pixels are the input's.
    public struct Unrestored: Codable, Equatable, Sendable {
        public var tile: Int
        public var region: JobDescription.Window
        public var reasons: [String]

        public init(tile: Int, region: JobDescription.Window, reasons: [String]) {
            (self.tile, self.region, self.reasons) = (tile, region, reasons)
        }
    }

    /// A tile that is the average of fewer results than restarts.
    public struct Thin: Codable, Equatable, Sendable {
        public var tile: Int
        public var resultCount: Int
        public var reasons: [String]

        public init(tile: Int, resultCount: Int, reasons: [String]) {
            (self.tile, self.resultCount, self.reasons) = (tile, resultCount, reasons)
        }
    }

    /// A fit that came to something with another seed than its first.
    public struct Reseeded: Codable, Equatable, Sendable {
        public var tile, restart: Int
        public var seedsFailed: Int
        public var seed: UInt64

        public init(tile: Int, restart: Int, seedsFailed: Int, seed: UInt64) {
            (self.tile, self.restart) = (tile, restart)
            (self.seedsFailed, self.seed) = (seedsFailed, seed)
        }
    }

    private static let unrestoredLinesMaximum = 20

    /// How pilots have found where fits stop.
    public struct Stop: Codable, Equatable, Sendable {
        public var rule: String
        public var iteration: Int
        /// Whether the curve has turned; else the iterations that were allowed did not suffice.
        public var isConfirmed: Bool
        public var pilotCount: Int
        /// Of the noise, where the rule asks for it; 1 is the range of values.
        public var noiseDeviation: Double
        /// The end of a sentence.
        public var words: String

        public init(
            rule: String, iteration: Int, isConfirmed: Bool, pilotCount: Int,
            noiseDeviation: Double, words: String
        ) {
            (self.rule, self.iteration, self.isConfirmed) = (rule, iteration, isConfirmed)
            (self.pilotCount, self.noiseDeviation) = (pilotCount, noiseDeviation)
            self.words = words
        }
    }

    /// Two neighbours that overlap, by their tiles' numbers.
    public struct SeamPair: Codable, Equatable, Sendable {
        public var first, second: Int
        /// Of their differences, root mean square.
        public var rms: Double

        public init(first: Int, second: Int, rms: Double) {
            (self.first, self.second, self.rms) = (first, second, rms)
        }
    }

    /// How far the results differ, in the file's values, over the pixels that have a deviation.
    public struct Uncertainty: Codable, Equatable, Sendable {
        public var mean, percentile95, maximum: Double
        /// Pixels that have a deviation, of all.
        public var pixelCount, imagePixelCount: Int

        public init(
            mean: Double, percentile95: Double, maximum: Double, pixelCount: Int,
            imagePixelCount: Int
        ) {
            (self.mean, self.percentile95, self.maximum) = (mean, percentile95, maximum)
            (self.pixelCount, self.imagePixelCount) = (pixelCount, imagePixelCount)
        }
    }

    public var input, output: String
    public var preset: String
    public var seed: UInt64
    public var tileCount = 0
    /// Fits of each tile, their seeds, and fits in all.
    public var restarts = 1
    public var seeds: [UInt64] = []
    public var fitCount = 0
    /// Fits that earlier runs of the job have done. What follows is about this run.
    public var fitCountOfEarlierRuns = 0
    public var windowWidth = 0, windowHeight = 0
    public var iterationsPerTile = 0
    /// How pilots have found where fits stop; nil where none looked for it.
    public var stop: Stop?
    /// Whether each tile stops where it is best itself.
    public var stopsEach = false
    /// Of all tiles that this run has restored.
    public var iterations = 0
    /// From the program's start, or with several pages from that of the page, to the output.
    public var seconds = 0.0
    /// From when the first tile could begin to the result of the last one; nil where not known.
    public var tilesSeconds: Double?
    /// That workers spent on the results, in sum.
    public var fitSeconds = 0.0
    public var workerCount = 0
    public var restartCount = 0
    public var failedAttemptCount = 0
    /// Workers that were refused further work.
    public var refusedWorkerCount = 0
    /// Messages of workers and strangers that could not be read or made no sense.
    public var nonsenseCount = 0
    /// Tries that went on after silence or a restart, with the worker that had them.
    public var resumedCount = 0
    /// States of fits that were stored, and tries that went on from one.
    public var checkpointCount = 0, checkpointUseCount = 0
    /// Iterations that had to be done again because a worker or its fit came to an end.
    public var lostIterationCount = 0
    /// Second tries at slow tiles, and those of them that were faster.
    public var secondTryCount = 0, secondTryWonCount = 0
    /// The mean over the tiles of this run.
    public var psnrToInput: Double?
    /// How far neighbouring tiles disagree where they overlap.
    public var seamRMS = 0.0, seamMaximum = 0.0
    /// Pairs of neighbours that overlap, and those of them that disagree most, the worst first.
    public var seamPairCount = 0
    public var seamPairs: [SeamPair] = []
    /// Tiles without a known sample, which stay as they were.
    public var unknownTiles: [Int] = []
    /// Fits whose first seeds came to nothing, in this run or an earlier one.
    public var reseeded: [Reseeded] = []
    /// Tiles some of whose fits came to nothing.
    public var thin: [Thin] = []
    public var unrestored: [Unrestored] = []
    /// How far results differ, in the file's values; nil where nobody asked for the map.
    public var uncertainty: Uncertainty?

    public init(input: String, output: String, preset: String, seed: UInt64) {
        (self.input, self.output, self.preset, self.seed) = (input, output, preset, seed)
    }

    /// As `dip-coord` prints it at the end.
    public var text: String {
        let restored = tileCount - unrestored.count
        let tilesSeconds = tilesSeconds ?? seconds
        let rate = tilesSeconds > 0 ? Double(iterations) / tilesSeconds : 0
        var workers = "\(workerCount)"
        if restartCount > 0 { workers += ", \(restartCount) started again" }
        if failedAttemptCount > 0 {
            workers += ", \(Text.count(failedAttemptCount, "attempt")) failed"
        }
        if refusedWorkerCount > 0 { workers += ", \(refusedWorkerCount) refused" }
        if resumedCount > 0 {
            workers += ", \(Text.count(resumedCount, "tile")) kept by a worker that came back"
        }
        let earlier =
            fitCountOfEarlierRuns > 0 ? ", \(fitCountOfEarlierRuns) by earlier runs" : ""
        var lines = [
            "restored   \(output)",
            "tiles      \(restored) of \(tileCount), \(windowWidth) x \(windowHeight) pixels each"
                + (restarts == 1 ? earlier : ""),
            restarts == 1
                ? nil : "restarts   \(restarts) fits a tile, averaged; \(fitCount) fits\(earlier)",
            "fit        preset \(preset), \(iterationsPerTile) iterations a "
                + "\(Text.unit(restarts: restarts)), seed \(seed)",
            stop.map { "stop       \($0.words)" },
            stopsEach ? "stop       where each tile is best itself, or at the last of these" : nil,
            "time       \(Text.time(seconds)), \(Text.fixed(rate, 1)) iterations/s",
            "workers    \(workers)",
        ].compactMap { $0 }
        if checkpointCount + checkpointUseCount + lostIterationCount > 0 {
            let (stored, all) =
                (Text.count(checkpointCount, "checkpoint"), iterations + lostIterationCount)
            lines.append(
                "lost       \(lostIterationCount) of \(all) iterations; "
                    + "\(stored) stored, \(checkpointUseCount) used")
        }
        if nonsenseCount > 0 {
            lines.append(
                "nonsense   \(Text.count(nonsenseCount, "message")) made no sense and were dropped")
        }
        if secondTryCount > 0 {
            lines.append(
                "stragglers \(Text.count(secondTryCount, "slow tile")) run a second time, "
                    + "\(secondTryWonCount) of them faster")
        }
        if let psnrToInput {
            lines.append(
                "PSNR       \(Text.fixed(psnrToInput, 2)) dB to the input, mean of "
                    + "\(Text.unit(restarts: restarts))s")
        }
        if seamPairCount > 0 {
            lines.append(
                "seams      neighbours differ by \(Text.fixed(seamRMS * 255, 2)) of 255 (RMS), "
                    + "\(Text.fixed(seamMaximum * 255, 1)) at most")
        }
        if let uncertainty {
            lines.append(
                "deviation  \(Text.fixed(uncertainty.mean, 3)) of the file's values in the mean, "
                    + "up to \(Text.fixed(uncertainty.percentile95, 3)) in 95 % of "
                    + "\(uncertainty.pixelCount) pixels")
        }
        if !unknownTiles.isEmpty {
            lines.append(
                "unknown    \(Text.count(unknownTiles.count, "tile")) without a known sample "
                    + "came through as they were")
        }
        if !reseeded.isEmpty {
            let fits = Text.count(reseeded.count, Text.unit(restarts: restarts))
            lines.append("reseeded   \(fits) collapsed and began anew with another seed")
        }
        for entry in thin {
            lines.append(
                "fewer      tile \(entry.tile) is the average of \(entry.resultCount) of "
                    + "\(restarts) fits: \(entry.reasons.last ?? "a file was damaged")")
        }
        if !unrestored.isEmpty {
            lines.append("           --retry-failed tries again what came through unrestored:")
        }
        for entry in unrestored.prefix(Self.unrestoredLinesMaximum) {
            let region = entry.region
            lines.append(
                "UNRESTORED tile \(entry.tile) (\(region.width) x \(region.height) pixels at "
                    + "\(region.x), \(region.y)): \(entry.reasons.last ?? "no reason is known")")
        }
        if unrestored.count > Self.unrestoredLinesMaximum {
            lines.append(
                "           and \(unrestored.count - Self.unrestoredLinesMaximum) more tiles")
        }
        return lines.joined(separator: "\n")
    }
}
