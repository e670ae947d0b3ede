// The event log, read again.

extension JobStore {
    private static let pieceByteCount = 1 << 20

    /// Reads a folder's event log line by line, in memory that does not depend on its size, also
    /// while a coordinator writes there. Lines that are too long are left out, as is what follows
    /// the last line's end.
    ///
    /// - Parameter body: gets a line without its end.
    /// - Throws: `JobStoreError` when the log cannot be read; there being none is no error.
    public static func readEvents(
        inFolder path: String, fileSystem: any FileSystem, lineByteCountMaximum: Int,
        _ body: (ArraySlice<UInt8>) -> Void
    ) throws(JobStoreError) {
        let log = JobFolder(path: path, fileSystem: fileSystem).eventsPath
        guard let file = try fileSystem.open(log, followingLinks: false) else { return }
        var (line, isTooLong): ([UInt8], Bool) = ([], false)
        for start in stride(from: 0, to: file.byteCount, by: pieceByteCount) {
            var rest = try file.bytes(start..<min(start + pieceByteCount, file.byteCount))[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let part = rest[..<end]
                rest = rest[(end + 1)...]
                if !isTooLong, line.count + part.count <= lineByteCountMaximum {
                    if line.isEmpty { body(part) } else { body((line + part)[...]) }
                }
                (line, isTooLong) = ([], false)
            }
            isTooLong = isTooLong || line.count + rest.count > lineByteCountMaximum
            line = isTooLong ? [] : line + rest
        }
    }
}
