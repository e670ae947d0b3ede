// What the other rooms know of a restoration, as its report says it.

import Cluster
import Dashboard
import Imaging
import Restoration

extension JobReport {
    mutating func take(_ statistics: Coordinator.Statistics) {
        workerCount = statistics.workerCount
        failedAttemptCount = statistics.failureCount
        refusedWorkerCount = statistics.refusedCount
        nonsenseCount = statistics.nonsenseCount
        resumedCount = statistics.resumedCount
        checkpointCount = statistics.checkpointCount
        checkpointUseCount = statistics.checkpointUseCount
        lostIterationCount = statistics.lostIterationCount
        secondTryCount = statistics.secondTryCount
        secondTryWonCount = statistics.secondTryWonCount
    }

    mutating func take(_ blend: BlendResult) {
        (seamRMS, seamMaximum) = (blend.seams.rms, blend.seams.maximum)
        seamPairCount = blend.seams.pairCount
        seamPairs = blend.seams.pairs.map { .init(first: $0.first, second: $0.second, rms: $0.rms) }
        unknownTiles = blend.unknown
        uncertainty = blend.uncertainty.map {
            .init(
                mean: $0.mean, percentile95: $0.percentile95, maximum: $0.maximum,
                pixelCount: $0.pixelCount, imagePixelCount: $0.imagePixelCount)
        }
    }
}

extension JobDescription.Window {
    init(_ region: PixelRegion) {
        self.init(x: region.x, y: region.y, width: region.width, height: region.height)
    }
}
