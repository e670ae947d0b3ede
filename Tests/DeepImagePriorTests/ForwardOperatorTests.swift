import Testing

@testable import DeepImagePrior

struct ForwardOperatorTests {
    private func mapped(
        _ values: [Float], _ map: (UnsafeMutableBufferPointer<Float>) -> Void
    ) -> [Float] {
        var values = values
        values.withUnsafeMutableBufferPointer { map($0) }
        return values
    }

    private func product(_ a: [Float], _ b: [Float]) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    @Test(arguments: Task.allCases)
    func `an operator's adjoint is its transpose`(task: Task) {
        let forward = task.makeOperator()
        for seed in 0..<10 {
            var random = SmallGenerator(seed: seed)
            let (x, y) = (random.floats(32 * 16 * 3), random.floats(32 * 16 * 3))
            let left = product(mapped(x, forward.apply), y)
            let right = product(x, mapped(y, forward.adjoint))
            #expect(abs(left - right) <= 1e-4 + 1e-5 * abs(left), "\(task), seed \(seed)")
        }
    }

    @Test(arguments: Task.allCases)
    func `an operator is linear`(task: Task) {
        let forward = task.makeOperator()
        var random = SmallGenerator(seed: 99)
        let (a, b) = (random.floats(32 * 16), random.floats(32 * 16))
        let together = mapped(zip(a, b).map { 2 * $0 - $1 }, forward.apply)
        let apart = zip(mapped(a, forward.apply), mapped(b, forward.apply)).map { 2 * $0 - $1 }
        let worst = zip(together, apart).map { abs($0 - $1) }.max() ?? 1
        #expect(worst <= 1e-5, "\(task)")
    }

    @Test(arguments: Task.allCases)
    func `a task's name survives the configuration's JSON`(task: Task) throws {
        let configuration = FitConfiguration.tiny { $0.task = task }
        #expect(try FitConfiguration(json: configuration.json).task == task)
    }
}
