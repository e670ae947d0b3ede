// The names in a job's folder, and how a former job's files go:
//
//     OUTPUT.dip/
//         job.json                     what the job is; written first, replaced by renaming
//         events.jsonl                 what happened, one JSON object a line; locked by its writer
//         attempts.log                 the tries at each tile
//         tiles.bin                    restored windows, each a safetensors file at its own place
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
    private static let tilesName = "tiles.bin"
    private static let partialSuffix = ".partial"

    var manifestPath: String { "\(path)/\(Self.manifestName)" }
    var eventsPath: String { "\(path)/\(Self.eventsName)" }
    var attemptsPath: String { "\(path)/\(Self.attemptsName)" }
    var tilesPath: String { "\(path)/\(Self.tilesName)" }
    var checkpoints: String { "\(path)/checkpoints" }

    func checkpointPath(_ index: Int) -> String { "\(checkpoints)/\(Self.checkpointName(index))" }

    private var parent: String {
        var name = Substring(path)
        while name.count > 1, name.last == "/" {
            name.removeLast()
        }
        guard let slash = name.lastIndex(of: "/") else { return "." }
        return slash == name.startIndex ? "/" : String(name[..<slash])
    }

    /// `000042.safetensors`: sorted by name as by number up to a million tiles.
    static func checkpointName(_ index: Int) -> String {
        let digits = String(index)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits + checkpointSuffix
    }

    private static let checkpointSuffix = ".safetensors"

    /// The index in a name that ``checkpointName(_:)`` makes; nil for any other name.
    static func checkpointIndex(_ name: String) -> Int? {
        guard name.hasSuffix(checkpointSuffix),
            let index = Int(name.dropLast(checkpointSuffix.count)),
            index >= 0, checkpointName(index) == name
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

    /// The tiles that have a checkpoint, in order.
    var checkpointIndices: [Int] {
        get throws(JobStoreError) {
            guard try fileSystem.kind(of: checkpoints) == .directory else { return [] }
            return try fileSystem.list(checkpoints).compactMap(Self.checkpointIndex).sorted()
        }
    }

    /// The file of tiles, made if need be; its name is safe.
    func openTiles() throws(JobStoreError) -> any SlotFile {
        let file = try fileSystem.openSlots(tilesPath)
        try fileSystem.sync(directory: path)
        return file
    }

    /// Removes what killed writers have left half done, and makes safe what they have done.
    func removePartialFiles() throws(JobStoreError) {
        for name in [Self.manifestName, Self.reportName, Self.attemptsName] {
            try fileSystem.remove("\(path)/\(name)\(Self.partialSuffix)")
        }
        guard try fileSystem.kind(of: checkpoints) == .directory else { return }
        for name in try fileSystem.list(checkpoints)
        where name.hasSuffix(Self.partialSuffix) && Self.isOurs(name) {
            try fileSystem.remove("\(checkpoints)/\(name)")
        }
        // A name may be there that its writer could not make safe: it must not be counted on
        // before it is.
        try fileSystem.sync(directory: checkpoints)
    }

    /// Whether a name in a directory is one that a job gives, also while it writes.
    private static func isOurs(_ name: String) -> Bool {
        let isPartial = name.hasSuffix(partialSuffix)
        return checkpointIndex(isPartial ? String(name.dropLast(partialSuffix.count)) : name) != nil
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
            for path in [tilesPath, checkpoints, attemptsPath]
            where try fileSystem.kind(of: path) != nil {
                return true
            }
            return false
        }
    }

    /// Removes tiles and attempts, and checkpoints with their directory when nothing else is in it.
    func clearBulk() throws(JobStoreError) {
        try clearCheckpoints()
        for name in [Self.tilesName, Self.attemptsName, Self.attemptsName + Self.partialSuffix] {
            try fileSystem.remove("\(path)/\(name)")
        }
    }

    private func clearCheckpoints() throws(JobStoreError) {
        guard let kind = try fileSystem.kind(of: checkpoints) else { return }
        guard kind == .directory else { throw Self.notADirectory(checkpoints) }
        var hasStrangers = false
        for name in try fileSystem.list(checkpoints) {
            if Self.isOurs(name) {
                try fileSystem.remove("\(checkpoints)/\(name)")
            } else {
                hasStrangers = true
            }
        }
        if hasStrangers {
            try fileSystem.sync(directory: checkpoints)
        } else {
            try fileSystem.remove(checkpoints)
        }
    }
}
