import Dashboard
import Testing

struct ProgressViewTests {
    private func text(_ snapshot: ProgressSnapshot, _ width: Int, _ height: Int) -> [String] {
        ProgressView.lines(snapshot, width: width, height: height).map(\.text)
    }

    @Test func `no block is wider or taller than its room, whatever the snapshot`() {
        for seed in UInt64(1)...600 {
            var generator = SeededGenerator(seed: seed)
            let snapshot = ProgressSnapshot.random(&generator)
            let width = Int.random(in: 1...300, using: &generator)
            let height = Int.random(in: 0...70, using: &generator)
            let lines = ProgressView.lines(snapshot, width: width, height: height)
            #expect(lines.count <= height, "seed \(seed): \(width) x \(height)")
            #expect(lines.isEmpty == (height == 0), "seed \(seed): \(width) x \(height)")
            for line in lines {
                #expect(line.width <= width, "seed \(seed): \(width) x \(height): \(line.text)")
                let isPlain = line.text.unicodeScalars.allSatisfy {
                    $0.properties.generalCategory != .control
                }
                #expect(
                    isPlain, "seed \(seed): a control character in \(line.text.debugDescription)")
            }
        }
    }

    @Test func `all workers have a line where there is room, and the rest is counted`() {
        for seed in UInt64(1)...200 {
            var generator = SeededGenerator(seed: seed)
            var snapshot = ProgressSnapshot.random(&generator)
            snapshot.phase = .tiles
            let height = Int.random(in: 3...70, using: &generator)
            let lines = text(snapshot, 100, height)
            let room = height - 2
            let count = snapshot.workers.count
            if count <= room {
                #expect(lines.count == 2 + count, "seed \(seed): height \(height)")
            } else {
                #expect(lines.count == height, "seed \(seed): height \(height)")
                let rest = room == 1 ? "\(count) worker" : "and \(count - room + 1) more: "
                #expect(lines.last?.hasPrefix(rest) == true, "seed \(seed): \(lines.last ?? "")")
            }
        }
    }

    @Test func `a block of 80 columns tells all there is`() {
        let bar =
            "[" + String(repeating: "=", count: 15) + ">"
            + String(repeating: " ", count: 42) + "]"
        #expect(
            text(.complete, 80, 24) == [
                bar + " 29%  3/12 tiles",
                "4 to 6 min left, 41.2 iterations/s, 2 workers, 1 retry, PSNR to input 24.3 dB",
                "node17/1234  tile 4  [====>     ]  1500/3000       20.6/s  24.2 dB",
                "node17/7                                idle  silent 12 s         ",
            ])
    }

    @Test func `a block of 20 columns keeps what matters`() {
        #expect(
            text(.complete, 20, 24) == [
                "[=>     ] 3/12 tiles", "4 to 6 min left", "no../1234  1500/3000",
                "node17/7        idle",
            ])
        #expect(text(.complete, 20, 1) == ["3/12 tiles, 1 retry"])
    }

    @Test func `a block that is high enough for three lines counts the workers`() {
        #expect(text(.complete, 60, 3).last == "2 workers: 1 fitting, 1 silent")
    }

    @Test func `a line for a log is as it always was`() {
        #expect(
            ProgressSnapshot.complete.line
                == "tiles 3/12, 41.2 iterations/s, PSNR to input 24.3 dB, 2 workers, "
                + "5 min 12 s left")
        let empty = ProgressSnapshot(phase: .tiles, tilesTotal: 6, iterationsPerTile: 10)
        #expect(empty.line == "tiles 0/6, - iterations/s, 0 workers")
    }
}
