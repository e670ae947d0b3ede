import NeuralNetwork
import Testing

@testable import DeepImagePrior

struct NetworkInputTests {
    private static func configuration(
        _ input: NetworkInput, channels: Int, factor: Int = 1
    ) -> FitConfiguration {
        .tiny {
            $0.input = input
            $0.inputChannels = channels
            $0.factor = factor
            $0.task = input == .guide ? .guided : factor > 1 ? .upscale : .denoise
            $0.iterations = 3
        }
    }

    private func z(_ problem: FitProblem, _ configuration: FitConfiguration) throws -> [Float] {
        try problem.validate(for: configuration)
        return configuration.input.z(
            of: problem, configuration, kernels: try .forThisMachine())
    }

    @Test func `places in the image run from 0 to 1, and tiles see one field of them`() throws {
        let configuration = Self.configuration(.meshgrid, channels: 2)
        var whole = FitProblem.tile(12, 20)
        (whole.imageWidth, whole.imageHeight) = (20, 12)
        let all = try z(whole, configuration)
        #expect(Array(all[..<4]) == [0, 0, Float(1.0 / 19), 0])
        #expect(Array(all[(all.count - 2)...]) == [1, 1])
        var tile = FitProblem.tile(8, 8, x: 9, y: 3)
        (tile.imageWidth, tile.imageHeight) = (20, 12)
        let part = try z(tile, configuration)
        for y in 0..<8 {
            let first = ((y + 3) * 20 + 9) * 2
            #expect(Array(part[y * 16..<y * 16 + 16]) == Array(all[first..<first + 16]))
        }
        tile.imageWidth = nil
        #expect(throws: FitError.self) { try tile.validate(for: configuration) }
        // A line of pixels lies at 0.
        (tile.imageWidth, tile.imageHeight) = (1, 1)
        #expect(try z(tile, configuration).allSatisfy(\.isFinite))
    }

    @Test func `the image itself is enlarged between the centres of its pixels`() throws {
        let pixels: [Float] = [0, 1, 0.5, 0]
        var problem = FitProblem(
            pixels: pixels, height: 1, width: 4, bands: 1, originX: 0, originY: 0, tile: 0)
        #expect(try z(problem, Self.configuration(.image, channels: 1)) == pixels)
        problem.factor = 2
        let row: [Float] = [0, 0.25, 0.75, 0.875, 0.625, 0.375, 0.125, 0]
        #expect(try z(problem, Self.configuration(.image, channels: 1, factor: 2)) == row + row)
    }

    @Test func `a coarse picture takes the first channels of the noise, on one grid of blocks`()
        throws
    {
        let configuration = Self.configuration(.coarse, channels: 5)
        let noise = Self.configuration(.noise, channels: 5)
        for (x, y) in [(0, 0), (3, 5), (8, 2)] {
            let problem = FitProblem.tile(12, 20, x: x, y: y)
            let (mixed, pure) = (try z(problem, configuration), try z(problem, noise))
            for pixel in 0..<12 * 20 {
                #expect(mixed[pixel * 5 + 3] == pure[pixel * 5 + 3])
                #expect(mixed[pixel * 5 + 4] == pure[pixel * 5 + 4])
            }
            // Between the centres of four blocks lies the mean of their sixteen pixels.
            for (row, column) in [(4, 4), (4, 10), (8, 16)] {
                let (top, left) = (row - y % 2, column - x % 2)
                var sum: Float = 0
                for dy in -2..<2 {
                    for dx in -2..<2 {
                        sum += problem.pixels[((top + dy) * 20 + left + dx) * 3 + 1]
                    }
                }
                let around = [(-1, -1), (-1, 0), (0, -1), (0, 0)].map {
                    mixed[((top + $0.0) * 20 + left + $0.1) * 5 + 1]
                }
                let mean = around.reduce(0, +) / 4
                #expect(abs(mean - 0.3 * sum / 16) < 1e-6, "\(x) \(y): \(row) \(column)")
            }
        }
    }

    @Test func `where nothing is given, a coarse picture goes on with what lies around`() throws {
        let configuration = Self.configuration(.coarse, channels: 2)
        let hole = FitProblem.tile(16, 16, bands: 1) { y, x, _ in
            (4..<10).contains(y) && (2..<9).contains(x) ? .nan : y < 8 ? 0.25 : 0.75
        }
        let values = stride(from: 0, to: 16 * 16 * 2, by: 2)
        let filled = try z(hole, configuration)
        #expect(values.allSatisfy { (0.25 * 0.3...0.75 * 0.3 + 1e-6).contains(filled[$0]) })
        let empty = FitProblem.tile(16, 16, bands: 1) { _, _, _ in .nan }
        let gray = try z(empty, configuration)
        #expect(values.allSatisfy { abs(gray[$0] - 0.15) < 1e-6 })
        // Of an enlarged tile, a block has so many more pixels.
        var small = FitProblem.tile(8, 8, bands: 1) { _, _, _ in 0.5 }
        small.factor = 2
        let wanted = Self.configuration(.coarse, channels: 2, factor: 2)
        let enlarged = try z(small, wanted)
        #expect(enlarged.count == 16 * 16 * 2 && abs(enlarged[34] - 0.15) < 1e-6)
    }

    @Test func `every input is fitted, whatever is missing, and the same each time`() throws {
        for input in NetworkInput.allCases {
            for factor in input == .guide ? [1] : [1, 2] {
                let side = 32 / factor
                var problem = FitProblem.tile(side, side) { y, x, band in
                    y < 3 ? .nan : FitProblem.smooth(y, x, band)
                }
                problem.factor = factor
                (problem.imageWidth, problem.imageHeight) = (32, 32)
                if input == .guide {
                    problem.guideBands = 2
                    problem.guide = (0..<32 * 32 * 2).map { $0 == 5 ? .nan : Float($0 % 7) / 7 }
                }
                let channels = [
                    NetworkInput.noise: 4, .coarse: 4, .masked: 4, .image: 3, .meshgrid: 2,
                    .guide: 2,
                ]
                let configuration = Self.configuration(
                    input, channels: channels[input] ?? 0, factor: factor)
                var results: [[Float]] = []
                for _ in 0..<2 {
                    let fit = try Fit(problem: problem, configuration: configuration)
                    while !fit.isFinished { _ = try fit.step() }
                    results.append(fit.result())
                }
                #expect(results[0] == results[1] && results[0].count == 32 * 32 * 3, "\(input)")
                #expect(results[0].allSatisfy { (0...1).contains($0) }, "\(input)")
            }
        }
    }

    @Test func `an enlarging fit resumes bit for bit`() throws {
        var problem = FitProblem.tile(16, 16)
        problem.factor = 2
        let configuration = Self.configuration(.noise, channels: 4, factor: 2)
        let whole = try Fit(problem: problem, configuration: configuration)
        _ = try whole.step()
        let state = try FitState(bytes: whole.state.encoded())
        let second = try Fit(problem: problem, configuration: configuration, resuming: state)
        for fit in [whole, second] { while !fit.isFinished { _ = try fit.step() } }
        #expect(whole.result() == second.result())
    }

    @Test func `an input that the tile cannot give is refused`() {
        var guided = FitProblem.tile(32, 32)
        guided.guideBands = 2
        guided.guide = [Float](repeating: 0.5, count: 32 * 32 * 2)
        var infinite = guided
        infinite.guide[7] = .infinity
        var short = guided
        short.guide.removeLast()
        let guide = Self.configuration(.guide, channels: 2)
        let cases: [(FitProblem, FitConfiguration)] = [
            (.tile(), guide), (infinite, guide), (short, guide),
            (guided, Self.configuration(.guide, channels: 3)),
            (.tile(bands: 2), Self.configuration(.image, channels: 3)),
            (.tile(), Self.configuration(.meshgrid, channels: 2)),
            (.tile(), Self.configuration(.noise, channels: 4, factor: 2)),
            (.tile(), Self.configuration(.coarse, channels: 3)),
            (.tile(), Self.configuration(.masked, channels: 3)),
        ]
        for (problem, configuration) in cases {
            #expect(throws: FitError.self) {
                try Fit(problem: problem, configuration: configuration)
            }
        }
        for (input, channels) in [(NetworkInput.meshgrid, 3), (.image, 257), (.guide, 257)] {
            #expect(throws: FitError.self) {
                try Self.configuration(input, channels: channels).validate()
            }
        }
        for task in Task.allCases {
            for input in NetworkInput.allCases {
                let configuration = FitConfiguration.tiny {
                    ($0.task, $0.input, $0.inputChannels) = (task, input, 2)
                    if task == .upscale { $0.factor = 4 }
                }
                let isValid = (task == .guided) == (input == .guide)
                #expect(((try? configuration.validate()) != nil) == isValid, "\(task) \(input)")
            }
        }
    }
}
