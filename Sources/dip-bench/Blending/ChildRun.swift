// A program that runs by itself, so that what it took is its own.

import Glibc

/// What a process took from its start to its end.
struct ChildRun {
    let seconds: Double
    /// Of all its threads, its own and the system's for it.
    let cpuSeconds: Double
    /// The most memory that it held at a time.
    let peakMemoryByteCount: Int

    /// Runs a program to its end, its output into a file.
    ///
    /// - Parameter program: a path, or a name that is looked for in `PATH`.
    /// - Throws: `InputError` when it cannot be started or fails.
    init(_ program: String, _ arguments: [String], output: String) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        let clock = ContinuousClock()
        let start = clock.now
        let code = posix_spawnp(&process, program, &actions, nil, &words, environ)
        guard code == 0 else {
            throw InputError(description: "\(program): \(String(cString: strerror(code)))")
        }
        var (status, usage) = (Int32(0), rusage())
        while wait4(process, &status, 0, &usage) < 0 {
            guard errno == EINTR else {
                throw InputError(description: "\(program): \(String(cString: strerror(errno)))")
            }
        }
        seconds = (clock.now - start) / .seconds(1)
        cpuSeconds = usage.cpuSeconds
        peakMemoryByteCount = usage.peakMemoryByteCount
        guard status == 0 else {
            throw InputError(description: "\(program) ended with status \(status)")
        }
    }
}

/// Whether a program can be found in `PATH`.
func isInstalled(_ program: String) -> Bool {
    let folders = getenv("PATH").map { String(cString: $0) } ?? ""
    return folders.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
}

extension rusage {
    static var ofThisProcess: rusage {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage
    }

    var cpuSeconds: Double {
        Double(ru_utime.tv_sec + ru_stime.tv_sec)
            + Double(ru_utime.tv_usec + ru_stime.tv_usec) / 1e6
    }

    var peakMemoryByteCount: Int { ru_maxrss * 1024 }
}
