// What a worker says of itself and of the machine it runs on.

import Cluster
import FoundationEssentials
import Glibc
import Transport
import Version
import Wire

enum Host {
    /// The variable in which a coordinator gives its child a word to be recognized by.
    static let launchTokenVariable = "DIP_LAUNCH_TOKEN"

    static func identity() -> Worker.Identity {
        let host = hostName()
        let process = Int(getpid())
        let random = String(UInt32.random(in: 0...UInt32.max), radix: 16)
        let token = ProcessEnvironment.all()[launchTokenVariable]
        return Worker.Identity(
            worker: WorkerID(rawValue: "\(host)-\(process)-\(random)"), host: host,
            processID: process, threadCount: 1, version: ProgramVersion.text,
            processor: processor(),
            launchToken: token.flatMap { $0.isEmpty ? nil : clipped($0, 128) },
            capabilities: Capability.all)
    }

    private static func hostName() -> String {
        clipped(ThisHost.name ?? "unknown-host", 80)
    }

    private static func processor() -> String {
        let line = lines(of: "/proc/cpuinfo").first { $0.hasPrefix("model name") }
        let name = line?.split(separator: ":").last.map { $0.drop { $0 == " " } }
        return clipped(name.map(String.init) ?? "unknown processor", 128)
    }

    /// The memory that a fit may take: what is free or can be freed, within the limit of the
    /// process's group; nil where the system does not say.
    static func availableMemoryByteCount() -> Int? {
        let line = lines(of: "/proc/meminfo").first { $0.hasPrefix("MemAvailable:") }
        let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        let groupLimit = lines(of: "/sys/fs/cgroup/memory.max").first.flatMap { Int($0) }
        return [kibibytes.map { $0 << 10 }, groupLimit].compactMap { $0 }.min()
    }

    static func lines(of path: String) -> [Substring] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n")
    }

    /// Whole characters of at most so many bytes.
    private static func clipped(_ text: String, _ byteCount: Int) -> String {
        var kept = text
        while kept.utf8.count > byteCount {
            kept.removeLast()
        }
        return kept
    }
}
