// Which pixels are held out of a fit.

internal import NeuralNetwork

extension FitProblem {
    /// Makes the pixels missing that the configuration holds out.
    ///
    /// - Returns: Their samples that were given: places and values. None where no rule asks for it.
    mutating func holdOut(
        _ configuration: FitConfiguration, kernels: Kernels
    ) -> [(place: Int, value: Float)] {
        guard configuration.stopRule == .heldOut else { return [] }
        var heldOut: [(place: Int, value: Float)] = []
        for y in 0..<height {
            for x in 0..<width {
                let isHeldOut = StopMonitor.areHeldOut(
                    x: originX / factor + x, y: originY / factor + y, bands: bands, configuration,
                    kernels: kernels)
                for band in 0..<bands where isHeldOut[band] {
                    let place = (y * width + x) * bands + band
                    guard !pixels[place].isNaN else { continue }
                    heldOut.append((place, pixels[place]))
                    pixels[place] = .nan
                }
            }
        }
        return heldOut
    }
}

extension FitConfiguration {
    /// - Throws: `FitError.invalid` where a pilot's curve has no room in the place of its tile.
    func checkCurve(fits problem: FitProblem) throws(FitError) {
        guard measuresStop else { return }
        guard stopRule != .fixed else {
            throw .invalid("a pilot needs a stop rule that is not \"fixed\"")
        }
        guard iterations / StopCurve.interval < problem.pixels.count else {
            throw .invalid(
                "\(iterations) iterations are too many for a pilot of "
                    + "\(problem.height)x\(problem.width)x\(problem.bands)")
        }
    }
}
