// dip-coord status: how far a job is, from its folder alone.

import ArgumentParser
import Dashboard
import DeepImagePrior
import FoundationEssentials
import Glibc
import JobStore

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Print how far a job is: what is restored, given up and left.",
        discussion: """
            Reads the job's folder and nothing else, also while a dip-coord works there, and \
            changes nothing. Every file is checked: one that is damaged does not count. Of a job \
            with --page all, every page that was begun is told; in JSON as an array.
            """)

    @Argument(
        help: "The job's folder, which is the output's name and .dip; or the output.",
        completion: .file())
    var folder: String

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let folder = try jobFolder()
        let pages = try PagesRun.pageFolders(folder)
        guard pages.isEmpty else {
            let statuses = try pages.map { try JobStatus(folder: $0) }
            return try show(statuses, text: statuses.map(\.text).joined(separator: "\n"))
        }
        let status = try JobStatus(folder: folder)
        try show(status, text: status.text)
    }

    /// The folder that is named, or the one beside the output that is.
    private func jobFolder() throws -> String {
        guard !Self.isFolder(folder) else { return folder }
        let beside = folder + ".dip"
        if Self.isFolder(beside) { return beside }
        guard access(folder, F_OK) != 0 else {
            throw ProgramError(
                .noInput,
                "\(folder) is no job's folder, and there is no \(beside), which would be that of "
                    + "an output of this name")
        }
        throw ProgramError(
            .noInput,
            "there is no \(folder), and no \(beside); the job's folder is wanted: the output's "
                + "name and .dip")
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private func show(_ value: some Encodable, text: String) throws {
        guard json else { return try StandardStream.printResult(text) }
        let line = String(decoding: try Text.json(value, indented: false), as: UTF8.self)
        try StandardStream.printResult(line + "\n")
    }
}

/// How a job stands. Times in seconds since 1970.
struct JobStatus: Encodable {
    enum Standing: String, Encodable {
        /// A coordinator works on it.
        case running
        /// It can be gone on with.
        case stopped
        /// The output is made, of restored tiles only.
        case complete
        /// The output is made, but some tiles came through unrestored.
        case incomplete
    }

    /// A fit that was given up, or that failed before.
    struct Troubled: Encodable {
        let tile: Int
        /// Which fit of the tile, from 0; absent where there is one.
        let restart: Int?
        let attempts: Int
        let failures: [TileHistory.Failure]
    }

    /// An unfinished fit that will be gone on with.
    struct Unfinished: Encodable {
        let tile: Int
        let restart: Int?
        let attempt: Int
        let iteration: Int
    }

    /// What the tiles are fitted for.
    enum Phase: String, Encodable {
        /// For the weights that all fits begin with.
        case start
        /// To find where all fits stop.
        case pilots
        /// For the output.
        case restoration
    }

    let folder: String
    let input: String
    let phase: Phase
    let standing: Standing
    let width, height: Int
    /// How many times the output is wider and higher; absent like `iterationsPerTile`.
    let factor: Int?
    let windowWidth, windowHeight: Int?
    let tileCount: Int
    /// Tiles none of whose fits is left, and of which one is done.
    let restoredCount: Int
    /// Tiles that have a fit which is neither done nor given up.
    let leftCount: Int
    /// Fits of each tile, of all tiles, and those among them that are done.
    let restarts, fitCount, fitsDoneCount: Int
    let setAside: [Troubled]
    /// Fits that are left although they were tried and failed.
    let failedBefore: [Troubled]
    let checkpoints: [Unfinished]
    /// Absent when the configuration is not one of this program's.
    let iterationsPerTile: Int?
    let createdAt: Double
    let endedAt: Double?

    init(folder: String) throws {
        // The latest phase that has begun.
        let places: [(Phase, String)] = [
            (.restoration, folder), (.pilots, "\(folder)/\(PhaseOutput.stop).dip"),
            (.start, "\(folder)/\(PhaseOutput.start).dip"),
        ]
        var begun: (phase: Phase, snapshot: JobSnapshot)?
        for (phase, place) in places where begun == nil {
            begun = try Self.snapshot(place).map { (phase, $0) }
        }
        guard let (phase, snapshot) = begun else {
            throw ProgramError(
                .noInput,
                "\(folder) is no job's folder (it has no job.json); name the output with .dip")
        }
        self.phase = phase
        let (manifest, state) = (snapshot.manifest, snapshot.state)
        let plan = manifest.plan
        let place = { (fit: Int) in
            let place = plan.place(ofFit: fit)
            return (tile: place.tile, restart: plan.restarts.map { _ in place.restart })
        }
        let troubled = { (fit: Int) in
            let history = state.histories[fit] ?? TileHistory()
            return Troubled(
                tile: place(fit).tile, restart: place(fit).restart, attempts: history.attempts,
                failures: history.failures)
        }
        self.folder = folder
        input = manifest.input.path
        width = manifest.image.width
        height = manifest.image.height
        // The result of a start fit is no window, but weights.
        windowWidth = phase == .start ? nil : manifest.plan.windowWidth
        windowHeight = phase == .start ? nil : manifest.plan.windowHeight
        tileCount = plan.tileCount
        restarts = plan.restarts ?? 1
        fitCount = plan.fitCount
        createdAt = manifest.createdAt
        endedAt = manifest.completion?.endedAt
        let configuration = try? FitConfiguration(json: manifest.configuration)
        iterationsPerTile = configuration?.iterations
        factor = configuration?.factor
        // When pilots are done, the restoration has yet to begin.
        if let completion = manifest.completion, phase == .restoration {
            standing = completion.unrestored.isEmpty ? .complete : .incomplete
            restoredCount = tileCount - completion.unrestored.count
            leftCount = 0
            let givenUp = completion.unrestored.flatMap(plan.fits)
            fitsDoneCount = state.stored.isEmpty ? fitCount - givenUp.count : state.stored.count
            setAside = givenUp.map(troubled)
            failedBefore = []
            checkpoints = []
            return
        }
        standing = snapshot.isBeingWorkedOn ? .running : .stopped
        let givenUp = Set(state.setAside)
        fitsDoneCount = state.stored.count
        setAside = state.setAside.map(troubled)
        let over = (0..<tileCount).filter { tile in
            plan.fits(of: tile).allSatisfy { state.stored.contains($0) || givenUp.contains($0) }
        }
        restoredCount = over.count { !plan.fits(of: $0).allSatisfy(givenUp.contains) }
        leftCount = tileCount - over.count
        failedBefore = state.histories.keys.sorted()
            .filter { tile in
                state.histories[tile]?.failures.isEmpty == false && !state.stored.contains(tile)
                    && state.histories[tile]?.isSetAside == false
            }
            .map(troubled)
        checkpoints = state.checkpoints.sorted { $0.key < $1.key }
            .map {
                Unfinished(
                    tile: place($0.key).tile, restart: place($0.key).restart,
                    attempt: $0.value.attempt, iteration: $0.value.iteration)
            }
    }

    private static func snapshot(_ folder: String) throws -> JobSnapshot? {
        do throws(JobStoreError) {
            return try JobSnapshot.read(folder: folder, fileSystem: PosixFileSystem())
        } catch {
            // What cannot be understood is bad input here.
            throw error.kind == .notResumable
                ? ProgramError(.badInput, error.message) : ProgramError(error)
        }
    }

    var text: String {
        let enlarging = factor.map { $0 > 1 ? ", enlarged \($0) times" : "" } ?? ""
        var lines = [
            "job        \(folder), of \(input), \(width) x \(height) pixels\(enlarging)",
            "state      \(explanation)"
                + (phase == .pilots ? ", looking for the point to stop at" : "")
                + (phase == .start ? ", making the weights that all fits begin with" : ""),
            "tiles      \(restoredCount) of \(tileCount) restored, "
                + "\(tileCount - restoredCount - leftCount) given up, \(leftCount) left",
        ]
        if restarts > 1 {
            lines.append(
                "fits       \(fitsDoneCount) of \(fitCount) done, \(setAside.count) given up, "
                    + "\(fitCount - fitsDoneCount - setAside.count) left; \(restarts) a tile")
        }
        let total = iterationsPerTile.map { " of \($0)" } ?? ""
        for entry in checkpoints {
            lines.append(
                "checkpoint \(JobManifest.Plan.name(tile: entry.tile, restart: entry.restart)) "
                    + "at iteration \(entry.iteration)\(total)"
            )
        }
        for entry in failedBefore { lines.append("failed     " + Self.story(entry)) }
        for entry in setAside { lines.append("given up   " + Self.story(entry)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private var explanation: String {
        switch standing {
        case .running: "running"
        case .stopped: "stopped; the command that began it goes on with it"
        case .complete: "complete"
        case .incomplete: "complete, with tiles unrestored; --retry-failed tries them again"
        }
    }

    private static func story(_ entry: Troubled) -> String {
        let last = entry.failures.last.map { "; the last one on \($0.worker): \($0.reason)" } ?? ""
        return "\(JobManifest.Plan.name(tile: entry.tile, restart: entry.restart)) after "
            + "\(Text.count(entry.failures.count, "attempt"))\(last)"
    }
}
