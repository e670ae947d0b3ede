// What a run finds in its job's folder and in its output's place, and what follows.

import Glibc
import JobStore

/// How far the job is before a run.
enum JobStanding {
    /// There is nothing of it, or it shall be thrown away.
    case new
    /// There is something to go on with.
    case begun(JobManifest)
    /// The output is there, and nothing is left to do.
    case complete(JobManifest, JobManifest.Completion)

    /// The folder's manifest, where the run goes on with it.
    var manifest: JobManifest? {
        switch self {
        case .new: nil
        case .begun(let manifest), .complete(let manifest, _): manifest
        }
    }

    /// Looks, without a lock and without leaving a trace.
    ///
    /// - Parameter part: what part of a job this is, as errors name it; nil for all of it.
    /// - Throws: `ProgramError`: 73 when another coordinator works in the folder, 78 when it holds
    ///   another job than the one that is wanted.
    init(
        folder: String, output: String, wanted: JobManifest, part: String? = nil,
        _ options: JobOptions
    ) throws {
        let files = PosixFileSystem()
        try Self.checkIsFree(folder, files)
        guard !options.fresh,
            let former = try Self.former(folder, output, wanted, part: part, files)
        else {
            self = .new
            return
        }
        if let completion = Self.completion(of: former, output: output, options) {
            self = .complete(former, completion)
        } else {
            self = .begun(former)
        }
    }

    /// The end of a job that needs no run; nil where something is left to do.
    private static func completion(
        of manifest: JobManifest, output: String, _ options: JobOptions
    ) -> JobManifest.Completion? {
        guard let completion = manifest.completion, isMade(output, by: manifest) else { return nil }
        let hasReason = options.retryFailed && !completion.unrestored.isEmpty
        return hasReason ? nil : completion
    }

    /// Whether the job of a folder, if it is the one that is wanted, needs no run.
    static func isComplete(folder: String, output: String, _ options: JobOptions) -> Bool {
        let files = PosixFileSystem()
        guard !options.fresh,
            let manifest = try? JobStore.manifest(inFolder: folder, fileSystem: files)
        else { return false }
        return completion(of: manifest, output: output, options) != nil
    }

    /// Whether the folder of a job before which others are done holds that job, as far as it is
    /// known before they are.
    ///
    /// - Parameter undecided: fields of its configuration that they decide about.
    /// - Throws: as `init`.
    static func check(
        folder: String, output: String, wanted: JobManifest, undecided: Set<String>,
        _ options: JobOptions
    ) throws {
        guard !options.fresh else { return }
        let files = PosixFileSystem()
        try checkIsFree(folder, files)
        _ = try former(folder, output, wanted, undecided: undecided, files)
    }

    private static func checkIsFree(_ folder: String, _ files: PosixFileSystem) throws {
        guard try JobStore.isInUse(folder: folder, fileSystem: files) else { return }
        throw ProgramError(
            .unwritable,
            "\(folder) is in use: another dip-coord is working there; wait for it, or choose "
                + "another output with -o")
    }

    /// The manifest in the folder; nil when there is none.
    private static func former(
        _ folder: String, _ output: String, _ wanted: JobManifest, part: String? = nil,
        undecided: Set<String> = [], _ files: PosixFileSystem
    ) throws -> JobManifest? {
        let startOver =
            access(output, F_OK) == 0
            ? "add --fresh --overwrite to start over" : "add --fresh to start over"
        do throws(JobStoreError) {
            guard let former = try JobStore.manifest(inFolder: folder, fileSystem: files) else {
                return nil
            }
            guard let difference = former.difference(from: wanted, undecided: undecided) else {
                return former
            }
            throw JobStoreError(
                .notResumable,
                "\(folder) holds another job: \(part.map { $0 + ", " } ?? "")\(difference); ask "
                    + "for the same, choose another output with -o")
        } catch {
            guard error.kind == .notResumable else { throw error }
            throw ProgramError(.mismatch, "\(error.message), or \(startOver)")
        }
    }

    /// Whether the file at the output's place is the one that the job has put there.
    private static func isMade(_ output: String, by manifest: JobManifest) -> Bool {
        guard let own = manifest.output,
            let present = try? FileFingerprint(path: output, fileSystem: PosixFileSystem())
        else { return false }
        return own.hasContent(of: present)
    }

    /// Whether the output may take the place of a file that is there.
    ///
    /// - Throws: `ProgramError` when it may not, but a file is there.
    func replacesOutput(_ output: String, overwrites: Bool) throws -> Bool {
        guard !overwrites, access(output, F_OK) == 0 else { return overwrites }
        if let manifest, Self.isMade(output, by: manifest) { return true }
        let reason = manifest == nil ? "" : " and is not what this job has made"
        throw ProgramError(
            .unwritable,
            "\(output) exists\(reason); add --overwrite to replace it, or choose another output "
                + "with -o")
    }
}
