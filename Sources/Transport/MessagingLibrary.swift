internal import CZeroMQ

/// libzmq as it runs here.
public enum MessagingLibrary {
    /// Such as 4.3.4.
    public static var version: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        zmq_version(&major, &minor, &patch)
        return "\(major).\(minor).\(patch)"
    }
}
