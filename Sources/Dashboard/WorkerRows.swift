// A line a worker, in columns that stand below one another.

/// host/1234  tile 17  [===>     ]  1234/3000  20.3/s  24.3 dB
struct WorkerRows {
    private static let gap = 2
    private static let barColumns = 12
    private static let nameColumnsLeast = 8
    private static let nameColumnsMost = 40

    /// Columns of a row, the first to go where there is no room last.
    private enum Column: CaseIterable {
        case name, iteration, tile, rate, bar, quality
    }

    /// - Parameter unit: what they fit, "tile" or "fit".
    static func lines(
        _ workers: [ProgressSnapshot.Worker], unit: String, width: Int
    ) -> [TerminalLine] {
        let rows = workers.map { Row($0, unit: unit) }
        func widest(_ text: (Row) -> String) -> Int {
            rows.map { TerminalText.width(text($0)) }.max() ?? 0
        }
        let widths: [Column: Int] = [
            .iteration: widest(\.iteration), .tile: widest(\.tile), .rate: widest(\.rate),
            .bar: barColumns, .quality: widest(\.quality),
        ]
        var shown: [Column] = []
        var left = width - min(widest(\.name), nameColumnsLeast)
        for column in Column.allCases {
            guard let columns = widths[column], columns > 0, columns + gap <= left else { continue }
            left -= columns + gap
            shown.append(column)
        }
        let nameColumns = min(
            widest(\.name), max(min(widest(\.name), nameColumnsLeast) + left, 0), nameColumnsMost)
        let inOrder: [Column] = [.tile, .bar, .iteration, .rate, .quality].filter(shown.contains)
        return rows.map { row in
            var line = TerminalLine(row.cutName(to: min(nameColumns, width)))
            for column in inOrder {
                line.append(String(repeating: " ", count: gap))
                line.append(row.cell(column, widths[column] ?? 0))
            }
            return line
        }
    }

    /// What stands in the cells of one worker.
    private struct Row {
        let host, process: String
        let tile, iteration, rate, quality: String
        let share: Double?
        let isSilent: Bool

        init(_ worker: ProgressSnapshot.Worker, unit: String) {
            host = TerminalText.printable(worker.host)
            process = "/\(worker.processID)"
            tile = worker.tile.map { "\(unit) \($0)" } ?? ""
            isSilent = worker.isSilent
            let iterations = worker.iterations ?? 0
            switch worker.activity {
            case .idle: (iteration, share) = ("idle", nil)
            case .starting: (iteration, share) = ("starting", nil)
            case .fitting:
                let done = worker.iteration ?? 0
                iteration = iterations > 0 ? "\(done)/\(iterations)" : "\(done)"
                share = iterations > 0 ? Double(done) / Double(iterations) : nil
            case .delivering: (iteration, share) = ("delivering", 1)
            }
            if isSilent {
                rate = "silent \(Text.time(worker.silentSeconds))"
            } else {
                rate = worker.iterationsPerSecond.map { "\(Text.rate($0))/s" } ?? ""
            }
            if let psnr = worker.psnrToInput {
                quality = "\(Text.fixed(psnr, 1)) dB"
            } else {
                quality = worker.loss.map { "loss \(Text.significant($0))" } ?? ""
            }
        }

        var name: String { host + process }

        /// The process stays: many workers have one host.
        func cutName(to columns: Int) -> String {
            let room = columns - TerminalText.width(process)
            guard TerminalText.width(name) > columns, room >= 4 else {
                return TerminalText.padded(name, to: columns)
            }
            return TerminalText.padded(
                TerminalText.cut(host, to: room) + process, to: columns)
        }

        func cell(_ column: Column, _ columns: Int) -> TerminalLine {
            switch column {
            case .name: TerminalLine(cutName(to: columns))
            case .tile: TerminalLine(TerminalText.padded(tile, to: columns))
            case .iteration:
                TerminalLine(TerminalText.aligned(iteration, to: columns))
            case .rate:
                TerminalLine(
                    TerminalText.aligned(rate, to: columns), isSilent ? .yellow : .plain)
            case .bar:
                share.map { TerminalLine.bar($0, columns: columns) }
                    ?? TerminalLine(String(repeating: " ", count: columns))
            case .quality: TerminalLine(TerminalText.aligned(quality, to: columns), .faint)
            }
        }
    }
}
