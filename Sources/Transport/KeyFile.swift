// Keys in files, in the form of ZeroMQ's certificates: czmq and pyzmq read and write the same.

internal import Glibc

/// What is wrong with keys: one sentence.
public struct KeyError: Error, CustomStringConvertible, Sendable, Equatable {
    public enum Kind: Sendable {
        /// It is not there.
        case missing
        /// It is there and of no use, or others can read what is secret.
        case unusable
        /// It cannot be looked at for now: the process has no descriptors left, or a disk or a
        /// network does not answer.
        case unreachable
        /// It cannot be written.
        case unwritable
    }

    public let kind: Kind
    public let message: String
    public var description: String { message }

    /// Something that should hold keys does not.
    public static func none(at place: String) -> KeyError {
        KeyError(kind: .unusable, message: "\(place) holds no keys")
    }
}

/// A certificate: `NAME.key` with a public key, `NAME.key_secret` with both.
public enum KeyFile {
    private static let byteCountMaximum = 64 * 1024

    /// The text of a file: sections `metadata` and `curve`, keys in quotes.
    static func text(_ pair: CurveKeyPair, withSecret: Bool) -> String {
        var lines = [
            withSecret
                ? "#   ZeroMQ CURVE **Secret** Certificate: not for other people's eyes."
                : "#   ZeroMQ CURVE Public Certificate.",
            "", "metadata", "curve", "    public-key = \"\(pair.publicKey.text)\"",
        ]
        if withSecret { lines.append("    secret-key = \"\(pair.secretKey)\"") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The values of the section `curve`.
    static func values(in text: String) -> [String: String] {
        var values: [String: String] = [:]
        var isInside = false
        for line in text.split(separator: "\n") {
            if line.first == "#" { continue }
            if line.first != " ", line.first != "\t" {
                isInside = line.trimmed == "curve"
                continue
            }
            guard isInside, let sign = line.firstIndex(of: "=") else { continue }
            let name = line[..<sign].trimmed
            var value = line[line.index(after: sign)...].trimmed
            if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'",
                value.last == quote
            {
                value = String(value.dropFirst().dropLast())
            }
            values[name] = value
        }
        return values
    }

    /// Reads a public key, from a public or a secret certificate.
    public static func publicKey(at path: String) throws(KeyError) -> CurvePublicKey {
        let values = values(in: try read(path, isSecret: false))
        guard let key = values["public-key"].flatMap(CurvePublicKey.init(z85:)) else {
            throw KeyError(
                kind: .unusable,
                message: "\(path) holds no public-key of CURVE; dip-coord keygen makes keys")
        }
        return key
    }

    /// Reads a pair from a secret certificate, which nobody but its owner may read.
    public static func pair(at path: String) throws(KeyError) -> CurveKeyPair {
        let values = values(in: try read(path, isSecret: true))
        guard let publicKey = values["public-key"].flatMap(CurvePublicKey.init(z85:)),
            let pair = values["secret-key"].flatMap({
                CurveKeyPair(publicKey: publicKey, secretKey: $0)
            })
        else {
            throw KeyError(
                kind: .unusable,
                message: "\(path) holds no public-key and secret-key of CURVE that belong "
                    + "together; dip-coord keygen makes keys")
        }
        return pair
    }

    /// Writes `PATH` and `PATH_secret`, neither of which may exist.
    public static func write(_ pair: CurveKeyPair, at path: String) throws(KeyError) {
        try create(path + "_secret", text(pair, withSecret: true), mode: 0o600)
        try writePublic(pair, at: path)
    }

    /// Writes the public half alone.
    public static func writePublic(_ pair: CurveKeyPair, at path: String) throws(KeyError) {
        try create(path, text(pair, withSecret: false), mode: 0o644)
    }

    private static func create(
        _ path: String, _ text: String, mode: mode_t
    ) throws(KeyError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard file >= 0 else {
            let why = errno == EEXIST ? "it exists, and keys are not replaced" : errorText()
            throw KeyError(kind: .unwritable, message: "cannot write \(path): \(why)")
        }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
            let why = errorText()
            unlink(path)
            throw KeyError(kind: .unwritable, message: "cannot write \(path): \(why)")
        }
    }

    private static func read(_ path: String, isSecret: Bool) throws(KeyError) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            throw unreadable(path)
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= byteCountMaximum
        else {
            throw KeyError(kind: .unusable, message: "\(path) is not a file of keys")
        }
        guard !isSecret || status.st_mode & 0o077 == 0 else {
            throw KeyError(
                kind: .unusable,
                message: "\(path) can be read by others, so it is no secret; chmod 600 \(path), or "
                    + "make other keys if somebody may have seen it")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = Glibc.read(file, &bytes, bytes.count)
        guard count == bytes.count else { throw unreadable(path) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What the system has just said about a path that was to be read.
    static func unreadable(_ path: String, _ advice: String = "") -> KeyError {
        let kind: KeyError.Kind =
            switch errno {
            case ENOENT: .missing
            case EMFILE, ENFILE, ENOMEM, EIO, ESTALE, ETIMEDOUT: .unreachable
            default: .unusable
            }
        return KeyError(kind: kind, message: "cannot read \(path): \(errorText())\(advice)")
    }

    static func errorText() -> String { String(cString: strerror(errno)) }
}

extension Substring {
    fileprivate var trimmed: String {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        let start = firstIndex { !isBlank($0) } ?? endIndex
        let end = lastIndex { !isBlank($0) }.map { index(after: $0) } ?? start
        return String(self[start..<end])
    }
}
