// One job of this process, from its options to its exit code.

import Dashboard
import Glibc
import Imaging
import JobStore
import Restoration
import Transport

/// The socket and the signals of this process, for one job after the other.
final class CoordinatorDesk {
    private let listener: Listener
    private var open: (context: MessagingContext, router: RouterSocket, endpoint: String)?
    private var signals: SignalFD?

    init(_ listener: Listener) { self.listener = listener }

    deinit { if open != nil { listener.removeSocketFile() } }

    /// The socket, and the address for this host's own workers.
    func socket(_ console: inout Console) throws -> (router: RouterSocket, endpoint: String) {
        if let open { return (open.router, open.endpoint) }
        // ZeroMQ's threads take no signals.
        let context = try MessagingContext()
        let router = try RouterSocket(context: context)
        let endpoint = try listener.bind(router, console: &console)
        open = (context, router, endpoint)
        return (router, endpoint)
    }

    /// From here on signals are read, not suffered.
    func signalReader() throws -> SignalFD {
        if let signals { return signals }
        let reader = try SignalFD(
            blocking: [SIGINT, SIGTERM, SIGCHLD, SIGCONT], unlessIgnored: [SIGHUP])
        signals = reader
        return reader
    }
}

/// A restoration as the user asks for it.
struct RestorationRun {
    var file: String
    var task: TaskOptions
    var output: OutputOptions
    var input: InputOptions
    var tiling: TilingOptions
    var fit: FitOptions
    var stop: StopOptions
    var workers: WorkerOptions
    var jobOptions: JobOptions
    /// Whether another job follows, for which workers of others are to stay.
    var keepsWorkers = false
    /// Where pilots of this run have found that fits stop.
    var found: StopFact?

    /// Restores the image, or what is left of it.
    ///
    /// - Parameter clock: started with the program.
    /// - Returns: The exit code.
    func run(
        at desk: CoordinatorDesk, clock: MonotonicClock, _ console: inout Console
    ) throws -> Int32 {
        let prepared = try RestoreJob.prepare(self)
        if let pilots = prepared.pilots {
            var next = self
            next.found = try findStop(prepared, pilots, at: desk, clock: clock, &console)
            return try next.run(at: desk, clock: clock, &console)
        }
        return try work(prepared, at: desk, clock: clock, &console)
    }

    /// Does what is left of a job.
    func work(
        _ prepared: consuming sending RestoreJob.Prepared, at desk: CoordinatorDesk,
        clock: MonotonicClock, _ console: inout Console
    ) throws -> Int32 {
        let job = prepared.job
        if case .complete(let former, let completion) = prepared.standing {
            return try sayComplete(job, former, completion, &console)
        }
        for warning in job.warnings { console.warning(warning) }
        if job.blend.uncertaintyMap != nil, job.restarts == 1, !job.isMeasuring {
            console.note(
                "tiles are fitted once, so --uncertainty knows something where they overlap alone; "
                    + "with --restarts it does everywhere")
        }
        let (router, endpoint) = try desk.socket(&console)
        let goesOn = prepared.standing.manifest != nil
        // All of a large folder is read here; a signal ends that at once.
        let work = try prepared.openStore()
        let state = work.stateAtOpening
        if !state.stored.isEmpty {
            console.note(
                "going on with \(job.folder), where \(state.stored.count) of "
                    + "\(job.amount) are \(job.done)")
        }
        // Before any thread of our own is made.
        let signals = try desk.signalReader()
        let storage = try StorageThread(work)
        console.watch?.offer(job.pictures(self))
        let loop = try CoordinatorLoop(
            job: job, state: state, goesOn: goesOn, endpoint: endpoint, router: router,
            signals: signals, storage: storage, console: console, clock: clock)
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
