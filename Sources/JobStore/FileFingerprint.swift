/// What tells one file from another without reading all of it.
public struct FileFingerprint: Codable, Equatable, Sendable {
    /// As the user named it; it does not count when files are compared.
    public var path: String
    public var byteCount: Int
    /// Nanoseconds since 1970.
    public var modificationTime: Int64
    /// CRC-32 of the first and of the last mebibyte.
    public var headChecksum: UInt32
    public var tailChecksum: UInt32

    static let sampleByteCount = 1 << 20

    /// Takes the fingerprint of a file.
    ///
    /// - Throws: `JobStoreError` when it cannot be read.
    public init(path: String, fileSystem: any FileSystem) throws(JobStoreError) {
        guard let file = try fileSystem.open(path, followingLinks: true) else {
            throw JobStoreError(.unwritable, "cannot read \(path): there is no such file")
        }
        let sampleByteCount = min(file.byteCount, Self.sampleByteCount)
        self.path = path
        byteCount = file.byteCount
        modificationTime = file.modificationTime
        headChecksum = Checksum(of: try file.bytes(0..<sampleByteCount)).value
        tailChecksum =
            Checksum(
                of: try file.bytes(file.byteCount - sampleByteCount..<file.byteCount)
            ).value
    }

    /// Whether both stand for the same bytes, as far as these were looked at, wherever they lie
    /// and whenever they were written.
    public func hasContent(of other: FileFingerprint) -> Bool {
        byteCount == other.byteCount && headChecksum == other.headChecksum
            && tailChecksum == other.tailChecksum
    }
}
