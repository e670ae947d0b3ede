/// Why an image cannot be read or written: one sentence that says what was seen, what was wanted
/// and, where that helps, what to do.
public struct ImageError: Error, CustomStringConvertible, Equatable, Sendable {
    public enum Kind: String, Sendable {
        /// Nothing lies at the path.
        case noSuchFile
        /// The file is damaged or cut short, is not a plain file, or the medium failed.
        case unreadable
        /// A valid image of a kind that is not read or written.
        case unsupported
        /// Decoded it is larger than the limit, or memory ran out.
        case tooLarge
        /// The output cannot be written where it should go.
        case unwritable
        /// The output exists and may not be replaced, or is the input itself.
        case outputExists
        /// The device or the quota is full.
        case outOfSpace
    }

    public let kind: Kind
    public let message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { message }
}
