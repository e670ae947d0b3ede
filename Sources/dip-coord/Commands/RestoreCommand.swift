// dip-coord restore: the command that does the work.

import ArgumentParser
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
            The output appears when it is complete. The same input, network, iterations, tiles \
            and seed give the same output, byte for byte, whatever the workers.

            Examples:
              dip-coord big.tif -o clean.tif --workers 4
              dip-coord big.tif --listen tcp://0.0.0.0:5555 --insecure
                  for dip-workers of other hosts too
            """)

    @Argument(help: "The damaged image (PNG, TIFF or JPEG). It is never changed.")
    var file: String

    @OptionGroup(title: "Output")
    var output: OutputOptions

    @OptionGroup(title: "Tiles")
    var tiling: TilingOptions

    @OptionGroup(title: "Input")
    var input: InputOptions

    @OptionGroup(title: "Fit")
    var fit: FitOptions

    @OptionGroup(title: "Workers")
    var workers: WorkerOptions

    @OptionGroup(title: "Earlier runs")
    var jobOptions: JobOptions

    func run() throws {
        if input.page == .all { return try AllPages(self).run() }
        let code = try run(prepare())
        if code != 0 { throw ExitCode(code) }
    }

    /// The same for one page, counted from 0, with an output of its own.
    func forPage(_ page: Int, output path: String) -> RestoreCommand {
        var command = self
        command.input.page = .number(page + 1)
        command.input.isOneOfAllPages = true
        command.output.output = path
        // It is a part of the job's own folder.
        command.output.overwrite = true
        return command
    }

    func prepare() throws -> sending RestoreJob.Prepared {
        try RestoreJob.prepare(
            file: file, output: output, input: input, tiling: tiling, fit: fit, workers: workers,
            jobOptions: jobOptions)
    }

    /// Does what is left of a job; its exit code, where that is 0 or 2.
    func run(_ prepared: consuming sending RestoreJob.Prepared) throws -> Int32 {
        let began = MonotonicClock()
        var console = Console(isQuiet: output.quiet)
        let listener = try Listener(workers)
        let job = prepared.job
        if case .complete(let former, let completion) = prepared.standing {
            return try sayComplete(job, former, completion, &console)
        }
        for warning in job.warnings { console.warning(warning) }

        // ZeroMQ's threads take no signals.
        let context = try MessagingContext()
        let router = try RouterSocket(context: context)
        let endpoint = try listener.bind(router, console: &console)
        defer { listener.removeSocketFile() }
        let goesOn = prepared.standing.manifest != nil
        // All of a large folder is read here; a signal ends that at once.
        let work = try prepared.openStore()
        let state = work.stateAtOpening
        if !state.stored.isEmpty {
            console.note(
                "going on with \(job.folder), where \(state.stored.count) of "
                    + "\(Text.count(job.plan.tileCount, "tile")) are restored")
        }

        // From here on signals are read, not suffered; before any thread of our own is made.
        let signals = try SignalFD(
            blocking: [SIGINT, SIGTERM, SIGCHLD], unlessIgnored: [SIGHUP])
        let storage = try StorageThread(work)
        let loop = try CoordinatorLoop(
            job: job, state: state, goesOn: goesOn, endpoint: endpoint, router: router,
            signals: signals,
            storage: storage, console: console, clock: began)
        return try loop.run()
    }

    /// The job needs no run: says so.
    private func sayComplete(
        _ job: RestoreJob, _ manifest: JobManifest, _ completion: JobManifest.Completion,
        _ console: inout Console
    ) throws -> Int32 {
        try JobStore.tidy(
            folder: job.folder, manifest: manifest, fileSystem: PosixFileSystem())
        let unrestored = completion.unrestored.count
        guard unrestored > 0 else {
            console.text(
                "\(job.output) is complete: \(Text.count(job.plan.tileCount, "tile")) restored by "
                    + "an earlier run")
            return 0
        }
        console.text(
            "\(job.output) is complete, but \(unrestored) of "
                + "\(Text.count(job.plan.tileCount, "tile")) came through unrestored; "
                + "--retry-failed tries them again")
        return 2
    }
}

/// Where workers can join.
struct Listener {
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
        if isExposed, !options.insecure {
            throw ProgramError(
                .usage,
                "--listen \(options.listen ?? "") can be reached from other hosts, and anybody who "
                    + "reaches it could join; add --insecure if the network is trusted")
        }
    }

    /// The name that an ipc endpoint has taken among the files; libzmq leaves it there.
    func removeSocketFile() {
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
            if isExposed {
                console.warning(
                    "--insecure: anybody who can reach \(bound) can see the image and send "
                        + "results; nothing is encrypted")
            }
        }
        return hasLocalWorkers ? try router.bind("tcp://127.0.0.1:*") : ""
    }
}
