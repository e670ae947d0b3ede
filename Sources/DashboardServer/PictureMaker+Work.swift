// What the pictures' thread does, a little at a time.

import Dashboard
import Imaging
import Synchronization

extension PictureMaker {
    /// What the thread keeps.
    struct Hand {
        var job = ""
        var image: (any ImageSource)?
        /// Why there is none; then nobody tries again.
        var isUnreadable = false
    }

    /// Does a little.
    ///
    /// - Returns: whether there was anything to do.
    func work(_ hand: inout Hand) -> Bool {
        guard let source = watched.pictures else { return false }
        if hand.job != source.job { begin(source, &hand) }
        let window = board.withLock { board in
            board?.wanted.isEmpty == false ? board?.wanted.removeFirst() : nil
        }
        if let window {
            make(window, source, &hand)
            return true
        }
        // Neither waits for all of the other.
        let hasPainted = paint(source, &hand)
        return readRows(source, &hand) || hasPainted
    }

    private func begin(_ source: PictureSource, _ hand: inout Hand) {
        hand = Hand(job: source.job)
        let grid = MosaicGrid(width: source.width, height: source.height, windows: source.windows)
        let gray = Picture(width: grid.width, height: grid.height, gray: 128)
        board.withLock { board in
            var next = Board(
                job: source.job, grid: grid, given: gray, restored: gray,
                painted: Array(repeating: (0, 0), count: source.windows.count))
            // Pilots and the tiles after them have one image.
            if let board, board.grid.width == grid.width, board.grid.height == grid.height,
                source.job.hasPrefix(board.job) || board.job.hasPrefix(source.job),
                board.rowsGiven == grid.height
            {
                (next.given, next.rowsGiven) = (board.given, board.rowsGiven)
            }
            board = next
        }
    }

    /// Paints some tiles that have more results than what is painted of them.
    private func paint(_ source: PictureSource, _ hand: inout Hand) -> Bool {
        let painted = board.withLock { $0?.painted.map(\.count) ?? [] }
        let restarts = source.restarts
        let next = watched.read { record -> [(tile: Int, fits: [Int])] in
            guard record.description.job == source.job else { return [] }
            let waiting = painted.indices.lazy.map { tile in
                let fits = (tile * restarts..<(tile + 1) * restarts).filter {
                    record.fits[$0].state == .stored
                }
                return (tile, fits)
            }
            .filter { tile, fits in fits.count > painted[tile] }
            return Array(waiting.prefix(Self.paintedAtOnce))
        }
        for (tile, fits) in next ?? [] { paint(tile, fits, source, &hand) }
        return next?.isEmpty == false
    }

    private func paint(
        _ tile: Int, _ fits: [Int], _ source: PictureSource, _ hand: inout Hand
    ) {
        let picture = restored(tile, fits, source, &hand).flatMap { small(of: tile, $0, source) }
        board.withLock { board in
            guard board?.job == source.job, let grid = board?.grid else { return }
            // What cannot be read is not tried again.
            board?.painted[tile].count = fits.count
            guard let (picture, x, y) = picture else { return }
            let place = grid.place(of: tile)
            let columns = place.x.clamped(to: x..<x + picture.width)
            let rows = place.y.clamped(to: y..<y + picture.height)
            let cell = picture.cropped(
                x: columns.lowerBound - x, y: rows.lowerBound - y, width: columns.count,
                height: rows.count)
            board?.restored.paste(cell, x: columns.lowerBound, y: rows.lowerBound)
            let revision = (board?.revision ?? 0) + 1
            board?.revision = revision
            board?.painted[tile].revision = revision
        }
    }

    /// A tile's pixels as the mosaic has them, and where they begin there.
    private func small(
        of tile: Int, _ pixels: [Float], _ source: PictureSource
    ) -> (Picture, x: Int, y: Int)? {
        let window = source.windows[tile]
        guard let factor = board.withLock({ $0?.grid.factor }),
            pixels.count == window.width * window.height * source.bands
        else { return nil }
        let means = Reduction.means(
            pixels, width: window.width, height: window.height, bands: source.bands,
            factor: factor, left: window.x % factor, top: window.y % factor)
        let samples = PictureColor.samples(
            means.pixels, bands: source.bands, isInk: source.isInk)
        return (
            Picture(width: means.width, height: means.height, samples: samples),
            window.x / factor, window.y / factor
        )
    }

    /// The pixels of a tile's window as the output is going to have them; nil without a result.
    private func restored(
        _ tile: Int, _ fits: [Int], _ source: PictureSource, _ hand: inout Hand
    ) -> [Float]? {
        let results = fits.compactMap(source.result)
        let window = source.windows[tile]
        guard !results.isEmpty else { return nil }
        var pixels = Self.mean(results)
        let inside = source.inside(window)
        guard source.kept.needsInput, let image = open(source, &hand),
            pixels.count == window.width * window.height * source.bands,
            let given = read(inside, of: image)
        else { return pixels }
        let count = inside.width * source.bands
        for row in 0..<inside.height {
            let (to, from) = (row * window.width * source.bands, row * count)
            for index in 0..<count {
                pixels[to + index] = source.kept.mixed(pixels[to + index], given[from + index])
            }
        }
        return pixels
    }

    private static func mean(_ results: [[Float]]) -> [Float] {
        guard results.count > 1, var sum = results.first else { return results[0] }
        for result in results.dropFirst() where result.count == sum.count {
            for index in sum.indices { sum[index] += result[index] }
        }
        for index in sum.indices { sum[index] /= Float(results.count) }
        return sum
    }

    /// Reads some more rows of the given image.
    private func readRows(_ source: PictureSource, _ hand: inout Hand) -> Bool {
        guard let (grid, done) = board.withLock({ $0.map { ($0.grid, $0.rowsGiven) } }),
            done < grid.height, let image = open(source, &hand)
        else { return false }
        // 2 Mi numbers at a time, or one row of blocks.
        let rowByteCount = source.width * source.bands
        let count = max(1, (2 << 20) / max(rowByteCount * grid.factor, 1))
        let rows = done..<min(done + count, grid.height)
        let top = rows.lowerBound * grid.factor
        let region = PixelRegion(
            x: 0, y: top, width: source.width,
            height: min(rows.upperBound * grid.factor, source.height) - top)
        guard let pixels = read(region, of: image) else {
            hand.isUnreadable = true
            return false
        }
        let means = Reduction.means(
            pixels, width: region.width, height: region.height, bands: source.bands,
            factor: grid.factor)
        let samples = PictureColor.samples(
            means.pixels, bands: source.bands, isInk: source.isInk)
        board.withLock { board in
            guard board?.job == source.job else { return }
            board?.given.replace(fromRow: rows.lowerBound, samples)
            board?.rowsGiven = rows.upperBound
        }
        return true
    }

    private func open(_ source: PictureSource, _ hand: inout Hand) -> (any ImageSource)? {
        if hand.image == nil, !hand.isUnreadable {
            hand.image = try? source.open()
            hand.isUnreadable =
                hand.image.map {
                    ($0.header.width, $0.header.height, $0.header.colorBands)
                        != (source.width, source.height, source.bands)
                } ?? true
        }
        return hand.isUnreadable ? nil : hand.image
    }

    private func read(_ region: PixelRegion, of image: any ImageSource) -> [Float]? {
        var pixels = [Float](
            repeating: 0, count: region.width * region.height * image.header.colorBands)
        do throws(ImageError) {
            try pixels.withUnsafeMutableBufferPointer { buffer throws(ImageError) in
                try image.readColor(region, into: buffer)
            }
            return pixels
        } catch {
            return nil
        }
    }

    private func make(_ wanted: Window, _ source: PictureSource, _ hand: inout Hand) {
        guard source.windows.indices.contains(wanted.tile) else { return }
        let window = source.windows[wanted.tile]
        let region = source.inside(window)
        var (pixels, width, height): ([Float]?, Int, Int) = (nil, region.width, region.height)
        if wanted.isRestored {
            let first = wanted.tile * source.restarts
            pixels = restored(
                wanted.tile, Array(first..<first + source.restarts), source, &hand)
            (width, height) = (window.width, window.height)
        } else if let image = open(source, &hand) {
            pixels = read(region, of: image)
        }
        guard let pixels, pixels.count == width * height * source.bands else { return }
        let factor = (max(width, height) + Self.windowSideMaximum - 1) / Self.windowSideMaximum
        let means = Reduction.means(
            pixels, width: width, height: height, bands: source.bands, factor: factor)
        var picture = Picture(
            width: means.width, height: means.height,
            samples: PictureColor.samples(
                means.pixels, bands: source.bands, isInk: source.isInk))
        if wanted.isRestored {
            picture = picture.cropped(
                x: 0, y: 0, width: (region.width + factor - 1) / factor,
                height: (region.height + factor - 1) / factor)
        }
        guard let bytes = try? Self.jpeg(picture) else { return }
        board.withLock { board in
            guard board?.job == source.job else { return }
            let count = board?.painted[wanted.tile].count ?? 0
            board?.windows.removeAll { $0.key == wanted }
            board?.windows.append((wanted, count, bytes))
            if board?.windows.count ?? 0 > Self.windowsMaximum { board?.windows.removeFirst() }
        }
    }
}

extension PictureSource {
    /// Past the edges of a small image there is nothing to see.
    fileprivate func inside(_ window: JobDescription.Window) -> PixelRegion {
        PixelRegion(
            x: window.x, y: window.y, width: min(window.width, width - window.x),
            height: min(window.height, height - window.y))
    }
}

extension PictureSource.Kept {
    /// - Parameter given: NaN where it is missing.
    fileprivate func mixed(_ restored: Float, _ given: Float) -> Float {
        if given.isNaN { return missing ? given : restored }
        return known ? given : given + Float(strength) * (restored - given)
    }
}
