// Settings that a library reads before a program's first line.

internal import Glibc

/// Gives the running program an environment that its libraries were loaded with.
public enum ProgramRestart {
    /// Makes sure that OpenBLAS was loaded with one thread; to be called first of all.
    ///
    /// OpenBLAS starts its threads while it is loaded. They block no signals, so that one meant
    /// for a ``SignalFD`` would go to them and end the process; and a worker computes with the
    /// threads it was told to. Where the environment does not say so yet, the program is replaced
    /// by itself, as the same process with the same arguments. Returns when nothing was to be
    /// done, or when it cannot be done.
    public static func withSingleBLASThread() {
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
