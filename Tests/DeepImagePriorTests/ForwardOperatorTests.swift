import Testing

@testable import DeepImagePrior

struct ForwardOperatorTests {
    /// Every operator, by task and factor.
    struct Case: CustomTestStringConvertible, Sendable {
        let task: Task
        let factor: Int

        var testDescription: String { "\(task), factor \(factor)" }

        static let all = Task.allCases.flatMap { task in
            (task == .upscale ? FitConfiguration.upscalingFactors : [1])
                .map { Case(task: task, factor: $0) }
        }
    }

    /// Given (height, width, bands): even and odd, flat, and smaller than any kernel.
    private static let shapes = [(8, 6, 3), (7, 5, 1), (1, 9, 2), (3, 1, 4), (1, 1, 3), (13, 2, 2)]

    private func forEachShape(
        _ this: Case, _ body: (any ForwardOperator, GivenShape, inout SmallGenerator) -> Void
    ) {
        for (seed, (height, width, bands)) in Self.shapes.enumerated() {
            let shape = GivenShape(
                height: height, width: width, bands: bands, factor: this.factor)
            var random = SmallGenerator(seed: seed + 1)
            body(this.task.makeOperator(shape), shape, &random)
        }
    }

    private func product(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    @Test(arguments: Case.all)
    func `an operator's adjoint is its transpose`(this: Case) {
        forEachShape(this) { forward, shape, random in
            let (x, y) = (random.floats(shape.pictureCount), random.floats(shape.count))
            let left = product(forward.applied(to: x, shape), y)
            let right = product(x, forward.adjoint(of: y, shape))
            #expect(abs(left - right) <= 1e-4 + 1e-5 * abs(left), "\(shape)")
        }
    }

    @Test(arguments: Case.all)
    func `an operator is linear`(this: Case) {
        forEachShape(this) { forward, shape, random in
            let (a, b) = (random.floats(shape.pictureCount), random.floats(shape.pictureCount))
            let together = forward.applied(to: zip(a, b).map { 2 * $0 - $1 }, shape)
            let apart = zip(forward.applied(to: a, shape), forward.applied(to: b, shape))
                .map { 2 * $0 - $1 }
            let worst = zip(together, apart).map { abs($0 - $1) }.max() ?? 1
            #expect(worst <= 1e-5, "\(shape)")
        }
    }

    @Test(arguments: Case.all)
    func `a flat picture makes flat pixels of the same value`(this: Case) {
        forEachShape(this) { forward, shape, _ in
            let x = [Float](repeating: 0.25, count: shape.pictureCount)
            let worst = forward.applied(to: x, shape).map { abs($0 - 0.25) }.max() ?? 1
            #expect(worst <= 1e-6, "\(shape)")
        }
    }

    @Test(arguments: Case.all)
    func `a task's name and factor survive the configuration's JSON`(this: Case) throws {
        let configuration = FitConfiguration.tiny {
            ($0.task, $0.factor) = (this.task, this.factor)
            if this.task == .guided { ($0.input, $0.inputChannels) = (.guide, 3) }
        }
        let read = try FitConfiguration(json: configuration.json)
        #expect(read.task == this.task && read.factor == this.factor)
    }

    @Test func `only upscaling has a factor, and that is 2, 3, 4 or 8`() {
        for task in Task.allCases {
            for factor in [-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, Int.max] {
                let configuration = FitConfiguration.tiny {
                    ($0.task, $0.factor) = (task, factor)
                    if task == .guided { ($0.input, $0.inputChannels) = (.guide, 3) }
                }
                let isValid = task == .upscale ? [2, 3, 4, 8].contains(factor) : factor == 1
                #expect(((try? configuration.validate()) != nil) == isValid, "\(task) \(factor)")
            }
        }
    }
}

extension ForwardOperator {
    func applied(to x: [Float], _ shape: GivenShape) -> [Float] {
        // What is there must be overwritten.
        var y = [Float](repeating: 9, count: shape.count)
        x.withUnsafeBufferPointer { x in
            y.withUnsafeMutableBufferPointer { apply(x, into: $0) }
        }
        return y
    }

    func adjoint(of y: [Float], _ shape: GivenShape) -> [Float] {
        var x = [Float](repeating: 9, count: shape.pictureCount)
        y.withUnsafeBufferPointer { y in
            x.withUnsafeMutableBufferPointer { adjoint(y, into: $0) }
        }
        return x
    }
}
