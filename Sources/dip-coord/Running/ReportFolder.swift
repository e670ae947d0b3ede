// The folder that --report names.

import Dashboard
import FoundationEssentials
import Glibc
import JobStore

/// Where a report goes. What stands there under its names is replaced where it is a report.
struct ReportFolder {
    static let pageName = "report.html"
    static let dataName = "report.json"
    /// How far into a file its mark is looked for.
    private static let markByteCount = 512

    let path: String
    var page: String { "\(path)/\(Self.pageName)" }
    var data: String { "\(path)/\(Self.dataName)" }

    /// Checks, before any work is done, that a report can be written. What had to be made for
    /// that is removed again.
    ///
    /// - Parameter jobFolder: where a file of one of the names is the job's own.
    /// - Throws: `ProgramError`: usage, or that the folder cannot be written.
    func check(jobFolder: String) throws {
        guard !path.isEmpty, !Self.isSame(path, jobFolder) else {
            throw ProgramError(
                .usage,
                path.isEmpty
                    ? "--report names no folder; a name is wanted"
                    : "--report is \(path), which is the job's own folder; choose another")
        }
        let made = try make()
        defer { for folder in made.reversed() { rmdir(folder) } }
        for file in [page, data] { try Self.checkMayReplace(file) }
        let trial = "\(path)/.report.partial-\(getpid())"
        let descriptor = open(trial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.cannotWrite(path, errno) }
        close(descriptor)
        unlink(trial)
    }

    /// Puts both files in their places, each at once.
    func write(page html: String, data json: [UInt8]) throws {
        _ = try make()
        let files = PosixFileSystem()
        for (name, bytes) in [(Self.dataName, json), (Self.pageName, Array(html.utf8))] {
            try Self.checkMayReplace("\(path)/\(name)")
            try files.replace(name, in: path, with: bytes)
        }
    }

    /// Makes the folder and those above it; the ones that were not there, from the top.
    private func make() throws -> [String] {
        var made: [String] = []
        var prefix = path.hasPrefix("/") ? "/" : ""
        for name in path.split(separator: "/") {
            prefix += name
            if mkdir(prefix, 0o777) == 0 {
                made.append(prefix)
            } else if errno != EEXIST {
                let code = errno
                for folder in made.reversed() { rmdir(folder) }
                throw Self.cannotWrite(path, code)
            }
            prefix += "/"
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ProgramError(
                .unwritable, "--report is \(path), which is no folder; choose another")
        }
        return made
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        var (a, b) = (stat(), stat())
        if stat(one, &a) == 0, stat(other, &b) == 0 {
            return a.st_dev == b.st_dev && a.st_ino == b.st_ino
        }
        return one.split(separator: "/") == other.split(separator: "/")
    }

    private static func checkMayReplace(_ file: String) throws {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            // One that is there but cannot be read is not known to be ours.
            if errno == ENOENT { return }
            throw cannotWrite(file, errno)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: markByteCount)
        let count = read(descriptor, &bytes, bytes.count)
        let head = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        guard head.contains(ReportPage.marker) || head.contains(dataMark) else {
            throw ProgramError(
                .unwritable,
                "\(file) is there and is no report of dip-coord; move it away, or choose another "
                    + "folder with --report")
        }
    }

    private static let dataMark = "\"format\" : \"\(Report.About.format)\""

    private static func cannotWrite(_ path: String, _ code: Int32) -> ProgramError {
        ProgramError(
            .unwritable,
            "the report cannot be written: \(path): \(String(cString: strerror(code)))")
    }
}
