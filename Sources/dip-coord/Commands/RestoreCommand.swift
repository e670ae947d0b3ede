// dip-coord restore: the command that does the work.

import ArgumentParser
import Dashboard
import DashboardServer
import Glibc
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
            let code = try restore(began, &console)
            console.tell(.done) {
                ($0.output, $0.exitCode) = (output.path(forInput: file), Int(code))
            }
            if code != 0 { throw ExitCode(code) }
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

    /// Restores the image; the exit code.
    private func restore(_ began: MonotonicClock, _ console: inout Console) throws -> Int32 {
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

/// Where workers can join.
struct Listener {
    let keys: CoordinatorKeys?
    private let endpointFile: String?
    private let advertisedHost: String?
    private let publicEndpoint: String?
    private let hasLocalWorkers: Bool
    private let isExposed: Bool

    /// - Throws: where other hosts could join although the user has not said that they may.
    init(_ options: WorkerOptions) throws {
        publicEndpoint = options.listen
        hasLocalWorkers = options.workerCount > 0
        isExposed = options.listen.map { !Endpoint.staysOnThisHost($0) } ?? false
        if let listen = options.listen, !listen.hasPrefix("tcp://"), !listen.hasPrefix("ipc://") {
            throw ProgramError(
                .usage, "--listen is '\(listen)'; tcp://ADDRESS:PORT or ipc://PATH is wanted")
        }
        if isExposed, !options.insecure, options.keys == nil {
            throw ProgramError(
                .usage,
                "--listen \(options.listen ?? "") can be reached from other hosts, and anybody who "
                    + "reaches it could join; add --keys FOLDER (dip-coord keygen FOLDER makes "
                    + "it), or --insecure if the network is trusted")
        }
        keys = try options.keys.map(CoordinatorKeys.init(folder:))
        endpointFile = options.endpointFile
        advertisedHost = options.advertise
    }

    /// What lies among the files because of the socket.
    func removeFiles() {
        if let endpointFile { unlink(endpointFile) }
        removeSocketFile()
    }

    /// The name that an ipc endpoint has taken; libzmq leaves it there.
    private func removeSocketFile() {
        guard let publicEndpoint, publicEndpoint.hasPrefix("ipc://") else { return }
        let path = String(publicEndpoint.dropFirst("ipc://".count))
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
    }

    /// Binds the socket. This host's own workers have an address of their own, which works whatever
    /// the public one is.
    ///
    /// - Returns: the address for this host's own workers.
    func bind(_ router: RouterSocket, console: inout Console) throws -> String {
        if let publicEndpoint {
            let bound = try router.bind(publicEndpoint)
            console.note("listening at \(bound)")
            if let endpointFile {
                let address = Endpoint.reachable(
                    bound, host: advertisedHost ?? RestoreJob.hostName)
                try EndpointFile.write(address, at: endpointFile)
            }
            if isExposed, keys == nil {
                console.warning(
                    "--insecure: anybody who can reach \(bound) can see the image and send "
                        + "results; nothing is encrypted")
            }
        }
        return hasLocalWorkers ? try router.bind("tcp://127.0.0.1:*") : ""
    }
}
