import Dashboard

/// Numbers from a seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension ProgressSnapshot {
    /// Any snapshot, within reason or not.
    static func random(_ generator: inout SeededGenerator) -> ProgressSnapshot {
        var snapshot = ProgressSnapshot(
            phase: Phase.allCases.randomElement(using: &generator)!,
            tilesTotal: Int.random(in: 0...100_000, using: &generator),
            iterationsPerTile: Int.random(in: 0...1_000_000, using: &generator))
        func maybe(_ range: ClosedRange<Double>) -> Double? {
            Bool.random(using: &generator) ? Double.random(in: range, using: &generator) : nil
        }
        snapshot.secondsElapsed = maybe(0...1e7) ?? 0
        snapshot.tilesStored = Int.random(in: 0...max(1, snapshot.tilesTotal), using: &generator)
        snapshot.restarts = Int.random(in: 1...32, using: &generator)
        snapshot.tilesSetAside = Int.random(in: 0...3, using: &generator)
        snapshot.iterationsPerSecond = maybe(0...5000)
        snapshot.secondsLeft = maybe(0...1e13)
        snapshot.secondsLeftLow = maybe(0...1e5)
        snapshot.secondsLeftHigh = maybe(0...1e13)
        snapshot.psnrToInput = maybe(-10...100)
        snapshot.retries = Int.random(in: 0...2000, using: &generator)
        let count = Int.random(in: 0...60, using: &generator)
        snapshot.workers = (0..<count).map { _ in Worker.random(&generator) }
        snapshot.workerCount = count
        return snapshot
    }

    /// Every field has a value.
    static var complete: ProgressSnapshot {
        var snapshot = ProgressSnapshot(phase: .tiles, tilesTotal: 12, iterationsPerTile: 3000)
        snapshot.tilesStored = 3
        snapshot.iterationsPerSecond = 41.24
        snapshot.secondsElapsed = 125
        (snapshot.secondsLeft, snapshot.secondsLeftLow, snapshot.secondsLeftHigh) = (312, 250, 350)
        snapshot.psnrToInput = 24.31
        snapshot.retries = 1
        snapshot.workerCount = 2
        var worker = Worker(
            name: "node17-1234-ab", host: "node17", processID: 1234, threads: 1,
            processor: "a processor", version: "0.1.0", isLocal: true)
        worker.activity = .fitting
        (worker.tile, worker.attempt, worker.iteration, worker.iterations) = (4, 1, 1500, 3000)
        (worker.iterationsPerSecond, worker.loss, worker.psnrToInput) = (20.6, 0.0012, 24.2)
        var idle = worker
        (idle.processID, idle.activity, idle.tile, idle.iteration) = (7, .idle, nil, nil)
        (idle.iterationsPerSecond, idle.psnrToInput, idle.loss) = (nil, nil, nil)
        idle.silentSeconds = 12.4
        snapshot.workers = [worker, idle]
        return snapshot
    }
}

extension ProgressSnapshot.Worker {
    static func random(_ generator: inout SeededGenerator) -> Self {
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        func maybe(_ range: ClosedRange<Double>) -> Double? {
            Bool.random(using: &generator) ? Double.random(in: range, using: &generator) : nil
        }
        let names = [
            "a", "node17", "gpu-worker-with-a-very-long-name.rack12.example.org", "計算機-三番",
            "e\u{301}e\u{301}", "👩‍👩‍👧host", "\u{1B}[2Jevil\nhost", "\u{202E}abc", "♥\u{FE0F}", "",
        ]
        var worker = Self(
            name: "w", host: names.randomElement(using: &generator)!,
            processID: number(0...4_194_304), threads: 1, processor: "p", version: "0",
            isLocal: false)
        worker.activity = Activity.allCases.randomElement(using: &generator)!
        worker.silentSeconds = maybe(0...100) ?? 0
        worker.tile = Bool.random(using: &generator) ? number(0...100_000) : nil
        worker.iteration = Bool.random(using: &generator) ? number(0...1_000_000) : nil
        worker.iterations = Bool.random(using: &generator) ? number(0...1_000_000) : nil
        worker.iterationsPerSecond = maybe(0...1e4)
        worker.loss = maybe(0...10)
        worker.psnrToInput = maybe(-20...90)
        return worker
    }
}

extension JobDescription {
    /// A row of tiles.
    static func sample(tiles: Int, restarts: Int = 1) -> JobDescription {
        JobDescription(
            job: "j", input: "a.png", output: "b.png", folder: "b.png.dip", task: "denoise",
            preset: "fast", width: 64, height: 64, originX: 0, originY: 0, bands: 3,
            windows: (0..<tiles).map { .init(x: $0 * 16, y: 0, width: 32, height: 64) },
            overlap: 16, restarts: restarts, iterationsPerTile: 100, seed: 0,
            configuration: "{}", command: ["dip-coord"], version: "0", host: "h", beganAt: 0)
    }
}
