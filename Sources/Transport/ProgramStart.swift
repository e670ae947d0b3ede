// What a program sees to before all else.

internal import Glibc

/// Gives the running program the surroundings that it and its libraries expect.
public enum ProgramStart {
    /// Lets a write that cannot be done return an error instead of ending the program: to a
    /// reader that has gone (SIGPIPE), and beyond the largest size that files may have (SIGXFSZ).
    public static func ignoreSignalsOfWriting() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Lets the program have as many files open as it may ask for, and 65536 at most.
    ///
    /// - Returns: How many those are.
    public static func raiseOpenFileLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .max
        }
        let former = limit.rlim_cur
        limit.rlim_cur = max(former, min(limit.rlim_max, 65536))
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return Int(clamping: former)
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many files more the process may open, at least as long as numbers are used from below.
    ///
    /// - Parameter limit: as ``raiseOpenFileLimit()`` told it.
    public static func freeDescriptorCount(of limit: Int) -> Int {
        let lowest = dup(STDERR_FILENO)
        guard lowest >= 0 else { return 0 }
        close(lowest)
        return limit - Int(lowest)
    }

    /// Lets files have numbers above those of the standard streams, also where those are closed:
    /// what is meant for a reader must not end up in a file that happens to be there. Writing to
    /// a closed stream stays the error that it is (EBADF).
    public static func openStandardStreams() {
        var descriptor: Int32 = 0
        while descriptor <= STDERR_FILENO {
            if fcntl(descriptor, F_GETFD) == -1 {
                guard open("/dev/null", O_RDONLY) == descriptor else { return }
            }
            descriptor += 1
        }
    }

    /// Makes sure that OpenBLAS was loaded with one thread; to be called first of all.
    ///
    /// OpenBLAS starts its threads while it is loaded. They block no signals, so that one meant
    /// for a ``SignalFD`` would go to them and end the process; and a worker computes with the
    /// threads it was told to. Where the environment does not say so yet, the program is replaced
    /// by itself, as the same process with the same arguments. Returns when nothing was to be
    /// done, or when it cannot be done.
    public static func restartWithSingleBLASThread() {
        let variables = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"]
        let isSet = variables.allSatisfy { name in
            getenv(name).map { String(cString: $0) } == "1"
        }
        guard !isSet else { return }
        for name in variables {
            setenv(name, "1", 1)
        }
        guard let path = realpath("/proc/self/exe", nil) else { return }
        execv(path, CommandLine.unsafeArgv)
        free(path)
    }
}
