// What goes to a worker, what it has to be able to do, and what comes back.

import DeepImagePrior
import Imaging
import JobStore
import Restoration
import Wire

extension RestoreJob {
    /// What a worker gets of a window (H, W, C): the given pixels, and behind them the guide's.
    var assignedShape: PixelShape {
        PixelShape(
            height: plan.windowHeight / factor, width: plan.windowWidth / factor,
            bands: bands + guideBands)
    }

    /// Bytes of that as float32.
    var assignedByteCount: Int {
        assignedShape.height * assignedShape.width * assignedShape.bands * MemoryLayout<Float>.size
    }

    /// A fit's result: a window's restored pixels (H, W, C), or weights.
    var resultShape: PixelShape {
        if let weightsShape {
            return PixelShape(
                height: weightsShape[0], width: weightsShape[1], bands: weightsShape[2])
        }
        return PixelShape(height: plan.windowHeight, width: plan.windowWidth, bands: bands)
    }

    /// Bytes of that as float32.
    var resultByteCount: Int {
        resultShape.height * resultShape.width * resultShape.bands * MemoryLayout<Float>.size
    }

    /// Whether it is a phase before a restoration: its output is a fact of that job, and no
    /// picture.
    var isPhase: Bool { configuration.measuresStop || configuration.givesWeights }

    /// What a worker has to be able to do beyond what every one can.
    var requiredCapabilities: [Capability] {
        var needed = capabilitiesForTiles
        if configuration.measuresStop { needed.append(.measuresStop) }
        if configuration.givesWeights { needed.append(.givesWeights) }
        return needed
    }

    /// The same of the job that a phase comes before; nil for that job itself.
    var capabilitiesRequiredAfterwards: [Capability]? { isPhase ? capabilitiesForTiles : nil }

    private var capabilitiesForTiles: [Capability] {
        var needed: [Capability] = []
        if factor != 1 { needed.append(.upscale) }
        if guideBands > 0 { needed.append(.guide) }
        return needed
    }
}
