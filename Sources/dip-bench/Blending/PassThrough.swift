// The coordinator's path of files, with a fit that changes nothing: what it costs by itself.

import FoundationEssentials
import Glibc
import Imaging
import JobStore
import Restoration

/// What a phase took.
struct PhaseCost: Codable {
    var seconds = 0.0
    var cpuSeconds = 0.0
}

/// What the path took, told by the process that ran it.
struct PathCost: Codable {
    var tileCount = 0
    /// Reading windows of the input, storing tiles at the same time, and blending those that are
    /// there.
    var tiles = PhaseCost()
    /// What is left of the blend when all tiles are stored.
    var blend = PhaseCost()

    var seconds: Double { tiles.seconds + blend.seconds }
}

struct PassThrough {
    let input, output: String
    let tile, overlap, alignment, minimumSide: Int
    let cacheByteCount: Int
    /// Tiles that are stored at a time.
    let together: Int

    /// Runs all of it.
    func run() throws -> PathCost {
        var options = ReadingOptions()
        options.cacheByteCount = cacheByteCount
        var cost = PathCost()
        let source = try timed(&cost.tiles) { try ImageFormats.open(input, options) }
        let header = source.header
        let plan = try TilePlan(
            width: header.width, height: header.height, tile: tile, overlap: overlap,
            alignment: alignment, minimum: minimumSide)
        let store = try JobStore.create(
            folder: output + ".dip", manifest: try manifest(header, plan),
            fileSystem: PosixFileSystem())
        defer { store.close() }
        try store.reserveSpace()
        cost.tileCount = plan.tileCount
        let facts = BlendFacts(
            plan: plan, header: header, output: output, replacesOutput: false)
        let blend = FollowingBlend(facts, source: source, store: store)
        try timed(&cost.tiles) { try restore(plan, source, store, followedBy: blend) }
        guard let result = try timed(&cost.blend, { try blend.finish(setAside: []) }) else {
            throw InputError(description: "the blend came to nothing")
        }
        guard result.damaged.isEmpty else {
            throw InputError(description: result.warnings.joined(separator: "; "))
        }
        return cost
    }

    /// Stores some tiles while the next are read, as the coordinator does.
    private func restore(
        _ plan: TilePlan, _ source: any ImageSource, _ store: JobStore,
        followedBy blend: FollowingBlend
    ) throws {
        let bands = source.header.colorBands
        let shape = (plan.windowHeight, plan.windowWidth, bands)
        // Used again and again: memory that is taken anew is slow to come on some machines.
        let empty = [Float](repeating: 0, count: plan.windowWidth * plan.windowHeight * bands)
        var windows = [[Float]](repeating: empty, count: min(together, plan.tileCount))
        var stored = windows
        var storing: BackgroundCall<Result<Void, JobStoreError>>?
        for first in stride(from: 0, to: plan.tileCount, by: together) {
            let indices = first..<min(first + together, plan.tileCount)
            for index in indices {
                try windows[index - first].withUnsafeMutableBufferPointer {
                    try source.readWindow(plan.tile(index), into: $0)
                }
            }
            try storing?.wait().get()
            swap(&windows, &stored)
            let tiles = indices.map { ($0, 1, stored[$0 - first]) }
            storing = BackgroundCall {
                Result { () throws(JobStoreError) in
                    try store.storeTiles(tiles, shape: shape)
                    blend.add(Array(indices))
                }
            }
        }
        try storing?.wait().get()
    }

    private func timed<Value>(_ cost: inout PhaseCost, _ body: () throws -> Value) rethrows -> Value
    {
        let clock = ContinuousClock()
        let (start, cpuStart) = (clock.now, rusage.ofThisProcess.cpuSeconds)
        let value = try body()
        cost.seconds += (clock.now - start) / .seconds(1)
        cost.cpuSeconds += rusage.ofThisProcess.cpuSeconds - cpuStart
        return value
    }

    private func manifest(_ header: ImageHeader, _ plan: TilePlan) throws -> JobManifest {
        JobManifest(
            jobID: "bench", input: try FileFingerprint(path: input, fileSystem: PosixFileSystem()),
            image: .init(
                width: header.width, height: header.height, bands: header.colorBands,
                sampleType: header.sampleType.rawValue,
                precision: header.sampleType.tilePrecision, header: "bench"),
            plan: .init(
                tile: tile, overlap: overlap, windowWidth: plan.windowWidth,
                windowHeight: plan.windowHeight, columns: plan.columns, rows: plan.rows),
            preset: "none", configuration: "{}", createdAt: 0)
    }
}
