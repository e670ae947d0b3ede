// How a restoration shows how far it is.

import ArgumentParser

/// What a user may ask for.
enum ProgressChoice: String, CaseIterable, ExpressibleByArgument {
    case auto, bar, plain, json, none

    /// - Parameter terminal: what `TERM` says; empty where it is missing.
    func mode(isQuiet: Bool, terminal: String) -> ProgressMode {
        switch self {
        // A program has asked for it; what is silenced is for people.
        case .json: return .json
        case _ where isQuiet: return .none
        case .bar: return .bar
        case .plain: return .plain
        case .none: return .none
        case .auto:
            let canRedraw = !["", "dumb"].contains(terminal)
            return canRedraw && StandardStream.error.isTerminal ? .bar : .plain
        }
    }
}

struct ProgressOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            How progress is shown: bar, on a terminal, redrawn in place; plain, a line every 30 \
            seconds; json, one object a line on standard output (its fields: docs/PROGRESS.md); or \
            none. auto is bar on a terminal that can redraw, else plain.
            """, valueName: "auto|bar|plain|json|none"))
    var progress = ProgressChoice.auto

    @OptionGroup
    var page: DashboardOptions
}
