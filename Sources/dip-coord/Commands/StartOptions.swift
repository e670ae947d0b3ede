// The weights that fits begin with.

import ArgumentParser
import DeepImagePrior

enum StartChoice: String, ExpressibleByArgument, CaseIterable {
    case random, shared
}

/// Where the first weights come from.
enum Starting: Equatable {
    case random
    /// Of a fit of one tile, for all.
    case shared
    case file(String)
}

struct StartOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            What the weights of each fit are at its beginning: random, or shared, those that one \
            tile's fit ended with, which is made first. (default: shared for 4 tiles and more \
            of fast, balanced or best whose input is masked or coarse, else random)
            """, valueName: "random|shared"))
    var start: StartChoice?

    @Option(
        help: ArgumentHelp(
            """
            Begin with the weights in this file: what an image of the same kind has taught helps \
            the next one. The network must be the same.
            """, valueName: "file"),
        completion: .file())
    var startFrom: String?

    @Option(
        help: ArgumentHelp(
            "Write the shared weights to this file, for --start-from.", valueName: "file"),
        completion: .file())
    var saveStart: String?

    func validate() throws {
        if startFrom != nil, start != nil || saveStart != nil {
            throw ValidationError(
                "--start-from says what fits begin with; "
                    + (start != nil ? "--start" : "--save-start") + " does not go with it")
        }
        if saveStart != nil, start == .random {
            throw ValidationError("--save-start is given, but --start random shares no weights")
        }
    }

    /// Tiles of a job below which a fit for their start is too large a part of the work.
    private static let tileCountMinimum = 4

    /// - Parameter tileCount: of the plan.
    func resolved(_ preset: Preset, tileCount: Int) -> Starting {
        if let startFrom { return .file(startFrom) }
        let isUsual =
            preset.isOurs && preset.configuration.input.isPictureInNoise
            && tileCount >= Self.tileCountMinimum
        let usual: StartChoice = isUsual || saveStart != nil ? .shared : .random
        switch start ?? usual {
        case .random: return .random
        case .shared: return .shared
        }
    }
}
