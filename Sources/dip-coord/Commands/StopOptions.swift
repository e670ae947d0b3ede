// When fits stop: later their results are the picture's noise too.

public import ArgumentParser
public import DeepImagePrior
import Imaging

extension StopRule: ExpressibleByArgument {
    /// What a user may ask for: where no rule stops fits, --stop says so.
    public static var allValueStrings: [String] {
        allCases.filter { $0 != .fixed }.map(\.rawValue)
    }
}

/// How the iteration is found at which fits stop.
enum Stopping: Equatable {
    case fixed
    /// Pilots find one iteration for all tiles.
    case pilots(StopRule)
    /// Every tile finds its own.
    case perTile(StopRule)
}

enum StopChoice: String, ExpressibleByArgument, CaseIterable {
    case fixed
    case pilots
    case perTile = "per-tile"
}

/// The standard deviation of the noise.
enum NoiseDeviation: OptionValue {
    /// Measured in the image.
    case measured
    /// In the file's values.
    case given(Double)

    static let wanted = "a number above 0, or auto, is wanted"

    init?(argument: String) {
        if argument == "auto" {
            self = .measured
        } else if let value = Double(argument), value > 0, value.isFinite {
            self = .given(value)
        } else {
            return nil
        }
    }
}

struct StopOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            When fits stop, before their results become noise again: after the iterations that \
            are given (fixed), where a few pilot tiles over the image are best, the same for all \
            (pilots), or each where it is best itself (per-tile: neighbours may differ in \
            smoothness). (default: pilots to denoise with fast, balanced, best or thin, fixed \
            where iterations are given and for all else)
            """, valueName: "fixed|pilots|per-tile"))
    var stop: StopChoice?

    @Option(
        help: ArgumentHelp(
            """
            What tells where a fit is best: pixels that it does not see (held-out), the variance \
            of its outputs (variance), or the noise that its error comes down to (noise-level, \
            see --sigma). (default: held-out)
            """, valueName: "rule"))
    var stopRule: StopRule?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            The standard deviation of the noise in the file's values, or auto to measure it in \
            the image; for --stop-rule noise-level, which it chooses.
            """, valueName: "number|auto"),
        completion: .list(["auto"]), transform: NoiseDeviation.parse)
    var sigma: NoiseDeviation?

    func validate() throws {
        if stopRule == .fixed {
            throw ValidationError(
                "--stop-rule is fixed; held-out, variance or noise-level is wanted, or --stop fixed"
            )
        }
        let asks = stopRule.map { _ in "--stop-rule" } ?? sigma.map { _ in "--sigma" }
        if let asks, stop == .fixed {
            throw ValidationError("\(asks) is given, but --stop fixed looks for no point to stop")
        }
        if sigma != nil, let stopRule, stopRule != .noiseLevel {
            throw ValidationError(
                "--sigma is given, but --stop-rule \(stopRule.rawValue) does not ask for it")
        }
        if stopRule == .noiseLevel, sigma == nil {
            throw ValidationError(
                "--stop-rule noise-level needs --sigma: a number, or auto to measure it")
        }
    }

    /// Whether the error at the given pixels says where a fit stops.
    var asksForNoiseLevel: Bool { sigma != nil }

    /// - Parameter tileCount: a single tile is its own pilot.
    func resolved(
        _ task: TaskOptions, _ fit: FitOptions, _ preset: Preset, tileCount: Int
    ) -> Stopping {
        let rule = stopRule ?? (sigma == nil ? .heldOut : .noiseLevel)
        let isAsked = stopRule != nil || sigma != nil
        let usual: StopChoice =
            isAsked
                || task.task == .denoise && preset.isOurs && fit.mayExtend(preset)
            ? .pilots : .fixed
        switch stop ?? usual {
        case .fixed: return .fixed
        case .perTile: return .perTile(rule)
        case .pilots: return tileCount == 1 ? .perTile(rule) : .pilots(rule)
        }
    }

    /// In the range's unit; nil where nobody asks.
    func noiseDeviation(
        _ source: any ImageSource, _ plan: TilePlan, _ task: TaskOptions
    ) throws -> Double? {
        let values = source.header.values
        switch sigma {
        case nil: return nil
        case .given(let value):
            let share = value / (values.high - values.low)
            guard share <= 1 else {
                throw ProgramError(
                    .usage,
                    "--sigma is \(value), but the image's values go from \(values.low) to "
                        + "\(values.high); noise of a smaller deviation is wanted")
            }
            return share
        case .measured where task.task == .upscale:
            throw ProgramError(
                .usage, "--sigma auto does not measure in an image to be enlarged; give a number")
        case .measured:
            guard let measured = try source.noiseEstimate(plan)?.deviation else {
                throw ProgramError(
                    .usage, "--sigma auto finds nothing to measure; give the deviation")
            }
            return measured
        }
    }
}

extension FitConfiguration {
    /// Pilots and tiles by themselves may go on so many times longer than a preset's iterations:
    /// weak noise takes more of them.
    private static let iterationsFactor = 2

    /// The configuration with what a way to stop changes.
    ///
    /// - Parameters:
    ///   - mayExtend: whether the iterations are a preset's.
    func stopping(
        _ stopping: Stopping, noiseDeviation: Double?, mayExtend: Bool
    ) -> FitConfiguration {
        var configuration = self
        if stopping != .fixed, mayExtend { configuration.iterations *= Self.iterationsFactor }
        if case .perTile(let rule) = stopping {
            configuration.stopRule = rule
            configuration.noiseDeviation = noiseDeviation ?? 0
        }
        return configuration
    }

    /// That of the pilots.
    func measuring(_ rule: StopRule, noiseDeviation: Double?) -> FitConfiguration {
        var configuration = self
        configuration.stopRule = rule
        configuration.measuresStop = true
        configuration.noiseDeviation = noiseDeviation ?? 0
        return configuration
    }
}
