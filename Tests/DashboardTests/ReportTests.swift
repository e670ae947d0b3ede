// report.json and report.html.

import Foundation
import Testing

@testable import Dashboard

@Suite("A report")
struct ReportTests {
    // MARK: report.json

    private func documented(_ heading: String) throws -> Set<String> {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appending(path: "docs/REPORT.md"), encoding: .utf8)
        let table = try #require(
            text.components(separatedBy: "\n| field of \(heading) |").dropFirst().first,
            "no table of \(heading)")
        let rows = table.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(2)
            .prefix { $0.hasPrefix("| ") }
        return Set(
            rows.flatMap { row in
                row.dropFirst().prefix { $0 != "|" }.matches(of: /`(\w+)`/).map { String($0.1) }
            })
    }

    @Test func `every field of the file is documented, and no other`() throws {
        let bytes = try Text.json(ReportSample.complete(), indented: true)
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        func object(_ name: String) -> [String: Any] { report[name] as? [String: Any] ?? [:] }
        func union(_ name: String) -> Set<String> {
            (report[name] as? [[String: Any]] ?? []).reduce(into: []) { $0.formUnion($1.keys) }
        }
        #expect(Set(report.keys) == (try documented("the report")))
        for name in ["about", "job", "summary", "times", "pilots", "pictures"] {
            #expect(Set(object(name).keys) == (try documented("`\(name)`")), "\(name)")
        }
        for (name, heading) in [
            ("hosts", "a host"), ("workers", "a worker"), ("fits", "a fit"), ("events", "an event"),
        ] {
            #expect(union(name) == (try documented(heading)), "\(name)")
        }
    }

    @Test func `the file begins with what it is, and comes back as it was`() throws {
        let report = ReportSample.complete()
        let bytes = try Text.json(report, indented: true)
        let head = String(decoding: bytes.prefix(120), as: UTF8.self)
        #expect(head.contains(#""format" : "dip-coord report""#))
        #expect(try JSONDecoder().decode(Report.self, from: Data(bytes)) == report)
    }

    @Test func `times, hosts and fits are those of the record`() {
        var record = ReportSample.record()
        record.restore(
            EventLine(
                time: 1, event: "workerJoined", message: "",
                subject: .init(job: "j", worker: "far", host: "moon"),
                about: .init(processor: "p", version: "0", threads: 4, isLocal: false)))
        record.restore(
            EventLine(
                time: 2, event: "received", message: "",
                subject: .init(job: "j", tile: 1, attempt: 1, worker: "far", host: "moon"),
                fit: .init(iterations: 50, seconds: 5, curve: CurveColumns())))
        let report = Report(
            record, summary: nil, libraries: [], warnings: [], exitCode: 0, writtenAt: 0,
            isOfEarlierRun: true)
        #expect(report.times.fitSeconds == 8)
        #expect(report.times.remoteThreadSeconds == 20)
        #expect(report.hosts.map(\.host) == ["moon", "node17"])
        // Of tile 1 the latest result counts.
        #expect(report.hosts.map(\.fits) == [1, 1])
        #expect(report.hosts.map(\.failures) == [0, 1])
        #expect(report.fits[0].region.x == 3 && report.fits[0].region.y == 4)
        #expect(report.fits[3].state == .setAside)
        // Neither summary nor processor seconds are known.
        #expect(report.gaps.count == 2)
    }

    // MARK: report.html

    @Test func `what comes from elsewhere stays text`() {
        let evil = "<script>alert('\"&')</script>.png"
        var description = ReportSample.description(input: evil)
        description.command = ["dip-coord", evil]
        description.configuration = #"{"a":"<img src=x>"}"#
        var report = ReportSample.complete(description)
        report.warnings = [evil]
        report.workers[0].name = evil
        report.fits[0].worker = evil
        report.fits[0].reason = evil
        report.fits[0].failureCount = 1
        report.summary?.unrestored[0].reasons = [evil + "\u{1B}[2J"]
        report.pilots?.stop.words = evil
        let page = ReportPage(report, ReportSample.images).html
        #expect(!page.contains("<script>alert"))
        #expect(!page.contains("<img src=x"))
        #expect(!page.contains("\u{1B}"))
        // Warning, unrestored, curves, tile twice, worker, input.
        let escaped = "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)"
        #expect(page.components(separatedBy: escaped).count - 1 >= 7)
        // The page's own script is the only one.
        #expect(page.components(separatedBy: "<script").count == 2)
    }

    @Test func `pictures of any shape scroll within the page`() {
        var report = ReportSample.complete()
        report.pictures = Report.Pictures(
            reduction: 4, width: 5000, height: 75, disagreementMaximum: 0.1)
        let page = ReportPage(report, ReportSample.images).html
        let compared = "<div class=\"scroll\"><div class=\"compare\" style=\"--shape:5000/75\">"
        #expect(page.contains(compared))
        #expect(page.contains("style=\"--shape:5000/75\" width=\"5000\""))
    }

    @Test func `a report of one of several pages says which`() {
        var report = ReportSample.complete()
        report.job.page = nil
        #expect(!ReportPage(report, ReportSample.images).html.contains(", page "))
        report.job.page = JobDescription.Page(number: 2, count: 3)
        let name = report.job.input.split(separator: "/").last ?? ""
        let page = ReportPage(report, ReportSample.images).html
        #expect(page.contains("<h1>\(name), page 2 of 3</h1>"))
    }

    @Test func `a page needs nothing but itself`() {
        let page = ReportPage(ReportSample.complete(), ReportSample.images).html
        for address in page.matches(of: /(?:src|href)="([^"]*)"/) {
            #expect(address.1.hasPrefix("data:"), "\(address.1.prefix(80))")
        }
        for word in ["http://", "https://", "url(", "@import", "<link", "<iframe", "fetch("] {
            #expect(!page.contains(word), "\(word)")
        }
        #expect(page.prefix(512).contains(ReportPage.marker))
        for part in [
            "pictures", "unrestored", "curves", "tiles", "seams", "workers", "times",
            "configuration", "provenance", "events",
        ] {
            #expect(page.contains("<section id=\"\(part)\">"), "\(part)")
        }
    }

    @Test func `a page without pictures, summary and curves is a page`() {
        let record = JobRecord(ReportSample.description())
        let report = Report(
            record, summary: nil, libraries: [], warnings: [], exitCode: 0, writtenAt: .nan,
            isOfEarlierRun: true)
        let page = ReportPage(report, ReportImages()).html
        #expect(!page.contains("<section id=\"pictures\">"))
        #expect(!page.contains("<section id=\"curves\">"))
        #expect(page.contains("<section id=\"tiles\">") && page.hasSuffix("</html>\n"))
    }

    @Test func `of very many fits the worst are shown, by the rule that is told`() {
        var report = Report(
            JobRecord(ReportSample.description(tiles: 2001)), summary: nil, libraries: [],
            warnings: [], exitCode: 0, writtenAt: 0, isOfEarlierRun: false)
        for index in report.fits.indices {
            report.fits[index].state = .stored
            report.fits[index].psnrToInput = 20 + Double(index % 7)
        }
        report.fits[2000].isUnrestored = true
        report.fits[1999].failureCount = 1
        report.fits[1998].seamRMS = 0.1
        let shown = ReportPage(report, ReportImages()).shownFits
        #expect(shown.count == ReportPage.worstCount)
        #expect(shown.suffix(3).map(\.number) == [1998, 1999, 2000])
        // The others have the lowest PSNR; 286 of the fits have the lowest, 286 the next.
        #expect(shown.dropLast(3).count { $0.psnrToInput == 20 } == 286)
        #expect(shown.dropLast(3).allSatisfy { ($0.psnrToInput ?? 0) <= 21 })
        report.fits.removeLast()
        #expect(ReportPage(report, ReportImages()).shownFits.count == 2000)
    }

    @Test func `axes have round numbers that enclose what is drawn`() {
        for (low, high) in [(0.0, 3000.0), (12.3, 12.4), (-5, 5), (0, 1e-4), (7, 7)] {
            let ticks = Chart.ticks(low, high, count: 5)
            #expect((ticks.first?.value ?? .infinity) <= low, "\(low) \(high)")
            #expect((ticks.last?.value ?? -.infinity) >= high, "\(low) \(high)")
            #expect((2...8).contains(ticks.count), "\(ticks)")
            #expect(Set(ticks.map(\.label)).count == ticks.count, "\(ticks)")
        }
    }

    @Test func `a logarithmic axis has several numbers, however near its ends are`() {
        for (low, high) in [
            (0.002, 0.9), (0.01, 0.02), (0.0101, 0.0103), (0.012, 0.03), (1e-9, 10),
        ] {
            let ticks = Chart.decades(log10(low), log10(high))
            #expect((3...12).contains(ticks.count), "\(low) \(high): \(ticks)")
            #expect(Set(ticks.map(\.label)).count == ticks.count, "\(low) \(high): \(ticks)")
        }
        // A flat curve, and the largest numbers that there are.
        #expect(Chart.decades(log10(0.5), log10(0.5)).count == 2)
        #expect(!Chart.decades(308, log10(.greatestFiniteMagnitude)).isEmpty)
    }

    @Test(arguments: [1, 60, 120, 149, 3000, 123_456])
    func `no label of an axis is beyond the drawing`(last: Int) {
        let chart = Chart(
            title: "t", lines: [.init(name: "n", fit: nil, points: [(0, 1), (last, 2)])])
        let labels = chart.html.markup.matches(of: /<text x="([\d.]+)" y="251"[^>]*>([\d.]+)</)
        #expect(labels.count >= 2)
        for label in labels {
            // A digit of 12 pixels' type is less than 7 wide.
            let half = Double(label.2.count) * 3.5
            #expect((Double(label.1) ?? .infinity) + half <= 480, "\(label.2)")
        }
    }

    @Test func `the greatest disagreement is told once, and option names stay whole`() {
        var report = ReportSample.complete()
        report.job.command = ["dip-coord", "a.png", "--tile=64", "--retry-failed"]
        let page = ReportPage(report, ReportSample.images).html
        #expect(page.contains("0 to 51.0 of 255"))
        #expect(page.components(separatedBy: "51.0").count == 2)
        #expect(page.contains("<span class=\"whole\">--tile</span>=64 "))
        #expect(!page.contains(/[^>]--retry-failed/))
    }

    @Test func `values that cannot be drawn are left out of a chart`() {
        var chart = Chart(
            title: "t", lines: [.init(name: "n", fit: 1, points: [(1, .nan), (2, 0), (3, -1)])],
            isLogarithmic: true)
        #expect(chart.html.markup.isEmpty)
        chart.lines[0].points.append((4, 0.5))
        #expect(chart.html.markup.contains("<polyline data-fit=\"1\""))
        #expect(!chart.html.markup.contains("nan"))
    }
}
