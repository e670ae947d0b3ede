// What a program sees to before all else.

internal import Glibc

/// Gives the running program the surroundings that it and its libraries expect.
public enum ProgramStart {
    /// Lets files have numbers above those of the standard streams, also where those are closed:
    /// what is meant for a reader must not end up in a file that happens to be there.
    public static func openStandardStreams() {
        var descriptor: Int32 = 0
        while descriptor <= STDERR_FILENO {
            if fcntl(descriptor, F_GETFD) == -1 {
                guard open("/dev/null", O_RDWR) == descriptor else { return }
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
