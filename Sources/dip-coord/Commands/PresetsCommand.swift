// dip-coord presets: what can be said to --preset.

import ArgumentParser
import Dashboard
import DeepImagePrior

struct PresetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "presets",
        abstract: "List what --preset knows, and what it costs.",
        discussion: """
            Arithmetic is that of all iterations on an RGB image, overlaps of tiles and all fits \
            of a tile included, per megapixel of the image. A worker on one core computes 20 to \
            80 GFLOP/s (dip-bench step): 100 TFLOP are about an hour on one core at 28.

            Examples:
              dip-coord presets --show balanced > mine.json
              dip-coord presets mine.json         what it costs after you have changed it
              dip-coord big.tif --preset mine.json
            """)

    @Argument(
        help: ArgumentHelp("Presets of your own, to be listed instead.", valueName: "file.json"),
        completion: .file(extensions: ["json"]))
    var files: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            Print a preset as JSON, to start one of your own from. A file of yours may hold any of \
            the fields; "base" names the preset that has the others.
            """, valueName: "name"),
        completion: .presets)
    var show: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            What presets are to enlarge so many times: 2, 3, 4 or 8. (default: what they are for \
            all else)
            """, valueName: "number"),
        completion: .list(FitConfiguration.upscalingFactors.map(String.init)))
    var factor: Int?

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        try TaskOptions.check(factor: factor)
        guard show == nil || (files.isEmpty && !json) else {
            throw ValidationError("--show prints one preset; it stands alone")
        }
    }

    /// Lengths in pixels.
    private struct Row: Encodable {
        let name: String
        let purpose: String?
        let isDefault: Bool
        let channels: [Int]
        let tile, overlap, iterations, restarts: Int
        /// Floating-point operations per megapixel of an RGB image.
        let operationsPerMegapixel: Double

        init(_ preset: Preset) throws {
            name = preset.name
            purpose = preset.purpose
            isDefault = preset.name == NetworkPreset.balanced.rawValue
            channels = preset.configuration.downChannels
            tile = preset.tiling.tile
            overlap = preset.tiling.overlap
            iterations = preset.configuration.iterations
            restarts = preset.restarts
            operationsPerMegapixel = try preset.operationsPerPixel(bands: 3) * 1e6
        }
    }

    private struct List: Encodable {
        let presets: [Row]
    }

    func run() throws {
        if let show {
            return try StandardStream.printResult(
                try Preset(asked: show, factor: factor ?? 1).fileText)
        }
        let presets =
            files.isEmpty
            ? NetworkPreset.allCases.map { Preset($0, factor: factor ?? 1) }
            : try files.map { file in try Preset(asked: file, factor: factor ?? 1) }
        let rows = try presets.map { preset in try Row(preset) }
        if json {
            let line = try Text.json(List(presets: rows), indented: false)
            try StandardStream.printResult(String(decoding: line, as: UTF8.self) + "\n")
        } else {
            try StandardStream.printResult(Self.table(rows))
        }
    }

    private static func table(_ rows: [Row]) -> String {
        let head = [
            "preset", "channels", "tile", "overlap", "iterations", "fits", "TFLOP/Mpx", "for",
        ]
        let lines = rows.map { row in
            [
                row.name, channels(row.channels), "\(row.tile)", "\(row.overlap)",
                "\(row.iterations)", "\(row.restarts)",
                Text.fixed(row.operationsPerMegapixel / 1e12, 0),
                row.purpose ?? "a preset of your own",
            ]
        }
        let widths = head.indices.map { column in
            ([head] + lines).map { $0[column].count }.max() ?? 0
        }
        return ([head] + lines).map { cells in
            zip(cells.dropLast(), widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count + 2)
            }.joined() + (cells.last ?? "") + "\n"
        }.joined()
    }

    /// 128 x 5, or 16 32 64.
    private static func channels(_ channels: [Int]) -> String {
        guard let first = channels.first, channels.count > 1,
            channels.allSatisfy({ $0 == first })
        else { return channels.map(String.init).joined(separator: " ") }
        return "\(first) x \(channels.count)"
    }
}
