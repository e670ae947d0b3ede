// A snapshot as a block of lines for a terminal.

/// The whole job in one or two lines, then a line a worker as far as there is room.
public enum ProgressView {
    /// - Parameters:
    ///   - width: columns; no line is wider.
    ///   - height: there are no more lines; none for 0.
    public static func lines(_ snapshot: ProgressSnapshot, width: Int, height: Int)
        -> [TerminalLine]
    {
        guard width > 0, height > 0 else { return [] }
        if snapshot.phase == .blending { return [cut(TerminalLine(snapshot.line), width)] }
        guard height > 1 else {
            return [facts(snapshot, with: ["\(tiles(snapshot)) \(snapshot.unit)s"], width)]
        }
        let head = [overview(snapshot, width), facts(snapshot, with: [], width)]
        return (head + workers(snapshot, width: width, height: height - 2)).map { cut($0, width) }
    }

    private static func tiles(_ snapshot: ProgressSnapshot) -> String {
        "\(snapshot.tilesStored)/\(snapshot.tilesTotal)"
    }

    /// [====>     ] 34%  3/12 tiles
    private static func overview(_ snapshot: ProgressSnapshot, _ width: Int) -> TerminalLine {
        let noun =
            switch snapshot.phase {
            case .start: "start fit"
            case .pilots: "pilots"
            case .tiles, .blending: "\(snapshot.unit)s"
            }
        let percent = "\(Int(snapshot.share * 100))%"
        let texts = [
            "\(percent)  \(tiles(snapshot)) \(noun)", "\(tiles(snapshot)) \(noun)",
            tiles(snapshot),
        ]
        let least = 8
        guard let text = texts.first(where: { TerminalText.width($0) + 1 + least <= width }) else {
            return TerminalLine(texts[2], .bold)
        }
        var line = TerminalLine.bar(
            snapshot.share, columns: min(width - 1 - TerminalText.width(text), 60))
        line.append(" ")
        line.append(text, .bold)
        return line
    }

    /// As many of the facts, in this order, as there is room for.
    private static func facts(_ snapshot: ProgressSnapshot, with first: [String], _ width: Int)
        -> TerminalLine
    {
        var facts = first
        if snapshot.isPaused {
            facts.append("paused")
        } else if let high = snapshot.secondsLeftHigh {
            facts.append("\(Text.time(snapshot.secondsLeftLow, to: high)) left")
        }
        if snapshot.tilesSetAside > 0 { facts.append("\(snapshot.tilesSetAside) set aside") }
        if let rate = snapshot.iterationsPerSecond {
            facts.append("\(Text.rate(rate)) iterations/s")
        }
        facts.append(Text.count(snapshot.workerCount, "worker"))
        if snapshot.retries > 0 {
            facts.append(snapshot.retries == 1 ? "1 retry" : "\(snapshot.retries) retries")
        }
        if let psnr = snapshot.psnrToInput {
            facts.append("PSNR to input \(Text.fixed(psnr, 1)) dB")
        }
        facts.append("\(Text.time(snapshot.secondsElapsed)) so far")
        var text = ""
        for fact in facts {
            let longer = text.isEmpty ? fact : text + ", " + fact
            if TerminalText.width(longer) <= width { text = longer }
        }
        return TerminalLine(text)
    }

    private static func workers(_ snapshot: ProgressSnapshot, width: Int, height: Int)
        -> [TerminalLine]
    {
        let workers = snapshot.workers
        guard height > 0, !workers.isEmpty else { return [] }
        guard workers.count > height else {
            return WorkerRows.lines(workers, unit: snapshot.unit, width: width)
        }
        let shown = workers.prefix(height - 1)
        return WorkerRows.lines(Array(shown), unit: snapshot.unit, width: width)
            + [rest(workers.dropFirst(shown.count), isAll: shown.isEmpty)]
    }

    /// and 14 more: 12 fitting, 1 idle, 1 silent
    private static func rest(_ workers: ArraySlice<ProgressSnapshot.Worker>, isAll: Bool)
        -> TerminalLine
    {
        var kinds = ProgressSnapshot.Worker.Activity.allCases.map { activity in
            ("\(activity)", workers.count { $0.activity == activity && !$0.isSilent })
        }
        kinds.append(("silent", workers.count { $0.isSilent }))
        let counts = kinds.filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }
            .map { "\($0.1) \($0.0)" }.joined(separator: ", ")
        let count =
            isAll ? Text.count(workers.count, "worker") : "and \(workers.count) more"
        return TerminalLine("\(count): \(counts)", .faint)
    }

    private static func cut(_ line: TerminalLine, _ width: Int) -> TerminalLine {
        guard line.width > width else { return line }
        return TerminalLine(TerminalText.cut(line.text, to: width))
    }
}
