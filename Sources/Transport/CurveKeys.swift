// Keys of CURVE, ZeroMQ's encryption: 32 bytes, written as 40 characters of Z85.

internal import CZeroMQ

/// What the other side knows a key pair by.
public struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
    static let byteCount = 32
    static let characterCount = 40

    /// Z85, 40 characters.
    public let text: String
    public var description: String { text }

    /// - Returns: nil for what is not a key in Z85.
    public init?(z85 text: String) {
        guard CurveKeyPair.isKey(text) else { return nil }
        self.text = text
    }

    /// - Parameter bytes: 32 of them.
    init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        var characters = [CChar](repeating: 0, count: Self.characterCount + 1)
        guard zmq_z85_encode(&characters, bytes, bytes.count) != nil else { return nil }
        text = String(
            decoding: characters.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// A public key and the secret that belongs to it.
public struct CurveKeyPair: Equatable, Sendable {
    public let publicKey: CurvePublicKey
    /// Z85, 40 characters.
    let secretKey: String

    /// A fresh pair from the system's randomness.
    ///
    /// - Throws: `TransportError` where libzmq was built without CURVE.
    public init() throws(TransportError) {
        var publicText = [CChar](repeating: 0, count: CurvePublicKey.characterCount + 1)
        var secretText = publicText
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else {
            throw .messaging("cannot make keys")
        }
        let texts = [publicText, secretText].map {
            String(decoding: $0.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        guard let publicKey = CurvePublicKey(z85: texts[0]) else {
            throw TransportError(.system, "cannot make keys: libzmq made none")
        }
        self.publicKey = publicKey
        secretKey = texts[1]
    }

    /// - Returns: nil where the secret is none, or of another public key.
    init?(publicKey: CurvePublicKey, secretKey: String) {
        guard Self.isKey(secretKey) else { return nil }
        var derived = [CChar](repeating: 0, count: CurvePublicKey.characterCount + 1)
        guard zmq_curve_public(&derived, secretKey) == 0,
            publicKey.text.utf8.elementsEqual(
                derived.dropLast().map(UInt8.init(bitPattern:)))
        else { return nil }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    static func isKey(_ text: String) -> Bool {
        guard text.utf8.count == CurvePublicKey.characterCount, !text.utf8.contains(0) else {
            return false
        }
        var bytes = [UInt8](repeating: 0, count: CurvePublicKey.byteCount)
        return zmq_z85_decode(&bytes, text) != nil
    }
}

/// How a socket's connections are encrypted.
public enum CurveRole: Equatable, Sendable {
    /// It is connected to; who may is asked of the process's ``Authenticator``, and without one
    /// nobody may.
    case server(CurveKeyPair)
    /// It connects, to nobody but the holder of that key.
    case client(CurveKeyPair, server: CurvePublicKey)

    /// Of the requests that a server sends to its authenticator; a server with a domain refuses
    /// everybody where there is none.
    private static let domain = "dip"
    /// ZMQ_ZAP_ENFORCE_DOMAIN, which every libzmq since 4.3.0 knows, and zmq.h names among drafts.
    /// A library that does not is an error: without it, everybody would be welcome.
    private static let enforceDomain: Int32 = 93

    /// Sets the options of a socket that is not yet bound or connected.
    func apply(to handle: UnsafeMutableRawPointer) throws(TransportError) {
        func set(_ option: Int32, _ text: String) throws(TransportError) {
            // Keys are given with their terminating zero.
            let isKey = option != ZMQ_ZAP_DOMAIN
            let status = text.withCString {
                zmq_setsockopt(handle, option, $0, text.utf8.count + (isKey ? 1 : 0))
            }
            guard status == 0 else { throw .messaging("cannot use keys") }
        }
        func set(_ option: Int32, _ value: Int32) throws(TransportError) {
            var value = value
            guard zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size) == 0 else {
                throw .messaging("cannot use keys")
            }
        }
        switch self {
        case .server(let pair):
            try set(ZMQ_CURVE_SERVER, 1)
            try set(ZMQ_CURVE_SECRETKEY, pair.secretKey)
            try set(ZMQ_ZAP_DOMAIN, Self.domain)
            try set(Self.enforceDomain, 1)
        case .client(let pair, let server):
            try set(ZMQ_CURVE_SERVERKEY, server.text)
            try set(ZMQ_CURVE_PUBLICKEY, pair.publicKey.text)
            try set(ZMQ_CURVE_SECRETKEY, pair.secretKey)
        }
    }
}
