// Where a coordinator listens, in a file that its workers wait for: a port of the system's choice,
// on a host that a batch system chose.

internal import Glibc

/// A file of one line, an endpoint. It is there whole or not at all.
public enum EndpointFile {
    private static let byteCountMaximum = 4096

    /// Writes it in place of a former one.
    ///
    /// - Throws: `TransportError` of kind `.system` where it cannot be written.
    public static func write(_ endpoint: String, at path: String) throws(TransportError) {
        let partial = "\(path).\(getpid()).partial"
        let file = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .system("cannot write \(path)") }
        let bytes = Array((endpoint + "\n").utf8)
        let isWritten = Glibc.write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
        let code = errno
        close(file)
        guard isWritten, rename(partial, path) == 0 else {
            let reason = isWritten ? errno : code
            unlink(partial)
            throw .system("cannot write \(path)", reason)
        }
    }

    /// What it says; nil where it is not there yet, or holds no endpoint.
    public static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: byteCountMaximum)
        let count = Glibc.read(file, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let line = String(
            decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        let isEndpoint = line.hasPrefix("tcp://") || line.hasPrefix("ipc://")
        return isEndpoint && Endpoint.isWellFormed(line, anyPort: false) ? line : nil
    }
}
