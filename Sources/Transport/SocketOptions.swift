// Everything that libzmq would otherwise decide by itself, with the reason for each value.

internal import CZeroMQ

/// How a socket behaves on the network. The defaults suit messages of at most a mebibyte.
public struct SocketOptions: Sendable, Equatable {
    /// How long the last messages are tried to be delivered after a socket is closed (libzmq:
    /// for ever, so that a program whose peer has gone never ends).
    public var linger: Duration = .seconds(2)

    /// The largest frame that is accepted; a peer that sends a larger one is disconnected.
    public var frameByteCountMax = 4 << 20

    /// The most frames of one message that are kept; see ``ReceivedMessage``.
    public var frameCountMax = 8

    /// Messages that wait for one peer before sending to it is ``SendOutcome/full``. Few: a
    /// heartbeat waits behind all that libzmq has taken, which may be pieces of a mebibyte.
    public var sendQueueMax = 2

    /// Messages of one peer that wait to be received before its connection is left unread.
    public var receiveQueueMax = 32

    /// How often a silent connection is tried (by libzmq's own thread: it shows that the peer's
    /// process lives, not that it gets on).
    public var heartbeatInterval: Duration = .seconds(5)

    /// How long after a trial an answer may take. Only a whole frame counts as one, so this is
    /// also the time in which the largest frame must get through.
    public var heartbeatTimeout: Duration = .seconds(30)

    /// How long a connecting peer may take to greet.
    public var handshakeTimeout: Duration = .seconds(10)

    /// The wait before connecting again, doubled each time up to the greatest wait (libzmq
    /// varies it at random, so that many workers do not return at once).
    public var reconnectInterval: Duration = .milliseconds(200)
    public var reconnectIntervalMax: Duration = .seconds(10)

    /// Whether names stand for IPv6 addresses, and `*` for both kinds. Otherwise only an
    /// endpoint with brackets does: libzmq tries one address of a name only, and `localhost`
    /// must not become `[::1]` when the coordinator listens at 127.0.0.1. A worker that is
    /// not welcome with the one tries the other.
    public var usesIPv6 = false

    /// How connections are encrypted; nil for not at all.
    public var curve: CurveRole?

    public init() {}

    /// libzmq keeps a peer's time to live in 16 bits of milliseconds (issue 4226).
    private static let heartbeatLifeMillisecondsMax: Int32 = 65_000

    /// The values by libzmq's numbers, for a socket that is not yet bound or connected.
    func values(type: Int32) -> [(option: Int32, value: Int32)] {
        let heartbeatLife = heartbeatInterval + heartbeatTimeout
        var values: [(Int32, Int32)] = [
            (ZMQ_LINGER, linger.wholeMilliseconds),
            (ZMQ_SNDHWM, Int32(clamping: sendQueueMax)),
            (ZMQ_RCVHWM, Int32(clamping: receiveQueueMax)),
            (ZMQ_HEARTBEAT_IVL, heartbeatInterval.wholeMilliseconds),
            (ZMQ_HEARTBEAT_TIMEOUT, heartbeatTimeout.wholeMilliseconds),
            (
                ZMQ_HEARTBEAT_TTL,
                min(heartbeatLife.wholeMilliseconds, Self.heartbeatLifeMillisecondsMax)
            ),
            (ZMQ_HANDSHAKE_IVL, handshakeTimeout.wholeMilliseconds),
        ]
        if type == ZMQ_ROUTER {
            // A peer that has gone is an answer instead of a silent loss; a peer that calls
            // itself by another's routing id does not take its place.
            values += [(ZMQ_ROUTER_MANDATORY, 1), (ZMQ_ROUTER_HANDOVER, 0), (ZMQ_BACKLOG, 1024)]
        } else {
            // Nothing is queued for a coordinator that is not there: it would arrive late and
            // all at once.
            values += [
                (ZMQ_IMMEDIATE, 1),
                (ZMQ_RECONNECT_IVL, reconnectInterval.wholeMilliseconds),
                (ZMQ_RECONNECT_IVL_MAX, reconnectIntervalMax.wholeMilliseconds),
                (ZMQ_CONNECT_TIMEOUT, handshakeTimeout.wholeMilliseconds),
            ]
        }
        return values
    }
}
