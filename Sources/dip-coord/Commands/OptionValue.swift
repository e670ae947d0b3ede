// Values of options that are more than one of a few names, and what the shells complete.

import ArgumentParser
import DeepImagePrior

/// A value of an option that is not a plain number, name or path.
protocol OptionValue: SendableMetatype {
    /// What is wanted in the place of what is none, as a sentence.
    static var wanted: String { get }

    init?(argument: String)
}

extension OptionValue {
    /// - Throws: with what is wanted.
    @Sendable static func parse(_ argument: String) throws -> Self {
        guard let value = Self(argument: argument) else { throw ValidationError(wanted) }
        return value
    }
}

extension CompletionKind {
    /// Names of presets, and files of the working folder that may hold one.
    static var presets: CompletionKind {
        let names = NetworkPreset.allCases.map(\.rawValue).joined(separator: " ")
        return .shellCommand(
            "printf '%s\\n' \(names); find . -maxdepth 1 -name '*.json' -printf '%f\\n'")
    }
}
