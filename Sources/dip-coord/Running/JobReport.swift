// What a restoration came to: the summary for people, report.json for programs.

import Dashboard
import Imaging
import Restoration

/// Times in seconds, lengths in pixels, PSNR in dB, seams on the scale [0, 1].
struct JobReport: Encodable {
    /// A tile whose pixels are the input's.
    struct Unrestored: Encodable {
        let tile: Int
        let region: PixelRegion
        let reasons: [String]
    }

    /// A tile that is the average of fewer results than restarts.
    struct Thin: Encodable {
        let tile: Int
        let resultCount: Int
        let reasons: [String]
    }

    /// A fit that came to something with another seed than its first.
    struct Reseeded: Encodable {
        let tile, restart: Int
        let seedsFailed: Int
        let seed: UInt64
    }

    private static let unrestoredLinesMaximum = 20

    let input, output: String
    let preset: String
    let seed: UInt64
    let tileCount: Int
    /// Fits of each tile, their seeds, and fits in all.
    let restarts: Int
    let seeds: [UInt64]
    let fitCount: Int
    /// Fits that earlier runs of the job have done. What follows is about this run.
    let fitCountOfEarlierRuns: Int
    let windowWidth, windowHeight: Int
    let iterationsPerTile: Int
    /// How pilots have found where fits stop; nil where none looked for it.
    let stop: StopFact.InReport?
    /// Of all tiles that this run has restored.
    let iterations: Int
    /// From the program's start.
    let seconds: Double
    /// That workers spent on the results, in sum.
    let fitSeconds: Double
    let workerCount: Int
    let restartCount: Int
    let failedAttemptCount: Int
    /// Workers that were refused further work.
    let refusedWorkerCount: Int
    /// Messages of workers and strangers that could not be read or made no sense.
    let nonsenseCount: Int
    /// Tries that went on after silence or a restart, with the worker that had them.
    let resumedCount: Int
    /// States of fits that were stored, and tries that went on from one.
    let checkpointCount, checkpointUseCount: Int
    /// Iterations that had to be done again because a worker or its fit came to an end.
    let lostIterationCount: Int
    /// Second tries at slow tiles, and those of them that were faster.
    let secondTryCount, secondTryWonCount: Int
    /// The mean over the tiles of this run.
    let psnrToInput: Double?
    /// How far neighbouring tiles disagree where they overlap.
    let seamRMS, seamMaximum: Double
    /// Pairs of neighbours that overlap, and those of them that disagree most, the worst first.
    let seamPairCount: Int
    let seamPairs: [SeamReport.Pair]
    /// Tiles without a known sample, which stay as they were.
    let unknownTiles: [Int]
    /// Fits whose first seeds came to nothing, in this run or an earlier one.
    let reseeded: [Reseeded]
    /// Tiles some of whose fits came to nothing.
    let thin: [Thin]
    let unrestored: [Unrestored]
    /// How far results differ, in the file's values; nil where nobody asked for the map.
    let uncertainty: UncertaintySummary?

    var text: String {
        let restored = tileCount - unrestored.count
        let rate = seconds > 0 ? Double(iterations) / seconds : 0
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
        if tileCount > 1 {
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
