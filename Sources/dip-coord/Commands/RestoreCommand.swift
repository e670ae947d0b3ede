// dip-coord restore: the command that does the work.

import ArgumentParser
import Dashboard
import DashboardServer
import Imaging
import JobStore
import Transport

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore an image. This is what dip-coord does when only a file is given.",
        discussion: """
            While it runs, restored tiles are kept in the folder OUTPUT.dip: after a crash or an \
            interrupt, the same command goes on where the job stood (see also dip-coord status). \
            The output appears when it is complete. The same input, preset, iterations, tiles \
            and seed give the same output, byte for byte, whatever the workers.

            Examples:
              dip-coord big.tif -o clean.tif --workers 4
              dip-coord photo.png --task inpaint --missing scratches.png
              dip-coord big.tif --listen tcp://0.0.0.0:5555 --insecure
                  for dip-workers of other hosts too
            """)

    @Argument(help: "The damaged image (PNG, TIFF or JPEG). It is never changed.")
    var file: String

    @OptionGroup(title: "Task")
    var task: TaskOptions

    @OptionGroup(title: "Output")
    var output: OutputOptions

    @OptionGroup(title: "Tiles")
    var tiling: TilingOptions

    @OptionGroup(title: "Input")
    var input: InputOptions

    @OptionGroup(title: "Fit")
    var fit: FitOptions

    @OptionGroup(title: "Stopping")
    var stop: StopOptions

    @OptionGroup(title: "Workers")
    var workers: WorkerOptions

    @OptionGroup(title: "Progress")
    var progress: ProgressOptions

    @OptionGroup(title: "Log")
    var log: LogOptions

    @OptionGroup(title: "Earlier runs")
    var jobOptions: JobOptions

    func run() throws {
        let began = MonotonicClock()
        let watch = JobWatch(
            showsPast: progress.page.dashboard != nil || output.report.folder != nil)
        var console = Console(
            isQuiet: output.quiet, choice: progress.progress, log: log, watch: watch)
        // However this ends, what is written next begins on a line of its own.
        defer { console.clearStatus() }
        var server: DashboardServer?
        defer { server?.finish() }
        do {
            server = try progress.page.serve(&console)
            let end = try restore(began, &console)
            console.tell(.done) {
                ($0.output, $0.exitCode) = (output.path(forInput: file), Int(end.code))
                $0.unrestored = end.unrestored
            }
            if end.code != 0 { throw ExitCode(end.code) }
        } catch let error as ExitCode {
            throw error
        } catch {
            let error = ProgramError(error)
            console.tell(.failed) {
                ($0.reason, $0.exitCode) = (error.message, Int(error.code.rawValue))
            }
            throw error
        }
    }

    /// Restores the image.
    private func restore(
        _ began: MonotonicClock, _ console: inout Console
    ) throws -> RestorationEnd {
        let listener = try Listener(workers)
        let desk = CoordinatorDesk(listener)
        let run = RestorationRun(
            file: file, task: task, output: output, input: input, tiling: tiling, fit: fit,
            stop: stop,
            workers: workers, jobOptions: jobOptions)
        if case .all = input.page {
            return try PagesRun(run).run(at: desk, clock: began, &console)
        }
        return try run.run(at: desk, clock: began, &console)
    }
}
