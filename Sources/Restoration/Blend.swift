// The last pass: the stored tiles become the output image.

import Glibc
public import Imaging
public import JobStore

/// What the pass is to make of which tiles.
public struct BlendFacts: Sendable {
    public var plan: TilePlan
    /// The input's, with what of it the output shall have otherwise.
    public var header: ImageHeader
    /// What the plan divides; nil for the whole image.
    public var region: PixelRegion?
    /// Whether the output is that region alone, and not the whole image with all else as it was.
    public var isCropped = false
    /// Whether samples that are missing by their value are replaced too, and not kept.
    public var fillsMissing = false
    /// How much of a restored sample is the fit's, 0 to 1; the rest is the input's.
    public var strength = 1.0
    /// Whether known samples stay bit for bit, and missing ones alone are replaced.
    public var keepsKnown = false
    /// Where an image of how far tiles disagree is written: at each pixel the root mean square over
    /// the bands of the difference between the tiles that overlap there, in [0, 1], the greatest
    /// where several pairs do; else 0. nil for nowhere.
    public var disagreementMap: String?
    /// Where an image of how far the results differ is written, see `UncertaintyMap`; nil for
    /// nowhere.
    public var uncertaintyMap: String?
    /// The longest side of the reduced map of disagreement that is wanted, in pixels; nil for none.
    public var disagreementSideMaximum: Int?
    public var output: String
    /// Whether a file at the output's place may be replaced.
    public var replacesOutput: Bool
    /// Fits that came to nothing, by their numbers in the folder. Where a tile has no other, its
    /// pixels come from the input.
    public var setAside: Set<Int>

    public init(
        plan: TilePlan, header: ImageHeader, output: String, replacesOutput: Bool,
        setAside: Set<Int> = []
    ) {
        self.plan = plan
        self.header = header
        self.output = output
        self.replacesOutput = replacesOutput
        self.setAside = setAside
    }
}

extension BlendFacts {
    /// Of what the plan divides.
    public var partHeader: ImageHeader { region.map(header.cropped) ?? header }
    public var outputHeader: ImageHeader { isCropped ? partHeader : header }

    /// What to say of an output that cannot keep what is beside the region.
    var lossWarnings: [String] {
        guard region != nil, !isCropped, ImageFormats.format(ofOutput: output) == .jpeg else {
            return []
        }
        return [
            "\(output): a JPEG loses something of every pixel, so what is beside the region is not "
                + "exactly the input's; a PNG or TIFF keeps it, and --crop writes the region alone"
        ]
    }
}

/// What became of the output.
public struct BlendResult: Sendable {
    public let seams: SeamReport
    /// Tiles whose files were all damaged after they had been stored, in order.
    public let damaged: [Int]
    /// How many results there are of tiles that have fewer than restarts, and at least one.
    public let resultCounts: [Int: Int]
    /// Tiles without a known sample, which stay as they were, in order.
    public let unknown: [Int]
    /// nil where nobody asked for the map.
    public let uncertainty: UncertaintySummary?
    /// nil where nobody asked for it.
    public let disagreement: ReducedMap?
    public let warnings: [String]

    public init(
        seams: SeamReport, damaged: [Int], resultCounts: [Int: Int] = [:], unknown: [Int],
        uncertainty: UncertaintySummary? = nil, disagreement: ReducedMap? = nil,
        warnings: [String]
    ) {
        self.uncertainty = uncertainty
        self.disagreement = disagreement
        self.seams = seams
        self.damaged = damaged
        self.resultCounts = resultCounts
        self.unknown = unknown
        self.warnings = warnings
    }
}

/// One pass from top to bottom. Only the tiles of the present band are open.
public final class Blend {
    let facts: BlendFacts
    /// The whole input, and what of it the plan divides.
    let whole, source: any ImageSource
    /// Of that part, and of the output.
    private let header, outputHeader: ImageHeader
    private let store: JobStore
    private let results: any StoredResults
    private var open: [Int: TileResults] = [:]
    /// Those whose rows were read last.
    private var latest: TileResults?
    /// Tiles without a result.
    private var lost: Set<Int> = []
    /// Those among them that had one.
    private var damaged: Set<Int> = []
    private var resultCounts: [Int: Int] = [:]
    /// Tiles of which nothing was known: what their fits made up is not used.
    private var unknown: Set<Int> = []
    private var warnings: [String] = []

    /// - Parameters:
    ///   - source: the input, which pixels that are not restored come from.
    ///   - store: the folder that holds the tiles, and is told of the output.
    public convenience init(_ facts: BlendFacts, source: any ImageSource, store: JobStore) {
        self.init(facts, source: source, store: store, following: nil)
    }

    /// - Parameter ended: told of results that come during the pass; nil where all are there.
    init(
        _ facts: BlendFacts, source: any ImageSource, store: JobStore, following ended: EndedFits?
    ) {
        self.facts = facts
        whole = source
        self.source = facts.region.map { RegionView(source, $0) } ?? source
        header = facts.partHeader
        outputHeader = facts.outputHeader
        self.store = store
        results =
            if let ended {
                TilesToCome(store, ended)
            } else {
                TilesAhead(store, leftOut: facts.setAside)
            }
    }

    /// Makes the output; nothing lies at its place until it is complete.
    ///
    /// - Parameter isCancelled: asked after every band.
    /// - Throws: `BlendCancelled`, `ImageError` about input or output, `JobStoreError` about the
    ///   folder. A damaged tile is no error: its pixels come from the input.
    public func run(isCancelled: () -> Bool) throws -> BlendResult {
        try finish(makeRows(isCancelled))
    }

    /// Writes all rows.
    func makeRows(_ isCancelled: () -> Bool) throws -> BlendedRows {
        let made = try BlendedRows(facts, whole: outputHeader, part: header)
        try made.uncertainty?.begin(isCancelled)
        let copiedRows = rowsAround
        try copy(copiedRows.above, to: made.sink, isCancelled)
        let background = BackgroundSink(made.sink)
        defer { try? background.wait() }
        let blender = FeatherBlender(
            plan: facts.plan, imageWidth: header.width, imageHeight: header.height,
            bands: header.colorBands)
        made.seams = try blender.blend(
            tileRows: { try self.readRows(of: $0, $1, into: $2) },
            original: { rows, pixels in
                try self.source.readColor(self.region(rows), into: pixels)
            },
            emit: { rows, pixels, isRestored in
                if isCancelled() { throw BlendCancelled() }
                try self.append(rows, pixels, isRestored, to: background)
            },
            disagreement: made.map == nil && made.reduced == nil
                ? nil
                : { rows, values in
                    try made.map?.append(rowCount: rows.count, values)
                    made.reduced?.append(values)
                },
            spread: made.uncertainty.map { map in
                (
                    of: { self.takeVariances(into: $0) },
                    emit: { try map.append($0, self.outputDeviations($0, $1)) }
                )
            })
        try background.wait()
        try copy(copiedRows.below, to: made.sink, isCancelled)
        return made
    }

    /// Puts what was written into its place.
    func finish(_ made: BlendedRows) throws -> BlendResult {
        try made.map?.finish()
        let summary = try made.uncertainty?.finish()
        // Known before it is in its place: then nobody can take it for a stranger's.
        var output = try FileFingerprint(path: made.sink.complete(), fileSystem: PosixFileSystem())
        output.path = facts.output
        try store.recordOutput(output)
        try made.sink.finish()
        return BlendResult(
            seams: made.seams, damaged: damaged.sorted(), resultCounts: resultCounts,
            unknown: unknown.sorted(), uncertainty: summary, disagreement: made.reduced?.finish(),
            warnings: warnings + facts.lossWarnings + made.sink.warnings)
    }

    private func readRows(
        of index: Int, _ rows: Range<Int>, into pixels: UnsafeMutableBufferPointer<Float>
    ) throws -> Bool {
        guard !lost.contains(index), !unknown.contains(index) else { return false }
        if open[index] == nil {
            guard let results = try openTile(index) else { return false }
            guard try !usesGuesses || hasKnownSamples(index) else {
                unknown.insert(index)
                return false
            }
            open[index] = results
        }
        try open[index]?.readRows(rows, into: pixels)
        // Rows come from top to bottom, each once.
        if rows.upperBound == facts.plan.windowHeight {
            open[index]?.leaveCache()
            latest = open.removeValue(forKey: index)
        } else {
            latest = open[index]
        }
        return true
    }

    /// Of the rows that were read last.
    private func takeVariances(
        into variances: UnsafeMutableBufferPointer<Float>
    ) -> Int {
        latest?.takeVariances(into: variances)
        return latest?.count ?? 0
    }

    /// The results of a tile; nil when there is none, or none whose file is whole.
    private func openTile(_ index: Int) throws -> TileResults? {
        let plan = store.manifest.plan
        let fits = try plan.fits(of: index).filter(self.results.mayHave)
        let results = try fits.compactMap(openResult)
        guard !results.isEmpty else {
            lost.insert(index)
            if !fits.isEmpty { damaged.insert(index) }
            return nil
        }
        if results.count < plan.fits(of: index).count { resultCounts[index] = results.count }
        return TileResults(results, hasVariance: facts.uncertaintyMap != nil)
    }

    /// A stored result, or nil when its file has been damaged since.
    private func openResult(_ fit: Int) throws -> StoredTile? {
        do throws(JobStoreError) {
            if let result = try results.take(fit) { return result }
            warnings.append("what was stored of \(store.manifest.plan.name(ofFit: fit)) has gone")
        } catch {
            guard error.kind == .corrupt else { throw error }
            warnings.append(error.message)
        }
        return nil
    }

    /// Whether missing samples are replaced.
    private var usesGuesses: Bool { facts.fillsMissing || mask != nil }
    var hasMask: Bool { mask != nil }
    private var mask: PixelMask? { (whole as? MaskedSource)?.mask }

    private func hasKnownSamples(_ index: Int) throws(ImageError) -> Bool {
        let tile = facts.plan.tile(index)
        let pixels = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: tile.width * tile.height * header.colorBands)
        defer { pixels.deallocate() }
        try source.readWindow(tile, into: pixels)
        return pixels.contains { !$0.isNaN }
    }

    /// Restored pixels take the place of the input's own; alpha, pixels of tiles that were not
    /// restored and, where they are kept, missing or known ones stay bit for bit.
    private func append(
        _ rows: Range<Int>, _ pixels: UnsafeBufferPointer<Float>,
        _ isRestored: UnsafeBufferPointer<UInt8>, to sink: BackgroundSink
    ) throws {
        let joined = try joinedWithInput(rows, pixels)
        defer { joined?.deallocate() }
        let pixels = joined.map { UnsafeBufferPointer($0) } ?? pixels
        let isPart = outputHeader.width > header.width
        let width = isPart ? outputHeader.width : header.width
        let rowByteCount = width * header.pixelByteCount
        try sink.append(rowCount: rows.count, byteCount: rows.count * rowByteCount) { samples in
            guard !isPart else { return try encodePart(rows, pixels, isRestored, into: samples) }
            let areAllRestored = isRestored.baseAddress.map {
                memchr($0, 0, isRestored.count) == nil
            }
            if header.mayKeepSamples || facts.keepsKnown || areAllRestored != true {
                try source.readRaw(region(rows), into: samples)
            }
            encode(pixels, isRestored, into: samples)
        }
    }

    private func encode(
        _ pixels: UnsafeBufferPointer<Float>, _ isRestored: UnsafeBufferPointer<UInt8>,
        into samples: UnsafeMutableRawBufferPointer
    ) {
        header.encode(
            pixels, isRestored: isRestored, fillsMissing: facts.fillsMissing, into: samples)
        if mask?.isAlpha == true { header.makeOpaque(pixels, isRestored: isRestored, in: samples) }
    }

    /// Full rows of the output, of which the region is a part.
    private func encodePart(
        _ rows: Range<Int>, _ pixels: UnsafeBufferPointer<Float>,
        _ isRestored: UnsafeBufferPointer<UInt8>, into samples: UnsafeMutableRawBufferPointer
    ) throws(ImageError) {
        guard let region = facts.region else { return }
        try whole.readRaw(
            PixelRegion(
                x: 0, y: region.y + rows.lowerBound, width: outputHeader.width, height: rows.count),
            into: samples)
        let rowByteCount = samples.count / rows.count
        for row in 0..<rows.count {
            let place = row * rowByteCount + region.x * header.pixelByteCount
            let part = samples[place..<place + header.width * header.pixelByteCount]
            let (first, count) = (row * header.width, header.width)
            encode(
                UnsafeBufferPointer(
                    rebasing: pixels[
                        first * header.colorBands..<(first + count) * header.colorBands]),
                UnsafeBufferPointer(rebasing: isRestored[first..<first + count]),
                into: UnsafeMutableRawBufferPointer(rebasing: part))
        }
    }

    /// Full rows of what the plan divides.
    func region(_ rows: Range<Int>) -> PixelRegion {
        PixelRegion(x: 0, y: rows.lowerBound, width: header.width, height: rows.count)
    }

    // MARK: Around the region

    /// The output's rows above and below the region.
    private var rowsAround: (above: Range<Int>, below: Range<Int>) {
        guard let region = facts.region, !facts.isCropped else { return (0..<0, 0..<0) }
        return (0..<region.y, region.y + region.height..<facts.header.height)
    }

    private func copy(
        _ rows: Range<Int>, to sink: any ImageSink, _ isCancelled: () -> Bool
    ) throws {
        for top in stride(from: rows.lowerBound, to: rows.upperBound, by: 32) {
            if isCancelled() { throw BlendCancelled() }
            let band = top..<min(top + 32, rows.upperBound)
            let samples = try readWhole(band)
            defer { samples.deallocate() }
            try sink.append(rowCount: band.count, samples: UnsafeRawBufferPointer(samples))
        }
    }

    /// Full rows of the whole input. The caller gives the memory back.
    private func readWhole(_ rows: Range<Int>) throws(ImageError) -> UnsafeMutableRawBufferPointer {
        let width = facts.header.width
        let samples = UnsafeMutableRawBufferPointer.allocate(
            byteCount: rows.count * width * facts.header.pixelByteCount, alignment: 16)
        do throws(ImageError) {
            try whole.readRaw(
                PixelRegion(x: 0, y: rows.lowerBound, width: width, height: rows.count),
                into: samples)
        } catch {
            samples.deallocate()
            throw error
        }
        return samples
    }
}
