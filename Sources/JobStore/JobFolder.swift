// The names in a job's folder, and how a former job's files go:
//
//     OUTPUT.dip/
//         job.json                     what the job is; written first, replaced by renaming
//         events.jsonl                 what happened, one JSON object a line; locked by its writer
//         attempts.log                 the tries at each tile
//         tiles/NNNNNN.safetensors     restored windows
//         checkpoints/                 states of unfinished fits, NNNNNN.safetensors
//         report.json                  the end
//         start.safetensors, start.safetensors.dip/
//                                      the weights that fits begin with, and the job that made them
//         stop.json, stop.json.dip/    where fits stop, and the job of the pilots that found it

/// What phases before a job put into its folder. The job that each phase is has a folder beside,
/// with `.dip` behind the name.
public enum PhaseOutput {
    /// The weights that fits begin with.
    public static let start = "start.safetensors"
    /// Where fits stop.
    public static let stop = "stop.json"
}

/// A job folder by path; nothing in it is opened.
struct JobFolder {
    let path: String
    let fileSystem: any FileSystem

    static let manifestName = "job.json"
    static let reportName = "report.json"
    static let eventsName = "events.jsonl"
    static let attemptsName = "attempts.log"
    private static let partialSuffix = ".partial"

    var manifestPath: String { "\(path)/\(Self.manifestName)" }
    var eventsPath: String { "\(path)/\(Self.eventsName)" }
    var attemptsPath: String { "\(path)/\(Self.attemptsName)" }
    var tiles: String { "\(path)/tiles" }
    var checkpoints: String { "\(path)/checkpoints" }

    func tilePath(_ index: Int) -> String { "\(tiles)/\(Self.tileName(index))" }
    func checkpointPath(_ index: Int) -> String { "\(checkpoints)/\(Self.tileName(index))" }

    private var parent: String {
        var name = Substring(path)
        while name.count > 1, name.last == "/" {
            name.removeLast()
        }
        guard let slash = name.lastIndex(of: "/") else { return "." }
        return slash == name.startIndex ? "/" : String(name[..<slash])
    }

    /// `000042.safetensors`: sorted by name as by number up to a million tiles.
    static func tileName(_ index: Int) -> String {
        let digits = String(index)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + tileSuffix
    }

    private static let tileSuffix = ".safetensors"

    /// The index in a name that ``tileName(_:)`` makes; nil for any other name.
    static func tileIndex(_ name: String) -> Int? {
        guard name.hasSuffix(tileSuffix), let index = Int(name.dropLast(tileSuffix.count)),
            index >= 0, tileName(index) == name
        else { return nil }
        return index
    }

    /// Makes the folder where nothing stands, or checks that what stands there is ours: it has a
    /// job.json, or it holds nothing but what the first moments of a job leave.
    func makeOrCheck() throws(JobStoreError) {
        switch try fileSystem.kind(of: path) {
        case nil:
            try fileSystem.makeDirectory(path)
            try fileSystem.sync(directory: parent)
        case .directory:
            let names = try fileSystem.list(path)
            let phases = [PhaseOutput.start, PhaseOutput.stop].flatMap {
                [$0, $0 + Self.partialSuffix, $0 + ".dip"]
            }
            let beginnings = [Self.eventsName, Self.manifestName + Self.partialSuffix] + phases
            guard names.contains(Self.manifestName) || names.allSatisfy(beginnings.contains) else {
                throw JobStoreError(
                    .unwritable,
                    "\(path) is there but is not the folder of a job (it has no "
                        + "\(Self.manifestName)); move it away or choose another output")
            }
            // Whoever made it may have been killed before its name was safe.
            try fileSystem.sync(directory: parent)
            try fileSystem.sync(directory: path)
        case .file, .other:
            throw JobStoreError(
                .unwritable,
                "\(path) is not a folder but stands where the job's would be; move it away or "
                    + "choose another output")
        }
    }

    /// Makes a directory within the folder, if it is not there.
    func makeDirectory(_ directory: String) throws(JobStoreError) {
        switch try fileSystem.kind(of: directory) {
        case .directory: break
        case .file, .other: throw Self.notADirectory(directory)
        case nil: try fileSystem.makeDirectory(directory)
        }
        // Also where it is there: its name is not safe if syncing failed when it was made.
        try fileSystem.sync(directory: path)
    }

    private static func notADirectory(_ path: String) -> JobStoreError {
        JobStoreError(.unwritable, "\(path) is not a folder; remove it")
    }

    /// The tiles that have a file in a directory, in order; none when there is no directory.
    func indices(in directory: String) throws(JobStoreError) -> [Int] {
        guard try fileSystem.kind(of: directory) == .directory else { return [] }
        return try fileSystem.list(directory).compactMap(Self.tileIndex).sorted()
    }

    /// Removes what killed writers have left half done, and makes safe what they have done.
    func removePartialFiles() throws(JobStoreError) {
        for name in [Self.manifestName, Self.reportName, Self.attemptsName] {
            try fileSystem.remove("\(path)/\(name)\(Self.partialSuffix)")
        }
        for directory in [tiles, checkpoints]
        where try fileSystem.kind(of: directory) == .directory {
            for name in try fileSystem.list(directory)
            where name.hasSuffix(Self.partialSuffix) && Self.isOurs(name) {
                try fileSystem.remove("\(directory)/\(name)")
            }
            // A name may be there that its writer could not make safe: it must not be counted on
            // before it is.
            try fileSystem.sync(directory: directory)
        }
    }

    /// Whether a name in a directory is one that a job gives, also while it writes.
    private static func isOurs(_ name: String) -> Bool {
        let isPartial = name.hasSuffix(partialSuffix)
        return tileIndex(isPartial ? String(name.dropLast(partialSuffix.count)) : name) != nil
    }

    /// Removes a former job's tiles, checkpoints and report. Files that have other names than a
    /// job gives stay. The manifest stays too, until another takes its place: without it the
    /// folder would not be ours any more.
    func clear() throws(JobStoreError) {
        try clearBulk()
        for name in [Self.reportName, Self.reportName + Self.partialSuffix] {
            try fileSystem.remove("\(path)/\(name)")
        }
        // Gone for good, before another job's manifest can vouch for them.
        try fileSystem.sync(directory: path)
    }

    /// Whether anything is there that ``clearBulk()`` removes.
    var hasBulk: Bool {
        get throws(JobStoreError) {
            for path in [tiles, checkpoints, attemptsPath]
            where try fileSystem.kind(of: path) != nil {
                return true
            }
            return false
        }
    }

    /// Removes the attempts, and tiles and checkpoints with their directories when nothing else
    /// is in them.
    func clearBulk() throws(JobStoreError) {
        for directory in [tiles, checkpoints] {
            guard let kind = try fileSystem.kind(of: directory) else { continue }
            guard kind == .directory else { throw Self.notADirectory(directory) }
            var hasStrangers = false
            for name in try fileSystem.list(directory) {
                if Self.isOurs(name) {
                    try fileSystem.remove("\(directory)/\(name)")
                } else {
                    hasStrangers = true
                }
            }
            if hasStrangers {
                try fileSystem.sync(directory: directory)
            } else {
                try fileSystem.remove(directory)
            }
        }
        for name in [Self.attemptsName, Self.attemptsName + Self.partialSuffix] {
            try fileSystem.remove("\(path)/\(name)")
        }
    }
}
