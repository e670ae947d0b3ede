// The last pass: the stored tiles become the output image.

import Glibc
public import Imaging
public import JobStore

/// What the pass is to make of which tiles.
public struct BlendFacts: Sendable {
    public var plan: TilePlan
    /// The input's, with what of it the output shall have otherwise.
    public var header: ImageHeader
    public var output: String
    /// Whether a file at the output's place may be replaced.
    public var replacesOutput: Bool
    /// Tiles that were not restored: their pixels come from the input.
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

/// What became of the output.
public struct BlendResult: Sendable {
    public let seams: SeamReport
    /// Tiles whose file was damaged after it had been stored, in order.
    public let damaged: [Int]
    public let warnings: [String]
}

/// The pass was cancelled, and has left no output.
public struct BlendCancelled: Error {}

/// One pass from top to bottom. Only the tiles of the present band are open.
public final class Blend {
    private let facts: BlendFacts
    private let source: any ImageSource
    private let store: JobStore
    private var open: [Int: StoredTile] = [:]
    private var damaged: Set<Int> = []
    private var warnings: [String] = []

    /// - Parameters:
    ///   - source: the input, which pixels that are not restored come from.
    ///   - store: the folder that holds the tiles, and is told of the output.
    public init(_ facts: BlendFacts, source: any ImageSource, store: JobStore) {
        self.facts = facts
        self.source = source
        self.store = store
    }

    /// Makes the output; nothing lies at its place until it is complete.
    ///
    /// - Parameter isCancelled: asked after every band.
    /// - Throws: `BlendCancelled`, `ImageError` about input or output, `JobStoreError` about the
    ///   folder. A damaged tile is no error: its pixels come from the input.
    public func run(isCancelled: () -> Bool) throws -> BlendResult {
        let header = facts.header
        let sink = try ImageFormats.createSink(
            facts.output, like: header, overwrite: facts.replacesOutput)
        defer { sink.abandon() }
        let background = BackgroundSink(sink)
        defer { try? background.wait() }
        let blender = FeatherBlender(
            plan: facts.plan, imageWidth: header.width, imageHeight: header.height,
            bands: header.colorBands)
        let seams = try blender.blend(
            tileRows: { try self.readRows(of: $0, $1, into: $2) },
            original: { rows, pixels in
                try self.source.readColor(self.fullRows(rows), into: pixels)
            },
            emit: { rows, pixels, isRestored in
                if isCancelled() { throw BlendCancelled() }
                try self.append(rows, pixels, isRestored, to: background)
            })
        try background.wait()
        // Known before it is in its place: then nobody can take it for a stranger's.
        var output = try FileFingerprint(path: sink.complete(), fileSystem: PosixFileSystem())
        output.path = facts.output
        try store.recordOutput(output)
        try sink.finish()
        return BlendResult(
            seams: seams, damaged: damaged.sorted(), warnings: warnings + sink.warnings)
    }

    private func readRows(
        of index: Int, _ rows: Range<Int>, into pixels: UnsafeMutableBufferPointer<Float>
    ) throws -> Bool {
        guard !facts.setAside.contains(index), !damaged.contains(index) else { return false }
        if open[index] == nil {
            guard let tile = try openTile(index) else { return false }
            open[index] = tile
        }
        try open[index]?.readRows(rows, into: pixels)
        // Rows come from top to bottom, each once.
        if rows.upperBound == facts.plan.windowHeight { open[index] = nil }
        return true
    }

    /// A stored tile, or nil when its file has been damaged since.
    private func openTile(_ index: Int) throws -> StoredTile? {
        do throws(JobStoreError) {
            if let tile = try store.openTile(index) { return tile }
            warnings.append("the file of tile \(index) has gone")
        } catch {
            guard error.kind == .corrupt else { throw error }
            warnings.append(error.message)
        }
        damaged.insert(index)
        return nil
    }

    /// Restored pixels take the place of the input's own; what is missing, alpha and pixels of
    /// tiles that were not restored stay bit for bit.
    private func append(
        _ rows: Range<Int>, _ pixels: UnsafeBufferPointer<Float>,
        _ isRestored: UnsafeBufferPointer<UInt8>, to sink: BackgroundSink
    ) throws {
        let header = facts.header
        let byteCount = rows.count * header.width * header.pixelByteCount
        try sink.append(rowCount: rows.count, byteCount: byteCount) { samples in
            let areAllRestored = isRestored.baseAddress.map {
                memchr($0, 0, isRestored.count) == nil
            }
            if header.mayKeepSamples || areAllRestored != true {
                try source.readRaw(fullRows(rows), into: samples)
            }
            header.encode(pixels, isRestored: isRestored, into: samples)
        }
    }

    private func fullRows(_ rows: Range<Int>) -> PixelRegion {
        PixelRegion(x: 0, y: rows.lowerBound, width: facts.header.width, height: rows.count)
    }
}
