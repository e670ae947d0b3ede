import Imaging
import Testing

@Suite struct TilePlanTests {
    struct Case: CustomStringConvertible {
        let width, height, tile, overlap, alignment, minimum: Int

        var description: String {
            "\(width) x \(height), tile \(tile), overlap \(overlap), alignment \(alignment), "
                + "minimum \(minimum)"
        }

        func plan() throws -> TilePlan {
            try TilePlan(
                width: width, height: height, tile: tile, overlap: overlap, alignment: alignment,
                minimum: minimum)
        }
    }

    /// Valid parameters, small enough for brute force.
    static func randomCase(seed: Int) -> Case {
        var random = SeededGenerator(seed: seed)
        let alignment = [1, 2, 3, 4, 8, 16, 32].randomElement(using: &random) ?? 1
        let minimum = alignment * Int.random(in: 1...2, using: &random)
        let tile = minimum + Int.random(in: 0...90, using: &random)
        let largest = tile / alignment * alignment
        return Case(
            width: Int.random(in: 1...300, using: &random),
            height: Int.random(in: 1...300, using: &random), tile: tile,
            overlap: Int.random(in: 0...(largest - 1), using: &random), alignment: alignment,
            minimum: minimum)
    }

    @Test func `512 pixels at tile 256 and overlap 32 take three windows of 192`() throws {
        let plan = try TilePlan(
            width: 512, height: 256, tile: 256, overlap: 32, alignment: 32, minimum: 64)
        #expect(plan.windowWidth == 192)
        #expect(plan.columns == [0, 160, 320])
        #expect(plan.windowHeight == 256)
        #expect(plan.rows == [0])
        #expect(plan.tileCount == 3)
        let last = plan.tile(2)
        #expect(last.column == 2 && last.row == 0 && last.x == 320 && last.y == 0)
        #expect(last.width == 192 && last.height == 256)
    }

    @Test func `a tile plan covers every pixel and neighbours share the overlap`() throws {
        for seed in 0..<500 {
            let shape = Self.randomCase(seed: seed)
            let plan = try shape.plan()
            let comment: Comment = "seed \(seed): \(shape)"
            for (starts, window, length) in [
                (plan.columns, plan.windowWidth, shape.width),
                (plan.rows, plan.windowHeight, shape.height),
            ] {
                #expect(window % shape.alignment == 0 && window <= shape.tile, comment)
                #expect(window >= shape.minimum, comment)
                #expect(starts.first == 0, comment)
                for (start, next) in zip(starts, starts.dropFirst()) {
                    #expect(start < next, comment)
                    #expect(start + window - next >= shape.overlap, comment)
                }
                let end = (starts.last ?? 0) + window
                if starts.count > 1 {
                    #expect(end == length, comment)
                } else {
                    // Padded by no more than the alignment or the minimum forces.
                    #expect(end >= length, comment)
                    #expect(end - length < shape.alignment || end <= shape.minimum, comment)
                }
                let steps = zip(starts, starts.dropFirst()).map { $1 - $0 }
                #expect((steps.max() ?? 0) - (steps.min() ?? 0) <= 1, comment)
            }
        }
    }

    @Test func `no plan with fewer or smaller windows exists`() throws {
        for seed in 0..<300 {
            let shape = Self.randomCase(seed: seed)
            let plan = try shape.plan()
            for (starts, window, length) in [
                (plan.columns, plan.windowWidth, shape.width),
                (plan.rows, plan.windowHeight, shape.height),
            ] {
                let best = bruteForce(shape, length: length)
                #expect(
                    starts.count == best.count && window == best.window, "seed \(seed): \(shape)")
            }
        }
    }

    /// Tries every allowed window: walks as far as the overlap lets it and counts.
    private func bruteForce(_ shape: Case, length: Int) -> (count: Int, window: Int) {
        var best = (count: Int.max, window: Int.max)
        for window in shape.minimum...shape.tile
        where window % shape.alignment == 0 && (window > shape.overlap || window >= length) {
            var (count, end) = (1, window)
            while end < length {
                end += window - shape.overlap
                count += 1
            }
            // Two windows or more lie inside the image.
            if count > 1 && window > length { continue }
            if (count, window) < best { best = (count, window) }
        }
        return best
    }

    @Test func `a window that rounding would push above the tile is rounded down`() throws {
        let plan = try TilePlan(
            width: 1000, height: 90, tile: 100, overlap: 10, alignment: 32, minimum: 64)
        #expect(plan.windowWidth <= 96)
        #expect(plan.windowHeight == 96)
    }

    @Test func `bad values are refused with a sentence that names them`() throws {
        let refused: [(Case, String)] = [
            (Case(width: 0, height: 5, tile: 64, overlap: 8, alignment: 8, minimum: 8), "0 x 5"),
            (Case(width: 9, height: 9, tile: 63, overlap: 8, alignment: 32, minimum: 64), "63"),
            (Case(width: 9, height: 9, tile: 0, overlap: 0, alignment: 1, minimum: 1), "tile 0"),
            (Case(width: 9, height: 9, tile: 64, overlap: -1, alignment: 8, minimum: 8), "-1"),
            (Case(width: 9, height: 9, tile: 64, overlap: 64, alignment: 8, minimum: 8), "overlap"),
            (Case(width: 9, height: 9, tile: 100, overlap: 97, alignment: 32, minimum: 32), "96"),
            (
                Case(width: 9, height: 9, tile: 64, overlap: 8, alignment: 0, minimum: 8),
                "alignment"
            ),
            (
                Case(
                    width: .max, height: .max, tile: .max, overlap: .max, alignment: .max,
                    minimum: .max), "pixels"
            ),
        ]
        for (shape, word) in refused {
            let error = #expect(throws: TilePlanError.self, "\(shape)") { try shape.plan() }
            #expect(
                error?.description.contains(word) == true, "\(shape): \(String(describing: error))")
        }
    }

    @Test func `a window larger than the image is filled by its repeated mirror`() throws {
        let header = ImageHeader(
            width: 3, height: 1, colorBands: 1, sampleType: .uint8, format: .png)
        let source = PictureSource(Picture(header: header, samples: [0, 51, 255]))
        let plan = try TilePlan(
            width: 3, height: 1, tile: 16, overlap: 0, alignment: 8, minimum: 8)
        var window = [Float](repeating: -1, count: 64)
        try window.withUnsafeMutableBufferPointer { try source.readWindow(plan.tile(0), into: $0) }
        for row in 0..<8 {
            #expect(Array(window[row * 8..<row * 8 + 8]) == [0, 0.2, 1, 0.2, 0, 0.2, 1, 0.2])
        }
    }
}
