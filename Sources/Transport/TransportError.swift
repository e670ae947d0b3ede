// What can go wrong between this process and the others.

internal import CZeroMQ
internal import Glibc

/// An operating error of sockets, descriptors or processes: one sentence with what was tried
/// and what the system said.
public struct TransportError: Error, CustomStringConvertible, Sendable, Equatable {
    public enum Kind: Sendable {
        /// Another program listens there.
        case addressInUse
        /// Not an endpoint, or not one of this host.
        case badEndpoint
        /// A program that is not there or cannot be run.
        case noSuchProgram
        /// Anything else that the system refused.
        case system
    }

    public let kind: Kind
    public let message: String
    public var description: String { message }

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// An error of a call of the system, with the text for `code`.
    static func system(_ action: String, _ code: Int32 = errno) -> TransportError {
        TransportError(.system, "\(action): \(String(cString: strerror(code)))")
    }

    /// An error of a call of libzmq, with the text for its error number.
    static func messaging(_ action: String, _ code: Int32 = zmq_errno()) -> TransportError {
        TransportError(.system, "\(action): \(String(cString: zmq_strerror(code)))")
    }

    /// What `bind` or `connect` of libzmq said about an endpoint.
    static func endpoint(
        _ endpoint: String, action: String, _ code: Int32 = zmq_errno()
    ) -> TransportError {
        switch code {
        case EADDRINUSE:
            return TransportError(
                .addressInUse,
                "cannot \(action) \(endpoint): another program uses that address; "
                    + "choose another port, or 0 for any free one")
        case EADDRNOTAVAIL, ENODEV:
            return TransportError(
                .badEndpoint, "cannot \(action) \(endpoint): this host has no such address")
        case EINVAL, EPROTONOSUPPORT, ENAMETOOLONG:
            return TransportError(
                .badEndpoint,
                "cannot \(action) '\(endpoint)': an endpoint looks like tcp://127.0.0.1:5555, "
                    + "tcp://[::1]:5555 or ipc:///path")
        default:
            return messaging("cannot \(action) \(endpoint)", code)
        }
    }
}
