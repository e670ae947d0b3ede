// Where a blend has its results from.

internal import Imaging
internal import JobStore

/// Results of fits, each to be asked for once, in the order of their numbers or about that.
protocol StoredResults {
    /// Whether a fit has a result that counts; waits where that is not known yet.
    ///
    /// - Throws: `BlendCancelled`.
    func mayHave(_ fit: Int) throws(BlendCancelled) -> Bool
    /// The result of a fit that may have one; nil when there is nothing in the folder.
    ///
    /// - Throws: `JobStoreError`: `.corrupt` when it is not what was stored.
    func take(_ fit: Int) throws(JobStoreError) -> StoredTile?
}

extension JobStore {
    /// The most memory for tiles that are read as a whole.
    private static let loadedByteCountMaximum = 96 << 20

    /// Whether the tiles that a blend has open are read into memory as a whole, and not row by row
    /// out of the system's cache.
    ///
    /// - Parameter aheadCount: tiles that are opened before they are wanted.
    func mayLoadTiles(aheadCount: Int) -> Bool {
        let plan = manifest.plan
        // Rows of tiles that have part in a band, at the most.
        let rowCount = plan.rows.indices.map { first in
            plan.rows[first...].prefix {
                $0 < plan.rows[first] + plan.windowHeight + FeatherBlender.bandRowCount
            }.count
        }.max()
        let openCount =
            (rowCount ?? 1) * plan.columns.count * (plan.restarts ?? 1) + aheadCount
        return min(openCount, plan.fitCount) * slotByteCount <= Self.loadedByteCountMaximum
    }
}

/// Results that come while the blend is made.
struct TilesToCome: StoredResults {
    /// For results that wait until the blend comes to them.
    private static let keptByteCountMaximum = 64 << 20

    private let store: JobStore
    private let ended: EndedFits
    private let areLoaded: Bool

    init(_ store: JobStore, _ ended: EndedFits) {
        (self.store, self.ended) = (store, ended)
        areLoaded = store.mayLoadTiles(aheadCount: 0)
        if areLoaded { store.keepStoredTiles(byteCountMaximum: Self.keptByteCountMaximum) }
    }

    func mayHave(_ fit: Int) throws(BlendCancelled) -> Bool { try ended.wait(for: fit) }

    func take(_ fit: Int) throws(JobStoreError) -> StoredTile? {
        try store.openTile(fit, isLoaded: areLoaded)
    }
}

/// Stored tiles in the order of their numbers, which is about the one that a pass from top to
/// bottom wants them in: while it works on some, the next are read and checked on other threads.
final class TilesAhead: StoredResults {
    private typealias Opened = [Int: Result<StoredTile?, JobStoreError>]

    /// Tiles of a thread; as many again are opened while they are used.
    private static let groupCount = 16
    private static let groupsAhead = 2

    private let store: JobStore
    private let leftOut: Set<Int>
    /// Whether tiles are read into memory as a whole, and not row by row out of the system's cache.
    private let areLoaded: Bool
    private var calls: [Int: BackgroundCall<Opened>] = [:]
    private var startedCount = 0
    private var opened: Opened = [:]

    /// - Parameter leftOut: fits whose results do not count.
    init(_ store: JobStore, leftOut: Set<Int>) {
        self.store = store
        self.leftOut = leftOut
        areLoaded = store.mayLoadTiles(
            aheadCount: (Self.groupsAhead + 1) * Self.groupCount)
    }

    func mayHave(_ fit: Int) -> Bool { !leftOut.contains(fit) }

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
            $0 < store.manifest.plan.fitCount && !leftOut.contains($0)
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
