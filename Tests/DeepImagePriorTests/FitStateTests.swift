import NeuralNetwork
import Safetensors
import Testing

@testable import DeepImagePrior

/// A fit that another one goes on with: nothing of the way shows in the result.
@Suite(.serialized) struct FitStateTests {
    /// A fit that is done, and what every iteration said.
    private struct Run: Equatable {
        var progress: [FitProgress] = []
        var state: FitState
        var pixels: [Float]
    }

    private static let problem = FitProblem.tile(number: 3)

    /// Snapshots every few iterations, and no collapse.
    private static let calm = FitConfiguration.tiny {
        $0.iterations = 23
        $0.snapshotInterval = 6
    }

    /// Collapses again and again, before and after the first snapshots.
    private static let stormy = FitConfiguration.tiny {
        $0.learningRate = 1
        $0.collapseDecibels = 0.3
        $0.snapshotInterval = 5
        $0.rollBacksMaximum = 1000
        $0.iterations = 23
    }

    /// Runs a fit to its end.
    ///
    /// - Parameter interruption: Called after every iteration; what it returns goes on instead.
    private func run(
        _ configuration: FitConfiguration,
        interruption: (Int, Fit) throws -> FitState? = { _, _ in nil }
    ) throws -> Run {
        var fit = try Fit(problem: Self.problem, configuration: configuration)
        var progress: [FitProgress] = []
        while !fit.isFinished && progress.count < 2000 {
            progress.append(try fit.step())
            guard let state = try interruption(progress.count, fit) else { continue }
            fit = try Fit(
                problem: Self.problem, configuration: configuration,
                resuming: try FitState(bytes: state.encoded()))
        }
        #expect(fit.isFinished)
        return Run(progress: progress, state: fit.state, pixels: fit.result())
    }

    @Test(arguments: [calm, stormy])
    func `a fit that goes on elsewhere after any iteration takes the same way, bit for bit`(
        configuration: FitConfiguration
    ) throws {
        let undisturbed = try run(configuration)
        let isStormy = configuration == Self.stormy
        #expect((undisturbed.progress.last?.rollBackCount ?? 0 > 1) == isStormy)
        for place in stride(from: 1, to: min(undisturbed.progress.count, 40), by: 3) {
            let moved = try run(configuration) { count, fit in count == place ? fit.state : nil }
            #expect(moved == undisturbed, "after \(place) iterations")
        }
        let restless = try run(configuration) { _, fit in fit.state }
        #expect(restless == undisturbed)
    }

    @Test(arguments: [calm, stormy])
    func `a fit that goes on from the state of a roll-back comes to the same end`(
        configuration: FitConfiguration
    ) throws {
        let undisturbed = try run(configuration)
        for place in stride(from: 1, to: min(undisturbed.progress.count, 40), by: 3) {
            let moved = try run(configuration) { count, fit in
                guard count == place else { return nil }
                #expect(fit.snapshotState.iteration <= fit.iteration)
                if let age = fit.snapshotAge {
                    #expect(age == fit.iteration - fit.snapshotState.iteration)
                }
                return fit.snapshotState
            }
            #expect(moved.state == undisturbed.state, "after \(place) iterations")
            #expect(moved.pixels == undisturbed.pixels, "after \(place) iterations")
        }
    }

    @Test func `a state taken before the first iteration is the beginning`() throws {
        let fit = try Fit(problem: Self.problem, configuration: Self.calm)
        #expect(fit.state == fit.snapshotState)
        #expect(fit.snapshotAge == 0)
        let resumed = try Fit(
            problem: Self.problem, configuration: Self.calm, resuming: fit.state)
        #expect(try resumed.step() == (try fit.step()))
        #expect(resumed.state == fit.state)
    }

    @Test func `taking a state changes nothing`() throws {
        let undisturbed = try run(Self.stormy)
        let watched = try run(Self.stormy) { _, fit in
            _ = (fit.state.encoded(), fit.snapshotState.encoded())
            return nil
        }
        #expect(watched == undisturbed)
    }

    @Test func `equal states have equal bytes, within the stated number`() throws {
        for preset in [nil, NetworkPreset.thin] {
            var configuration = preset.map { FitConfiguration(preset: $0) } ?? Self.calm
            configuration.iterations = 1_000_000
            let problem = FitProblem.tile(64, 64)
            let fit = try Fit(problem: problem, configuration: configuration)
            _ = try fit.step()
            var state = fit.state
            #expect(state.snapshot != nil)
            #expect(state.encoded() == fit.state.encoded())
            state.seconds = 1234.5678901
            let bytes = state.encoded()
            #expect(try FitState(bytes: bytes) == state)
            let stated = try Fit.stateByteCountMaximum(
                configuration, height: 64, width: 64, bands: 3)
            #expect(bytes.count <= stated && stated < bytes.count + 20_000)
        }
    }

    // MARK: Hostile bytes

    /// A state after some iterations, with a snapshot beside it.
    private func sample() throws -> FitState {
        let fit = try Fit(problem: Self.problem, configuration: Self.calm)
        for _ in 0..<9 { _ = try fit.step() }
        return fit.state
    }

    @Test func `every prefix of a state is refused`() throws {
        let bytes = try sample().encoded()
        for length in Array(0..<3000) + [bytes.count / 2, bytes.count - 1] {
            #expect(throws: FitError.self, "\(length) bytes") {
                try FitState(bytes: Array(bytes.prefix(length)))
            }
        }
        #expect(throws: FitError.self) { try FitState(bytes: bytes + [0]) }
    }

    @Test func `flipped bits and random bytes never trap`() throws {
        let bytes = try sample().encoded()
        var generator = SmallGenerator(seed: 11)
        for seed in 0..<1500 {
            var damaged = bytes
            for _ in 0..<generator.pick(1...4) {
                // Mostly in the header, where everything has a meaning.
                let end = seed % 4 == 0 ? bytes.count - 1 : 2500
                damaged[generator.pick(0...end)] ^= 1 << UInt8(generator.pick(0...7))
            }
            guard let state = try? FitState(bytes: damaged) else { continue }
            guard
                let fit = try? Fit(
                    problem: Self.problem, configuration: Self.calm, resuming: state)
            else { continue }
            if seed % 50 == 0 { _ = try? fit.step() }
        }
        for seed in 0..<500 {
            let noise = (0..<generator.pick(0...200)).map { _ in
                UInt8(generator.pick(0...255))
            }
            #expect(throws: FitError.self, "seed \(seed)") { try FitState(bytes: noise) }
        }
    }

    @Test func `a state of another fit, or of none, is refused`() throws {
        let good = try sample()
        let changes: [(String, (inout FitState) -> Void)] = [
            ("tile", { $0.tile += 1 }),
            ("shape", { $0.shape = [32, 16, 6] }),
            ("configuration", { $0.configuration = Self.stormy.json }),
            ("iteration", { $0.present.iteration = Self.calm.iterations + 1 }),
            ("negative", { $0.present.iteration = -1 }),
            ("steps", { $0.present.adamStepCount += 1 }),
            ("rate", { $0.present.learningRate = 0 }),
            ("large rate", { $0.present.learningRate *= 2 }),
            ("rate without a number", { $0.present.learningRate = .nan }),
            ("roll-backs", { $0.present.rollBackCount = -1 }),
            ("many roll-backs", { $0.present.rollBackCount = 11 }),
            ("PSNR", { $0.present.psnrToInput = .infinity }),
            ("few values", { $0.present.values.removeLast() }),
            ("many moments", { $0.present.firstMoments.append(0) }),
            ("no number", { $0.present.values[3] = .nan }),
            ("endless", { $0.present.average[3] = .infinity }),
            ("a negative square", { $0.present.secondMoments[3] = -1 }),
            ("the snapshot", { $0.snapshot?.secondMoments[0] = .nan }),
        ]
        for (name, change) in changes {
            var state = good
            change(&state)
            #expect(throws: FitError.self, "\(name)") {
                try Fit(problem: Self.problem, configuration: Self.calm, resuming: state)
            }
        }
        _ = try Fit(problem: Self.problem, configuration: Self.calm, resuming: good)
    }
}
