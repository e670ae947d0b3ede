// Everything that libzmq would otherwise decide by itself, with the reason for each value.

internal import CZeroMQ

/// How a socket behaves on the network. The defaults suit messages of at most a mebibyte.
public struct SocketOptions: Sendable, Equatable {
    /// How long the last messages are tried to be delivered after a socket is closed (libzmq:
    /// for ever, so that a program whose peer has gone never ends).
    public var linger: Duration = .seconds(2)

    /// The largest frame that is accepted; a peer that sends a larger one is disconnected. A piece
    /// of a mebibyte and what encryption adds to it: anybody can make libzmq set so much aside for
    /// each connection, keys or not.
    public var frameByteCountMax = (1 << 20) + (4 << 10)

    /// The most frames of one message that are kept; see ``ReceivedMessage``.
    public var frameCountMax = 8

    /// Messages that wait for one peer before sending to it is ``SendOutcome/full``. Few: a
    /// heartbeat waits behind all that libzmq has taken, which may be pieces of a mebibyte.
    public var sendQueueMax = 2

    /// Messages of one peer that wait to be received before its connection is left unread.
    public var receiveQueueMax = 32

    /// How long a connection may be silent before the kernel tries it. Not libzmq's own heartbeats:
    /// when a peer has gone, what it sent fills the receive queue and one of them is due, libzmq
    /// 4.3 aborts the process (issues 3937, 4364, 4767). Whether a peer gets on, its own messages
    /// tell.
    public var keepaliveIdle: Duration = .seconds(20)

    /// The wait between trials of which none is answered, and how many end the connection.
    public var keepaliveInterval: Duration = .seconds(5)
    public var keepaliveCount = 6

    /// How long what was sent may go without the kernel's acknowledgement.
    public var acknowledgementTimeout: Duration = .seconds(60)

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

    /// The values by libzmq's numbers, for a socket that is not yet bound or connected.
    func values(type: Int32) -> [(option: Int32, value: Int32)] {
        var values: [(Int32, Int32)] = [
            (ZMQ_LINGER, linger.wholeMilliseconds),
            (ZMQ_SNDHWM, Int32(clamping: sendQueueMax)),
            (ZMQ_RCVHWM, Int32(clamping: receiveQueueMax)),
            (ZMQ_TCP_KEEPALIVE, 1),
            (ZMQ_TCP_KEEPALIVE_IDLE, Int32(clamping: keepaliveIdle.components.seconds)),
            (ZMQ_TCP_KEEPALIVE_INTVL, Int32(clamping: keepaliveInterval.components.seconds)),
            (ZMQ_TCP_KEEPALIVE_CNT, Int32(clamping: keepaliveCount)),
            (ZMQ_TCP_MAXRT, acknowledgementTimeout.wholeMilliseconds),
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
