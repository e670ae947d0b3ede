// Where keys lie: of a coordinator, and of a worker.

internal import Glibc

/// The folder of a coordinator's keys:
///
///     coordinator.key, coordinator.key_secret    its own
///     workers/NAME.key                           public keys of those who may join
///     NAME/                                      what the host of worker NAME needs, to be copied
///                                                there: worker.key, worker.key_secret,
///                                                coordinator.key
public struct KeyFolder: Sendable {
    public static let coordinatorName = "coordinator.key"
    public static let workerName = "worker.key"
    /// Files of the list beyond so many are not looked at.
    private static let workersMaximum = 10_000

    public let path: String

    public init(_ path: String) { self.path = path }

    private var workersPath: String { path + "/workers" }

    // MARK: Making

    /// Makes what is missing: the coordinator's keys, and those of a worker.
    ///
    /// - Returns: the folder that the worker's host needs.
    /// - Throws: where keys of that worker exist, or nothing can be written.
    public func make(worker name: String) throws(KeyError) -> String {
        guard Self.isName(name) else {
            throw KeyError(
                kind: .unwritable,
                message: "'\(name)' cannot be a worker's name: letters, digits, '-', '_' and '.' "
                    + "are wanted, and neither 'workers' nor 'coordinator.key' nor a dot in front")
        }
        try Self.makeFolder(path, mode: 0o700)
        try Self.makeFolder(workersPath, mode: 0o755)
        let coordinatorPath = "\(path)/\(Self.coordinatorName)"
        let coordinator: CurveKeyPair
        if access(coordinatorPath + "_secret", F_OK) == 0 {
            coordinator = try KeyFile.pair(at: coordinatorPath + "_secret")
        } else {
            coordinator = try Self.pair()
            try KeyFile.write(coordinator, at: coordinatorPath)
        }
        let worker = try Self.pair()
        // First what exists where the name is taken, or was before its key was withdrawn.
        let folder = "\(path)/\(name)"
        guard access("\(folder)/\(Self.workerName)_secret", F_OK) != 0 else {
            throw KeyError(
                kind: .unwritable,
                message: "\(folder) holds the keys of a worker of that name, and keys are not "
                    + "replaced; choose another name, or remove the folder")
        }
        try KeyFile.writePublic(worker, at: "\(workersPath)/\(name).key")
        try Self.makeFolder(folder, mode: 0o700)
        try KeyFile.write(worker, at: "\(folder)/\(Self.workerName)")
        try KeyFile.writePublic(coordinator, at: "\(folder)/\(Self.coordinatorName)")
        return folder
    }

    private static func pair() throws(KeyError) -> CurveKeyPair {
        do {
            return try CurveKeyPair()
        } catch {
            throw KeyError(kind: .unwritable, message: error.message)
        }
    }

    private static func isName(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        return isPlain && (1...100).contains(name.utf8.count) && name.first != "."
            && name != "workers" && !name.hasPrefix("coordinator.key")
    }

    private static func makeFolder(_ path: String, mode: mode_t) throws(KeyError) {
        guard mkdir(path, mode) == 0 || errno == EEXIST else {
            throw KeyError(
                kind: .unwritable, message: "cannot make \(path): \(KeyFile.errorText())")
        }
    }

    // MARK: Reading

    /// The coordinator's own keys.
    ///
    /// - Throws: also where nobody could join.
    public func coordinator() throws(KeyError) -> CurveKeyPair {
        let pair = try KeyFile.pair(at: "\(path)/\(Self.coordinatorName)_secret")
        let (keys, problem) = list()
        guard keys.isEmpty else { return pair }
        throw problem
            ?? KeyError(
                kind: .missing,
                message: "\(workersPath) holds no worker's key, so nobody could join; dip-coord "
                    + "keygen \(path) makes one")
    }

    /// A worker's keys, in a folder that ``make(worker:)`` has made.
    public func worker() throws(KeyError) -> CurveKeyPair {
        try KeyFile.pair(at: "\(path)/\(Self.workerName)_secret")
    }

    /// Those who may join, as the folder is at the moment; nil where that cannot be told for now.
    /// Files that hold no key are passed over.
    func workers() -> Set<CurvePublicKey>? {
        let (keys, problem) = list()
        return problem?.kind == .unreachable ? nil : keys
    }

    /// Those who may join, and why there are not more of them; of several reasons one that may
    /// pass.
    private func list() -> (keys: Set<CurvePublicKey>, problem: KeyError?) {
        guard let folder = opendir(workersPath) else {
            guard errno != ENOENT else { return ([], nil) }
            return (
                [],
                KeyFile.unreadable(
                    workersPath, "; the coordinator has to look into it for the keys of workers")
            )
        }
        defer { closedir(folder) }
        var keys: Set<CurvePublicKey> = []
        var problem: KeyError?
        var count = 0
        while count < Self.workersMaximum, let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name.hasSuffix(".key") else { continue }
            count += 1
            do {
                keys.insert(try KeyFile.publicKey(at: "\(workersPath)/\(name)"))
            } catch {
                if problem == nil || error.kind == .unreachable { problem = error }
            }
        }
        return (keys, problem)
    }
}
