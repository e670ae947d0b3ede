// How many fits a tile gets.

import ArgumentParser
import DeepImagePrior

struct RestartOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Fits of each tile, from different seeds, whose average the output is: less noise for \
            so many times the work; 1 to 32. (default: the preset's: 2 of \
            balanced but to enlarge, 4 of best, else 1)
            """, valueName: "count"))
    var restarts: Int?

    func validate() throws {
        let range = Preset.restartsRange
        if let restarts, !range.contains(restarts) {
            throw ValidationError("--restarts is \(restarts); 1 to \(range.upperBound) is wanted")
        }
    }
}
