// Times, configuration, command, versions and events of the page.

import JSON

extension ReportPage {
    var times: HTML {
        let times = report.times
        func seconds(_ value: Double?) -> HTML {
            value.map { "\(Text.fixed($0, 1)) s (\(Text.time($0)))" } ?? "not known"
        }
        var rows: [(name: String, value: HTML)] = [
            ("wall time of the run", seconds(times.wallSeconds)),
            ("fits, all runs", seconds(times.fitSeconds)),
            ("CPU of the coordinator", seconds(times.coordinatorCPUSeconds)),
            ("CPU of its own workers", seconds(times.localWorkerCPUSeconds)),
        ]
        if times.remoteThreadSeconds > 0 {
            rows.append(
                (
                    "fits of others' workers",
                    """
                    \(seconds(times.remoteThreadSeconds)), times their threads: workers of others \
                    do not tell their CPU seconds
                    """
                ))
        }
        if let summary = report.summary {
            rows += summaryRows(summary)
        }
        return section("times", "Times and what they went into", HTML.facts(rows))
    }

    private func summaryRows(_ summary: JobReport) -> [(name: String, value: HTML)] {
        let rate =
            summary.seconds > 0 ? Text.rate(Double(summary.iterations) / summary.seconds) : "-"
        let unit = Text.unit(restarts: summary.restarts)
        var rows: [(name: String, value: HTML)] = [
            ("iterations of the run", "\(summary.iterations), \(rate) a second"),
            ("iterations lost", "\(summary.lostIterationCount)"),
            (
                "\(unit)s of earlier runs",
                "\(summary.fitCountOfEarlierRuns) of \(summary.fitCount)"
            ),
            (
                "checkpoints",
                "\(summary.checkpointCount) stored, \(summary.checkpointUseCount) used"
            ),
            (
                "workers",
                """
                \(summary.workerCount), \(summary.restartCount) started again, \
                \(summary.refusedWorkerCount) refused
                """
            ),
            ("attempts failed", "\(summary.failedAttemptCount)"),
            (
                "second tries of slow \(unit)s",
                "\(summary.secondTryCount), \(summary.secondTryWonCount) faster"
            ),
            ("messages without sense", "\(summary.nonsenseCount)"),
        ]
        if let uncertainty = summary.uncertainty {
            let mean = Text.significant(uncertainty.mean)
            let high = Text.significant(uncertainty.percentile95)
            rows.append(
                (
                    "deviation of results",
                    "\(mean) of the file's values in the mean, up to \(high) in 95 % of pixels"
                ))
        }
        let lists: [(String, [Int])] = [
            ("tiles without a known sample", summary.unknownTiles),
            ("tiles of fewer fits", summary.thin.map(\.tile)),
            ("tiles that began anew with another seed", summary.reseeded.map(\.tile)),
        ]
        for (name, tiles) in lists where !tiles.isEmpty {
            let shown = tiles.prefix(50).map(String.init).joined(separator: ", ")
            rows.append((name, "\(shown)\(tiles.count > 50 ? ", ..." : "")"))
        }
        return rows
    }

    var configuration: HTML {
        var rows: [(name: String, value: HTML)] = []
        if case .object(let fields)? = JSONValue(parsing: report.job.configuration) {
            rows = fields.sorted { $0.key < $1.key }.map {
                ($0.key, "<code>\($0.value.text)</code>")
            }
        }
        return section(
            "configuration", "Configuration",
            "<details open><summary>Every hyperparameter</summary>\n\(HTML.facts(rows))</details>\n"
        )
    }

    var provenance: HTML {
        let job = report.job
        var rows: [(name: String, value: HTML)] = [
            ("command", "<code>\(job.command.map(Self.commandWord))</code>"),
            ("input", "\(job.input)"), ("output", "\(job.output)"),
            ("job's folder", "\(job.folder)"),
            ("job", "\(job.job)"), ("began", "\(Self.date(job.beganAt))"),
            ("coordinator's host", "\(job.host)"), ("exit code", "\(report.exitCode)"),
            ("program", "\(job.version)"),
        ]
        rows += report.libraries.map { ($0.name, "\($0.version)") }
        return section("provenance", "Command and versions", HTML.facts(rows))
    }

    /// A word of a command line and a space; the name of an option stays in one piece.
    private static func commandWord(_ word: String) -> HTML {
        let word = shellWord(word)
        guard word.hasPrefix("-") else { return "\(word) " }
        let name = word.prefix { $0 != "=" }
        let value = word.dropFirst(name.count)
        return "<span class=\"whole\">\(String(name))</span>\(String(value)) "
    }

    /// A word of a command line as a shell reads it.
    static func shellWord(_ word: String) -> String {
        let plain = word.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil
                || "-_./:,=+@%".unicodeScalars.contains($0)
        }
        return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    var events: HTML {
        guard !report.events.isEmpty else { return "" }
        let rows: [HTML] = report.events.map { event in
            let seconds = Text.fixed(event.time - report.job.beganAt, 1)
            return "<tr><td>\(seconds)</td><td>\(event.sentence)</td></tr>\n"
        }
        return section(
            "events", "Events",
            """
            <details><summary>The latest \(report.events.count), in seconds from the start</summary>
            <div class="wide tall"><table><tbody>
            \(rows)</tbody></table></div></details>

            """)
    }
}
