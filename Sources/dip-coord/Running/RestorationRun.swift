// One job of this process, from its options to its exit code.

import Dashboard
import DeepImagePrior
import Glibc
import Imaging
import JobStore
import Restoration
import Transport

/// The socket and the signals of this process, for one job after the other.
final class CoordinatorDesk {
    private let listener: Listener
    private var open: Open?
    private var signals: SignalFD?

    init(_ listener: Listener) { self.listener = listener }

    deinit { if let open { listener.removeFiles(open.publicEndpoint) } }

    /// The socket, and what belongs to it.
    struct Open {
        let context: MessagingContext
        /// Who answers for keys; nil where nothing is encrypted.
        let authenticator: Authenticator?
        let router: RouterSocket
        /// Where others can connect, and how many of them; nil where only workers of this host can.
        let publicEndpoint: String?
        let connectionLimit: ConnectionLimit?
        /// Where this host's own workers connect, and the keys that they are given.
        let endpoint: String
        let childKeys: [UInt8]?
    }

    func socket(_ console: inout Console) throws -> Open {
        if let open { return open }
        // ZeroMQ's threads take no signals.
        let context = try MessagingContext()
        var options = SocketOptions()
        options.curve = listener.keys.map { .server($0.pair) }
        let authenticator = try listener.keys.map {
            try Authenticator(
                context: context, folder: $0.folder, local: [$0.local.publicKey])
        }
        let router = try RouterSocket(context: context, options: options)
        let bound = try listener.bind(router, console: &console)
        let opened = Open(
            context: context, authenticator: authenticator, router: router,
            publicEndpoint: bound.forOthers,
            connectionLimit: bound.forOthers.map {
                ConnectionLimit(router, $0, allowed: ProgramStart.raiseOpenFileLimit())
            }, endpoint: bound.forLocalWorkers, childKeys: listener.keys?.forChild)
        open = opened
        return opened
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

/// What a restoration has come to.
struct RestorationEnd {
    /// The program's exit code.
    var code: Int32
    /// Tiles whose pixels in the output are the input's; nil where it is not known.
    var unrestored: Int?
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
    /// Where all pages of the input are restored.
    var page: JobDescription.Page?
    /// Pages that are still to be restored after this one.
    var pagesLeft = 0
    /// What the pages before this one have taken.
    var began = Spent()
    /// What phases of this run have found: the weights that fits begin with, and where they stop.
    var foundStart: StartWeights?
    var found: StopFact?

    /// Restores the image, or what is left of it.
    ///
    /// - Parameter clock: started with the program.
    func run(
        at desk: CoordinatorDesk, clock: MonotonicClock, _ console: inout Console
    ) throws -> RestorationEnd {
        let prepared = try RestoreJob.prepare(self)
        if let phase = prepared.phase {
            var next = self
            switch phase.kind {
            case .start:
                next.foundStart = try makeStart(
                    prepared, phase, at: desk, clock: clock, &console)
            case .pilots:
                next.found = try findStop(prepared, phase, at: desk, clock: clock, &console)
            }
            return try next.run(at: desk, clock: clock, &console)
        }
        if let path = fit.begin.saveStart, let start = prepared.job.start {
            try Self.saveStart(start, to: path)
        }
        return try work(prepared, at: desk, clock: clock, &console)
    }

    /// Does what is left of a job.
    func work(
        _ prepared: consuming sending RestoreJob.Prepared, at desk: CoordinatorDesk,
        clock: MonotonicClock, _ console: inout Console
    ) throws -> RestorationEnd {
        let job = prepared.job
        if case .complete(let former, let completion) = prepared.standing {
            let code = try sayComplete(job, former, completion, &console)
            for map in output.maps.files {
                console.warning(
                    "\(map.option) is not written: the output was made by an earlier run; --fresh "
                        + "--overwrite makes both")
            }
            return RestorationEnd(
                code: reportEarlier(
                    job, prepared.source, former, completion, code: code, &console),
                unrestored: completion.unrestored.count)
        }
        for warning in job.warnings { console.warning(warning) }
        if job.blend.uncertaintyMap != nil, job.restarts == 1, !job.isPhase {
            console.note(
                "tiles are fitted once, so --uncertainty knows something where they overlap alone; "
                    + "with --restarts it does everywhere")
        }
        let socket = try desk.socket(&console)
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
        console.watch.offer(job.pictures(self))
        let loop = try CoordinatorLoop(
            job: job, state: state, goesOn: goesOn, socket: socket, signals: signals,
            storage: storage, console: console, clock: clock)
        let code = try loop.run()
        return RestorationEnd(
            code: job.writeReport(
                console.watch.read { $0 }, loop.ending.report, loop.ending.pictures,
                loop.ending.blend?.disagreement, warnings: loop.warnings, code: code,
                spent: Spent(at: clock) - job.began, &console),
            unrestored: loop.ending.report?.unrestored.count)
    }

    /// Writes the report of a job that needs no run, where one is wanted.
    private func reportEarlier(
        _ job: RestoreJob, _ source: any ImageSource, _ manifest: JobManifest,
        _ completion: JobManifest.Completion, code: Int32, _ console: inout Console
    ) -> Int32 {
        guard job.reportFolder != nil else { return code }
        let setAside = Set(completion.unrestored.flatMap { manifest.plan.fits(of: $0) })
        let record = job.record(
            stored: Set(0..<job.fitCount).subtracting(setAside), setAside: setAside,
            beganAt: manifest.createdAt, withPast: true)
        return job.writeReport(
            record, job.formerSummary, ReportPictures(of: job, input: source), nil, warnings: [],
            code: code, spent: nil, &console)
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
