// The tables of the page.

extension ReportPage {
    /// Rows of the table of tiles; a report has all of them.
    static let rowsMaximum = 2000
    /// Rows that are left of more.
    static let worstCount = 500
    private static let seamsMaximum = 20
    private static let workersMaximum = 500

    /// The fits that the page shows: all, or the worst ones, by number. Worse is a tile that came
    /// through unrestored, then more failed attempts, then a larger disagreement with a
    /// neighbour, then a lower PSNR to the input, then a lower number.
    var shownFits: [Report.Fit] {
        guard report.fits.count > Self.rowsMaximum else { return report.fits }
        func badness(_ fit: Report.Fit) -> (Int, Int, Double, Double, Int) {
            let isLost = fit.isUnrestored || fit.state != .stored
            return (
                isLost ? 1 : 0, fit.failureCount, fit.seamRMS ?? 0, -(fit.psnrToInput ?? 0),
                -fit.number
            )
        }
        return report.fits.sorted { badness($0) > badness($1) }
            .prefix(Self.worstCount).sorted { $0.number < $1.number }
    }

    var shownTiles: [Int] { Set(shownFits.map(\.tile)).sorted() }

    var tiles: HTML {
        let hasRestarts = report.job.restarts > 1
        let columns =
            ["tile"] + (hasRestarts ? ["restart"] : [])
            + [
                "pixels at", "state", "iterations", "PSNR", "loss", "seam", "seconds", "attempt",
                "failed", "worker",
            ]
        let heads: [HTML] = columns.map {
            "<th scope=\"col\"><button type=\"button\">\($0)</button></th>"
        }
        let rows: [HTML] = shownFits.map { row($0, hasRestarts) }
        let all = report.fits.count
        let unit = Text.unit(restarts: report.job.restarts)
        let words =
            shownFits.count < all
            ? "The \(shownFits.count) worst of \(all) \(unit)s: those that came through "
                + "unrestored, then by failed attempts, then by disagreement with a neighbour, "
                + "then by PSNR. report.json has all. "
            : ""
        return section(
            "tiles", "Tiles",
            """
            <p class="note">\(words)PSNR is to the given pixels, in dB; seam is the tile's worst
            disagreement with a neighbour, of 255. Click a row to see its curve and place, a
            heading to sort.</p>
            <div class="wide tall"><table id="fits"><thead><tr>\(heads)</tr></thead>
            <tbody>
            \(rows)</tbody></table></div>

            """)
    }

    private func row(_ fit: Report.Fit, _ hasRestarts: Bool) -> HTML {
        let state =
            fit.isUnrestored
            ? "unrestored" : fit.state == .setAside ? "given up" : fit.state.rawValue
        let restart: HTML = hasRestarts ? "<td>\(fit.restart)</td>" : ""
        let failed =
            fit.failureCount == 0
            ? "" : "\(fit.failureCount)" + (fit.reason.map { ": \($0)" } ?? "")
        let seam = fit.seamRMS.map { Text.fixed($0 * 255, 2) } ?? "-"
        return """
            <tr data-fit="\(fit.number)" data-tile="\(fit.tile)" tabindex="0">\
            <td>\(fit.tile)</td>\(restart)\
            <td>\(fit.region.x), \(fit.region.y)</td><td>\(state)</td><td>\(fit.iterations)</td>\
            <td>\(Self.optional(fit.psnrToInput, 2))</td>\
            <td>\(fit.loss.map(Text.significant) ?? "-")</td><td>\(seam)</td>\
            <td>\(Self.optional(fit.seconds, 1))</td>\
            <td>\(fit.attempt.map(String.init) ?? "-")</td>\
            <td>\(failed)</td><td>\(fit.worker ?? "-")</td></tr>

            """
    }

    var seams: HTML {
        guard let summary = report.summary, summary.seamPairCount > 0 else { return "" }
        let pairs = summary.seamPairs.prefix(Self.seamsMaximum)
        let rows = pairs.map { ["\($0.first)", "\($0.second)", Text.fixed($0.rms * 255, 2)] }
        return section(
            "seams", "Seams",
            """
            <p class="note">The \(pairs.count) pairs of neighbours that disagree most, of
            \(summary.seamPairCount); root mean square over their overlap, of 255.</p>
            \(HTML.table(["tile", "and", "differ by"], rows))
            """)
    }

    var workers: HTML {
        guard !report.workers.isEmpty else { return "" }
        let done = ["fits", "iterations", "seconds", "failures"]
        let hosts = report.hosts.map { host in
            [
                host.host, host.processor ?? "-", "\(host.workerCount)", "\(host.fits)",
                "\(host.iterations)", Text.fixed(host.seconds, 1), "\(host.failures)",
            ]
        }
        let shown = report.workers.prefix(Self.workersMaximum)
        let rest = report.workers.count - shown.count
        let more: HTML =
            rest > 0
            ? "<p class=\"note\">\(Text.count(rest, "more worker")) in report.json.</p>\n" : ""
        return section(
            "workers", "Workers and hosts",
            """
            \(HTML.table(["host", "processor", "workers"] + done, hosts))\
            <details><summary>Each worker</summary>
            \(HTML.table(["worker", "threads", "version"] + done + ["left"], shown.map(workerRow)))\
            \(more)</details>

            """)
    }

    private func workerRow(_ worker: JobRecord.WorkerStory) -> [String] {
        let latest = worker.failures.last.map { ": \($0.reason)" } ?? ""
        return [
            worker.name + (worker.isLocal == false ? " (not the coordinator's own)" : ""),
            worker.threads.map(String.init) ?? "-", worker.version ?? "-",
            "\(worker.fitsFinished)", "\(worker.iterations)", Text.fixed(worker.seconds, 1),
            "\(worker.failureCount)\(latest)", worker.reason ?? "-",
        ]
    }
}
