import NeuralNetwork
import Testing

@testable import DeepImagePrior

struct MaskedPictureTests {
    private static func configuration(
        _ change: (inout FitConfiguration) -> Void = { _ in }
    ) -> FitConfiguration {
        .tiny {
            ($0.input, $0.inputChannels) = (.masked, 5)
            change(&$0)
        }
    }

    /// What an iteration shows, (height * factor, width * factor, 5), and does not ask for.
    private func drawn(
        _ problem: FitProblem, _ configuration: FitConfiguration, iteration: Int
    ) throws -> (z: [Float], unasked: Set<Int>) {
        try problem.validate(for: configuration)
        var picture = MaskedPicture(problem, configuration)
        var z = [Float](repeating: 7, count: problem.outputHeight * problem.outputWidth * 5)
        let stream = RandomStream(seed: 3, words: (5, 0, UInt32(iteration)))
        let kernels = try Kernels.forThisMachine()
        z.withUnsafeMutableBufferPointer { picture.draw(stream, kernels: kernels, into: $0) }
        return (z, Set(picture.unasked))
    }

    @Test(arguments: [1, 2])
    func `a sample that is asked for is not shown`(factor: Int) throws {
        let configuration = Self.configuration {
            $0.factor = factor
            if factor > 1 { $0.task = .upscale }
        }
        let sample = (7 * 16 + 5) * 3 + 1
        var one = FitProblem.tile(16, 16) { y, x, band in
            y == 8 && x < 9 ? .nan : FitProblem.smooth(y, x, band)
        }
        one.factor = factor
        var other = one
        other.pixels[sample] = 1 - one.pixels[sample]
        var count = 0
        for iteration in 0..<60 {
            let (first, unasked) = try drawn(one, configuration, iteration: iteration)
            let second = try drawn(other, configuration, iteration: iteration)
            #expect(second.unasked == unasked)
            #expect((first == second.z) == !unasked.contains(sample), "iteration \(iteration)")
            if !unasked.contains(sample) { count += 1 }
        }
        #expect((8...30).contains(count))
    }

    @Test func `what is shown is the picture's sample, else the mean of those shown around it`()
        throws
    {
        let configuration = Self.configuration { $0.maskedScale = 0.5 }
        let problem = FitProblem.tile(20, 16) { y, x, band in
            (3..<6).contains(y) && x == 4 ? .nan : FitProblem.smooth(y, x, band)
        }
        let (z, unasked) = try drawn(problem, configuration, iteration: 1)
        let given = problem.pixels
        let shown = given.indices.map {
            unasked.contains($0) ? given[$0] : Float.nan
        }
        for place in given.indices {
            let (y, x, band) = (place / 48, place / 3 % 16, place % 3)
            var wanted = shown[place]
            if wanted.isNaN {
                let around = (-1...1).flatMap { down in
                    (-1...1).compactMap { across -> Float? in
                        guard (0..<20).contains(y + down), (0..<16).contains(x + across) else {
                            return nil
                        }
                        let sample = shown[((y + down) * 16 + x + across) * 3 + band]
                        return sample.isNaN ? nil : sample
                    }
                }
                guard !around.isEmpty else { continue }
                wanted = around.reduce(0, +) / Float(around.count)
            }
            #expect(abs(z[(y * 16 + x) * 5 + band] - 0.5 * wanted) < 1e-6, "\(y) \(x) \(band)")
        }
        // What else is in z stays.
        #expect(stride(from: 3, to: z.count, by: 5).allSatisfy { z[$0] == 7 && z[$0 + 1] == 7 })
    }

    @Test func `a share of what is given is asked for, another one each time`() throws {
        let problem = FitProblem.tile(32, 32) { y, x, band in
            y < 16 ? .nan : FitProblem.smooth(y, x, band)
        }
        let missing = Set(problem.pixels.indices.filter { problem.pixels[$0].isNaN })
        var draws: Set<Set<Int>> = []
        for iteration in 0..<20 {
            let unasked = try drawn(problem, Self.configuration(), iteration: iteration).unasked
            #expect(missing.isSubset(of: unasked))
            // Of 1536 samples with a chance of 0.3 each: six deviations.
            #expect(abs(3072 - unasked.count - 461) < 108)
            draws.insert(unasked)
        }
        #expect(draws.count == 20)
        let whole = Self.configuration { $0.masksPixels = true }
        let pixels = try drawn(problem, whole, iteration: 1).unasked
        #expect(pixels.allSatisfy { pixels.contains($0 / 3 * 3 + ($0 + 1) % 3) })
        // Where nothing is hidden, all of it is asked for.
        let shown = try drawn(problem, Self.configuration { $0.maskedShare = 0 }, iteration: 1)
        #expect(shown.unasked == missing)
    }

    @Test(arguments: [(1, false), (2, false), (2, true)])
    func `within a radius of what is asked for nothing is shown`(
        radius: Int, hidesPixels: Bool
    ) throws {
        let configuration = Self.configuration {
            ($0.maskedRadius, $0.masksPixels) = (radius, hidesPixels)
        }
        let problem = FitProblem.tile(48, 40) { y, x, band in
            y == 8 && x < 9 ? .nan : 0.2 + 0.6 * FitProblem.smooth(y, x, band)
        }
        var shownCount = 0
        for iteration in 0..<8 {
            let (z, unasked) = try drawn(problem, configuration, iteration: iteration)
            let asked = Set(problem.pixels.indices).subtracting(unasked)
            #expect(asked.count > 0 && asked.count < problem.pixels.count / (10 * radius))
            var other = problem
            for place in asked {
                let (y, x, band) = (place / 120, place / 3 % 40, place % 3)
                for row in max(y - radius, 0)...min(y + radius, 47) {
                    for column in max(x - radius, 0)...min(x + radius, 39) {
                        for hidden in hidesPixels ? 0..<3 : band..<band + 1 {
                            other.pixels[(row * 40 + column) * 3 + hidden] *= 0.5
                        }
                    }
                }
            }
            #expect(try drawn(other, configuration, iteration: iteration).z == z)
            shownCount += problem.pixels.indices.count {
                problem.pixels[$0] == other.pixels[$0]
            }
        }
        // A share of 0.3 is hidden.
        #expect(abs(Double(shownCount) / Double(8 * 48 * 40 * 3) - 0.7) < 0.06)
    }

    @Test func `where nothing is shown, what lies around goes on, and gray where nothing does`()
        throws
    {
        let hole = FitProblem.tile(32, 32) { y, x, _ in
            (4..<30).contains(y) && (2..<29).contains(x) ? .nan : y < 16 ? 0.25 : 0.75
        }
        let filled = try drawn(hole, Self.configuration(), iteration: 0).z
        #expect(
            stride(from: 0, to: filled.count, by: 5).allSatisfy {
                (0.25 * 0.3 - 1e-6...0.75 * 0.3 + 1e-6).contains(filled[$0])
            })
        let empty = FitProblem.tile(16, 16) { _, _, _ in .nan }
        let gray = try drawn(empty, Self.configuration(), iteration: 0)
        #expect(abs(gray.z[40] - 0.15) < 1e-6 && gray.unasked.count == empty.pixels.count)
    }

    @Test func `noise is learned where it is shown and asked for, not in blind spots`() throws {
        let noise = try Kernels.forThisMachine().uniform(
            count: 1024, RandomStream(seed: 11, words: (0, 0, 0)))
        let noisy = FitProblem.tile(32, 32, bands: 1) { y, x, _ in
            0.3 + 0.4 * noise[y * 32 + x]
        }
        let errors = try [0.3, 0].map { share in
            let fit = try Fit(
                problem: noisy,
                configuration: Self.configuration {
                    ($0.maskedShare, $0.iterations, $0.averageDecay) = (share, 300, 0.9)
                    $0.averagesEvenlyAtFirst = true
                })
            while !fit.isFinished { _ = try fit.step() }
            let mean = noisy.pixels.reduce(0, +) / Float(noisy.pixels.count)
            return fit.result().reduce(Float(0)) { $0 + ($1 - mean) * ($1 - mean) } / 1024
        }
        // The variance of the noise is 0.0133.
        #expect(errors[0] < errors[1] / 2, "\(errors)")
    }

    @Test func `a fit with hidden samples resumes bit for bit, with threads too`() throws {
        let configuration = Self.configuration { $0.iterations = 4 }
        let whole = try Fit(problem: .tile(), configuration: configuration)
        for _ in 0..<2 { _ = try whole.step() }
        let state = try FitState(bytes: whole.state.encoded())
        let second = try Fit(
            problem: .tile(), configuration: configuration, resuming: state, threadCount: 2)
        for fit in [whole, second] { while !fit.isFinished { _ = try fit.step() } }
        #expect(whole.result() == second.result())
    }

    @Test func `a task says what the network is given, and noise what is hidden`() {
        for (task, knowsNoise, input, channels) in [
            (Task.denoise, false, NetworkInput.masked, 8), (.inpaint, false, .masked, 8),
            (.upscale, false, .coarse, 32), (.dejpeg, false, .coarse, 32),
            (.denoise, true, .coarse, 32),
        ] {
            var preset = Preset(.fast)
            preset.configuration.task = task
            preset.suitTask(knowsNoise: knowsNoise)
            #expect(preset.configuration.input == input, "\(task)")
            #expect(preset.configuration.inputChannels == channels)
        }
        for (input, isShared, reach) in [
            (NetworkInput.masked, true, 2), (.masked, false, 0), (.coarse, true, 2),
        ] {
            var preset = Preset(.fast)
            preset.configuration.input = input
            preset.suitNoise(deviation: 0.1, bandsShareIt: isShared, reach: reach, levels: [0.1])
            #expect(preset.configuration.masksPixels == (input == .masked && isShared))
            #expect(preset.configuration.blindRadius == (input == .masked ? reach : 0))
            #expect(preset.configuration.detailNoise == [0.1])
        }
    }

    @Test func `what a file says itself is not suited, what its base says is`() throws {
        var preset = try Preset(
            json: #"{"base": "fast", "inputChannels": 12, "masksPixels": false}"#, name: "a.json")
        #expect(preset.isOurs)
        preset.suitNoise(deviation: 0.1, bandsShareIt: true, reach: 2, levels: [0.1])
        #expect(!preset.configuration.masksPixels && preset.configuration.maskedRadius == 2)
        preset.configuration.task = .upscale
        preset.suitTask(knowsNoise: false)
        #expect(preset.configuration.input == .coarse && preset.configuration.inputChannels == 12)
        var masked = try Preset(json: #"{"input": "masked"}"#, name: "a.json")
        masked.configuration.task = .upscale
        masked.suitTask(knowsNoise: true)
        #expect(masked.configuration.input == .masked)
        #expect(try !Preset(json: #"{"base": "paper-hole"}"#, name: "a.json").isOurs)
    }
}
