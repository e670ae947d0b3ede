// Keys from a parent to its child, through a pipe: neither arguments nor the environment, which
// others can read.

internal import Glibc

/// What a local worker needs to connect: lines of its public and secret key, and the coordinator's
/// public one.
public struct ChildKeys: Equatable, Sendable {
    public let pair: CurveKeyPair
    public let server: CurvePublicKey

    public init(_ pair: CurveKeyPair, server: CurvePublicKey) {
        self.pair = pair
        self.server = server
    }

    public var bytes: [UInt8] {
        Array("\(pair.publicKey)\n\(pair.secretKey)\n\(server)\n".utf8)
    }

    /// - Returns: nil for what is no such lines.
    public init?(bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        guard lines.count == 3, let publicKey = CurvePublicKey(z85: lines[0]),
            let pair = CurveKeyPair(publicKey: publicKey, secretKey: lines[1]),
            let server = CurvePublicKey(z85: lines[2])
        else { return nil }
        self.init(pair, server: server)
    }

    /// Reads them from standard input, to its end.
    public static func fromStandardInput() -> ChildKeys? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count <= buffer.count {
            let count = retryingInterrupts { Int32(read(STDIN_FILENO, &buffer, buffer.count)) }
            guard count > 0 else { break }
            bytes += buffer[..<Int(count)]
        }
        return ChildKeys(bytes: bytes)
    }
}
