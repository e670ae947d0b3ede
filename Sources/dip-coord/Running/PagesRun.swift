// All pages of a TIFF: a job for each, one after the other, and then one file of them all.

import Dashboard
import Glibc
import Imaging
import JobStore
import Transport

/// Pages may differ in size and kind, so each is a job of its own, with its output and its folder
/// in `OUTPUT.dip`. When all are made, their files become the pages of the output and are removed;
/// `pages.json` says then that the output is made.
struct PagesRun {
    private let run: RestorationRun
    private let output: String
    private var folder: String { output + ".dip" }

    init(_ run: RestorationRun) throws {
        self.run = run
        output = run.output.path(forInput: run.file)
        if let map = run.output.maps.files.first {
            throw ProgramError(
                .usage, "\(map.option) is a map of one page; choose one with --page NUMBER")
        }
        guard output.lowercased().hasSuffix(".tif") || output.lowercased().hasSuffix(".tiff")
        else {
            throw ProgramError(
                .usage, "--page all makes a TIFF; \(output) does not end in .tif or .tiff")
        }
    }

    /// - Returns: The exit code is 2 when that of any page is 2.
    func run(
        at desk: CoordinatorDesk, clock: MonotonicClock, _ console: inout Console
    ) throws -> RestorationEnd {
        let pages = try ImageFormats.pages(run.file)
        try checkOutput()
        try run.output.report.folder.map { try ReportFolder(path: $0).check(jobFolder: folder) }
        let record = try PagesRecord.read(folder: folder, fileSystem: PosixFileSystem())
        if !run.jobOptions.fresh, !run.jobOptions.retryFailed, let record,
            record.pageCount == pages.count, record.isMade(output)
        {
            // Whether it is the same job, the first page knows.
            _ = try RestoreJob.prepare(page(pages, 0))
            console.text(
                "\(output) is complete: \(Text.count(pages.count, "page")) made by an earlier run"
                    + (record.isWhole
                        ? ""
                        : ", some tiles of which came through unrestored; "
                            + "--retry-failed tries them again"))
            if run.output.report.folder != nil {
                console.warning(
                    "no report is written: the pages of \(output) were made by an earlier run, and "
                        + "are joined; --fresh --overwrite makes them again")
            }
            return record.isWhole
                ? RestorationEnd(code: 0, unrestored: 0) : RestorationEnd(code: 2)
        }
        guard access(output, F_OK) != 0 || run.output.overwrite || record?.isMade(output) == true
        else {
            throw ProgramError(
                .unwritable,
                "\(output) exists; add --overwrite to replace it, or choose another output with -o")
        }
        guard access(folder + "/job.json", F_OK) != 0 else {
            throw ProgramError(
                .mismatch,
                "\(folder) holds another job: one page is restored in it, but all are asked for; "
                    + "choose another output with -o, or remove the folder")
        }
        try makeFolder()
        try check(pages)
        var end = RestorationEnd(code: 0, unrestored: 0)
        let left = pages.indices.filter { !isComplete($0) }
        for index in pages.indices {
            console.note("page \(index + 1) of \(pages.count)")
            var page = try page(pages, index)
            page.pagesLeft = left.count { $0 > index }
            page.keepsWorkers = page.pagesLeft > 0
            page.began = Spent(at: clock)
            let made = try page.run(at: desk, clock: clock, &console)
            end.code = max(end.code, made.code)
            end.unrestored = end.unrestored.flatMap { sum in made.unrestored.map { sum + $0 } }
        }
        try join(pages.indices.map(path), isWhole: end.code == 0, &console)
        console.text("restored   \(output), \(Text.count(pages.count, "page"))")
        return end
    }

    /// The folders of the pages that were begun, in order; none where one page is restored.
    static func pageFolders(_ folder: String) throws -> [String] {
        let files = PosixFileSystem()
        guard try files.kind(of: folder) == .directory,
            try files.kind(of: folder + "/job.json") == nil
        else { return [] }
        return try files.list(folder).filter { $0.hasPrefix("page-") && $0.hasSuffix(".tif.dip") }
            .map { "\(folder)/\($0)" }
    }

    private func path(_ index: Int) -> String { "\(folder)/\(Self.name(index)).tif" }

    /// page-00001, and so on.
    private static func name(_ index: Int) -> String {
        let digits = "\(index + 1)"
        return "page-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }

    /// The restoration of one page.
    private func page(_ pages: [Int], _ index: Int) throws -> RestorationRun {
        var page = run
        page.input.page = .oneOfAll(pages[index] + 1)
        page.page = JobDescription.Page(number: index + 1, count: pages.count)
        page.output.output = path(index)
        page.output.report.folder = run.output.report.folder.map { "\($0)/\(Self.name(index))" }
        page.output.overwrite = true
        return page
    }

    /// Looks at all pages before the first one is fitted.
    private func check(_ pages: [Int]) throws {
        for index in pages.indices where !isComplete(index) {
            do {
                _ = try RestoreJob.prepare(page(pages, index))
            } catch {
                // It goes where nothing is in it.
                rmdir(folder)
                let cause = ProgramError(error)
                throw ProgramError(cause.code, "page \(index + 1): \(cause.message)")
            }
        }
    }

    /// Whether nothing is left to do for a page, as far as its folder tells.
    private func isComplete(_ index: Int) -> Bool {
        JobStanding.isComplete(
            folder: path(index) + ".dip", output: path(index), run.jobOptions)
    }

    private func checkOutput() throws {
        do throws(ImageError) {
            try ImageFormats.checkOutput(output, input: run.file, overwrite: true)
        } catch {
            throw ProgramError(error)
        }
    }

    private func makeFolder() throws {
        guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
            throw ProgramError(
                .unwritable, "\(folder) cannot be made: \(String(cString: strerror(errno)))")
        }
    }

    private func join(
        _ pages: [String], isWhole: Bool, _ console: inout Console
    ) throws {
        let files = PosixFileSystem()
        // The output is the user's or a former one of this job: both were asked for above.
        let joined = try JoinedTIFF(output, pages: pages, overwrite: true)
        defer { joined.abandon() }
        for warning in joined.warnings { console.warning(warning) }
        // Known before it is in its place: then nobody can take it for a stranger's.
        let made = try FileFingerprint(path: joined.complete(), fileSystem: files)
        try PagesRecord(pageCount: pages.count, output: made, isWhole: isWhole)
            .write(folder: folder, fileSystem: files)
        try joined.finish()
        // Where tiles are to be tried again, or the user wants all, they stay.
        guard isWhole, !run.jobOptions.keepJob else { return }
        for page in pages { unlink(page) }
    }
}

extension PagesRecord {
    /// Whether the file at the output's place is the one that was put there.
    fileprivate func isMade(_ path: String) -> Bool {
        guard let present = try? FileFingerprint(path: path, fileSystem: PosixFileSystem()) else {
            return false
        }
        return output.hasContent(of: present)
    }
}
