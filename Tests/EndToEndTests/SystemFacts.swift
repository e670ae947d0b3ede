// What the system says: processes, listening ports, files.

import Foundation
import Glibc

/// A running process, from `/proc`. One that has ended and waits to be reaped does not run.
struct ProcessEntry: CustomStringConvertible {
    let processIdentifier: pid_t
    let name: String
    let state: String
    let session: pid_t

    var description: String { "\(name) \(processIdentifier)" }

    static func all() -> [ProcessEntry] {
        Files.names("/proc").compactMap { pid_t($0) }.compactMap(ProcessEntry.init)
    }

    init?(_ processIdentifier: pid_t) {
        // 123 (name) S parent group session ...: the name may hold blanks and parentheses.
        let line = Files.text("/proc/\(processIdentifier)/stat")
        guard let opening = line.firstIndex(of: "("), let closing = line.lastIndex(of: ")") else {
            return nil
        }
        let fields = line[closing...].split(separator: " ").dropFirst().map(String.init)
        guard fields.count > 3, let session = pid_t(fields[3]), !["Z", "X"].contains(fields[0])
        else { return nil }
        self.processIdentifier = processIdentifier
        name = String(line[line.index(after: opening)..<closing])
        state = fields[0]
        self.session = session
    }

    /// Sends a signal to a process that a test's program has started.
    func send(_ signal: Int32) { kill(processIdentifier, signal) }

    var isRunning: Bool { ProcessEntry(processIdentifier)?.session == session }
}

/// TCP ports on 127.0.0.1.
enum Ports {
    /// Whether some process listens there; asked of the kernel, without a connection.
    static func isListening(_ port: Int) -> Bool {
        let hex = String(port, radix: 16, uppercase: true)
        let local = ":" + String(repeating: "0", count: 4 - hex.count) + hex
        return Files.text("/proc/net/tcp").split(separator: "\n").dropFirst().contains { line in
            let fields = line.split(separator: " ")
            return fields.count > 3 && fields[1].hasSuffix(local) && fields[3] == "0A"
        }
    }

    /// A socket that listens on a port of its own until it is closed.
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("no socket") }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, 8) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard status else {
            close(descriptor)
            throw Failure("cannot listen: \(String(cString: strerror(errno)))")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// A port that nobody listens on.
    static func free() throws -> Int {
        let (descriptor, port) = try listen()
        close(descriptor)
        return port
    }

    /// A plain connection to a port.
    static func connect(_ port: Int) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(port: port)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw Failure("cannot connect to port \(port)")
        }
        return descriptor
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// Files, read whole.
enum Files {
    /// Empty when there is no such file.
    static func text(_ path: String) -> String {
        String(decoding: bytes(path) ?? [], as: UTF8.self)
    }

    /// nil when there is no such file. Files of `/proc` tell no size, so this reads to the end.
    static func bytes(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    static func write(_ bytes: [UInt8], _ path: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    /// Names in a folder, hidden ones too, sorted; none when there is no such folder.
    static func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// Everything below a folder, as paths within it, sorted.
    static func tree(_ folder: String) -> [String] {
        ((try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []).sorted()
    }
}
