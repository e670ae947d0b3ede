// The thread that makes pictures: of the damaged image, of stored tiles, and of one tile by itself.
// It works while a page is open, at a low priority, and reads files of its own.

import Dashboard
import Glibc
import Imaging
import Synchronization
import Transport

/// Pictures of the job that runs. What is asked for and not there yet is nil, and made soon.
final class PictureMaker: Sendable {
    /// One tile by itself.
    struct Window: Hashable, Sendable {
        let tile: Int
        /// Whether as restored, or as given.
        let isRestored: Bool
    }

    /// What there is of the mosaics.
    struct Standing: Equatable, Sendable {
        var grid: MosaicGrid
        /// Rows of the mosaic of what is given that are there.
        var rowsGiven: Int
        /// Grows with every tile that is painted.
        var revision: Int
        /// Tiles that were painted since the revision that was asked about.
        var painted: [Int]
    }

    struct Board {
        var job = ""
        var grid: MosaicGrid
        var given: Picture
        var rowsGiven = 0
        var restored: Picture
        /// By tile: the revision at which it was painted last, and of how many results.
        var painted: [(revision: Int, count: Int)]
        var revision = 0
        var wanted: [Window] = []
        /// JPEGs, the oldest first.
        var windows: [(key: Window, resultCount: Int, bytes: [UInt8])] = []
        var encodedGiven: (rows: Int, bytes: [UInt8])?
        var encodedRestored: (revision: Int, bytes: [UInt8])?
    }

    static let windowsMaximum = 24
    /// Between two looks at what else is to be done.
    static let paintedAtOnce = 8
    private static let wantedMaximum = 16
    /// The longer side of a tile by itself, at most.
    static let windowSideMaximum = 1600
    static let quality = 88

    let watched: any WatchedJob
    let board = Mutex<Board?>(nil)
    private let isOver = Atomic(false)

    init(_ watched: any WatchedJob) { self.watched = watched }

    /// Begins to work on a thread of its own.
    func start() throws(TransportError) {
        _ = try DedicatedThread(name: "pictures") { [self] in
            // Of this thread alone: Linux takes it so.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 15)
            var hand = Hand()
            while !isOver.load(ordering: .relaxed) {
                let didSomething = watched.hasPages && work(&hand)
                if !didSomething { usleep(100_000) }
            }
        }
    }

    func stop() { isOver.store(true, ordering: .relaxed) }

    // MARK: What there is

    /// - Parameter revision: of what the page has.
    func standing(since revision: Int) -> Standing? {
        board.withLock { board in
            guard let board else { return nil }
            return Standing(
                grid: board.grid, rowsGiven: board.rowsGiven, revision: board.revision,
                painted: board.painted.indices.filter { board.painted[$0].revision > revision })
        }
    }

    /// All of the given image as a JPEG, gray where it has not been read yet.
    func given() throws(ImageError) -> [UInt8]? {
        guard
            let (picture, rows, former) = board.withLock({ board in
                board.map { ($0.given, $0.rowsGiven, $0.encodedGiven) }
            })
        else { return nil }
        if let former, former.rows == rows { return former.bytes }
        let bytes = try Self.jpeg(picture)
        board.withLock { $0?.encodedGiven = (rows, bytes) }
        return bytes
    }

    /// All that is restored as a JPEG, gray where nothing is yet.
    func restored() throws(ImageError) -> [UInt8]? {
        guard
            let (picture, revision, former) = board.withLock({ board in
                board.map { ($0.restored, $0.revision, $0.encodedRestored) }
            })
        else { return nil }
        if let former, former.revision == revision { return former.bytes }
        let bytes = try Self.jpeg(picture)
        board.withLock { $0?.encodedRestored = (revision, bytes) }
        return bytes
    }

    /// A painted tile's cell in the mosaic.
    func cell(_ tile: Int) throws(ImageError) -> [UInt8]? {
        let picture = board.withLock { board -> Picture? in
            guard let board, board.painted.indices.contains(tile), board.painted[tile].revision > 0
            else { return nil }
            let (x, y) = board.grid.place(of: tile)
            return board.restored.cropped(
                x: x.lowerBound, y: y.lowerBound, width: x.count, height: y.count)
        }
        guard let picture else { return nil }
        return try Self.jpeg(picture)
    }

    /// One tile by itself.
    func window(_ window: Window) -> [UInt8]? {
        board.withLock { board in
            guard board?.painted.indices.contains(window.tile) == true else { return nil }
            let count = board?.painted[window.tile].count ?? 0
            if let known = board?.windows.first(where: {
                $0.key == window && ($0.resultCount == count || !window.isRestored)
            }) {
                return known.bytes
            }
            if board?.wanted.contains(window) == false { board?.wanted.append(window) }
            if board?.wanted.count ?? 0 > Self.wantedMaximum { board?.wanted.removeFirst() }
            return nil
        }
    }

    /// A picture of a fit at work.
    static func jpeg(_ preview: PreviewStore.Picture) throws(ImageError) -> [UInt8] {
        try PictureBytes.jpeg(
            width: preview.width, height: preview.height, samples: preview.samples,
            quality: quality)
    }

    static func jpeg(_ picture: Picture) throws(ImageError) -> [UInt8] {
        try PictureBytes.jpeg(
            width: picture.width, height: picture.height, samples: picture.samples,
            quality: quality)
    }
}
