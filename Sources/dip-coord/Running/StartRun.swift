// The phase of a job whose tiles begin with the same weights: a job of its own, of one window,
// whose output is start.safetensors.

import DeepImagePrior
import Glibc
import Imaging
import JobStore
import Transport

extension RestoreJob {
    /// More than any network has.
    private static let startByteCountMaximum = 1 << 30

    /// Lets fits begin with shared weights.
    ///
    /// - Parameters:
    ///   - iterations: of the fit that makes them, if it is made.
    ///   - found: what it came to in this run; else what a former one wrote counts.
    ///   - isKnown: whether there is enough to learn in a plan of one window.
    /// - Returns: the fit that is still to be made; nil for none.
    mutating func takeStart(
        _ starting: Starting, iterations: Int, found: StartWeights?,
        where isKnown: (TilePlan) throws -> Bool, _ options: JobOptions
    ) throws -> Phase? {
        switch starting {
        case .random: return nil
        case .file(let path): try begin(with: try Self.readStart(path), from: path)
        case .shared:
            var found = found
            if found == nil {
                let fit = try startFit(iterations, where: isKnown)
                if let phase = try Phase(.start, fit, options) { return phase }
                found = try Self.readStart(fit.output)
            }
            if let found { try begin(with: found, from: "the start fit") }
        }
        return nil
    }

    private mutating func begin(with weights: StartWeights, from place: String) throws {
        do throws(FitError) {
            try weights.validate(
                for: configuration, height: plan.windowHeight, width: plan.windowWidth,
                bands: bands)
        } catch {
            throw ProgramError(.badInput, "\(place): \(error)")
        }
        start = weights.encoded()
        preset.configuration.start = weights.identity
        manifest.configuration = configuration.json
    }

    static func readStart(_ path: String) throws -> StartWeights {
        guard
            let bytes = try PosixFileSystem().contents(path, byteCountMax: startByteCountMaximum)
        else { throw ProgramError(.noInput, "\(path) is not there; start weights are wanted") }
        do throws(FitError) {
            return try StartWeights(bytes: bytes)
        } catch {
            throw ProgramError(.badInput, "\(path): \(error)")
        }
    }

    /// The job whose output the weights are: a fit of a window in the middle, which is no pilot's.
    private func startFit(
        _ iterations: Int, where isKnown: (TilePlan) throws -> Bool
    ) throws -> RestoreJob {
        var configuration = configuration
        configuration.iterations = iterations
        configuration.stopRule = .fixed
        configuration.givesWeights = true
        var job = try phase(
            PhaseOutput.start, word: "start",
            plan: plan.middle(otherThan: Self.pilotPlan(plan), where: isKnown),
            configuration)
        let shape = try StartWeights.resultShape(
            configuration, height: plan.windowHeight, width: plan.windowWidth, bands: bands)
        job.weightsShape = shape
        (job.manifest.plan.windowHeight, job.manifest.plan.windowWidth) = (shape[0], shape[1])
        job.manifest.image.bands = shape[2]
        return job
    }

    /// The last pass of the start fit.
    func writeStart(_ store: JobStore) throws {
        guard let tile = try store.openTile(0) else {
            throw ProgramError(.failed, "the start fit has no result; the same command tries again")
        }
        let weights = try StartWeights(
            configuration, height: plan.windowHeight, width: plan.windowWidth, bands: bands,
            inPlaceOf: try tile.samples())
        try writeFact(weights.encoded(), store)
    }

    /// - Parameter others: files that the run writes too.
    /// - Throws: where the file cannot be written, is written as another one, or is there and may
    ///   be anything.
    static func checkMaySaveStart(_ path: String, others: [String]) throws {
        if let other = others.first(where: { nameSameFile($0, path) }) {
            throw ProgramError(
                .usage,
                "--save-start is \(path), but \(other) is written there; another file is wanted")
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard access(folder, W_OK) == 0 else {
            throw ProgramError(
                .unwritable,
                "--save-start: \(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard access(path, F_OK) == 0, (try? readStart(path)) == nil else { return }
        throw ProgramError(
            .unwritable,
            "\(path) is there and holds no start weights; move it away, or choose another file "
                + "with --save-start")
    }
}

extension ImageSource {
    /// Whether half of a window's samples are known.
    ///
    /// - Parameter plan: of that window alone.
    func knowsHalf(of plan: TilePlan) throws(ImageError) -> Bool {
        let pixels = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: plan.windowHeight * plan.windowWidth * header.colorBands)
        defer { pixels.deallocate() }
        try readWindow(plan.tile(0), into: pixels)
        return 2 * pixels.count(where: \.isNaN) <= pixels.count
    }
}

extension RestorationRun {
    /// Makes the weights that all fits begin with.
    func makeStart(
        _ prepared: consuming sending RestoreJob.Prepared, _ phase: RestoreJob.Phase,
        at desk: CoordinatorDesk, clock: MonotonicClock, _ console: inout Console
    ) throws -> StartWeights {
        let job = phase.job
        console.note(
            "making the weights that all fits begin with: one tile, "
                + "\(job.configuration.iterations) iterations")
        try runPhase(prepared, phase, at: desk, clock: clock, &console)
        return try RestoreJob.readStart(job.output)
    }

    /// Copies the weights that the fits begin with to where the user wants them.
    static func saveStart(_ bytes: [UInt8], to path: String) throws {
        let slash = path.lastIndex(of: "/")
        do {
            try PosixFileSystem().replace(
                String(slash.map { path[path.index(after: $0)...] } ?? path[...]),
                in: slash.map { String(path[...$0]) } ?? ".", with: bytes)
        } catch {
            throw ProgramError(
                .unwritable, "--save-start: \(path) cannot be written: \(error.message)")
        }
    }
}
