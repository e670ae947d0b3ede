import NeuralNetwork
import Testing

@testable import DeepImagePrior

struct PresetTests {
    @Test(arguments: NetworkPreset.allCases)
    func `a preset is valid, fits its tile, and is found by its name`(named: NetworkPreset) throws {
        let preset = Preset(named)
        try preset.configuration.validate()
        try preset.tiling.validate()
        #expect(preset.name == named.rawValue)
        #expect(try Preset(named: named.rawValue) == preset)
        #expect(try Preset(nameOrFile: named.rawValue) == preset)
        #expect(preset.configuration == FitConfiguration(preset: named))
        #expect(preset.tiling.tile % preset.configuration.alignment == 0)
        #expect(preset.tiling.tile >= preset.configuration.minimumSide)
        #expect(preset.purpose?.isEmpty == false)
    }

    @Test(arguments: [
        (NetworkPreset.fast, 5, 64), (.balanced, 5, 64), (.best, 5, 64), (.thin, 5, 64),
        (.paper, 5, 64), (.paperInpaintText, 5, 64), (.paperHole, 6, 192), (.paperHalf, 5, 64),
        (.paperUpscale, 5, 64), (.paperDejpeg, 5, 64), (.paperGuided, 5, 64),
    ])
    func `a preset has its levels and least side`(
        preset: NetworkPreset, levels: Int, least: Int
    ) {
        let configuration = FitConfiguration(preset: preset)
        #expect(configuration.levels == levels)
        #expect(configuration.alignment == 1 << levels)
        #expect(configuration.minimumSide == least)
    }

    @Test(arguments: [
        (NetworkPreset.fast, [16, 16, 16, 16, 16], 128, 32, 800),
        (.balanced, [16, 16, 16, 16, 16], 128, 32, 800),
        (.best, [16, 16, 16, 16, 16], 128, 32, 800),
        (.thin, [16, 32, 64, 128, 128], 256, 32, 1800),
        (.paper, [128, 128, 128, 128, 128], 256, 32, 1800),
        (.paperHalf, [128, 128, 128, 128, 128], 256, 32, 11000),
    ])
    func `a preset has its channels, tile, overlap and iterations`(
        named: NetworkPreset, channels: [Int], tile: Int, overlap: Int, iterations: Int
    ) {
        let preset = Preset(named)
        #expect(preset.configuration.downChannels == channels)
        #expect(preset.configuration.upChannels == channels)
        #expect(preset.tiling == Preset.Tiling(tile: tile, overlap: overlap))
        #expect(preset.configuration.iterations == iterations)
    }

    @Test(arguments: [
        (NetworkPreset.fast, 16, 128, 800, 1), (.balanced, 32, 192, 1200, 1),
        (.best, 32, 192, 1200, 4),
    ])
    func `to enlarge, our presets have networks and tiles of their own`(
        named: NetworkPreset, channels: Int, tile: Int, iterations: Int, fits: Int
    ) throws {
        let preset = Preset(named, factor: 4)
        try preset.configuration.validate()
        #expect(preset.configuration.downChannels == [Int](repeating: channels, count: 5))
        #expect(preset.configuration.input == .coarse)
        #expect(preset.tiling == Preset.Tiling(tile: tile, overlap: 32))
        #expect(preset.configuration.iterations == iterations && preset.restarts == fits)
        let file = #"{"base": "\#(named.rawValue)", "seed": 3}"#
        let read = try Preset(json: file, name: "a.json", factor: 4)
        #expect(read.tiling == preset.tiling && read.configuration.factor == 4)
    }

    /// GFLOP of an iteration on a tile of 256x256 pixels, computed from the notebooks' networks.
    @Test(arguments: [
        (NetworkPreset.paper, 116.0), (.paperHalf, 116), (.paperInpaintText, 195),
        (.paperHole, 10.5), (.paperUpscale, 116), (.paperDejpeg, 2.6), (.paperGuided, 116),
    ])
    func `the published networks take the arithmetic that theirs take`(
        preset: NetworkPreset, billions: Double
    ) throws {
        let operations = try Fit.operationsPerIteration(
            FitConfiguration(preset: preset), height: 256, width: 256, bands: 3)
        #expect(abs(operations / billions / 1e9 - 1) < 0.01, "\(operations)")
    }

    @Test func `the cost of a pixel counts iterations and overlaps`() throws {
        var preset = Preset(.paper)
        // 1.774 MFLOP a pixel and iteration; of a side of 256 pixels, 224 are a tile's own.
        let expected = 1.774e6 * 1800 * 256 * 256 / (224 * 224)
        #expect(abs(try preset.operationsPerPixel(bands: 3) / expected - 1) < 0.01)
        preset.tiling = Preset.Tiling(tile: 280, overlap: 0)
        preset.configuration.iterations = 1
        #expect(abs(try preset.operationsPerPixel(bands: 3) / 1.774e6 - 1) < 0.01)
    }

    @Test(arguments: [(NetworkPreset.fast, 1), (.balanced, 2), (.best, 4)])
    func `our presets differ in how many fits a tile has`(named: NetworkPreset, fits: Int) throws {
        let (preset, single) = (Preset(named), Preset(.fast))
        #expect(preset.restarts == fits && preset.configuration == single.configuration)
        let cost = try preset.operationsPerPixel(bands: 3)
        #expect(try cost == Double(fits) * single.operationsPerPixel(bands: 3))
    }

    @Test(arguments: ["0", "33", "1.5", "\"2\"", "-1"])
    func `a preset with another number of restarts is none`(value: String) throws {
        #expect(throws: FitError.self) {
            try Preset(json: "{\"restarts\": \(value)}", name: "mine.json")
        }
        #expect(try Preset(json: "{\"restarts\": 32}", name: "mine.json").restarts == 32)
    }

    @Test(arguments: NetworkPreset.allCases)
    func `a preset comes back from the file that it is shown as`(named: NetworkPreset) throws {
        let preset = Preset(named)
        var read = try Preset(json: preset.fileText, name: "mine.json")
        #expect(read.name == "mine.json")
        #expect(read.purpose == nil && read.ownFields.contains("iterations") != read.isOurs)
        (read.name, read.ownFields) = (preset.name, [])
        #expect(read == preset)
        for line in preset.fileText.split(separator: "\n").dropFirst().dropLast() {
            #expect(line.hasPrefix("  \""), "\(line)")
        }
    }

    @Test func `a file's fields go over those of its base`() throws {
        let preset = try Preset(
            json: """
                {"base": "paper-hole", "tile": 320, "overlap": 48, "learningRate": 0.002,
                 "skipChannels": [0, 0, 0, 4, 4, 4], "seed": 18446744073709551615,
                 "padding": "zero", "precision": "bfloat16", "dataTerm": "l1"}
                """, name: "a.json")
        var expected = Preset(.paperHole)
        (expected.name, expected.ownFields) = ("a.json", preset.ownFields)
        expected.tiling = Preset.Tiling(tile: 320, overlap: 48)
        expected.configuration.learningRate = 0.002
        expected.configuration.skipChannels = [0, 0, 0, 4, 4, 4]
        expected.configuration.seed = .max
        expected.configuration.padding = .zero
        expected.configuration.dataTerm = .l1
        expected.configuration.precision = .bfloat16
        #expect(preset == expected)
        var empty = try Preset(json: "{}", name: "balanced")
        #expect(empty == Preset(.balanced))
        empty = try Preset(json: #"{"overlap": 0}"#, name: "balanced")
        #expect(empty.tiling == Preset.Tiling(tile: 128, overlap: 0))
    }

    /// restoration.ipynb, "kate" with 2 % of the pixels.
    @Test func `the network for sparse pixels can be had by a file`() throws {
        let preset = try Preset(
            json: """
                {"base": "thin", "skipChannels": [0, 0, 0, 0, 0], "downsampling": "avg",
                 "inputNoiseDeviation": 0, "iterations": 1000}
                """, name: "sparse.json")
        #expect(preset.configuration.downsampling == .average)
        let network = try preset.configuration.network(bands: 3).describe(height: 64, width: 64)
        let count = try Network.parameterCount(of: network)
        #expect(abs(Double(count) / 1.03e6 - 1) < 0.01, "\(count)")
        let fit = try Fit(
            problem: .tile(64, 64), configuration: preset.configuration)
        let losses = try (0..<30).map { _ in try fit.step().loss }
        #expect((losses.last ?? 1) < losses[0] / 2, "\(losses)")
    }

    @Test(arguments: [
        (#"{"warmUp": 3}"#, "warmUp"), (#"{"task": "denoise"}"#, "task"),
        (#"{"iterations": "many"}"#, "iterations"), (#"{"iterations": 0}"#, "iterations"),
        (#"{"iterations": 1.5}"#, "iterations"), (#"{"iterations": null}"#, "iterations"),
        (#"{"learningRate": 2}"#, "learningRate"), (#"{"learningRate": -1e400}"#, ""),
        (#"{"seed": -1}"#, "seed"), (#"{"hasSigmoid": 1}"#, "hasSigmoid"),
        (#"{"downChannels": [16, 32]}"#, "upChannels"), (#"{"upChannels": 16}"#, "upChannels"),
        (#"{"skipChannels": [4, 4, 4, 4, 4096]}"#, "skipChannels"),
        (#"{"filterUp": [3, 3, 4, 3, 3]}"#, "filterUp"),
        (#"{"filterDown": [3, 3, 3, 3]}"#, "filterDown"),
        (#"{"upsampling": ["cubic", "nearest", "nearest", "nearest", "nearest"]}"#, "upsampling"),
        (#"{"downsampling": "max"}"#, "downsampling"), (#"{"padding": "mirror"}"#, "padding"),
        (#"{"inputChannels": 0}"#, "inputChannels"),
        (#"{"inputScale": 0}"#, "inputScale"), (#"{"averageDecay": 1}"#, "averageDecay"),
        (#"{"inputNoiseDeviation": -1}"#, "inputNoiseDeviation"),
        (#"{"dataTerm": "cubed"}"#, "dataTerm"), (#"{"noiseModel": 1}"#, "noiseModel"),
        (#"{"photonScale": 3}"#, "photonScale"), (#"{"photonOffset": 3}"#, "--counts-per-value"),
        (#"{"totalVariationWeight": -1}"#, "totalVariationWeight"),
        (#"{"base": "thick"}"#, "thick"), (#"{"base": 3}"#, "base"),
        (#"{"base": "a.json"}"#, "base"),
        (#"{"tile": 63}"#, "tile"), (#"{"tile": 8193}"#, "tile"), (#"{"tile": 99.5}"#, "tile"),
        (#"{"tile": "large"}"#, "tile"), (#"{"overlap": -1}"#, "overlap"),
        (#"{"overlap": 192}"#, "overlap"), (#"{"overlap": true}"#, "overlap"),
        ("", ""), ("[]", ""), ("3", ""), ("{", ""), ("\u{0}", ""), (#"{"iterations" 3}"#, ""),
    ])
    func `a file that makes no sense is refused, naming file and field`(
        json: String, field: String
    ) throws {
        let error = try #require(throws: FitError.self) {
            try Preset(json: json, name: "my/mine.json")
        }
        #expect(error.description.hasPrefix("my/mine.json: "), "\(error)")
        #expect(error.description.contains(field), "\(error)")
        guard case .invalid = error else {
            Issue.record("\(error)")
            return
        }
    }

    @Test func `a name that no preset has is refused with those that there are`() throws {
        let error = try #require(throws: FitError.self) { try Preset(nameOrFile: "thick") }
        for word in ["thick", ".json"] + NetworkPreset.allCases.map(\.rawValue) {
            #expect(error.description.contains(word), "\(word): \(error)")
        }
    }

    @Test func `a file that cannot be read is named`() throws {
        for path in ["/none/mine.json", "/dev/../dev/zero/x.json"] {
            let error = try #require(throws: FitError.self) { try Preset(nameOrFile: path) }
            #expect(error.description.contains(path), "\(error)")
        }
    }
}
