import CKernels
import Testing

@testable import NeuralNetwork

/// Reading lazily described tensors and carrying gradients back, kernel by kernel.
@Suite(.serialized) struct SourceKernelTests {
    /// A stored tensor with what is pending on it, and its numbers.
    private struct Part {
        let height, width, channels: Int
        let upsampling: Int
        let slope: Float
        let values, scale, shift: [Float]

        init(
            _ height: Int, _ width: Int, _ channels: Int, upsampling: Int, slope: Float,
            _ random: inout SeededGenerator
        ) {
            (self.height, self.width, self.channels) = (height, width, channels)
            self.upsampling = upsampling
            self.slope = slope
            values = random.floats(height * width * channels)
            scale = random.floats(channels, 0.5...2)
            shift = random.floats(channels)
        }

        var factor: Int { upsampling == dip_upsample_none ? 1 : 2 }

        /// What a consumer sees at a pixel of the enlarged tensor.
        func seen(_ y: Int, _ x: Int, _ c: Int, mapped: Bool) -> Double {
            func stored(_ y: Int, _ x: Int) -> Double {
                let value = Double(values[(y * width + x) * channels + c])
                guard mapped else { return value }
                let normal = Double(scale[c]) * value + Double(shift[c])
                return normal > 0 ? normal : Double(slope) * normal
            }
            switch upsampling {
            case dip_upsample_none: return stored(y, x)
            case dip_upsample_nearest: return stored(y / 2, x / 2)
            default:
                let (rows, columns) = (Self.samples(y, height), Self.samples(x, width))
                return rows.reduce(0) { sum, row in
                    sum
                        + columns.reduce(0) { $0 + row.weight * $1.weight * stored(row.at, $1.at) }
                }
            }
        }

        private static func samples(_ index: Int, _ count: Int) -> [(at: Int, weight: Double)] {
            let position = (Double(index) + 0.5) / 2 - 0.5
            let below = position.rounded(.down)
            return [(below, 1 - (position - below)), (below + 1, position - below)].map {
                (min(max(Int($0), 0), count - 1), $1)
            }
        }
    }

    private static let modes = [dip_upsample_none, dip_upsample_nearest, dip_upsample_bilinear]
    /// Of the stored tensor.
    private static let shapes = [
        (1, 1, 1), (1, 1, 5), (1, 2, 3), (3, 1, 7), (2, 2, 16), (3, 5, 17), (4, 3, 33), (2, 7, 130),
    ]

    /// Calls with C's view of the parts.
    private func withSource<Result>(
        _ parts: [Part], mapped: Bool, scale: [Float]?, shift: [Float],
        _ body: (UnsafePointer<dip_source>) -> Result
    ) -> Result {
        var pieces: [[Float]] = []
        for part in parts { pieces += [part.values, part.scale, part.shift] }
        pieces += [scale ?? [], shift]
        let buffers = pieces.map { piece in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: piece.count + 1)
            _ = buffer.update(fromContentsOf: piece)
            return buffer
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        func address(_ index: Int) -> UnsafePointer<Float>? {
            UnsafePointer(buffers[index].baseAddress)
        }
        let described = parts.enumerated().map { index, part in
            dip_part(
                data: address(3 * index), height: Int64(part.height), width: Int64(part.width),
                channels: Int64(part.channels), scale: mapped ? address(3 * index + 1) : nil,
                shift: address(3 * index + 2), slope: part.slope,
                upsample: Int32(part.upsampling))
        }
        var source = dip_source()
        source.parts.0 = described[0]
        if described.count > 1 { source.parts.1 = described[1] }
        source.part_count = Int32(described.count)
        source.scale = scale == nil ? nil : address(buffers.count - 2)
        source.shift = address(buffers.count - 1)
        return withUnsafePointer(to: &source, body)
    }

    @Test func `a loaded row is what the description says, in every form`() {
        let tolerance = Tolerance(absolute: 1e-6, relative: 1e-6)
        var random = SeededGenerator(seed: 1)
        for (height, width, channels) in Self.shapes {
            for mode in Self.modes {
                let factor = mode == dip_upsample_none ? 1 : 2
                let part = Part(
                    height, width, channels, upsampling: Int(mode), slope: 0.2, &random)
                let beside = Part(
                    height * factor, width * factor, 3, upsampling: dip_upsample_none, slope: 0.2,
                    &random)
                for (parts, mapped, joined) in [
                    ([part], false, false), ([part], true, false), ([beside, part], true, true),
                    ([part, beside], false, true), ([part], true, true),
                ] {
                    let total = parts.map(\.channels).reduce(0, +)
                    let scale = random.floats(total)
                    let shift = random.floats(total)
                    for y in [0, height * factor / 2, height * factor - 1] {
                        for applied in joined ? [true, false] : [false] {
                            var expected: [Double] = []
                            for x in 0..<width * factor {
                                let pixel = parts.flatMap { part in
                                    (0..<part.channels).map { part.seen(y, x, $0, mapped: mapped) }
                                }
                                expected += pixel.enumerated().map { c, value in
                                    applied ? Double(scale[c]) * value + Double(shift[c]) : value
                                }
                            }
                            for kernels in KernelPaths.all {
                                var row = [Float](repeating: .nan, count: expected.count)
                                var scratch = [Float](repeating: .nan, count: expected.count)
                                withSource(
                                    parts, mapped: mapped, scale: joined ? scale : nil,
                                    shift: shift
                                ) {
                                    kernels.table.pointee.load_row(
                                        $0, Int64(y), applied ? 1 : 0, &row, &scratch)
                                }
                                let complaint = tolerance.complaint(row, expected)
                                #expect(
                                    complaint == nil,
                                    """
                                    \(kernels.name) \(height)x\(width)x\(channels) mode \(mode) \
                                    row \(y): \(complaint ?? "")
                                    """)
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func `carrying a row back is the adjoint of loading it`() {
        var random = SeededGenerator(seed: 2)
        for (height, width, channels) in Self.shapes {
            for mode in Self.modes {
                let part = Part(height, width, channels, upsampling: Int(mode), slope: 1, &random)
                let (rows, columns) = (height * part.factor, width * part.factor)
                // The part's channels lie within a wider row of gradients.
                let stride = channels + 5
                let y = random.floats(rows * columns * stride)
                let narrow = (0..<rows * columns).flatMap { pixel in
                    Array(y[pixel * stride + 2..<pixel * stride + 2 + channels])
                }
                for kernels in KernelPaths.all {
                    var ax = [Float](repeating: .nan, count: rows * columns * channels)
                    var scratch = [Float](repeating: .nan, count: columns * stride)
                    let start = random.floats(part.values.count)
                    var gradient = start
                    withSource([part], mapped: false, scale: nil, shift: []) { source in
                        let table = kernels.table.pointee
                        for row in 0..<rows {
                            ax.withUnsafeMutableBufferPointer {
                                let at = $0.baseAddress.map { $0 + row * columns * channels }
                                table.load_row(source, Int64(row), 0, at, &scratch)
                            }
                            y.withUnsafeBufferPointer {
                                let at = $0.baseAddress.map { $0 + row * columns * stride + 2 }
                                withUnsafePointer(to: source.pointee.parts.0) {
                                    table.add_row_adjoint(
                                        $0, Int64(row), at, Int64(stride), 0, Int64(height),
                                        &gradient,
                                        &scratch)
                                }
                            }
                        }
                    }
                    let left = dotProduct(ax, narrow)
                    let right = dotProduct(part.values, zip(gradient, start).map { $0 - $1 })
                    let size = Double(ax.count).squareRoot()
                    #expect(
                        abs(left - right) <= 2e-6 * size + 1e-5 * abs(left),
                        "\(kernels.name) \(height)x\(width)x\(channels) mode \(mode)")
                }
            }
        }
    }

    @Test func `a loaded gradient row is the backward map of a normalization`() {
        var random = SeededGenerator(seed: 3)
        let (height, width) = (2, 5)
        for channels in [1, 3, 16, 33] {
            let count = height * width * channels
            let (gradient, raw) = (random.floats(count), random.floats(count))
            let maps = (0..<6).map { _ in random.floats(channels) }
            for kernels in KernelPaths.all {
                for y in 0..<height {
                    let range = y * width * channels..<(y + 1) * width * channels
                    let expected = range.map { index in
                        let c = index % channels
                        let m = maps.map { Double($0[c]) }
                        let (g, v) = (Double(gradient[index]), Double(raw[index]))
                        let masked = m[0] * v + m[1] > 0 ? g : 0.2 * g
                        return m[2] * masked + m[3] * (v - m[5]) + m[4]
                    }
                    let mapped = loadGradient(kernels, gradient, raw, maps, width, channels, y)
                    let tolerance = Tolerance(absolute: 1e-6, relative: 1e-6)
                    #expect(tolerance.complaint(mapped, expected) == nil, "\(kernels.name)")
                    let plain = loadGradient(kernels, gradient, raw, nil, width, channels, y)
                    #expect(plain == Array(gradient[range]), "\(kernels.name)")
                }
            }
        }
    }

    /// `maps`: scale, shift, k1, k2, k3, mean; nil for a layer without normalization.
    private func loadGradient(
        _ kernels: Kernels, _ gradient: [Float], _ raw: [Float], _ maps: [[Float]]?, _ width: Int,
        _ channels: Int, _ y: Int
    ) -> [Float] {
        var row = [Float](repeating: .nan, count: width * channels)
        let flat = (maps ?? []).flatMap(\.self)
        gradient.withUnsafeBufferPointer { gradient in
            raw.withUnsafeBufferPointer { raw in
                flat.withUnsafeBufferPointer { flat in
                    func map(_ index: Int) -> UnsafePointer<Float>? {
                        maps == nil ? nil : flat.baseAddress.map { $0 + index * channels }
                    }
                    var source = dip_gradient_source(
                        gradient: gradient.baseAddress, raw: raw.baseAddress, height: 2,
                        width: Int64(width), channels: Int64(channels), scale: map(0),
                        shift: map(1), slope: 0.2, mean: map(5), k1: map(2), k2: map(3),
                        k3: map(4))
                    kernels.table.pointee.load_gradient_row(&source, Int64(y), &row)
                }
            }
        }
        return row
    }
}
