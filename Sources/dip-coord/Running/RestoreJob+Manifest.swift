// What job.json says about a job, by which the same command is told from another.

import DeepImagePrior
import Glibc
import Imaging
import JobStore
import Restoration

extension RestoreJob {
    /// - Parameters:
    ///   - header: the input's, in its own size.
    ///   - region: of the input; nil for all of it.
    static func makeManifest(
        _ file: String, _ header: ImageHeader, _ region: PixelRegion?, _ blend: BlendFacts,
        _ missing: MissingPixels?, _ guide: Guide?, _ preset: Preset, _ stopping: Stopping,
        _ restarts: Int, _ page: PageChoice
    ) throws -> JobManifest {
        let plan = blend.plan
        var settings = [
            "compression": header.tiffCompression?.rawValue ?? "none",
            "crop": blend.isCropped ? "yes" : "no",
            "nodata": blend.fillsMissing ? "fill" : "keep",
            "pyramid": header.hasOverviews ? "yes" : "no",
            "quality": "\(header.jpegQuality)",
            "region": region?.words ?? "the whole image",
            "strength": "\(blend.strength)",
            "stop": StopFact.words(stopping),
        ]
        if preset.configuration.task == .inpaint {
            settings["known pixels"] = blend.keepsKnown ? "kept" : "refitted"
            settings["the mask"] = missing?.words ?? "none"
        }
        if let guide { settings["the guide"] = guide.words }
        // Pages of one size and kind differ in nothing else.
        if let number = page.number { settings["page"] = "\(number)" }
        return JobManifest(
            jobID: "\(time(nil))-\(randomWord())",
            input: try FileFingerprint(path: file, fileSystem: PosixFileSystem()),
            image: .init(
                width: header.width, height: header.height, bands: header.colorBands,
                sampleType: header.sampleType.rawValue,
                values: "\(header.values.low),\(header.values.high)",
                precision: header.sampleType.tilePrecision,
                header: description(header)),
            plan: .init(
                tile: preset.tiling.tile, overlap: preset.tiling.overlap,
                windowWidth: plan.windowWidth, windowHeight: plan.windowHeight,
                columns: plan.columns, rows: plan.rows,
                restarts: restarts == 1 ? nil : restarts),
            settings: settings, preset: preset.name,
            configuration: preset.configuration.json,
            createdAt: Double(time(nil)))
    }

    /// All that the input's header says and the output takes over, in words.
    private static func description(_ header: ImageHeader) -> String {
        let resolution = header.metadata.resolution.map {
            "\($0.x) x \($0.y) by \($0.unit.rawValue)"
        }
        return [
            "\(header.format)", "\(header.width) x \(header.height)", "\(header.colorBands)",
            header.sampleType.rawValue, header.alpha?.rawValue ?? "no alpha",
            "orientation \(header.metadata.orientation)", resolution ?? "no resolution",
            header.colorModel.rawValue,
            "nodata \(header.metadata.nodata.map { "\($0)" } ?? "none")",
            "profile \(header.metadata.iccProfile ?? [])",
        ].joined(separator: ", ")
    }

    /// Sixteen hexadecimal digits that nobody can guess.
    static func randomWord() -> String {
        String(UInt64.random(in: 1 << 60...UInt64.max), radix: 16)
    }
}
