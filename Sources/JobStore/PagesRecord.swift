// What became of a job of several pages.

internal import FoundationEssentials

/// `pages.json` in the folder of all pages: the output that was made of them.
public struct PagesRecord: Codable, Equatable, Sendable {
    private static let name = "pages.json"
    private static let byteCountMax = 1 << 20

    public var pageCount: Int
    public var output: FileFingerprint
    /// Whether no tile of any page came through unrestored.
    public var isWhole: Bool

    public init(pageCount: Int, output: FileFingerprint, isWhole: Bool) {
        self.pageCount = pageCount
        self.output = output
        self.isWhole = isWhole
    }

    /// The record in a folder; nil where there is none or it cannot be understood: then nothing is
    /// known of an output.
    public static func read(
        folder: String, fileSystem: any FileSystem
    ) throws(JobStoreError) -> PagesRecord? {
        guard let file = try fileSystem.open("\(folder)/\(name)", followingLinks: false),
            file.byteCount <= byteCountMax
        else { return nil }
        return try? JSONDecoder().decode(
            PagesRecord.self, from: Data(try file.bytes(0..<file.byteCount)))
    }

    /// Puts it there, whole or not at all.
    public func write(folder: String, fileSystem: any FileSystem) throws(JobStoreError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        guard let bytes = try? encoder.encode(self) else {
            throw JobStoreError(.unwritable, "the record of pages has no JSON form")
        }
        try fileSystem.replace(Self.name, in: folder, with: [UInt8](bytes))
    }
}
