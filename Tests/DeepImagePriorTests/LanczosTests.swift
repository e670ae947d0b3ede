import Foundation
import Testing

@testable import DeepImagePrior

struct LanczosTests {
    /// Straight from the formulas: for every given pixel and band the weighted sum over all of the
    /// picture's pixels around it, each weight from both distances, normalized at the end.
    private func naive(_ x: [Float], _ shape: GivenShape) -> [Double] {
        let (factor, bands) = (shape.factor, shape.bands)
        let (height, width) = (shape.height * factor, shape.width * factor)
        func weight(_ distance: Double) -> Double {
            if distance == 0 { return 1 }
            if abs(distance) >= 2 { return 0 }
            return 2 * sin(.pi * distance) * sin(.pi * distance / 2)
                / (Double.pi * Double.pi * distance * distance)
        }
        var y: [Double] = []
        for row in 0..<shape.height {
            for column in 0..<shape.width {
                let centre = (
                    y: Double(row * factor) + Double(factor - 1) / 2,
                    x: Double(column * factor) + Double(factor - 1) / 2
                )
                var sums = [Double](repeating: 0, count: bands)
                var total = 0.0
                for v in (row - 3) * factor..<(row + 4) * factor {
                    for u in (column - 3) * factor..<(column + 4) * factor {
                        let w =
                            weight((Double(v) - centre.y) / Double(factor))
                            * weight((Double(u) - centre.x) / Double(factor))
                        total += w
                        let place = min(max(v, 0), height - 1) * width + min(max(u, 0), width - 1)
                        for band in 0..<bands { sums[band] += w * Double(x[place * bands + band]) }
                    }
                }
                y += sums.map { $0 / total }
            }
        }
        return y
    }

    @Test(arguments: FitConfiguration.upscalingFactors)
    func `the operator computes what its formulas say`(factor: Int) {
        for (seed, (height, width, bands)) in [(7, 5, 3), (4, 6, 1), (1, 3, 2), (2, 1, 4)]
            .enumerated()
        {
            let shape = GivenShape(height: height, width: width, bands: bands, factor: factor)
            var random = SmallGenerator(seed: seed + 20)
            let x = random.floats(shape.pictureCount)
            let pairs = zip(LanczosOperator(shape).applied(to: x, shape), naive(x, shape))
            let worst = pairs.map { abs(Double($0) - $1) }.max() ?? 1
            #expect(worst <= 2e-6, "\(shape)")
        }
    }

    @Test func `weights are those of the published kernel for even factors`() throws {
        for factor in [2, 4, 8] {
            let weights = LanczosWeights(factor: factor)
            #expect(weights.values.count == 4 * factor)
            #expect(weights.first == -3 * factor / 2)
            // models/downsampler.py counts from 1 to 4 f around (4 f + 2) / 2.
            let row = (1...4 * factor).map { index -> Double in
                let d = abs(Double(index) + 0.5 - Double(4 * factor + 2) / 2) / Double(factor)
                return 2 * sin(.pi * d) * sin(.pi * d / 2) / (.pi * .pi * d * d)
            }
            let sum = row.reduce(0, +)
            for (ours, theirs) in zip(weights.values, row) {
                #expect(abs(Double(ours) - theirs / sum) < 1e-7)
            }
        }
        let three = LanczosWeights(factor: 3)
        #expect(three.values.count == 11 && three.first == -4)
        #expect(three.values == three.values.reversed())
    }

    /// Made by PyTorch 2 with ReplicationPad2d and conv2d, and by its derivative, from
    /// x = sin(0.7 i) / 2 (rows of 12 pixels, i counts them) and y = cos(1.3 j).
    @Test func `the operator and its adjoint agree with PyTorch's`() {
        let shape = GivenShape(height: 2, width: 3, bands: 1, factor: 4)
        let x = (0..<96).map { Float(sin(0.7 * Double($0)) / 2) }
        let y = (0..<6).map { Float(cos(1.3 * Double($0))) }
        let forward = LanczosOperator(shape)
        let applied = zip(forward.applied(to: x, shape), Self.torchApplied)
        #expect(applied.allSatisfy { abs($0 - $1) <= 1e-6 })
        let adjoint = zip(forward.adjoint(of: y, shape), Self.torchAdjoint)
        #expect(adjoint.allSatisfy { abs($0 - $1) <= 1e-6 })
    }

    private static let torchApplied: [Float] = [
        0.0497173, -0.0390858, 0.0244439, -0.0010599, -0.0197895, 0.0386084,
    ]

    private static let torchAdjoint: [Float] = [
        0.0719295, 0.0670051, 0.0694465, 0.0597096, 0.0431548, 0.0239165, 0.0027419, -0.0207053,
        -0.0437535, -0.0597175, -0.0615874, -0.0677020, 0.0634221, 0.0592001, 0.0616903, 0.0536557,
        0.0396636, 0.0231332, 0.0045638, -0.0163395, -0.0370779, -0.0515822, -0.0535712, -0.0590299,
        0.0553868, 0.0520563, 0.0552354, 0.0498574, 0.0394373, 0.0262880, 0.0103712, -0.0085660,
        -0.0279153, -0.0418565, -0.0446060, -0.0495734, 0.0260506, 0.0253103, 0.0291328, 0.0304001,
        0.0296682, 0.0264652, 0.0196737, 0.0091862, -0.0027840, -0.0122944, -0.0159336, -0.0187338,
        -0.0124206, -0.0098841, -0.0055565, 0.0038729, 0.0152394, 0.0246460, 0.0297205, 0.0305435,
        0.0286678, 0.0253976, 0.0209330, 0.0210421, -0.0426018, -0.0375864, -0.0331207, -0.0177092,
        0.0026863, 0.0216545, 0.0359609, 0.0458326, 0.0521944, 0.0541475, 0.0492956, 0.0517385,
        -0.0525464, -0.0468912, -0.0428782, -0.0263086, -0.0038309, 0.0176494, 0.0348489, 0.0480407,
        0.0577311, 0.0620376, 0.0575604, 0.0608717, -0.0608480, -0.0544633, -0.0502785, -0.0318450,
        -0.0066439, 0.0176379, 0.0374166, 0.0530063, 0.0647975, 0.0703707, 0.0656520, 0.0695786,
    ]
}
