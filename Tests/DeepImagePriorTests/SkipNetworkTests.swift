import DeepImagePrior
import NeuralNetwork
import Testing

struct SkipNetworkTests {
    private func configuration(
        _ channels: [Int], skip: [Int], inputs: Int, outputs: Int = 3, filterDown: Int = 3,
        upsampling: Upsampling = .bilinear, padding: Padding = .reflection,
        hasOneByOneUp: Bool = true
    ) -> SkipNetworkConfiguration {
        let levels = channels.count
        return SkipNetworkConfiguration(
            inputChannels: inputs, outputChannels: outputs, down: channels, up: channels,
            skip: skip, filterDown: [Int](repeating: filterDown, count: levels),
            filterUp: [Int](repeating: 3, count: levels),
            upsampling: [Upsampling](repeating: upsampling, count: levels), padding: padding,
            hasSigmoid: true, hasOneByOneUp: hasOneByOneUp)
    }

    private func parameterCount(_ configuration: SkipNetworkConfiguration) throws -> Int {
        let side = 4 << configuration.levels
        let network = try Network(
            configuration.describe(height: side, width: side), kernels: .forThisMachine())
        return network.layout.parameters.map(\.count).reduce(0, +)
    }

    @Test func `networks have as many parameters as the published ones`() throws {
        let wide = [Int](repeating: 128, count: 5)
        let four = [Int](repeating: 4, count: 5)
        let none = [Int](repeating: 0, count: 5)
        let published = [
            ("default", configuration(wide, skip: four, inputs: 32), 2_217_831),
            ("gray", configuration(wide, skip: four, inputs: 32, outputs: 1), 2_217_573),
            (
                "snail", configuration([8, 16, 32, 64, 128], skip: [0, 0, 0, 4, 4], inputs: 3),
                572_827
            ),
            ("kate", configuration(wide, skip: wide, inputs: 32, upsampling: .nearest), 3_002_627),
            ("vase", configuration(wide, skip: none, inputs: 2, upsampling: .nearest), 2_157_955),
            (
                "library",
                configuration(
                    [16, 32, 64, 128, 128, 128], skip: [0, 0, 0, 0, 0, 0], inputs: 1,
                    filterDown: 5, upsampling: .nearest, hasOneByOneUp: false), 2_996_467
            ),
        ]
        for (name, configuration, count) in published {
            #expect(try parameterCount(configuration) == count, "\(name)")
        }
    }

    @Test func `an iteration of the paper's network costs 1.774 MFLOP a pixel`() throws {
        for (height, width) in [(64, 64), (256, 192)] {
            let operations = try Fit.operationsPerIteration(
                FitConfiguration(preset: .paper), height: height, width: width, bands: 3)
            let perPixel = operations / Double(height * width) / 1e6
            #expect(abs(perPixel - 1.774) < 0.001, "\(height)x\(width)")
        }
        let thin = try Fit.operationsPerIteration(
            FitConfiguration(preset: .thin), height: 64, width: 64, bands: 3)
        let paper = try Fit.operationsPerIteration(
            FitConfiguration(preset: .paper), height: 64, width: 64, bands: 3)
        #expect((12...14).contains(paper / thin), "the preset's comment says a thirteenth")
    }

    @Test func `sizes that do not fit are refused with a sentence`() throws {
        let three = configuration([8, 8, 8], skip: [4, 0, 4], inputs: 3)
        _ = try three.describe(height: 16, width: 24)
        for (height, width) in [(17, 16), (16, 20), (4, 16), (8, 8), (8, 64), (1, 1)] {
            #expect(throws: NetworkError.self, "\(height)x\(width)") {
                try three.describe(height: height, width: width)
            }
        }
        // Zero padding reflects nothing: one pixel at the deepest level will do.
        let zero = configuration([8, 8, 8], skip: [4, 0, 4], inputs: 3, padding: .zero)
        _ = try zero.describe(height: 8, width: 8)
        do {
            _ = try three.describe(height: 20, width: 16)
            Issue.record("20 is no multiple of 8")
        } catch {
            #expect(error.description.contains("20x16") && error.description.contains("8"))
        }
    }

    @Test func `lists of different lengths, even kernels and no channels are refused`() {
        var changes: [(String, (inout SkipNetworkConfiguration) -> Void)] = []
        changes.append(("up", { $0.up = [8] }))
        changes.append(("skip", { $0.skip = [] }))
        changes.append(("filterDown", { $0.filterDown = [3, 3, 3] }))
        changes.append(("filterUp", { $0.filterUp = [3] }))
        changes.append(("upsampling", { $0.upsampling = [.nearest] }))
        changes.append(("no level", { $0.down = [] }))
        changes.append(("even kernel", { $0.filterDown = [3, 4] }))
        changes.append(("kernel 0", { $0.filterUp = [0, 3] }))
        changes.append(("no channels", { $0.down = [8, 0] }))
        changes.append(("no output", { $0.outputChannels = 0 }))
        for (what, change) in changes {
            var changed = configuration([8, 8], skip: [4, 4], inputs: 3)
            change(&changed)
            #expect(throws: NetworkError.self, "\(what)") {
                try changed.describe(height: 16, width: 16)
            }
        }
    }

    @Test func `the output has the size of the input and every feature has its name`() throws {
        let network = try Network(
            configuration([8, 8], skip: [4, 0], inputs: 5, outputs: 1).describe(
                height: 24, width: 16), kernels: .forThisMachine())
        #expect(network.inputShape == Shape(height: 24, width: 16, channels: 5))
        #expect(network.outputShape == Shape(height: 24, width: 16, channels: 1))
        let names = Set(network.layout.parameters.map(\.name))
        for part in ["level0.skip.conv", "level1.down.norm", "level1.concat.norm", "output.conv"] {
            #expect(names.contains("\(part).weight") && names.contains("\(part).bias"), "\(part)")
        }
        #expect(!names.contains("level1.skip.conv.weight"))
        #expect(names.count == network.layout.parameters.count)
    }
}
