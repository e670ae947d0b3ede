// Whether the memory of a fit can be had, asked before the fit begins.

import DeepImagePrior
import Glibc

/// Why a fit is not begun.
struct MemoryShortage: Error, CustomStringConvertible {
    let description: String
}

/// Asks for the memory of a fit. The kernel grants memory that it does not have and ends the
/// process later; and OpenBLAS, where it is refused its buffer, asks for ever.
struct MemoryCheck {
    /// What OpenBLAS maps at its first product (128 MiB on x86-64), and room for threads' heaps,
    /// messages and rounding: a fit of 64 x 64 pixels maps 12 MiB beside its network's.
    private static let roomByteCount = (128 + 24) << 20

    /// A fit of these has run: its memory and OpenBLAS's buffer can be had.
    private struct Proof: Equatable {
        let configuration: FitConfiguration
        let height, width, bands: Int

        init(_ problem: FitProblem, _ configuration: FitConfiguration) {
            // Whatever the seed, a fit takes the same.
            var configuration = configuration
            configuration.seed = 0
            self.configuration = configuration
            (height, width, bands) = (problem.outputHeight, problem.outputWidth, problem.bands)
        }
    }

    private let threads: Int
    private var proof: Proof?

    init(threads: Int) { self.threads = threads }

    /// To be told of every iteration.
    mutating func noteStep(_ problem: FitProblem, _ configuration: FitConfiguration) {
        if proof == nil { proof = Proof(problem, configuration) }
    }

    /// - Throws: `FitError` where the host has too little memory, `MemoryShortage` where the
    ///   process is not given it.
    mutating func check(_ problem: FitProblem, _ configuration: FitConfiguration) throws {
        let needed = try Fit.memoryByteCount(
            configuration, height: problem.outputHeight, width: problem.outputWidth,
            bands: problem.bands, threadCount: threads)
        if let available = Host.availableMemoryByteCount(), needed > available {
            throw FitError.outOfMemory(byteCount: needed)
        }
        guard proof != Proof(problem, configuration) else { return }
        proof = nil
        let (wanted, overflow) = needed.addingReportingOverflow(Self.roomByteCount)
        guard !overflow, Self.isGranted(wanted) else {
            throw MemoryShortage(
                description: "the fit needs \(Self.mebibytes(needed)) and OpenBLAS "
                    + "\(Self.mebibytes(Self.roomByteCount)) of memory, which the system does not "
                    + "give this process\(Self.limits()); raise the limit, or use a smaller tile")
        }
    }

    /// Maps so much for a moment: that counts all limits and all that is mapped already.
    private static func isGranted(_ byteCount: Int) -> Bool {
        let memory = mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else { return false }
        munmap(memory, byteCount)
        return true
    }

    /// The limits that the process has, for the sentence; empty without any.
    private static func limits() -> String {
        let kinds = [
            (RLIMIT_AS, "VmSize:", "address space", "ulimit -v"),
            (RLIMIT_DATA, "VmData:", "data", "ulimit -d"),
        ]
        let status = Host.lines(of: "/proc/self/status")
        let parts = kinds.compactMap { resource, field, name, command -> String? in
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0,
                limit.rlim_cur < 1 << 62
            else { return nil }
            let line = status.first { $0.hasPrefix(field) }
            let used = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
                .flatMap { Int($0) }
            let usage = used.map { ", \(mebibytes($0 << 10)) in use" } ?? ""
            return "\(mebibytes(Int(clamping: limit.rlim_cur))) of \(name)\(usage) (\(command))"
        }
        return parts.isEmpty ? "" : ": it may have " + parts.joined(separator: ", and ")
    }

    private static func mebibytes(_ byteCount: Int) -> String { "\(byteCount >> 20) MiB" }
}
