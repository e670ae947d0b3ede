// Which pixels are held out of a fit.

internal import NeuralNetwork

extension FitProblem {
    /// Makes the pixels missing that the configuration holds out, and those with them that would
    /// tell their noise.
    ///
    /// - Returns: The former's samples that were given: places and values. None where no rule asks
    ///   for it.
    mutating func holdOut(
        _ configuration: FitConfiguration, kernels: Kernels
    ) -> [(place: Int, value: Float)] {
        guard configuration.stopRule == .heldOut else { return [] }
        let radius = configuration.blindRadius
        let given = pixels
        var heldOut: [(place: Int, value: Float)] = []
        for y in -radius..<height + radius {
            for x in -radius..<width + radius {
                let isHeldOut = StopMonitor.areHeldOut(
                    x: originX / factor + x, y: originY / factor + y, bands: bands, configuration,
                    kernels: kernels)
                for band in 0..<bands where isHeldOut[band] {
                    hide(y - radius...y + radius, x - radius...x + radius, band)
                    guard (0..<height).contains(y), (0..<width).contains(x) else { continue }
                    let place = (y * width + x) * bands + band
                    if !given[place].isNaN { heldOut.append((place, given[place])) }
                }
            }
        }
        return heldOut
    }

    /// Makes the samples missing that a square has in the tile.
    private mutating func hide(_ rows: ClosedRange<Int>, _ columns: ClosedRange<Int>, _ band: Int) {
        for y in rows.clamped(to: 0...height - 1) where rows.contains(y) {
            for x in columns.clamped(to: 0...width - 1) where columns.contains(x) {
                pixels[(y * width + x) * bands + band] = .nan
            }
        }
    }
}

extension FitConfiguration {
    /// - Throws: `FitError.invalid` where a pilot's curve has no room in the place of its tile.
    func checkCurve(fits problem: FitProblem) throws(FitError) {
        guard measuresStop else { return }
        guard stopRule != .fixed else {
            throw .invalid("a pilot needs a stop rule that is not \"fixed\"")
        }
        try checkCurve(sampleCount: problem.outputCount)
    }

    /// - Parameter sampleCount: of a restored tile.
    public func checkCurve(sampleCount: Int) throws(FitError) {
        guard iterations / StopCurve.interval < sampleCount else {
            throw .invalid(
                "\(iterations) iterations are too many for pilots, whose curve takes the place of "
                    + "a tile's \(sampleCount) samples; \((sampleCount - 1) * StopCurve.interval) "
                    + "are the most")
        }
    }
}
