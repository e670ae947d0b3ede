@testable import Dashboard

/// A report in which every field has a value.
enum ReportSample {
    static func description(tiles: Int = 4, restarts: Int = 1, input: String = "a.png")
        -> JobDescription
    {
        var sample = JobDescription(
            job: "j", input: input, output: "b.png", folder: "b.png.dip", task: "denoise",
            preset: "fast", width: 16 * tiles + 16, height: 64, originX: 3, originY: 4, bands: 3,
            windows: (0..<tiles).map { .init(x: $0 * 16, y: 0, width: 32, height: 64) },
            overlap: 16, restarts: restarts, iterationsPerTile: 100, seed: 0,
            configuration: #"{"iterations":100,"learningRate":0.01}"#,
            command: ["dip-coord", "it's.png", "-o", "b.png"],
            version: "dip-coord 0", host: "h", beganAt: 1000)
        sample.page = JobDescription.Page(number: 1, count: 2)
        return sample
    }

    static func summary() -> JobReport {
        var summary = JobReport(input: "a.png", output: "b.png", preset: "fast", seed: 0)
        (summary.tileCount, summary.fitCount, summary.iterations) = (4, 4, 300)
        (summary.seconds, summary.tilesSeconds) = (7, 6)
        summary.stop = stop
        summary.psnrToInput = 24
        (summary.seamPairCount, summary.seamRMS, summary.seamMaximum) = (3, 0.01, 0.2)
        summary.seamPairs = [.init(first: 1, second: 2, rms: 0.03)]
        summary.reseeded = [.init(tile: 0, restart: 0, seedsFailed: 1, seed: 9)]
        summary.thin = [.init(tile: 2, resultCount: 1, reasons: ["r"])]
        summary.unrestored = [
            .init(
                tile: 3, region: .init(x: 51, y: 4, width: 32, height: 64),
                reasons: ["attempt 3 on w: failed"])
        ]
        summary.uncertainty = .init(
            mean: 1, percentile95: 2, maximum: 3, pixelCount: 4, imagePixelCount: 5)
        return summary
    }

    static let stop = JobReport.Stop(
        rule: "held-out", iteration: 80, isConfirmed: true, pilotCount: 1, noiseDeviation: 0.1,
        words: "after 80 iterations")

    /// Its worker has finished two tiles, failed on one, and gone.
    static func record(_ description: JobDescription = description()) -> JobRecord {
        var record = JobRecord(description)
        func take(_ kind: ProgressEvent.Kind, _ complete: (inout ProgressEvent) -> Void) {
            var event = ProgressEvent(kind, time: 1005)
            complete(&event)
            record.take(event)
        }
        take(.workerJoined) { ($0.worker, $0.host) = ("node17-1234-ab", "node17") }
        record.take(ProgressSnapshot.complete)
        for (tile, psnr) in [(0, 24.0), (1, 20)] {
            var snapshot = ProgressSnapshot.complete
            snapshot.workers[0].tile = tile
            record.take(snapshot)
            take(.tileFinished) {
                ($0.tile, $0.attempt, $0.iterations) = (tile, 1, 100)
                ($0.worker, $0.host) = ("node17-1234-ab", "node17")
                ($0.seconds, $0.psnr, $0.loss) = (3, psnr, 0.002)
            }
        }
        take(.tileFailed) {
            ($0.tile, $0.attempt, $0.worker) = (1, 1, "node17-1234-ab")
            $0.reason = "it fell silent"
        }
        take(.tileSetAside) { ($0.tile, $0.reason) = (3, "failed") }
        take(.message) { $0.message = "warning: the disk is nearly full" }
        take(.workerLeft) { ($0.worker, $0.reason) = ("node17-1234-ab", "left") }
        return record
    }

    static func complete(_ description: JobDescription = description()) -> Report {
        var report = Report(
            record(description), summary: summary(),
            libraries: [.init(name: "libtiff", version: "4.5")], warnings: ["the disk is full"],
            exitCode: 2, writtenAt: 1010, isOfEarlierRun: false)
        report.times.coordinatorCPUSeconds = 0.5
        report.times.localWorkerCPUSeconds = 6
        report.pilots = .init(
            stop: stop, iterationsMaximum: 200, interval: 10,
            pilots: [
                .init(region: .init(x: 0, y: 0, width: 32, height: 64), values: [0.2, nil, 0.1])
            ])
        report.pictures = .init(reduction: 1, width: 80, height: 64, disagreementMaximum: 0.2)
        return report
    }

    static let images = ReportImages(
        before: .init(mediaType: "image/jpeg", bytes: [1, 2, 3]),
        after: .init(mediaType: "image/jpeg", bytes: [4, 5, 6]),
        disagreement: .init(mediaType: "image/png", bytes: [7, 8]))
}
