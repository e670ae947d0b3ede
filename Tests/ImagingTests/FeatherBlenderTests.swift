import Imaging
import Testing

@Suite struct FeatherBlenderTests {
    /// Blends tiles that `tile` makes from the window's own pixels; records the rows asked for.
    private func blend(
        _ source: PictureSource, _ plan: TilePlan, log: ((Int, Range<Int>) -> Void)? = nil,
        tile: (Int, Float) -> Float?
    ) throws -> (result: [Float], seams: SeamReport) {
        let header = source.header
        let bands = header.colorBands
        let blender = FeatherBlender(
            plan: plan, imageWidth: header.width, imageHeight: header.height, bands: bands)
        var result = [Float]()
        let seams = try blender.blend(
            tileRows: { index, rows, buffer in
                log?(index, rows)
                guard tile(index, 0) != nil else { return false }
                let place = plan.tile(index)
                var window = [Float](repeating: 0, count: place.width * place.height * bands)
                try window.withUnsafeMutableBufferPointer {
                    try source.readWindow(place, into: $0)
                }
                let first = rows.lowerBound * place.width * bands
                #expect(buffer.count == rows.count * place.width * bands)
                for i in buffer.indices { buffer[i] = tile(index, window[first + i]) ?? 0 }
                return true
            },
            original: { rows, buffer in
                try source.readColor(
                    PixelRegion(x: 0, y: rows.lowerBound, width: header.width, height: rows.count),
                    into: buffer)
            },
            emit: { rows, pixels, _ in
                #expect(rows.lowerBound * header.width * bands == result.count)
                result += Array(pixels)
            })
        return (result, seams)
    }

    private func randomSource(seed: Int, _ type: SampleType, _ plan: TilePlan) -> PictureSource {
        PictureSource(
            Picture(
                ImageHeader(
                    width: plan.imageWidth, height: plan.imageHeight,
                    colorBands: seed % 2 == 0 ? 1 : 3, sampleType: type, format: .png),
                seed: seed))
    }

    private func randomPlan(seed: Int) throws -> (TilePlan, Comment) {
        var random = SeededGenerator(seed: seed)
        let tile = Int.random(in: 8...48, using: &random)
        let plan = try TilePlan(
            width: Int.random(in: 1...90, using: &random),
            height: Int.random(in: 1...90, using: &random), tile: tile,
            overlap: Int.random(in: 0...min(tile / 4 * 4 - 1, 30), using: &random), alignment: 4,
            minimum: 8)
        return (plan, "seed \(seed): \(plan)")
    }

    private func samples(_ color: [Float], _ type: SampleType) -> [UInt16] {
        color.map { UInt16(($0 * Float(type.range.high)).rounded()) }
    }

    @Test func `identity tiles blend to the input bit for bit`() throws {
        for seed in 0..<24 {
            let (plan, comment) = try randomPlan(seed: seed)
            for type in [SampleType.uint8, .uint16] {
                let source = randomSource(seed: seed, type, plan)
                let (result, seams) = try blend(source, plan) { _, value in value }
                #expect(samples(result, type) == source.picture.samples, comment)
                #expect(seams.rms == 0 && seams.maximum == 0, comment)
            }
        }
    }

    @Test func `tiles rounded to half precision blend to an 8 bit input bit for bit`() throws {
        for seed in 100..<116 {
            let (plan, comment) = try randomPlan(seed: seed)
            let source = randomSource(seed: seed, .uint8, plan)
            let (result, _) = try blend(source, plan) { _, value in halfPrecision(value) }
            #expect(samples(result, .uint8) == source.picture.samples, comment)
        }
    }

    /// Eleven significant bits, as a normal half-precision number has.
    private func halfPrecision(_ value: Float) -> Float {
        guard value > 0 else { return value }
        let scale = Float(sign: .plus, exponent: 10 - value.exponent, significand: 1)
        return (value * scale).rounded() / scale
    }

    @Test func `the weights sum to one at every pixel`() throws {
        for seed in 200..<260 {
            let (plan, comment) = try randomPlan(seed: seed)
            let source = randomSource(seed: seed, .uint8, plan)
            let (result, _) = try blend(source, plan) { _, _ in 1 }
            #expect(result.allSatisfy { abs($0 - 1) < 1e-6 }, comment)
        }
    }

    @Test func `every row of every tile inside the image is asked for once`() throws {
        for seed in 300..<316 {
            let (plan, comment) = try randomPlan(seed: seed)
            let source = randomSource(seed: seed, .uint8, plan)
            var next = [Int](repeating: 0, count: plan.tileCount)
            _ = try blend(
                source, plan,
                log: { index, rows in
                    #expect(rows.lowerBound == next[index] && rows.count <= 32, comment)
                    next[index] = rows.upperBound
                }, tile: { _, value in value })
            #expect(next.allSatisfy { $0 == min(plan.windowHeight, plan.imageHeight) }, comment)
        }
    }

    @Test func `a window loses its weight towards a neighbour and keeps it at the edge`() throws {
        // Three windows of 48 on 96 pixels, overlapping by half, so that all three meet in the
        // middle.
        let plan = try TilePlan(
            width: 96, height: 8, tile: 48, overlap: 24, alignment: 8, minimum: 8)
        #expect(plan.columns == [0, 24, 48])
        let source = randomSource(seed: 0, .uint8, plan)
        let (first, _) = try blend(source, plan) { index, _ in index == 0 ? 1 : 0 }
        #expect(first[0] == 1 && first[23] == 1, "flat where nobody else is")
        #expect(first[24] > 0.99 && first[47] < 0.01 && first[48] == 0)
        #expect(zip(first[24..<48], first[25..<49]).allSatisfy { $0 > $1 })
        // The raised cosine at the middle of a pixel.
        #expect(abs(first[24 + 6] - 0.8305) < 1e-3)
    }

    @Test func `three windows that meet share out the weight`() throws {
        let plan = try TilePlan(
            width: 64, height: 8, tile: 40, overlap: 32, alignment: 8, minimum: 8)
        #expect(plan.columns == [0, 8, 16, 24])
        let source = randomSource(seed: 0, .uint8, plan)
        var sum = [Float](repeating: 0, count: 64 * 8)
        for tile in 0..<4 {
            let (part, _) = try blend(source, plan) { index, _ in index == tile ? 1 : 0 }
            #expect(part.allSatisfy { $0 >= 0 })
            for i in sum.indices { sum[i] += part[i] }
        }
        #expect(sum.allSatisfy { abs($0 - 1) < 1e-6 })
    }

    @Test func `seams measure the disagreement of neighbours`() throws {
        // Two columns and two rows of 40 on 64 pixels: overlaps of 16.
        let plan = try TilePlan(
            width: 64, height: 64, tile: 40, overlap: 16, alignment: 8, minimum: 8)
        #expect(plan.columns == [0, 24] && plan.rows == [0, 24])
        let source = randomSource(seed: 1, .uint8, plan)
        // Columns differ by 0.3, rows by 0.1.
        let (_, seams) = try blend(source, plan) { index, _ in
            0.3 * Float(index % 2) + 0.1 * Float(index / 2)
        }
        #expect(seams.overlapPixelCount == 4 * 40 * 16)
        #expect(abs(seams.maximum - 0.3) < 1e-6)
        #expect(abs(seams.rms - ((0.09 + 0.01) / 2 as Double).squareRoot()) < 1e-6)
    }

    @Test func `pairs are listed with the worst first, and the map shows them at their place`()
        throws
    {
        let plan = try TilePlan(
            width: 64, height: 64, tile: 40, overlap: 16, alignment: 8, minimum: 8)
        let values: [Float] = [0, 0.3, 0.1, 0.9]
        let blender = FeatherBlender(plan: plan, imageWidth: 64, imageHeight: 64, bands: 1)
        var map: [Float] = []
        let seams = try blender.blend(
            tileRows: { index, _, buffer in
                buffer.update(repeating: values[index])
                return true
            }, original: { _, _ in }, emit: { _, _, _ in },
            disagreement: { rows, values in
                #expect(rows.lowerBound * 64 == map.count)
                map += Array(values)
            })
        let pairs = seams.pairs.map { [$0.first, $0.second] }
        #expect(pairs == [[2, 3], [1, 3], [0, 1], [0, 2]] && seams.pairCount == 4)
        #expect(zip(seams.pairs, [0.8, 0.6, 0.3, 0.1]).allSatisfy { abs($0.rms - $1) < 1e-6 })
        // Overlaps are columns and rows 24 to 40.
        func value(_ x: Int, _ y: Int) -> Float { map[y * 64 + x] }
        #expect(value(10, 10) == 0 && value(60, 60) == 0 && value(10, 60) == 0)
        #expect(abs(value(30, 3) - 0.3) < 1e-6 && abs(value(30, 60) - 0.8) < 1e-6)
        #expect(abs(value(5, 24) - 0.1) < 1e-6 && abs(value(63, 39) - 0.6) < 1e-6)
        #expect(abs(value(30, 30) - 0.8) < 1e-6)
    }

    @Test func `the source's pixels stand in for a tile that was not restored`() throws {
        for seed in 400..<408 {
            let (plan, comment) = try randomPlan(seed: seed)
            let source = randomSource(seed: seed, .uint16, plan)
            let (result, seams) = try blend(source, plan) { index, value in
                index % 2 == 0 ? nil : value
            }
            #expect(samples(result, .uint16) == source.picture.samples, comment)
            #expect(seams.rms == 0, comment)
        }
    }

    @Test func `an error of a tile ends the pass`() throws {
        struct Broken: Error {}
        let plan = try TilePlan(
            width: 64, height: 64, tile: 40, overlap: 16, alignment: 8, minimum: 8)
        let blender = FeatherBlender(plan: plan, imageWidth: 64, imageHeight: 64, bands: 1)
        #expect(throws: Broken.self) {
            try blender.blend(
                tileRows: { index, _, _ in
                    if index == 3 { throw Broken() }
                    return true
                }, original: { _, _ in }, emit: { _, _, _ in })
        }
    }
}
