// A file that appears at its place complete or not at all.

import Glibc

/// Written beside its place as `.NAME.partial-PID`, synced and renamed by `commit`, removed
/// otherwise. While it is open it is locked, so that others can tell it from what a killed program
/// has left behind.
final class OutputFile {
    let path: String
    let descriptor: Int32
    private let target: String
    /// Where it lies before `commit`.
    let temporaryPath: String
    private let replacesExisting: Bool
    private var isOpen = true

    init(path: String, replacesExisting: Bool) throws(ImageError) {
        self.path = path
        self.replacesExisting = replacesExisting
        // An output that is a symbolic link stays one: what it points to is written.
        let resolved = resolvedPath(path)
        guard resolved != nil || !isSymbolicLink(path) else {
            throw ImageError(
                .unwritable,
                "\(path) is a symbolic link that leads nowhere; remove it, or choose another output"
            )
        }
        target = resolved ?? path
        let (folder, name) = splitPath(target)
        // Names may have 255 bytes.
        let shortName = String(decoding: name.utf8.prefix(180), as: UTF8.self)
        let prefix = ".\(shortName).partial-"
        removeLeftovers(folder: folder, prefix: prefix)
        temporaryPath = folder + prefix + "\(getpid())"
        descriptor = open(temporaryPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        if descriptor < 0 { throw creationError(path, folder: folder, errno) }
        // Where files cannot be locked, the number of the process has to do.
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
    }

    deinit { discard() }

    /// Makes what was written survive a crash of the host.
    func sync() throws(ImageError) {
        if fsync(descriptor) != 0 { throw writeError(path, "cannot sync it", errno) }
    }

    /// Puts the finished file at its place.
    func commit() throws(ImageError) {
        precondition(isOpen, "an output file is committed once")
        try sync()
        if replacesExisting {
            if rename(temporaryPath, target) != 0 {
                throw writeError(path, "cannot rename it", errno)
            }
        } else {
            try moveWithoutReplacing()
        }
        isOpen = false
        if close(descriptor) != 0 { throw writeError(path, "cannot close it", errno) }
        syncFolder(of: target)
    }

    /// Removes what was written; does nothing after `commit`.
    func discard() {
        guard isOpen, descriptor >= 0 else { return }
        isOpen = false
        close(descriptor)
        unlink(temporaryPath)
    }

    private func moveWithoutReplacing() throws(ImageError) {
        // A link fails where a rename would replace what has appeared meanwhile.
        if link(temporaryPath, target) == 0 {
            unlink(temporaryPath)
            return
        }
        if errno == EEXIST { throw existsError(path) }
        // A file system without hard links.
        if access(target, F_OK) == 0 { throw existsError(path) }
        if rename(temporaryPath, target) != 0 { throw writeError(path, "cannot rename it", errno) }
    }
}

/// Removes temporary files of an output whose process has gone, killed before it could. What
/// cannot be removed stays.
private func removeLeftovers(folder: String, prefix: String) {
    guard let stream = opendir(folder.isEmpty ? "." : folder) else { return }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name.hasPrefix(prefix) { names.append(name) }
    }
    for name in names {
        guard let process = pid_t(name.dropFirst(prefix.count)), process > 0,
            process == getpid() || (kill(process, 0) != 0 && errno == ESRCH),
            !isLocked(folder + name)
        else { continue }
        unlink(folder + name)
    }
}

/// Whether somebody writes the file: numbers of processes are used again, and mean nothing on
/// another host or in another container. What is no file of ours counts as locked.
private func isLocked(_ path: String) -> Bool {
    let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return true }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return true }
    return flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
}

func existsError(_ path: String) -> ImageError {
    ImageError(.outputExists, "\(path) exists; allow it to be overwritten or choose another output")
}

private func creationError(_ path: String, folder: String, _ code: Int32) -> ImageError {
    guard code == ENOENT, !folder.isEmpty, access(folder, F_OK) != 0 else {
        return writeError(path, "cannot create its file", code)
    }
    let name = folder.count > 1 ? String(folder.dropLast()) : folder
    return ImageError(
        .unwritable, "\(path): there is no folder \(name); make it, or choose another output")
}

func writeError(_ path: String, _ what: String, _ code: Int32) -> ImageError {
    let full = [ENOSPC, EDQUOT, EFBIG].contains(code)
    return ImageError(
        full ? .outOfSpace : .unwritable, "\(path): \(what): \(systemMessage(code))")
}

func systemMessage(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
}

/// The folder with its trailing slash (empty for the current one) and the name.
func splitPath(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return ("", path) }
    let after = path.utf8.index(after: slash)
    return (String(path[..<after]), String(path[after...]))
}

/// The path without symbolic links; `nil` when nothing lies there.
private func resolvedPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
}

private func isSymbolicLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
}

/// Makes a rename durable. The file is complete whatever this says, so failure is not an error.
private func syncFolder(of path: String) {
    let folder = splitPath(path).folder
    let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    close(descriptor)
}
