// Opening and checking tiles before the blend wants them.

internal import JobStore

/// Stored tiles in the order of their numbers, which is about the one that a pass from top to
/// bottom wants them in: while it works on some, the next are read and checked on other threads.
final class TilesAhead {
    private typealias Opened = [Int: Result<StoredTile?, JobStoreError>]

    /// Tiles of a thread; as many again are opened while they are used.
    private static let groupCount = 16
    private static let groupsAhead = 2
    /// The most memory for tiles that are read as a whole.
    private static let loadedByteCountMaximum = 128 << 20

    private let store: JobStore
    private let tileCount: Int
    private let leftOut: Set<Int>
    /// Whether tiles are read into memory as a whole, and not row by row out of the system's cache.
    private let areLoaded: Bool
    private var calls: [Int: BackgroundCall<Opened>] = [:]
    private var startedCount = 0
    private var opened: Opened = [:]

    /// - Parameter leftOut: tiles that nobody will want.
    init(_ store: JobStore, tileCount: Int, leftOut: Set<Int>) {
        self.store = store
        self.tileCount = tileCount
        self.leftOut = leftOut
        // Those of two rows of tiles are in use at a time where these overlap.
        let plan = store.manifest.plan
        let openCount =
            2 * plan.columns.count * (plan.restarts ?? 1)
            + (Self.groupsAhead + 1) * Self.groupCount
        areLoaded =
            min(openCount, plan.fitCount) * store.tileByteCount <= Self.loadedByteCountMaximum
    }

    /// A tile, to be asked for once; nil when there is no file of it.
    ///
    /// - Throws: `JobStoreError`: `.corrupt` when it is not what was stored.
    func take(_ index: Int) throws(JobStoreError) -> StoredTile? {
        let group = index / Self.groupCount
        while startedCount <= group + Self.groupsAhead { start() }
        if let call = calls.removeValue(forKey: group) {
            opened.merge(call.wait()) { first, _ in first }
        }
        return try opened.removeValue(forKey: index)?.get()
    }

    private func start() {
        let first = startedCount * Self.groupCount
        let indices = (first..<first + Self.groupCount).filter {
            $0 < tileCount && !leftOut.contains($0)
        }
        if !indices.isEmpty {
            calls[startedCount] = BackgroundCall { [store, areLoaded] in
                var opened: Opened = [:]
                for index in indices {
                    opened[index] = Result { () throws(JobStoreError) in
                        try store.openTile(index, isLoaded: areLoaded)
                    }
                }
                return opened
            }
        }
        startedCount += 1
    }
}
