// What a restoration came to: the summary for people, report.json for programs.

import Dashboard
import Imaging

/// Times in seconds, lengths in pixels, PSNR in dB, seams on the scale [0, 1].
struct JobReport: Encodable {
    /// A tile whose pixels are the input's.
    struct Unrestored: Encodable {
        let tile: Int
        let region: PixelRegion
        let reasons: [String]
    }

    let input, output: String
    let preset: String
    let seed: UInt64
    let tileCount: Int
    /// Tiles that earlier runs of the job have restored. What follows is about this run.
    let tileCountOfEarlierRuns: Int
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
    let unrestored: [Unrestored]

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
            tileCountOfEarlierRuns > 0 ? ", \(tileCountOfEarlierRuns) by earlier runs" : ""
        var lines = [
            "restored   \(output)",
            "tiles      \(restored) of \(tileCount), \(windowWidth) x \(windowHeight) pixels each"
                + earlier,
            "fit        preset \(preset), \(iterationsPerTile) iterations a tile, seed \(seed)",
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
            lines.append("PSNR       \(Text.fixed(psnrToInput, 2)) dB to the input, mean of tiles")
        }
        if tileCount > 1 {
            lines.append(
                "seams      neighbours differ by \(Text.fixed(seamRMS * 255, 2)) of 255 (RMS), "
                    + "\(Text.fixed(seamMaximum * 255, 1)) at most")
        }
        if !unknownTiles.isEmpty {
            lines.append(
                "unknown    \(Text.count(unknownTiles.count, "tile")) without a known sample "
                    + "came through as they were")
        }
        if !unrestored.isEmpty {
            lines.append("           --retry-failed tries again what came through unrestored:")
        }
        for entry in unrestored {
            let region = entry.region
            lines.append(
                "UNRESTORED tile \(entry.tile) (\(region.width) x \(region.height) pixels at "
                    + "\(region.x), \(region.y)): \(entry.reasons.last ?? "no reason is known")")
        }
        return lines.joined(separator: "\n")
    }
}
