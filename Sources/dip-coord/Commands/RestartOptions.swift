// How many fits a tile gets.

public import ArgumentParser
import JobStore

struct RestartOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Fits of each tile, from different seeds, whose average the output is: less noise for \
            so many times the work; 1 to 32.
            """, valueName: "count"))
    var restarts = 1

    func validate() throws {
        let most = JobManifest.Plan.restartsMaximum
        guard (1...most).contains(restarts) else {
            throw ValidationError("--restarts is \(restarts); 1 to \(most) is wanted")
        }
    }
}
