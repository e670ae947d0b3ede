// How much this host can do at once.

import FoundationEssentials
import Glibc

enum Processors {
    /// Processors that this process may use.
    static var availableCount: Int {
        let status = FileManager.default.contents(atPath: "/proc/self/status") ?? Data()
        let mask = String(decoding: status, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("Cpus_allowed:") }?.dropFirst("Cpus_allowed:".count)
        let allowed = mask?.compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount } ?? 0
        let count = allowed > 0 ? allowed : Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        return min(max(count, 1), 1024)
    }

    /// The memory of this host.
    static var memoryByteCount: Int {
        max(Int(sysconf(Int32(_SC_PHYS_PAGES))), 1) * max(Int(sysconf(Int32(_SC_PAGESIZE))), 1)
    }
}
