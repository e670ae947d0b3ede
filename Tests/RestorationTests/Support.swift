// A job without fits: the input's own windows are stored as if they had been restored.

import Foundation
import Imaging
import JobStore
import Restoration

/// A folder that goes with its last owner.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "dip-restoration-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// An input, its job's folder and where the output goes.
struct PassThrough {
    let scratch: Scratch
    var source: any ImageSource
    /// What is divided into tiles; nil for all.
    let region: PixelRegion?
    let plan: TilePlan
    let store: JobStore

    var input: String { scratch.file("in.tif") }
    var output: String { scratch.file("out.tif") }
    var folder: String { output + ".dip" }

    init(
        width: Int, height: Int, bands: Int = 3, alpha: AlphaKind? = nil,
        sampleType: SampleType = .uint8, tile: Int = 32, overlap: Int = 8,
        options: ReadingOptions = ReadingOptions(), region: PixelRegion? = nil,
        nodata: Double? = nil, factor: Int = 1, restarts: Int? = nil,
        sample: ((Int, Int) -> UInt8)? = nil
    ) throws {
        scratch = try Scratch()
        var header = ImageHeader(
            width: width, height: height, colorBands: bands, alpha: alpha, sampleType: sampleType,
            format: .tiff, tiffCompression: .deflate)
        header.metadata.nodata = nodata
        self.region = region
        let path = scratch.file("in.tif")
        let sink = try ImageFormats.createSink(path, like: header)
        var bytes = [UInt8](repeating: 0, count: header.decodedByteCount)
        for index in bytes.indices {
            let pixel = index / header.pixelByteCount
            bytes[index] =
                sample?(pixel % width, pixel / width)
                ?? UInt8(truncatingIfNeeded: index &* 7919 >> 4)
        }
        try bytes.withUnsafeBytes { try sink.append(rowCount: height, samples: $0) }
        try sink.finish()
        source = try ImageFormats.open(path, options)
        if factor > 1 { source = try EnlargedSource(source, factor: factor) }
        plan = try TilePlan(
            width: (region?.width ?? width) * factor, height: (region?.height ?? height) * factor,
            tile: tile, overlap: overlap, alignment: 4, minimum: 8, unit: factor)
        let fileSystem = PosixFileSystem()
        store = try JobStore.create(
            folder: scratch.file("out.tif.dip"),
            manifest: JobManifest(
                jobID: "job-1", input: try FileFingerprint(path: path, fileSystem: fileSystem),
                image: .init(
                    width: width, height: height, bands: bands, sampleType: sampleType.rawValue,
                    precision: sampleType.tilePrecision, header: "a header"),
                plan: .init(
                    tile: tile, overlap: overlap, windowWidth: plan.windowWidth,
                    windowHeight: plan.windowHeight, columns: plan.columns, rows: plan.rows,
                    restarts: restarts),
                preset: "thin", configuration: "{}", createdAt: 0),
            fileSystem: fileSystem)
    }

    /// Stores windows, each value changed by `change`.
    func storeTiles(except missing: Set<Int> = [], change: (Float) -> Float = { $0 }) throws {
        let source = region.map { RegionView(self.source, $0) } ?? self.source
        for tile in (0..<plan.tileCount).map(plan.tile) where !missing.contains(tile.index) {
            let count = tile.width * tile.height * source.header.colorBands
            var pixels = [Float](repeating: 0, count: count)
            try pixels.withUnsafeMutableBufferPointer { try source.readWindow(tile, into: $0) }
            try store.storeTile(
                tile.index, attempt: 1,
                shape: (tile.height, tile.width, source.header.colorBands),
                pixels: pixels.map(change))
        }
    }

    /// Stores windows of constant values, by the numbers of fits; none where it is nil.
    func storeFits(_ value: (Int) -> Float?) throws {
        let bands = source.header.colorBands
        for fit in 0..<store.manifest.plan.fitCount {
            guard let value = value(fit) else { continue }
            try store.storeTile(
                fit, attempt: 1, shape: (plan.windowHeight, plan.windowWidth, bands),
                pixels: [Float](
                    repeating: value, count: plan.windowHeight * plan.windowWidth * bands))
        }
    }

    /// Changes the bytes of a fit's slot in the file of tiles.
    func changeSlot(_ fit: Int, _ change: (inout Data) -> Void) throws {
        let url = URL(fileURLWithPath: folder + "/tiles.bin")
        var file = try Data(contentsOf: url)
        let range = fit * store.slotByteCount..<(fit + 1) * store.slotByteCount
        var slot = Data(file[range])
        change(&slot)
        file.replaceSubrange(range, with: slot)
        // In place: the store has the file open.
        let handle = try FileHandle(forWritingTo: url)
        try handle.write(contentsOf: file)
        try handle.close()
    }

    func blend(
        setAside: Set<Int> = [], replacesOutput: Bool = false, isCancelled: () -> Bool = { false },
        change: (inout BlendFacts) -> Void = { _ in }
    ) throws -> BlendResult {
        var facts = BlendFacts(
            plan: plan, header: source.header, output: output, replacesOutput: replacesOutput,
            setAside: setAside)
        facts.region = region
        change(&facts)
        return try Blend(facts, source: source, store: store).run(isCancelled: isCancelled)
    }

    func samples(_ path: String) throws -> [UInt8] { try decodedSamples(path) }
}

/// The bytes of all samples of an image.
func decodedSamples(_ path: String) throws -> [UInt8] {
    let image = try ImageFormats.open(path)
    let header = image.header
    var bytes = [UInt8](repeating: 0, count: header.decodedByteCount)
    try bytes.withUnsafeMutableBytes {
        try image.readRaw(
            PixelRegion(x: 0, y: 0, width: header.width, height: header.height), into: $0)
    }
    return bytes
}
