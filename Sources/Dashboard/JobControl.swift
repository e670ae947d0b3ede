/// What somebody at a page asks a running job for.
public enum JobControl: Equatable, Sendable {
    /// The worker of this name hands over what it has and leaves.
    case drain(worker: String)
    /// Fits hand over what they have; no tile is begun until `resume`.
    case pause
    case resume
    /// No more is fitted: tiles that are stored become the output, all others stay as they were.
    case stopAndBlend
}
