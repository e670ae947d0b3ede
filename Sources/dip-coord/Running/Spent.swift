// What a run has taken so far, so that one page of several is told from those before it.

import Glibc
import Transport

/// Time and processors' time, of this process and of its children that have ended; seconds.
struct Spent {
    /// Since the program's start.
    var wallSeconds = 0.0
    var coordinatorCPUSeconds = 0.0
    var localWorkerCPUSeconds = 0.0

    /// Nothing: where the program begins.
    init() {}

    /// - Parameter clock: started with the program.
    init(at clock: MonotonicClock) {
        wallSeconds = clock.now().inSeconds
        coordinatorCPUSeconds = Self.cpuSeconds(RUSAGE_SELF.rawValue)
        localWorkerCPUSeconds = Self.cpuSeconds(RUSAGE_CHILDREN.rawValue)
    }

    static func - (all: Spent, before: Spent) -> Spent {
        var rest = all
        rest.wallSeconds -= before.wallSeconds
        rest.coordinatorCPUSeconds -= before.coordinatorCPUSeconds
        rest.localWorkerCPUSeconds -= before.localWorkerCPUSeconds
        return rest
    }

    /// Of user and system.
    private static func cpuSeconds(_ who: Int32) -> Double {
        var usage = rusage()
        guard getrusage(__rusage_who_t(who), &usage) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
        }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}
