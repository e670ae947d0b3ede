import DeepImagePrior
import Foundation
import NeuralNetwork
import Testing

struct FitConfigurationTests {
    /// Every field differs from its default.
    private static let unusual: FitConfiguration = .tiny {
        $0.filterDown = [5, 1]
        $0.filterUp = [7, 3]
        $0.upsampling = [.nearest, .bilinear]
        $0.downsampling = .average
        $0.padding = .zero
        $0.hasOneByOneUp = false
        $0.hasSigmoid = false
        $0.inputScale = 1.0 / 3
        $0.inputNoiseDeviation = 0
        $0.dataTerm = .huber
        $0.huberThreshold = 1e-9
        $0.noiseModel = .poisson
        $0.photonScale = 1e15
        $0.photonOffset = -1e15
        $0.totalVariationWeight = 1000
        $0.iterations = 1_000_000
        $0.learningRate = 1e-7
        $0.averageDecay = 0.123456789012345
        $0.averagesEvenlyAtFirst = true
        $0.input = .coarse
        $0.coarseBlock = 64
        $0.coarseScale = 1e-3
        $0.maskedShare = 0
        $0.maskedScale = 10
        $0.masksPixels = true
        $0.maskedRadius = 2
        $0.detailNoise = [0.02, 0.1]
        $0.gradientNormMaximum = 1e300
        $0.collapseDecibels = .leastNonzeroMagnitude
        $0.snapshotInterval = .max
        $0.rollBacksMaximum = 0
        $0.seed = .max
    }

    private func fields(_ configuration: FitConfiguration) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(configuration.json.utf8))
        return try #require(object as? [String: Any])
    }

    private func text(_ fields: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
    }

    @Test func `a configuration survives the way through JSON`() throws {
        for configuration in [
            FitConfiguration(preset: .paper), FitConfiguration(preset: .thin), .tiny(),
            Self.unusual,
        ] {
            let read = try FitConfiguration(json: configuration.json)
            #expect(read == configuration)
            #expect(read.json == configuration.json)
        }
    }

    @Test func `equal configurations have equal texts, one line of sorted keys`() throws {
        let text = Self.unusual.json
        #expect(!text.contains("\n"))
        let keys = try fields(Self.unusual).keys.sorted()
        let places = try keys.map { try #require(text.range(of: "\"\($0)\":")).lowerBound }
        #expect(places == places.sorted())
        #expect(keys.count > 20)
        var other = FitConfiguration(preset: .thin)
        other.seed = 1
        #expect(other.json != FitConfiguration(preset: .thin).json)
        other.seed = 0
        #expect(other.json == FitConfiguration(preset: .thin).json)
    }

    @Test func `a field that is not known is refused by name`() throws {
        var fields = try fields(.tiny())
        fields["warmUp"] = 3
        let json = try text(fields)
        #expect(throws: FitError.self) { try FitConfiguration(json: json) }
        do {
            _ = try FitConfiguration(json: json)
        } catch {
            #expect(error.description.contains("\"warmUp\""))
        }
    }

    @Test func `a field that is missing or of another kind is refused by name`() throws {
        let fields = try fields(.tiny())
        for name in fields.keys.sorted() {
            var missing = fields
            missing[name] = nil
            var other = fields
            other[name] = ["nothing": "of the kind"]
            var null = fields
            null[name] = NSNull()
            for (what, changed) in [("missing", missing), ("other", other), ("null", null)] {
                let json = try text(changed)
                do {
                    _ = try FitConfiguration(json: json)
                    Issue.record("\(name) \(what) was accepted")
                } catch {
                    #expect(error.description.contains(name), "\(what): \(error)")
                }
            }
        }
    }

    @Test func `text that is no configuration is refused`() {
        let broken = [
            "", "{", "[]", "null", "3", "\"thin\"", "{}", "{\"seed\":0}", "\u{0}",
            FitConfiguration.tiny().json + "x", String(FitConfiguration.tiny().json.dropLast()),
            FitConfiguration.tiny().json.replacing("denoise", with: "levitate"),
            FitConfiguration.tiny().json.replacing("bilinear", with: "cubic"),
            FitConfiguration.tiny().json.replacing("\"seed\":0", with: "\"seed\":-1"),
            FitConfiguration.tiny().json.replacing("\"seed\":0", with: "\"seed\":0.5"),
        ]
        for json in broken {
            #expect(throws: FitError.self, "\(json.prefix(40))") {
                try FitConfiguration(json: json)
            }
        }
    }

    private typealias Change = (inout FitConfiguration) -> Void

    @Test func `what is out of its range is refused with a sentence, also as JSON`() {
        let changes: [(String, Change)] = [
            (
                "no level",
                { $0 = FitConfiguration(downChannels: [], upChannels: [], skipChannels: []) }
            ),
            (
                "nine levels",
                {
                    let nine = [Int](repeating: 8, count: 9)
                    $0 = FitConfiguration(downChannels: nine, upChannels: nine, skipChannels: nine)
                }
            ),
            ("short list", { $0.upChannels = [8] }),
            ("long list", { $0.skipChannels = [4, 4, 4] }),
            ("filters", { $0.filterDown = [3] }), ("filters up", { $0.filterUp = [] }),
            ("upsampling", { $0.upsampling = [.nearest] }),
            ("channels 0", { $0.downChannels[1] = 0 }), ("channels", { $0.upChannels[0] = 1025 }),
            ("skip", { $0.skipChannels[0] = -1 }), ("skip 1025", { $0.skipChannels[1] = 1025 }),
            ("even filter", { $0.filterDown[0] = 4 }), ("filter 13", { $0.filterUp[1] = 13 }),
            ("filter -1", { $0.filterUp[1] = -1 }), ("inputs", { $0.inputChannels = 0 }),
            ("many inputs", { $0.inputChannels = 1025 }), ("block 0", { $0.coarseBlock = 0 }),
            ("block 65", { $0.coarseBlock = 65 }), ("coarse 0", { $0.coarseScale = 0 }),
            ("coarse 11", { $0.coarseScale = 11 }), ("share", { $0.maskedShare = 0.91 }),
            ("no share", { $0.maskedShare = -0.1 }), ("radius", { $0.maskedRadius = 9 }),
            ("radius -1", { $0.maskedRadius = -1 }), ("detail", { $0.detailNoise = [0.1, -0.1] }),
            ("masked 0", { $0.maskedScale = 0 }),
            ("masked 11", { $0.maskedScale = 11 }), ("scale", { $0.inputScale = 0 }),
            ("negative scale", { $0.inputScale = -1 }), ("iterations", { $0.iterations = 0 }),
            ("noise", { $0.inputNoiseDeviation = -0.1 }), ("rate", { $0.learningRate = 0 }),
            ("many iterations", { $0.iterations = 1_000_001 }), ("decay", { $0.averageDecay = 1 }),
            ("large rate", { $0.learningRate = 1.01 }), ("norm", { $0.gradientNormMaximum = 0 }),
            ("negative decay", { $0.averageDecay = -0.1 }), ("dB", { $0.collapseDecibels = 0 }),
            ("huber", { $0.huberThreshold = 0 }), ("huber 2", { $0.huberThreshold = 2 }),
            ("variation", { $0.totalVariationWeight = -1 }), ("counts", { $0.photonScale = 0 }),
            ("many counts", { $0.photonScale = 1e16 }), ("offset", { $0.photonOffset = 1e16 }),
            ("interval", { $0.snapshotInterval = 0 }), ("roll-backs", { $0.rollBacksMaximum = -1 }),
            ("many roll-backs", { $0.rollBacksMaximum = 1001 }),
        ]
        for (what, change) in changes {
            var configuration = FitConfiguration.tiny()
            change(&configuration)
            expectRefused(what) { () throws(FitError) in try configuration.validate() }
            let json = configuration.json
            expectRefused(what) { () throws(FitError) in _ = try FitConfiguration(json: json) }
            expectRefused(what) { () throws(FitError) in
                _ = try Fit(problem: .tile(), configuration: configuration)
            }
        }
    }

    @Test func `numbers that are none are refused`() {
        let fields: [(String, WritableKeyPath<FitConfiguration, Double>)] = [
            ("inputScale", \.inputScale), ("inputNoiseDeviation", \.inputNoiseDeviation),
            ("learningRate", \.learningRate), ("averageDecay", \.averageDecay),
            ("gradientNormMaximum", \.gradientNormMaximum),
            ("collapseDecibels", \.collapseDecibels), ("huberThreshold", \.huberThreshold),
            ("totalVariationWeight", \.totalVariationWeight), ("photonScale", \.photonScale),
            ("photonOffset", \.photonOffset),
        ]
        for (name, field) in fields {
            for value in [Double.nan, -.infinity] {
                var configuration = FitConfiguration.tiny()
                configuration[keyPath: field] = value
                expectRefused("\(name) \(value)") { () throws(FitError) in
                    try configuration.validate()
                }
            }
        }
    }

    private func expectRefused(_ what: String, _ body: () throws(FitError) -> Void) {
        do throws(FitError) {
            try body()
            Issue.record("\(what) was accepted")
        } catch .invalid(let sentence) {
            #expect(sentence.count > 20 && sentence.contains(" "), "\(what): \(sentence)")
        } catch {
            Issue.record("\(what): \(error)")
        }
    }

    @Test func `the ends of the ranges are accepted`() throws {
        try Self.unusual.validate()
        let eight = [Int](repeating: 1, count: 8)
        var configuration = FitConfiguration(
            downChannels: eight, upChannels: eight, skipChannels: eight)
        configuration.filterDown[0] = 11
        configuration.iterations = 1
        configuration.snapshotInterval = 1
        configuration.learningRate = 1
        configuration.averageDecay = 0
        configuration.rollBacksMaximum = 1000
        configuration.inputChannels = 1024
        try configuration.validate()
    }

    @Test func `enlarging takes the published numbers of its factor`() throws {
        let eight = FitConfiguration(preset: .paperUpscale, factor: 8)
        #expect(eight.inputNoiseDeviation == 0.05 && eight.iterations == 4000)
        #expect(FitConfiguration(preset: .paperUpscale, factor: 4).iterations == 2000)
    }

    @Test func `the least side is a side that can be fitted`() throws {
        for seed in 0..<200 {
            var random = SmallGenerator(seed: seed)
            let levels = random.pick(1...5)
            let channels = (0..<levels).map { _ in random.pick(1...4) }
            var configuration = FitConfiguration(
                downChannels: channels, upChannels: channels, skipChannels: channels)
            configuration.filterDown = channels.map { _ in 2 * random.pick(0...5) + 1 }
            configuration.filterUp = channels.map { _ in 2 * random.pick(0...5) + 1 }
            configuration.padding = random.pick(0...1) == 0 ? .zero : .reflection
            let side = configuration.minimumSide
            #expect(side % configuration.alignment == 0)
            #expect(throws: Never.self, "seed \(seed), side \(side)") {
                try Fit.memoryByteCount(configuration, height: side, width: side, bands: 1)
            }
        }
    }
}
