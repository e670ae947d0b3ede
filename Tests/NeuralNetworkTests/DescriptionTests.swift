import NeuralNetwork
import Testing

/// Descriptions that make no network, refused with a sentence while they are written or compiled.
struct DescriptionTests {
    private typealias Feature = NetworkDescription.Feature

    private func describe(
        _ build: (inout NetworkDescription) throws -> Feature
    ) throws -> NetworkDescription {
        var network = NetworkDescription(input: Shape(height: 6, width: 8, channels: 3))
        let end = try build(&network)
        try network.finish(with: end, sigmoid: false)
        return network
    }

    private func expectRefused(
        _ what: String, _ build: (inout NetworkDescription) throws -> Feature
    ) throws {
        do {
            let description = try describe(build)
            _ = try Network(description, kernels: .forThisMachine())
            Issue.record("\(what) was accepted")
        } catch NetworkError.invalid(let sentence) {
            #expect(sentence.count > 10 && sentence.contains(" "), "\(what): \(sentence)")
        }
    }

    private func output(
        of feature: Feature, in network: inout NetworkDescription
    ) throws -> Feature {
        try network.convolution(
            "output", of: feature, outputChannels: 3, kernel: 1, padding: .zero)
    }

    @Test func `convolutions of impossible sizes are refused`() throws {
        for (kernel, stride, channels) in [(2, 1, 4), (0, 1, 4), (-1, 1, 4), (3, 0, 4), (3, 1, 0)] {
            try expectRefused("kernel \(kernel), stride \(stride), \(channels) channels") {
                try $0.convolution(
                    "a", of: $0.input, outputChannels: channels, kernel: kernel, stride: stride,
                    padding: .zero)
            }
        }
        try expectRefused("a reflection wider than the image") {
            try $0.convolution(
                "a", of: $0.input, outputChannels: 2, kernel: 13, padding: .reflection)
        }
    }

    @Test func `a network without an end is refused, and so is one that ends elsewhere`() throws {
        var network = NetworkDescription(input: Shape(height: 4, width: 4, channels: 1))
        #expect(throws: NetworkError.self) {
            try Network(network, kernels: .forThisMachine())
        }
        #expect(throws: NetworkError.self) { try Network.memoryByteCount(of: network) }
        #expect(throws: NetworkError.self) { try Network.parameterCount(of: network) }
        #expect(throws: NetworkError.self) {
            try network.finish(with: network.input, sigmoid: true)
        }
        try expectRefused("ends with an activation") {
            try LayerCases.block("a", of: $0.input, 3, in: &$0)
        }
        try expectRefused("ends with an enlarged feature") {
            try $0.upsampled(output(of: $0.input, in: &$0), by: .nearest)
        }
        try expectRefused("ends with the first of two") {
            let first = try output(of: $0.input, in: &$0)
            _ = try $0.convolution(
                "b", of: $0.input, outputChannels: 2, kernel: 1, padding: .zero)
            return first
        }
    }

    @Test func `features that cannot be seen in that way are refused`() throws {
        try expectRefused("sizes differ") {
            let small = try LayerCases.block("a", of: $0.input, 2, stride: 2, in: &$0)
            return try output(of: $0.concatenated($0.input, small), in: &$0)
        }
        try expectRefused("three side by side") {
            let a = try LayerCases.block("a", of: $0.input, 2, in: &$0)
            let both = try $0.concatenated($0.input, a)
            return try output(of: $0.concatenated(both, a), in: &$0)
        }
        try expectRefused("enlarged twice") {
            let a = try LayerCases.block("a", of: $0.input, 2, in: &$0)
            let large = try $0.upsampled($0.upsampled(a, by: .nearest), by: .nearest)
            return try output(of: large, in: &$0)
        }
        try expectRefused("a join enlarged") {
            let a = try LayerCases.block("a", of: $0.input, 2, in: &$0)
            return try output(
                of: $0.upsampled($0.concatenated(a, a), by: .bilinear), in: &$0)
        }
        try expectRefused("an activated join") {
            let a = try LayerCases.block("a", of: $0.input, 2, in: &$0)
            let join = try $0.normalization("n", of: $0.concatenated(a, a), slope: 0.2)
            return try output(of: join, in: &$0)
        }
        try expectRefused("a join normalized twice") {
            let a = try LayerCases.block("a", of: $0.input, 2, in: &$0)
            let join = try $0.normalization("n", of: $0.concatenated(a, a))
            return try output(of: $0.normalization("m", of: join), in: &$0)
        }
    }

    @Test func `what the engine would compute wrongly is refused`() throws {
        try expectRefused("a convolution that is not normalized") {
            let raw = try $0.convolution(
                "a", of: $0.input, outputChannels: 2, kernel: 1, padding: .zero)
            return try output(of: raw, in: &$0)
        }
        try expectRefused("a convolution normalized in two ways") {
            let raw = try $0.convolution(
                "a", of: $0.input, outputChannels: 2, kernel: 1, padding: .zero)
            let one = try $0.normalization("one", of: raw)
            let two = try $0.normalization("two", of: raw)
            return try output(of: $0.concatenated(one, two), in: &$0)
        }
        try expectRefused("a convolution with two slopes") {
            let raw = try $0.convolution(
                "a", of: $0.input, outputChannels: 2, kernel: 1, padding: .zero)
            let one = try $0.normalization("one", of: raw, slope: 0.2)
            let two = try $0.normalization("two", of: raw, slope: 0.1)
            return try output(of: $0.concatenated(one, two), in: &$0)
        }
        try expectRefused("a convolution that nothing reads") {
            _ = try LayerCases.block("a", of: $0.input, 2, in: &$0)
            return try output(of: $0.input, in: &$0)
        }
        try expectRefused("a normalized join that two layers read") {
            let a = try LayerCases.block("a", of: $0.input, 2, in: &$0)
            let join = try $0.normalization("n", of: $0.concatenated(a, a))
            let left = try LayerCases.block("left", of: join, 2, in: &$0)
            let right = try LayerCases.block("right", of: join, 2, in: &$0)
            return try output(of: $0.concatenated(left, right), in: &$0)
        }
        try expectRefused("the input, normalized") {
            let input = try $0.normalization("n", of: $0.input)
            let a = try LayerCases.block("a", of: input, 2, in: &$0)
            return try output(of: a, in: &$0)
        }
    }
}
