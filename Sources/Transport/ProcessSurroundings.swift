// What a process knows of itself: its parent, its environment, the programs beside it.

internal import CSystem
internal import Glibc

/// The child's side of the pipe that ``ChildProcess`` makes: it is closed when the parent has
/// gone, in whatever way.
public final class ParentPipe {
    /// The number under which a child finds the pipe.
    public static let inheritedFileDescriptor: Int32 = 3

    /// Readable when the parent has gone.
    public let fileDescriptor: Int32

    /// Takes over the inherited pipe.
    ///
    /// - Throws: `TransportError` when there is no pipe under that number: the process was not
    ///   started by ``ChildProcess``.
    public init(
        fileDescriptor: Int32 = ParentPipe.inheritedFileDescriptor
    ) throws(TransportError) {
        var status = stat()
        guard fstat(fileDescriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else {
            throw TransportError(
                .system, "descriptor \(fileDescriptor) is not a pipe that a parent has left")
        }
        guard fcntl(fileDescriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            throw .system("cannot keep the parent's pipe from other programs")
        }
        self.fileDescriptor = fileDescriptor
    }

    deinit {
        Glibc.close(fileDescriptor)
    }

    /// Whether the parent has gone.
    public var parentIsGone: Bool {
        var item = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
        return retryingInterrupts { poll(&item, 1, 0) } > 0
    }
}

/// The environment of this process.
public enum ProcessEnvironment {
    /// All variables, as they are at the moment.
    public static func all() -> [String: String] {
        var variables: [String: String] = [:]
        var index = 0
        while let entry = csystem_environment_entry(index) {
            index += 1
            let parts = String(cString: entry).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 {
                variables[String(parts[0])] = String(parts[1])
            }
        }
        return variables
    }
}

/// The host that this process runs on.
public enum ThisHost {
    /// As it calls itself; nil where it has no name.
    public static var name: String? {
        var system = utsname()
        guard uname(&system) == 0 else { return nil }
        let name = withUnsafeBytes(of: system.nodename) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return name.isEmpty ? nil : name
    }
}

/// Finds programs.
public enum ProgramLocator {
    /// The path of a program: beside the one that runs, else the first in the search path.
    ///
    /// - Parameters:
    ///   - directory: Where to look first; nil is the directory of the running program.
    ///   - searchPath: Directories separated by colons, as in `PATH`; empty ones are skipped.
    /// - Returns: nil when there is no file of that name that may be run.
    public static func find(
        _ name: String, beside directory: String? = nil, searchPath: String
    ) -> String? {
        var directories = searchPath.split(separator: ":").map(String.init)
        if let first = directory ?? runningDirectory() {
            directories.insert(first, at: 0)
        }
        return directories.lazy.map { "\($0)/\(name)" }.first(where: isExecutableFile)
    }

    private static func runningDirectory() -> String? {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard let resolved = realpath("/proc/self/exe", &path) else { return nil }
        let text = String(cString: resolved)
        return text.lastIndex(of: "/").map { String(text[..<$0]) }
    }

    private static func isExecutableFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && access(path, X_OK) == 0
    }
}
