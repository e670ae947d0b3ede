// The last pass: the stored tiles become the output image.

import Imaging
import JobStore

/// One pass from top to bottom. Only the tiles of the present band are open.
final class Blend {
    private let job: RestoreJob
    private let source: any ImageSource
    private let store: JobStore
    private let setAside: Set<Int>
    private var open: [Int: StoredTile] = [:]
    private var damaged: Set<Int> = []
    private var warnings: [String] = []

    init(job: RestoreJob, source: any ImageSource, store: JobStore, setAside: Set<Int>) {
        self.job = job
        self.source = source
        self.store = store
        self.setAside = setAside
    }

    /// Makes the output; nothing lies at its place until it is complete.
    ///
    /// - Parameter isCancelled: asked after every band; when true, the pass ends with an error.
    func run(isCancelled: () -> Bool) throws -> BlendResult {
        do {
            return try makeOutput(isCancelled)
        } catch let error as ImageError where error.kind == .outputExists {
            throw ProgramError(
                .unwritable,
                "\(job.output) appeared during the run and was left as it is; add --overwrite to "
                    + "replace it, or choose another output with -o")
        }
    }

    private func makeOutput(_ isCancelled: () -> Bool) throws -> BlendResult {
        let header = job.header
        let sink = try ImageFormats.createSink(
            job.output, like: header, overwrite: job.replacesOutput)
        defer { sink.abandon() }
        let blender = FeatherBlender(
            plan: job.plan, imageWidth: header.width, imageHeight: header.height,
            bands: header.colorBands)
        let seams = try blender.blend(
            tileRows: { try self.readRows(of: $0, $1, into: $2) },
            original: { rows, pixels in
                try self.source.readColor(self.fullRows(rows), into: pixels)
            },
            emit: { rows, pixels, isRestored in
                if isCancelled() { throw ProgramError(.interrupted, "interrupted while blending") }
                try self.append(rows, pixels, isRestored, to: sink)
            })
        // Known before it is in its place: then nobody can take it for a stranger's.
        var output = try FileFingerprint(path: sink.complete(), fileSystem: PosixFileSystem())
        output.path = job.output
        try store.recordOutput(output)
        try sink.finish()
        return BlendResult(
            seams: seams, damaged: damaged.sorted(), warnings: warnings + sink.warnings)
    }

    private func readRows(
        of index: Int, _ rows: Range<Int>, into pixels: UnsafeMutableBufferPointer<Float>
    ) throws -> Bool {
        guard !setAside.contains(index), !damaged.contains(index) else { return false }
        if open[index] == nil {
            guard let tile = try openTile(index) else { return false }
            open[index] = tile
        }
        try open[index]?.readRows(rows, into: pixels)
        // Rows come from top to bottom, each once.
        if rows.upperBound == job.plan.windowHeight { open[index] = nil }
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
        _ isRestored: UnsafeBufferPointer<UInt8>, to sink: any ImageSink
    ) throws {
        let samples = UnsafeMutableRawBufferPointer.allocate(
            byteCount: rows.count * job.header.width * job.header.pixelByteCount, alignment: 16)
        defer { samples.deallocate() }
        try source.readRaw(fullRows(rows), into: samples)
        job.header.encode(pixels, isRestored: isRestored, into: samples)
        try sink.append(rowCount: rows.count, samples: UnsafeRawBufferPointer(samples))
    }

    private func fullRows(_ rows: Range<Int>) -> PixelRegion {
        PixelRegion(x: 0, y: rows.lowerBound, width: job.header.width, height: rows.count)
    }
}
