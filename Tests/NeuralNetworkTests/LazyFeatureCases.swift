// Cases of what may be pending on a feature, and of features with several readers.

import NeuralNetwork

extension LayerCases {
    private static func network(
        _ name: String, _ height: Int, _ width: Int, channels: Int = 3, sigmoid: Bool = false,
        build: @escaping LayerCase.Builder
    ) -> LayerCase {
        LayerCase(
            name: name, input: Shape(height: height, width: width, channels: channels),
            sigmoid: sigmoid, build: build)
    }

    private static func output(
        of feature: NetworkDescription.Feature, kernel: Int = 1, _ padding: Padding = .zero,
        bands: Int = 3, in network: inout NetworkDescription
    ) throws -> NetworkDescription.Feature {
        try network.convolution(
            "output", of: feature, outputChannels: bands, kernel: kernel, padding: padding)
    }

    /// What a consumer applies while it loads.
    static let lazyFeatures: [LayerCase] =
        [
            network("one convolution of the input, 5x4x3", 5, 4) { network in
                try output(of: network.input, kernel: 3, .reflection, in: &network)
            },
            network("one convolution and a sigmoid, 4x5x7", 4, 5, channels: 7, sigmoid: true) {
                network in try output(of: network.input, bands: 1, in: &network)
            },
            network("normalized without activation, 5x6", 5, 6) { network in
                let block = try block(
                    "a", of: network.input, 5, kernel: 3, .reflection, slope: 1, in: &network)
                return try output(of: block, kernel: 3, .reflection, in: &network)
            },
            network("slope 0 and then slope 0.01, 6x5", 6, 5) { network in
                let first = try block("a", of: network.input, 5, kernel: 3, slope: 0, in: &network)
                let second = try block("b", of: first, 4, kernel: 3, slope: 0.01, in: &network)
                return try output(of: second, in: &network)
            },
            network("the input and a block side by side, 5x6", 5, 6) { network in
                let block = try block("a", of: network.input, 4, kernel: 3, in: &network)
                let both = try network.concatenated(network.input, block)
                return try output(of: both, kernel: 3, .reflection, in: &network)
            },
            network("the input enlarged, 3x5", 3, 5) { network in
                let large = try network.upsampled(network.input, by: .bilinear)
                let block = try block("a", of: large, 4, kernel: 3, .reflection, in: &network)
                return try output(of: block, in: &network)
            },
        ] + Upsampling.allCases.flatMap(enlarged) + Upsampling.allCases.flatMap(joined)

    private static func enlarged(_ mode: Upsampling) -> [LayerCase] {
        [(1, 1), (1, 4), (3, 1), (5, 3)].flatMap { height, width in
            [1, 3].map { kernel in
                let name = "enlarged \(mode) from \(height)x\(width), kernel \(kernel)"
                let enlarged = network(name, height, width) { network in
                    let block = try block("a", of: network.input, 5, slope: 1, in: &network)
                    let large = try network.upsampled(block, by: mode)
                    return try output(of: large, kernel: kernel, .zero, in: &network)
                }
                return height * width == 1 ? single(enlarged) : enlarged
            }
        } + [
            network("enlarged \(mode), normalized as a whole, 4x3", 4, 3) { network in
                let raw = try block("a", of: network.input, 5, kernel: 3, in: &network)
                let large = try network.normalization(
                    "whole.norm", of: network.upsampled(raw, by: mode))
                let next = try block("b", of: large, 4, kernel: 3, .reflection, in: &network)
                return try output(of: next, in: &network)
            },
            network("enlarged \(mode) and read with stride 2, 4x3", 4, 3) { network in
                let small = try block("a", of: network.input, 5, in: &network)
                let large = try network.upsampled(small, by: mode)
                let next = try block(
                    "b", of: large, 4, kernel: 3, stride: 2, .reflection, in: &network)
                return try output(of: next, in: &network)
            },
        ]
    }

    /// Two parts side by side, normalized over both: the decoder's input of a skip network.
    private static func joined(_ mode: Upsampling) -> [LayerCase] {
        [(Padding.zero, 3), (.reflection, 3), (.reflection, 5), (.zero, 1)].map { padding, kernel in
            network(
                "4 channels and 7 enlarged \(mode), joined, kernel \(kernel) \(padding), 6x10", 6,
                10, sigmoid: true
            ) { network in
                let skip = try block("skip", of: network.input, 4, in: &network)
                let deep = try block(
                    "down", of: network.input, 7, kernel: 3, stride: 2, padding, in: &network)
                let join = try network.normalization(
                    "join.norm",
                    of: network.concatenated(skip, network.upsampled(deep, by: mode)))
                let next = try block("decode", of: join, 5, kernel: kernel, padding, in: &network)
                return try output(of: next, in: &network)
            }
        }
    }

    /// Stored tensors that several layers read, whose gradients add up.
    static let sharedFeatures: [LayerCase] = [
        network("a block read by two layers and their join, 6x5", 6, 5) { network in
            let shared = try block("a", of: network.input, 5, kernel: 3, .reflection, in: &network)
            let left = try block("left", of: shared, 3, in: &network)
            let right = try block("right", of: shared, 4, kernel: 3, .reflection, in: &network)
            return try output(of: network.concatenated(left, right), in: &network)
        },
        network("a block read at two sizes, 4x6", 4, 6) { network in
            let shared = try block("a", of: network.input, 5, in: &network)
            let small = try block("down", of: shared, 4, kernel: 3, stride: 2, in: &network)
            let both = try network.concatenated(
                shared, network.upsampled(small, by: .bilinear))
            let next = try block(
                "b", of: network.normalization("join.norm", of: both), 4, kernel: 3, .reflection,
                in: &network)
            return try output(of: next, in: &network)
        },
        network("a block beside itself, 5x4", 5, 4) { network in
            let shared = try block("a", of: network.input, 4, kernel: 3, in: &network)
            let join = try network.normalization(
                "join.norm", of: network.concatenated(shared, shared))
            let next = try block("b", of: join, 3, kernel: 3, .zero, in: &network)
            return try output(of: next, in: &network)
        },
        network("a block beside itself, enlarged in both ways, 3x4", 3, 4) { network in
            let shared = try block("a", of: network.input, 4, kernel: 3, in: &network)
            let join = try network.normalization(
                "join.norm",
                of: network.concatenated(
                    network.upsampled(shared, by: .nearest),
                    network.upsampled(shared, by: .bilinear)))
            let next = try block("b", of: join, 3, kernel: 3, .reflection, in: &network)
            return try output(of: next, in: &network)
        },
        network("a residual chain of three readers, 5x7", 5, 7) { network in
            let first = try block("a", of: network.input, 4, kernel: 3, .reflection, in: &network)
            let second = try block("b", of: first, 4, kernel: 3, .reflection, in: &network)
            let third = try block(
                "c", of: network.concatenated(first, second), 4, kernel: 5, in: &network)
            return try output(of: network.concatenated(first, third), in: &network)
        },
    ]
}
