// Every page of a TIFF: a job for each, one after the other, and their outputs joined at the end.

import ArgumentParser
import FoundationEssentials
import Glibc
import Imaging
import JobStore

/// Pages are ordinary jobs in `OUTPUT.dip/page-N.tif.dip`; nothing beyond this file knows that they
/// belong together.
struct AllPages {
    private let command: RestoreCommand
    private let output: String
    private let files = PosixFileSystem()
    private var folder: String { output + ".dip" }
    /// Tells what was joined, so that the same command finds that it is done.
    private var recordPath: String { folder + "/pages.json" }

    init(_ command: RestoreCommand) throws {
        self.command = command
        output = command.output.path(forInput: command.file)
        guard command.workers.listen == nil else {
            throw ProgramError(
                .usage,
                "--page all and --listen exclude each other: workers of others leave when the "
                    + "first page is done; restore the pages one by one with --page N")
        }
    }

    func run() throws {
        var console = Console(isQuiet: command.output.quiet)
        let pages = try ImageFormats.pages(command.file)
        let isOurs = isMadeByUs
        try checkOutput(isOurs: isOurs)
        if try files.kind(of: folder) == nil { try files.makeDirectory(folder) }
        // Only where nothing came of it.
        defer { rmdir(folder) }
        var isWhole = true
        var hasChanged = false
        for (index, page) in pages.enumerated() {
            let prepared = try command.forPage(page, output: path(of: page)).prepare()
            // Of a whole output the pages' own files have gone.
            if isOurs, prepared.standing.manifest?.completion != nil,
                access(path(of: page), F_OK) != 0
            {
                continue
            }
            if case .complete = prepared.standing {} else { hasChanged = true }
            console.note("page \(page + 1) (\(index + 1) of \(pages.count))")
            isWhole = try command.run(prepared) == 0 && isWhole
        }
        if isOurs, !hasChanged {
            console.text("\(output) is complete: all pages were restored by an earlier run")
        } else {
            try join(pages, removingParts: isWhole)
            console.text("\(output): \(Text.count(pages.count, "page"))")
        }
        if !isWhole { throw ExitCode(2) }
    }

    private func path(of page: Int) -> String { "\(folder)/page-\(page + 1).tif" }

    /// Pages with tiles that are unrestored keep their files: --retry-failed needs the others too.
    private func join(_ pages: [Int], removingParts: Bool) throws {
        let paths = pages.map(path)
        try ImageFormats.joinPages(
            paths, into: output, overwrite: command.output.overwrite || isMadeByUs
        ) { temporaryPath in
            // Known before it is in its place: then nobody can take it for a stranger's.
            let record = try FileFingerprint(path: temporaryPath, fileSystem: files)
            try files.write(Text.json(record, indented: true), to: recordPath)
        }
        if removingParts { for path in paths { try files.remove(path) } }
    }

    /// Whether the output is what a former run has joined.
    private var isMadeByUs: Bool {
        guard let file = try? files.open(recordPath, followingLinks: false),
            file.byteCount < 10_000
        else { return false }
        var bytes = [UInt8](repeating: 0, count: file.byteCount)
        guard (try? bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }) != nil,
            let record = try? JSONDecoder().decode(FileFingerprint.self, from: Data(bytes)),
            let present = try? FileFingerprint(path: output, fileSystem: files)
        else { return false }
        return record.hasContent(of: present)
    }

    private func checkOutput(isOurs: Bool) throws {
        guard output.lowercased().hasSuffix(".tif") || output.lowercased().hasSuffix(".tiff") else {
            throw ProgramError(
                .usage, "\(output): pages are for a TIFF; choose an output that ends in .tif")
        }
        try ImageFormats.checkOutput(
            output, input: command.file, overwrite: command.output.overwrite || isOurs)
        if access(folder + "/job.json", F_OK) == 0 {
            throw ProgramError(
                .mismatch,
                "\(folder) holds the job of one page; choose another output with -o, or remove it")
        }
    }
}
