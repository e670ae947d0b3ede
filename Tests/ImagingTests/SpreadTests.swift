import Imaging
import Testing

@Suite struct SpreadTests {
    /// A result's sample, by a generator of its own.
    private func value(_ seed: Int, _ tile: Int, _ result: Int, _ sample: Int) -> Float {
        var random = SeededGenerator(seed: ((seed * 64 + tile) * 8 + result) << 20 + sample)
        return 0.5 + Float.random(in: -0.01...0.01, using: &random)
    }

    @Test(arguments: 0..<6)
    func `deviations are those of all results by their tiles' weights`(seed: Int) throws {
        var random = SeededGenerator(seed: seed)
        let bands = seed % 2 == 0 ? 1 : 3
        let (width, height) = (
            Int.random(in: 8...40, using: &random), Int.random(in: 8...40, using: &random)
        )
        let plan = try TilePlan(
            width: width, height: height, tile: 16, overlap: 6, alignment: 4, minimum: 8)
        let counts = (0..<plan.tileCount).map { _ in Int.random(in: 0...3, using: &random) }
        let blender = FeatherBlender(
            plan: plan, imageWidth: width, imageHeight: height, bands: bands)

        // A tile's weight is what comes through of it alone.
        func weights(of wanted: Int) throws -> [Float] {
            var weights: [Float] = []
            _ = try blender.blend(
                tileRows: { tile, _, pixels in
                    pixels.update(repeating: tile == wanted ? 1 : 0)
                    return true
                }, original: { _, _ in }, emit: { _, pixels, _ in weights += Array(pixels) })
            return weights
        }
        let weightsOfTiles = try (0..<plan.tileCount).map(weights)

        var variances: [Float] = []
        var count = 0
        var deviations: [Float] = []
        _ = try blender.blend(
            tileRows: { tile, rows, pixels in
                count = counts[tile]
                guard count > 0 else { return false }
                variances = Array(repeating: 0, count: pixels.count / bands)
                for index in pixels.indices {
                    let sample = rows.lowerBound * plan.windowWidth * bands + index
                    let values = (0..<count).map { Double(value(seed, tile, $0, sample)) }
                    let mean = values.reduce(0, +) / Double(count)
                    pixels[index] = Float(mean)
                    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
                    variances[index / bands] += Float(squares / Double(count * bands))
                }
                return true
            },
            original: { _, pixels in pixels.update(repeating: 0) }, emit: { _, _, _ in },
            spread: (
                of: {
                    _ = $0.update(fromContentsOf: variances)
                    return count
                },
                emit: { deviations += $1 }
            ))

        try #require(deviations.count == width * height)
        for pixel in deviations.indices {
            let (x, y) = (pixel % width, pixel / width)
            var (resultCount, variance) = (0, 0.0)
            for band in 0..<bands {
                var results: [(weight: Double, value: Double)] = []
                for tile in (0..<plan.tileCount).map(plan.tile) where counts[tile.index] > 0 {
                    let weight = weightsOfTiles[tile.index][pixel * bands]
                    guard weight > 0 else { continue }
                    let sample = ((y - tile.y) * tile.width + x - tile.x) * bands + band
                    for result in 0..<counts[tile.index] {
                        results.append(
                            (
                                Double(weight) / Double(counts[tile.index]),
                                Double(value(seed, tile.index, result, sample))
                            ))
                    }
                }
                resultCount = results.count
                let sum = results.reduce(0) { $0 + $1.weight }
                let mean = results.reduce(0) { $0 + $1.weight * $1.value } / sum
                variance +=
                    results.reduce(0) { $0 + $1.weight * ($1.value - mean) * ($1.value - mean) }
                    / sum / Double(bands)
            }
            let place: Comment = "seed \(seed): \(x), \(y) of \(resultCount) results"
            if resultCount < 2 {
                #expect(deviations[pixel].isNaN, place)
            } else {
                #expect(abs(Double(deviations[pixel]) - variance.squareRoot()) < 2e-6, place)
            }
        }
    }
}
